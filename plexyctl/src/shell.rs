//! The shell: lines that somebody types, one after the other, with all that helps in typing them.
//!
//! The terminal is read in the thread of the program, which does nothing else meanwhile. What is asked
//! of the daemon by itself, for completion and for notices, goes over a connection of its own and never
//! holds up a key.

mod completer;
mod confirmation;
mod editor;
mod ending;
mod highlighter;
mod hinter;
mod history;
mod live;
mod notices;
mod plain;
mod prompt;
mod session;
mod setting;
mod sink;
mod typed;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::args::{Keys, Options, ShellOptions};
use crate::exit::{ClientCode, Exit};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::{Screen, complain};
use editor::{Editor, Looks};
use ending::Ending;
use live::Live;
use plain::Plain;
use prompt::Prompt;
use session::{Next, Session};

/// Two Ctrl-C within that time are somebody who does not know how to leave.
const IMPATIENT: Duration = Duration::from_secs(2);

/// What came of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Read {
    /// A line, or several that were pasted.
    Line(String),
    /// Ctrl-C: what was typed is not meant any more.
    Interrupted,
    /// Ctrl-D, or the end of what can be read.
    End,
    /// Somebody wants the program to end.
    Ended,
}

/// What lines are read with.
enum Input {
    /// One that moves a cursor about.
    Editor(Box<Editor>),
    /// One for terminals that cannot.
    Plain(Plain),
}

/// Until somebody leaves: how the program ends.
pub(crate) fn run(shell: &ShellOptions, options: &Options) -> Result<Exit, Failure> {
    run_with(shell, options, Link::new(options)?)
}

/// The same with this way to the daemon, wherever the configuration leads by now.
pub(crate) fn run_with(
    shell: &ShellOptions,
    options: &Options,
    link: Link,
) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    let exit = Shell::new(shell, options, link, &runtime).run();
    // The daemon may still be asked for something.
    runtime.shutdown_background();
    Ok(exit)
}

fn runtime() -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().map_err(|error| {
        Failure::new(ClientCode::Unreachable, format!("cannot wait for an answer: {error}"))
    })
}

/// The shell, as it is while it runs.
struct Shell<'a> {
    options: &'a Options,
    session: Session<'a>,
    input: Input,
    live: Arc<Live>,
    ending: Arc<Ending>,
    looks: Looks,
    is_ascii: bool,
}

impl<'a> Shell<'a> {
    fn new(shell: &ShellOptions, options: &'a Options, link: Link, runtime: &'a Runtime) -> Self {
        let ending = Ending::listen(runtime);
        let live = Live::start(runtime, link.again());
        let session = Session::new(options, link, shell.keys, &live, runtime, &ending);
        let screen = Screen::of(&io::stdout(), options.color);
        let looks = Looks { keys: shell.keys, has_colour: screen.has_colour };
        session.greet();
        let input = if shell.no_editor || !(screen.can_redraw && io::stdin().is_terminal()) {
            Input::Plain(Plain::new(&live, runtime.handle(), &ending))
        } else {
            Input::Editor(Box::new(editor(&live, options, looks, &ending, true)))
        };
        Self { options, session, input, live, ending, looks, is_ascii: screen.is_ascii }
    }

    fn run(&mut self) -> Exit {
        let mut interrupted: Option<Instant> = None;
        loop {
            match self.input.read(&self.session.prompt(self.is_ascii)) {
                Read::Line(text) => {
                    let input = &mut self.input;
                    let mut asks = |question: &str| input.ask(question);
                    if self.session.lines(&text, &mut asks) == Next::Ends {
                        return Exit::Done;
                    }
                    self.change_keys(self.session.keys);
                }
                Read::Interrupted => {
                    if interrupted.is_some_and(|last| last.elapsed() < IMPATIENT) {
                        complain("Ctrl-D leaves\n");
                    }
                    interrupted = Some(Instant::now());
                }
                Read::End => return Exit::Done,
                Read::Ended => return Exit::Interrupted,
            }
        }
    }

    fn change_keys(&mut self, keys: Keys) {
        if let Input::Editor(_) = self.input
            && keys != self.looks.keys
        {
            self.looks.keys = keys;
            let editor = editor(&self.live, self.options, self.looks, &self.ending, false);
            self.input = Input::Editor(Box::new(editor));
        }
    }
}

/// One that says, where it is the first, if it cannot keep its lines.
fn editor(
    live: &Arc<Live>,
    options: &Options,
    looks: Looks,
    ending: &Ending,
    is_first: bool,
) -> Editor {
    let (editor, complaint) = Editor::new(live, options, looks, &ending.is_over);
    if let Some(why) = complaint.filter(|_| is_first) {
        complain(&format!("warning: what you type is not kept: {why}\n"));
    }
    editor
}

impl Input {
    fn read(&mut self, prompt: &Prompt) -> Read {
        match self {
            Self::Editor(editor) => editor.read(prompt),
            Self::Plain(plain) => plain.read(prompt),
        }
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        match self {
            Self::Editor(editor) => editor.ask(question),
            Self::Plain(plain) => plain.ask(question),
        }
    }
}
