//! `watch`: a command again and again, with what has changed since the last time made bold.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crossterm::event::{self, Event};
use crossterm::style::{Attribute, SetAttribute};
use crossterm::{cursor, execute, queue, terminal};
use plexy_shared::command::Request;
use plexy_shared::units::show_duration;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::answer::Answer;
use crate::args::{Options, WatchOptions, line_of};
use crate::commands::{Command, Wanted};
use crate::exit::{ClientCode, Exit};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;
use crate::tier::is_change;

/// How often it is looked whether a key was pressed.
const KEY: Duration = Duration::from_millis(50);

/// Does it, until a key is pressed, also where the daemon does not answer for a while; where there is no terminal, until Ctrl-C, each answer behind the
/// last one.
pub(super) async fn run(
    watched: &WatchOptions,
    link: &mut Link,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    let words: Vec<&str> = watched.words.iter().map(String::as_str).collect();
    let line = line_of(&words).map_err(Failure::usage)?;
    let command = Command::read(&line)?;
    if is_change(command.request()) {
        let message = "`watch` looks again and again, and does not change anything again and again";
        return Err(Failure::usage(message));
    }
    if matches!(command.request(), Request::Events { follow: true, .. }) {
        return Err(Failure::usage("`events follow` goes on by itself: `watch` has no use for it"));
    }
    output.check(command.request())?;
    let mut watcher = Watcher::new()?;
    loop {
        let next = Instant::now() + watched.every;
        let text = tokio::select! {
            biased;
            exit = watcher.has_enough() => return Ok(exit),
            text = look(&line, link, options) => text,
        };
        let text = match text {
            // The look has heard it first.
            Err(failure) if failure.exit() == Exit::Interrupted => {
                return Ok(watcher.has_enough().await);
            }
            Err(failure) if !failure.is_passing() => return Err(failure),
            text => text,
        };
        if text.is_err() {
            link.lose();
        }
        match (&mut watcher.screen, text) {
            (Some(screen), text) => {
                let told = |failure| Output::new(options).written_failure(&failure);
                screen.show(&line, watched.every, &text.unwrap_or_else(told));
            }
            (None, Ok(text)) if output.text(&text)? == Wanted::NoMore => return Ok(Exit::Done),
            (None, Ok(_)) => {}
            (None, Err(failure)) => output.failure(&failure),
        }
        tokio::select! {
            biased;
            exit = watcher.has_enough() => return Ok(exit),
            () = sleep_until(next) => {}
        }
    }
}

/// Who watches, on the whole screen where there is one, and what ends that.
struct Watcher {
    interrupt: Signal,
    screen: Option<Screen>,
}

impl Watcher {
    fn new() -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            let message = format!("cannot watch on this terminal: {error}");
            Failure::new(ClientCode::OutputFailed, message)
        };
        // It is heard from here on, also while nobody waits for it.
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let screen = Screen::is_there().then(Screen::enter).transpose().map_err(failed)?;
        Ok(Self { interrupt, screen })
    }

    /// Until it is enough: how the program ends then. Without a screen Ctrl-C is the end of what has no
    /// other one; with one it is a key.
    async fn has_enough(&mut self) -> Exit {
        let Some(Screen { ending: [terminate, hangup], .. }) = &mut self.screen else {
            self.interrupt.recv().await;
            return Exit::Done;
        };
        tokio::select! {
            biased;
            _ = terminate.recv() => Exit::Interrupted,
            _ = hangup.recv() => Exit::Interrupted,
            _ = self.interrupt.recv() => Exit::Interrupted,
            () = key() => Exit::Done,
        }
    }
}

/// What the command says now.
async fn look(line: &str, link: &mut Link, options: &Options) -> Result<String, Failure> {
    // The terminal may have another size than the last time.
    let output = Output::new(options);
    let mut text = String::new();
    let mut tell = |answer: &Answer| {
        text.push_str(&output.written(answer).data);
        Ok(Wanted::More)
    };
    Command::read(line)?.run(link, options, &mut tell).await?;
    Ok(text)
}

