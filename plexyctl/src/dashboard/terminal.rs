//! The terminal, while all of it is ours. However that ends, it is as it was before.

use std::env;
use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;
use rustix::process::{Signal, getpgrp, kill_process_group};

use super::message::Drawn;
use super::state::State;
use super::view;

/// The variable that has each frame written without the marks of its begin and end, for terminals that
/// show them.
const NO_SYNC: &str = "PLEXY_NO_SYNC";

/// Whether a terminal is ours now, for whoever panics.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// It.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Stdout>>,
    has_mouse: bool,
    is_synchronized: bool,
}

impl Terminal {
    /// Takes it.
    pub(super) fn enter(has_mouse: bool) -> io::Result<Self> {
        restore_on_panic();
        let is_synchronized = env::var_os(NO_SYNC).is_none_or(|value| value.is_empty());
        take(has_mouse)?;
        let inner = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()));
        inner.map(|inner| Self { inner, has_mouse, is_synchronized }).inspect_err(|_| give_back())
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        self.inner.size().map(|size| (size.width, size.height))
    }

    /// Draws what is to be seen.
    pub(super) fn draw(&mut self, state: &State) -> io::Result<Drawn> {
        let mut drawn = Drawn::default();
        if self.is_synchronized {
            queue!(io::stdout(), BeginSynchronizedUpdate)?;
        }
        self.inner.draw(|frame| drawn = view::draw(state, frame))?;
        if self.is_synchronized {
            queue!(io::stdout(), EndSynchronizedUpdate)?;
        }
        io::stdout().flush()?;
        Ok(drawn)
    }

    /// Whatever it shows: it is drawn anew.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    /// The mouse is ours, or its own.
    pub(super) fn set_mouse(&mut self, is_ours: bool) -> io::Result<()> {
        self.has_mouse = is_ours;
        match is_ours {
            true => execute!(io::stdout(), EnableMouseCapture),
            false => execute!(io::stdout(), DisableMouseCapture),
        }
    }

    /// Has the terminal put a text into the clipboard (OSC 52); in tmux, the terminal around it.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Gives it to somebody else, until it is taken back.
    pub(super) fn lend(&mut self) {
        give_back();
    }

    /// Takes it back.
    pub(super) fn take_back(&mut self) -> io::Result<()> {
        take(self.has_mouse)?;
        self.inner.clear()
    }

    /// Stops the program and all that was started with it, as Ctrl-Z does elsewhere.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        kill_process_group(getpgrp(), Signal::TSTP)?;
        self.take_back()
    }

    /// It has gone: nothing is written to it any more.
    pub(super) fn forget(&mut self) {
        IS_OURS.store(false, Ordering::Relaxed);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn take(has_mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    IS_OURS.store(true, Ordering::Relaxed);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if has_mouse {
        execute!(io::stdout(), EnableMouseCapture)?;
    }
    Ok(())
}

/// As it was before, once.
pub(super) fn give_back() {
    if !IS_OURS.swap(false, Ordering::Relaxed) {
        return;
    }
    let mut out = io::stdout();
    // A frame may have been begun.
    execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    )
    .unwrap_or_default();
    disable_raw_mode().unwrap_or_default();
}

/// Whoever panics says so on a terminal that can be read.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
    });
}
