//! Where answers go: to the terminal, page by page where they are longer than it, or to another program.

use std::env;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use crate::args::Options;
use crate::exit::ClientCode;
use crate::failure::Failure;
use crate::output::{Screen, Written, complain};

/// What shows long texts where nobody says otherwise: it ends by itself where all fits, keeps colours and
/// leaves the text on the screen.
const PAGER: [&str; 2] = ["less", "-FRX"];

/// Where the answers of one command go.
#[derive(Debug)]
pub(super) enum Sink {
    /// To the terminal.
    Screen(Screen),
    /// To a command of `sh`.
    Reader(Box<Child>),
}

impl Sink {
    /// To that command of `sh`, or to the terminal.
    pub(super) fn new(reader: Option<&str>, options: &Options) -> Result<Self, Failure> {
        let Some(reader) = reader else {
            return Ok(Self::Screen(Screen::of(&io::stdout(), options.color)));
        };
        let mut command = Command::new("sh");
        let child = command.args(["-c", reader]).stdin(Stdio::piped()).spawn();
        child.map(|child| Self::Reader(Box::new(child))).map_err(|error| {
            Failure::new(ClientCode::OutputFailed, format!("cannot run `{reader}`: {error}"))
        })
    }

    /// What it is written to.
    pub(super) fn screen(&self) -> Screen {
        match self {
            Self::Screen(screen) => *screen,
            Self::Reader(_) => Screen::PIPE,
        }
    }

    /// Writes something: whether its reader wants more.
    pub(super) fn write(&mut self, written: &Written) -> bool {
        let is_wanted = match self {
            Self::Screen(screen) => show(&written.data, *screen),
            // A reader that has gone has had enough.
            Self::Reader(child) => {
                child.stdin.as_mut().is_some_and(|it| it.write_all(written.data.as_bytes()).is_ok())
            }
        };
        written.notes.iter().for_each(|note| complain(&format!("{note}\n")));
        is_wanted
    }

    /// Waits until a reader has read all.
    pub(super) fn end(self) {
        if let Self::Reader(mut child) = self {
            drop(child.stdin.take());
            child.wait().map(drop).unwrap_or_default();
        }
    }
}

/// Shows a text on the terminal: whether that worked.
fn show(text: &str, screen: Screen) -> bool {
    let rows = crossterm::terminal::size().map_or(usize::MAX, |(_, rows)| rows.into());
    let is_long = text.lines().count() + 1 > rows && screen.can_redraw;
    (is_long && page(text)) || print(text)
}

fn print(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
}

/// Shows it page by page; false where there is nothing that does.
fn page(text: &str) -> bool {
    let mut command = match env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty()) {
        Some(pager) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &pager]);
            shell
        }
        None => {
            let [program, option] = PAGER;
            let mut less = Command::new(program);
            less.arg(option);
            less
        }
    };
    let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else { return false };
    if let Some(mut input) = child.stdin.take() {
        // Whoever leaves the pager has seen enough.
        input.write_all(text.as_bytes()).unwrap_or_default();
    }
    child.wait().is_ok()
}
