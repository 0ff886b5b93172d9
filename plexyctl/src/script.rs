//! Commands one after the other: from a file, from standard input, or from `-c`.
//!
//! A file, and what stands behind `-c`, is read whole first: with one line in it that is no command,
//! nothing is done. Standard input may have no end, so its commands are done as they come. Nothing asks,
//! and the first command that fails is the last one, but for `--keep-going`.

mod text;

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

use crate::answer::Answer;
use crate::args::{Options, Own, help_of};
use crate::client::interrupted;
use crate::commands::{Command, Line, Wanted, Words};
use crate::exit::{ClientCode, Exit};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;
use crate::own::{self, Present};
use crate::tier;
use text::{Reader, Said};

/// Longest script that is read whole: specifications of some hundred thousand tunnels.
const SCRIPT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Longest line of standard input: what is longer is no command, and is not held.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Where a script is.
#[derive(Debug)]
pub(crate) enum Source {
    /// On the command line.
    Argument(String),
    /// In a file.
    File(PathBuf),
    /// In what somebody sends.
    Input,
}

/// A script that is being done.
struct Script<'a> {
    options: &'a Options,
    output: &'a Output,
    link: Link,
    /// Whether it is what is sent to standard input.
    is_input: bool,
    /// That of the first command that has failed.
    exit: Exit,
}

/// Whether the next command is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Goes,
    Stops,
}

/// Does what a script says: how the program ends.
pub(crate) async fn run(
    source: Source,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    let (link, is_input) = (Link::new(options)?, matches!(source, Source::Input));
    let mut script = Script { options, output, link, is_input, exit: Exit::Done };
    match source {
        Source::Argument(text) => script.all(&Reader::all_of_argument("-c", &text)).await,
        Source::File(path) => {
            let text = read(&path)?;
            script.all(&Reader::all(&path.display().to_string(), &text)).await;
        }
        Source::Input => script.as_they_come().await,
    }
    Ok(script.exit)
}

