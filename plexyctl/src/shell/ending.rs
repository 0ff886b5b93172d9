//! That the program is to end, as somebody has said by a signal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::cursor::Show;
use crossterm::event::DisableBracketedPaste;
use crossterm::execute;
use crossterm::terminal::LeaveAlternateScreen;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::exit::Exit;

/// How long everybody has for what they are at.
const GRACE: Duration = Duration::from_secs(1);

/// Whether it is, for all who wait for something else.
#[derive(Debug)]
pub(super) struct Ending {
    /// For the editor, which looks now and then.
    pub(super) is_over: Arc<AtomicBool>,
    told: watch::Sender<bool>,
}

/// Gives the terminal back, whatever it was used for.
fn restore() {
    crossterm::terminal::disable_raw_mode().unwrap_or_default();
    let mut out = std::io::stdout();
    execute!(out, LeaveAlternateScreen, DisableBracketedPaste, Show).unwrap_or_default();
}

impl Ending {
    /// Listens for SIGTERM and SIGHUP. SIGINT is for commands: it ends no shell.
    pub(super) fn listen(runtime: &Runtime) -> Arc<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let ending = Arc::new(Self { is_over, told: watch::channel(false).0 });
        let told = Arc::clone(&ending);
        runtime.spawn(async move {
            let listened = (
                signal(SignalKind::terminate()),
                signal(SignalKind::hangup()),
                signal(SignalKind::interrupt()),
            );
            // Where they cannot be listened for, they end the process by themselves.
            let (Ok(mut terminate), Ok(mut hangup), _) = listened else { return };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            told.is_over.store(true, Ordering::Relaxed);
            told.told.send_replace(true);
            // crossterm reads from a terminal that has gone again and again, and hears of nothing else.
            sleep(GRACE).await;
            restore();
            std::process::exit(Exit::Interrupted as i32);
        });
        ending
    }

    /// Until it is to end.
    pub(super) async fn wait(&self) {
        let mut told = self.told.subscribe();
        // The sender is here.
        told.wait_for(|is_over| *is_over).await.map(drop).unwrap_or_default();
    }
}
