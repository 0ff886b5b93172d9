//! One line on standard error that says how far it is; where that is no terminal, a line per step.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// The line.
#[derive(Debug)]
pub(crate) struct Progress {
    total: usize,
    done: usize,
    began: Instant,
    is_terminal: bool,
}

impl Progress {
    /// Of so many steps.
    pub(crate) fn new(total: usize) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { total, done: 0, began: Instant::now(), is_terminal }
    }

    /// Begins a step.
    pub(crate) fn step(&mut self, what: impl Display) {
        let left = self.left().map(|left| format!(", {} left", short(left))).unwrap_or_default();
        self.done += 1;
        let (done, total) = (self.done, self.total);
        self.show(&format!("[{done}/{total}{left}] {what}"));
    }

    /// Says something that stays.
    pub(crate) fn note(&self, text: impl Display) {
        let clear = if self.is_terminal { "\r\x1b[K" } else { "" };
        writeln!(io::stderr(), "{clear}{text}").ok();
    }

    fn show(&self, line: &str) {
        let mut stderr = io::stderr();
        let shown = match self.is_terminal {
            true => write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush()),
            false => writeln!(stderr, "{line}"),
        };
        // Nobody reads it: that is no reason to stop.
        shown.ok();
    }

    fn left(&self) -> Option<Duration> {
        let share = self.total.saturating_sub(self.done) as f64 / self.done as f64;
        (self.done > 0).then(|| self.began.elapsed().mul_f64(share))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal && self.done > 0 {
            write!(io::stderr(), "\r\x1b[K").ok();
        }
    }
}

fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 100 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}