impl Script<'_> {
    /// All commands of one that is whole.
    async fn all(&mut self, all: &[Said]) {
        let mistakes: Vec<_> = all.iter().filter_map(|said| self.mistake(said)).collect();
        if !mistakes.is_empty() && !self.options.keep_going {
            return mistakes.iter().for_each(|mistake| self.fail(mistake));
        }
        for said in all {
            if self.one(said).await == Next::Stops {
                return;
            }
        }
    }

    /// Why a command will not be done, as far as that is known before.
    fn mistake(&self, said: &Said) -> Option<Failure> {
        match said.read(self.options) {
            Err(failure) => Some(failure),
            Ok(Line { words: Words::Command(command), options }) => {
                self.check(&command, &options).err().map(|failure| said.place(failure))
            }
            Ok(Line { words: Words::Own(own), .. }) => {
                self.check_own(&own).err().map(|failure| said.place(failure))
            }
            Ok(_) => None,
        }
    }

    fn check(&self, command: &Command<'_>, options: &Options) -> Result<(), Failure> {
        Output::new(options).check(command.request())?;
        tier::writable(command.request(), self.link.read_only_for(options))?;
        tier::permitted(command.request(), self.link.protected_for(options))
    }

    /// Why something that only the client does is none of a script.
    fn check_own(&self, own: &Own) -> Result<(), Failure> {
        match own {
            Own::Top(top) if !top.is_lines() => {
                Err(for_nobody("top").with_hint("`top --once` and `top --batch` write lines"))
            }
            Own::Watch(_) => Err(for_nobody("watch")),
            Own::Apply { declaration, .. } | Own::Diff { declaration }
                if self.is_input && declaration.file.as_os_str() == "-" =>
            {
                let message = "standard input is this script, and no declaration";
                Err(Failure::usage(message).with_hint("`-f FILE` reads either from a file"))
            }
            _ => Ok(()),
        }
    }

    /// Each command when it is there.
    async fn as_they_come(&mut self) {
        let mut reader = Reader::new("stdin");
        let mut lines = lines_of_input();
        loop {
            let line = tokio::select! {
                line = lines.recv() => line,
                () = interrupted() => {
                    return self.fail(&Failure::new(ClientCode::Interrupted, "interrupted"));
                }
            };
            let is_over = line.is_none();
            let said = match line {
                None => reader.end(),
                Some(Ok(line)) => reader.line(&line),
                Some(Err(error)) => {
                    let message = format!("cannot read standard input: {error}");
                    return self.fail(&Failure::usage(message));
                }
            };
            let next = match said {
                Some(said) => self.one(&said).await,
                None => Next::Goes,
            };
            if is_over || next == Next::Stops {
                return;
            }
        }
    }

    async fn one(&mut self, said: &Said) -> Next {
        let done = match said.read(self.options) {
            Ok(line) => self.line(line).await,
            Err(failure) => Err(failure),
        };
        done.unwrap_or_else(|failure| {
            let failure = said.place(failure);
            self.fail(&failure);
            let goes_on = self.options.keep_going && failure.exit() != Exit::Interrupted;
            if goes_on { Next::Goes } else { Next::Stops }
        })
    }

    async fn line(&mut self, line: Line<'_>) -> Result<Next, Failure> {
        match line.words {
            Words::Nothing => Ok(Next::Goes),
            Words::End => Ok(Next::Stops),
            Words::Help(topic) => self.output.text(&help_of(topic)).map(next),
            Words::Command(command) => self.command(command, &line.options).await,
            Words::Text(text) => self.output.text(&text).map(next),
            Words::Own(own) => {
                self.check_own(&own)?;
                let (output, link) = (Output::new(&line.options), Ok(&mut self.link));
                let exit = own::run(&own, link, &line.options, &output, Present::Nobody).await?;
                self.ends_with(exit);
                let keeps_going = self.options.keep_going && exit != Exit::Interrupted;
                // What has no end of its own was ended by somebody: nothing was to come behind it.
                let has_end = !matches!(&own, Own::Top(top) if top.is_endless());
                let goes_on = has_end && (exit == Exit::Done || keeps_going);
                Ok(if goes_on { Next::Goes } else { Next::Stops })
            }
        }
    }

    async fn command(&mut self, command: Command<'_>, options: &Options) -> Result<Next, Failure> {
        let (output, mut wanted) = (Output::new(options), Wanted::More);
        self.check(&command, options)?;
        let mut tell = |answer: &Answer| {
            wanted = output.answer(answer)?;
            output.warn_of_skew(answer);
            Ok(wanted)
        };
        command.run(&mut self.link, options, &mut tell).await?;
        Ok(next(wanted))
    }

    fn fail(&mut self, failure: &Failure) {
        self.output.failure(failure);
        self.ends_with(failure.exit());
    }

    fn ends_with(&mut self, exit: Exit) {
        if self.exit == Exit::Done {
            self.exit = exit;
        }
    }
}

/// Why what shows something again and again is no command of a script.
fn for_nobody(name: &str) -> Failure {
    let message = "a script does not wait for somebody who looks";
    Failure::usage(format!("{message}: `{name}` is not for one"))
}

/// A reader that went away has had enough.
fn next(wanted: Wanted) -> Next {
    match wanted {
        Wanted::More => Next::Goes,
        Wanted::NoMore => Next::Stops,
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let cannot = |why: String| {
        Failure::usage(format!("cannot read the commands of `{}`: {why}", path.display()))
    };
    let mut text = String::new();
    let file = File::open(path).map_err(|error| cannot(error.to_string()))?;
    let read = file.take(SCRIPT_BYTES_MAX + 1).read_to_string(&mut text);
    match read.map_err(|error| cannot(error.to_string()))? {
        bytes if bytes as u64 > SCRIPT_BYTES_MAX => {
            Err(cannot(format!("it is longer than {} MiB", SCRIPT_BYTES_MAX >> 20)))
        }
        _ => Ok(text),
    }
}

/// The lines of standard input, in a thread of their own: nothing else waits for them, the connection
/// with the daemon least of all.
fn lines_of_input() -> Receiver<io::Result<String>> {
    let (sender, lines) = channel(1);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next_line(&mut input).transpose() {
            let is_last = line.is_err();
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    lines
}

fn next_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    match input.take(LINE_BYTES_MAX).read_line(&mut line)? as u64 {
        0 => Ok(None),
        LINE_BYTES_MAX if !line.ends_with('\n') => {
            Err(io::Error::other(format!("a line is longer than {} MiB", LINE_BYTES_MAX >> 20)))
        }
        _ => {
            line.truncate(line.trim_end_matches('\n').len());
            Ok(Some(line))
        }
    }
}
