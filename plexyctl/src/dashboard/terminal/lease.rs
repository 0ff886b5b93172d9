//! A terminal is ours for a while, and is given back as it was: by whoever is done with it, or by whoever
//! panics, on any thread; also where it takes nothing, and not where it has gone.

use std::fmt;
use std::io;
use std::panic;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{Command, cursor, queue};

use super::tty::Tty;

/// How long a terminal that takes nothing may hold up somebody who leaves.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// The one that is ours now.
static OURS: Mutex<Option<Tty>> = Mutex::new(None);

fn ours() -> MutexGuard<'static, Option<Tty>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether one is ours.
pub(super) fn is_ours() -> bool {
    ours().is_some()
}

/// Takes it, whatever modes somebody else has left it in.
pub(super) fn take(tty: &Tty, has_mouse: bool) -> io::Result<()> {
    restore_on_panic();
    if ours().is_some() {
        disable_raw_mode()?;
    }
    enable_raw_mode()?;
    *ours() = Some(tty.clone());
    let mut begin = Vec::new();
    queue!(begin, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if has_mouse {
        queue!(begin, TakeMouse)?;
    }
    tty.write_all(&begin, PATIENCE).inspect_err(|_| give_back())
}

/// Gives it back, if it is ours.
pub(super) fn give_back() {
    let Some(tty) = ours().take() else { return };
    if tty.is_gone() || !tty.takes_writes() {
        return;
    }
    // In the background these are the modes and the bytes of somebody else, and who changes them is
    // stopped.
    let is_for_us = tty.is_for_us();
    let end = end();
    if tty.write_all(&end, PATIENCE).is_err() && is_for_us {
        // What it has not taken till now was meant for a screen that is no more.
        tty.discard();
        tty.write_all(&end, PATIENCE).unwrap_or_default();
    }
    if is_for_us {
        disable_raw_mode().unwrap_or_default();
    }
}

/// What a terminal is told at the end. A frame may have been begun.
fn end() -> Vec<u8> {
    let mut end = Vec::new();
    let told = queue!(
        end,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    told.unwrap_or_default();
    end
}

/// Clicks and the wheel are ours, and told with numbers that have no end. Mere movements are not asked
/// for: each would be a reason to look whether something has changed.
pub(super) struct TakeMouse;

impl Command for TakeMouse {
    fn write_ansi(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str("\x1b[?1000h\x1b[?1006h")
    }
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