/// Until a key is pressed, or nobody can press one any more.
async fn key() {
    while !is_gone() {
        let next = event::poll(Duration::ZERO)
            .and_then(|is_there| if is_there { event::read().map(Some) } else { Ok(None) });
        match next {
            Ok(Some(Event::Key(_))) | Err(_) => return,
            Ok(Some(_)) => {}
            Ok(None) => tokio::time::sleep(KEY).await,
        }
    }
}

/// Whether nobody is behind the terminal any more: what reads keys may not tell.
fn is_gone() -> bool {
    let input = io::stdin();
    let mut asked = [PollFd::new(&input, PollFlags::empty())];
    let polled = poll(&mut asked, Some(&Timespec::default()));
    let [asked] = asked;
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    polled.is_ok_and(|_| asked.revents().intersects(gone))
}

/// The terminal, while it shows nothing else. What was there comes back however this ends.
struct Screen {
    last: Vec<String>,
    /// Signals that would leave it behind.
    ending: [Signal; 2],
}

impl Screen {
    /// Whether there is one.
    fn is_there() -> bool {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let can_move = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        is_terminal && can_move
    }

    fn enter() -> io::Result<Self> {
        let ending = [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        terminal::enable_raw_mode()?;
        // Where the rest fails, that does not stay.
        let screen = Self { last: Vec::new(), ending };
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        Ok(screen)
    }

    /// Shows a text, as much of it as fits; what differs from the one before is bold.
    fn show(&mut self, line: &str, every: Duration, text: &str) {
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        let title = format!("every {}: {line}   (any key ends)", show_duration(every));
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut out = io::stdout().lock();
        let drawn = (|| {
            queue!(out, terminal::BeginSynchronizedUpdate, cursor::MoveTo(0, 0))?;
            let is_first = self.last.is_empty();
            let titles = [title.as_str(), ""].into_iter().map(|it| (it, None));
            let before = |at: usize| self.last.get(at).map(String::as_str).filter(|_| !is_first);
            let all =
                titles.chain(lines.iter().enumerate().map(|(at, it)| (it.as_str(), before(at))));
            for (row, (line, before)) in all.take(rows.into()).enumerate() {
                queue!(out, cursor::MoveTo(0, u16::try_from(row).unwrap_or(u16::MAX)))?;
                write_line(&mut out, line, before, columns.into())?;
                queue!(out, terminal::Clear(terminal::ClearType::UntilNewLine))?;
            }
            queue!(out, terminal::Clear(terminal::ClearType::FromCursorDown))?;
            queue!(out, terminal::EndSynchronizedUpdate)?;
            out.flush()
        })();
        drawn.unwrap_or_default();
        self.last = lines;
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        execute!(io::stdout(), terminal::LeaveAlternateScreen, cursor::Show).unwrap_or_default();
        terminal::disable_raw_mode().unwrap_or_default();
    }
}

/// Writes as much of a line as fits, and makes the words bold that are others than before in their
/// place.
fn write_line(
    out: &mut impl Write,
    line: &str,
    before: Option<&str>,
    columns: usize,
) -> io::Result<()> {
    let mut width = 0;
    for (at, word) in words(line) {
        let is_new = before.is_some_and(|before| before.get(at..at + word.len()) != Some(word));
        if is_new {
            queue!(out, SetAttribute(Attribute::Bold))?;
        }
        for character in word.chars() {
            width += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
            if width <= columns {
                write!(out, "{character}")?;
            }
        }
        if is_new {
            queue!(out, SetAttribute(Attribute::Reset))?;
        }
    }
    Ok(())
}

/// Words, and the blanks between them, each with its place.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    line.split_inclusive(' ').map(move |word| {
        let start = at;
        at += word.len();
        (start, word)
    })
}
