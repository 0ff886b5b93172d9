//! The terminal, while all of it is ours. However that ends, it is as it was before.

mod keys;
mod lease;
mod output;
mod tty;

use std::env;
use std::io;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::DisableMouseCapture;
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use rustix::process::{Signal, getpgrp, kill_process_group};

use super::message::Drawn;
use super::state::State;
use super::view;
pub(super) use keys::Keys;
use output::{Output, Sheet};
use tty::Tty;

/// The variable that has each frame written without the marks of its begin and end, for terminals that
/// show them.
const NO_SYNC: &str = "PLEXY_NO_SYNC";

/// It.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Sheet>>,
    output: Output,
    has_mouse: bool,
    is_synchronized: bool,
    /// Whether it may show something that nobody has drawn.
    is_unknown: bool,
}

impl Terminal {
    /// Takes it.
    pub(super) fn enter(has_mouse: bool) -> io::Result<Self> {
        let output = Output::to(Tty::of(&io::stdout())?)?;
        let inner = ratatui::Terminal::new(CrosstermBackend::new(output.sheet()))?;
        let is_synchronized = env::var_os(NO_SYNC).is_none_or(|value| value.is_empty());
        lease::take(output.tty(), has_mouse)?;
        Ok(Self { inner, output, has_mouse, is_synchronized, is_unknown: true })
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        self.inner.size().map(|size| (size.width, size.height))
    }

    /// Whether it is for us now, and not for a shell that has us in the background.
    pub(super) fn is_for_us(&self) -> bool {
        self.output.tty().is_for_us()
    }

    /// Whether it is ours, and shows what was drawn last: another frame would not only wait.
    pub(super) fn is_ready(&self) -> bool {
        self.output.is_idle() && lease::is_ours()
    }

    /// Whether something was drawn that it does not show yet.
    pub(super) fn has_more(&self) -> bool {
        !self.output.is_idle() && lease::is_ours()
    }

    /// Until it shows what was drawn. Whoever stops waiting loses nothing.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.output.flush().await
    }

    /// Draws what is to be seen, to be shown by [`Self::flush`].
    pub(super) fn draw(&mut self, state: &State) -> io::Result<Drawn> {
        let mut drawn = Drawn::default();
        let mut sheet = self.output.sheet();
        if self.is_synchronized {
            queue!(sheet, BeginSynchronizedUpdate)?;
        }
        if std::mem::take(&mut self.is_unknown) {
            // `clear` would ask the terminal where its cursor is, and wait for the answer.
            let (columns, rows) = self.size()?;
            self.inner.resize(Rect::new(0, 0, columns, rows))?;
        }
        self.inner.draw(|frame| drawn = view::draw(state, frame))?;
        if self.is_synchronized {
            queue!(sheet, EndSynchronizedUpdate)?;
        }
        Ok(drawn)
    }

    /// Whatever it shows: all of it is drawn anew.
    pub(super) fn clear(&mut self) {
        self.is_unknown = true;
    }

    /// The mouse is ours, or its own.
    pub(super) fn set_mouse(&mut self, is_ours: bool) -> io::Result<()> {
        self.has_mouse = is_ours;
        match is_ours {
            true => queue!(self.output.sheet(), lease::TakeMouse),
            false => queue!(self.output.sheet(), DisableMouseCapture),
        }
    }

    /// Has the terminal put a text into the clipboard (OSC 52); in tmux, the terminal around it.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.output.sheet(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Gives it to somebody else, until it is taken back.
    pub(super) fn lend(&mut self) {
        if lease::is_ours() && self.output.tty().takes_writes() {
            self.output.end();
        }
        lease::give_back();
    }

    /// Takes it back, or takes it anew where somebody else had it in the meantime.
    pub(super) fn take_back(&mut self) -> io::Result<()> {
        self.output.forget();
        self.clear();
        lease::take(self.output.tty(), self.has_mouse)
    }

    /// Gives it back, and stops the program and all that was started with it, as Ctrl-Z does elsewhere.
    /// Where nobody could bring them back, nothing stops.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        self.lend();
        Ok(kill_process_group(getpgrp(), Signal::TSTP)?)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.lend();
    }
}
