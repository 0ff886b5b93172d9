//! Brings parts to a collector, one after the other and as often as it takes; how that goes is told
//! once when it fails, and once when it works again.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};

use super::collector::{Collector, Fault};
use super::destination::Destination;
use super::patience::pause;
use super::signal::Signal;
use crate::fold::Fold;
use crate::metrics::Exported;
use crate::resolver::Resolver;

/// Failures in a row after which it is told: one alone passes now and then.
const FAILURES_TOLD: u32 = 2;

/// The cause where nothing has failed, and yet an export was not done in time.
const TOO_SLOW: &str = "it takes too long";

/// Who brings the parts of one signal.
#[derive(Debug)]
pub(super) struct Courier {
    signal: Signal,
    collector: Collector,
    standing: Standing,
    /// Nothing is sent before.
    not_before: Instant,
    /// Messages about what a collector did not want, folded.
    rejections: Fold,
}

/// Whether exporting works, as far as that was told.
#[derive(Debug)]
struct Standing {
    what: &'static str,
    failures: u32,
    is_told: bool,
    cause: String,
}

impl Courier {
    pub(super) fn new(destination: Arc<Destination>, resolver: Arc<Resolver>) -> Self {
        let signal = destination.signal;
        Self {
            signal,
            collector: Collector::new(destination, resolver),
            standing: Standing {
                what: signal.word(),
                failures: 0,
                is_told: false,
                cause: String::new(),
            },
            not_before: Instant::now(),
            rejections: Fold::default(),
        }
    }

    /// Waits until something may be sent.
    pub(super) async fn ready(&self) {
        sleep_until(self.not_before).await;
    }

    /// Ends the connection.
    pub(super) fn hang_up(&mut self) {
        self.collector.hang_up();
    }

    /// Sends a part until the collector has taken it, or has refused it for good.
    pub(super) async fn deliver(&mut self, part: Bytes) -> bool {
        loop {
            self.ready().await;
            match self.collector.post(part.clone()).await {
                Ok(said) => {
                    self.standing.failures = 0;
                    let parts = self.signal.parts();
                    if let Some(said) = said
                        && self.rejections.admits(|| format!("the collector rejects {parts}"))
                    {
                        warn!("the collector has taken {}, but {said}", self.signal.word());
                    }
                    return true;
                }
                Err(Fault::Refused(cause)) => {
                    debug!(cause, "the collector refuses {}", self.signal.word());
                    self.standing.cause = cause;
                    return false;
                }
                Err(Fault::Passing { cause, after }) => {
                    debug!(cause, "{} could not be sent", self.signal.word());
                    self.standing.fail(cause);
                    let pause =
                        after.unwrap_or_else(|| pause(self.standing.failures, fastrand::f64()));
                    self.not_before = Instant::now() + pause;
                }
            }
        }
    }

    /// Tells what has come of an export, if that is news.
    pub(super) fn done(&mut self, exported: Exported) {
        match exported {
            Exported::Success => self.standing.succeed(),
            Exported::Failure => self.standing.tell(),
            Exported::Dropped => {
                if self.standing.cause.is_empty() {
                    TOO_SLOW.clone_into(&mut self.standing.cause);
                }
                self.standing.tell();
            }
        }
    }

    /// Tells that the last export has come to no good, unless it is told that none does.
    pub(super) fn tell_of_last(&self) {
        if !self.standing.is_told {
            let cause = &self.standing.cause;
            warn!(cause, "the last {} could not be exported", self.signal.word());
        }
    }
}

impl Standing {
    fn fail(&mut self, cause: String) {
        self.failures = self.failures.saturating_add(1);
        self.cause = cause;
        if self.failures >= FAILURES_TOLD {
            self.tell();
        }
    }

    fn tell(&mut self) {
        if !std::mem::replace(&mut self.is_told, true) {
            let Self { what, cause, .. } = &*self;
            warn!(cause, "{what} cannot be exported; trying again and again");
        }
    }

    fn succeed(&mut self) {
        (self.failures, self.cause) = (0, String::new());
        if std::mem::take(&mut self.is_told) {
            info!("{} are exported again", self.what);
        }
    }
}
