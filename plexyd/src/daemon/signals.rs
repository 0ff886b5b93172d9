//! The signals of an operator.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// All that are caught.
pub(super) struct Signals {
    term: Signal,
    int: Signal,
    quit: Signal,
    hup: Signal,
    usr1: Signal,
    usr2: Signal,
}

/// What a signal wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    End(Drain),
    Reload,
    /// The files of the log, which may be others now.
    Reopen,
}

/// How long connections may go on at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drain {
    /// Until the deadline.
    Bounded,
    /// Until the last one has ended.
    Unbounded,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hup: signal(SignalKind::hangup())?,
            usr1: signal(SignalKind::user_defined1())?,
            usr2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for TERM, INT or QUIT.
    pub(super) async fn told_to_end(&mut self) {
        loop {
            let name = match self.told().await {
                Told::Reload => "SIGHUP",
                Told::Reopen => "SIGUSR1",
                Told::End(_) => return,
            };
            warn!("{name} ignored: plexyd starts or ends");
        }
    }

    /// Waits for a signal that means something; the others are logged.
    pub(super) async fn told(&mut self) -> Told {
        loop {
            tokio::select! {
                _ = self.term.recv() => {
                    info!("SIGTERM: ending");
                    return Told::End(Drain::Bounded);
                }
                _ = self.int.recv() => {
                    info!("SIGINT: ending");
                    return Told::End(Drain::Bounded);
                }
                _ = self.quit.recv() => {
                    info!("SIGQUIT: ending with the last connection");
                    return Told::End(Drain::Unbounded);
                }
                _ = self.hup.recv() => return Told::Reload,
                _ = self.usr1.recv() => return Told::Reopen,
                _ = self.usr2.recv() => {
                    warn!("SIGUSR2 ignored: plexyd cannot upgrade the program yet");
                }
            }
        }
    }
}
