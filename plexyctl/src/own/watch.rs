//! `watch`: a command again and again, with what has changed since the last time made bold.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crossterm::event::{self, Event};
use crossterm::style::{Attribute, SetAttribute};
use crossterm::{cursor, execute, queue, terminal};
use plexy_shared::command::Request;
use plexy_shared::units::show_duration;
use tokio::time::{Instant, sleep_until};

use crate::answer::Answer;
use crate::args::{Options, WatchOptions, line_of};
use crate::client::interrupted;
use crate::commands::{Command, Wanted};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;
use crate::tier::is_change;

/// How often it is looked whether a key was pressed.
const KEY: Duration = Duration::from_millis(50);

/// Does it, until a key is pressed; where there is no terminal, until Ctrl-C, each answer behind the
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
    let mut screen = Screen::of_terminal();
    loop {
        let next = Instant::now() + watched.every;
        let text = tokio::select! {
            text = look(&line, link, options) => text?,
            () = key(), if screen.is_some() => return Ok(Exit::Done),
        };
        match &mut screen {
            Some(screen) => screen.show(&line, watched.every, &text),
            None if output.text(&text)? == Wanted::NoMore => return Ok(Exit::Done),
            None => {}
        }
        let is_over = match &screen {
            Some(_) => key_before(next).await,
            None => tokio::select! {
                () = interrupted() => true,
                () = sleep_until(next) => false,
            },
        };
        if is_over {
            return Ok(Exit::Done);
        }
    }
}

/// What the command says now. A daemon that does not answer may do so again: what is wrong is shown, and
/// it goes on.
async fn look(line: &str, link: &mut Link, options: &Options) -> Result<String, Failure> {
    // The terminal may have another size than the last time.
    let output = Output::new(options);
    let mut text = String::new();
    let mut tell = |answer: &Answer| {
        text.push_str(&output.written(answer).data);
        Ok(Wanted::More)
    };
    match Command::read(line)?.run(link, options, &mut tell).await {
        Ok(()) => Ok(text),
        Err(failure) if failure.exit() == Exit::Unreachable => Ok(output.written_failure(&failure)),
        Err(failure) => Err(failure),
    }
}

/// Whether a key comes before then.
async fn key_before(deadline: Instant) -> bool {
    tokio::time::timeout_at(deadline, key()).await.is_ok()
}

/// Until a key is pressed, or nobody can press one any more.
async fn key() {
    loop {
        let next = event::poll(Duration::ZERO)
            .and_then(|is_there| if is_there { event::read().map(Some) } else { Ok(None) });
        match next {
            Ok(Some(Event::Key(_))) | Err(_) => return,
            Ok(Some(_)) => {}
            Ok(None) => tokio::time::sleep(KEY).await,
        }
    }
}

/// The terminal, while it shows nothing else. What was there comes back however this ends.
struct Screen {
    last: Vec<String>,
}

impl Screen {
    fn of_terminal() -> Option<Self> {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let can_move = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        (is_terminal && can_move && Self::enter().is_ok()).then(|| Self { last: Vec::new() })
    }

    fn enter() -> io::Result<()> {
        terminal::enable_raw_mode()?;
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)
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
