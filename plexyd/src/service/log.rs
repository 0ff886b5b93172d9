//! `log`: how much is logged, changed while the daemon runs, for a time if that is asked for.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use plexy_shared::command::LogChange;
use plexy_shared::event::EventKind;
use plexy_shared::info::{LogLevel, LogLevelReply};
use tokio::task::AbortHandle;

use super::{Caller, Service};
use crate::events::{Events, Happening};

/// The log, for who cannot reach it.
pub(crate) trait LogControl: Debug + Send + Sync {
    /// How much is logged.
    fn level(&self) -> LogLevel;

    /// Logs so much from now on.
    fn set(&self, level: LogLevel);
}

/// The log and what was asked of it.
#[derive(Debug)]
pub(super) struct Logging {
    control: Arc<dyn LogControl>,
    events: Arc<Events>,
    order: Mutex<Order>,
}

/// How much is to be logged.
#[derive(Debug)]
struct Order {
    level: LogLevel,
    /// Where that ends by itself.
    temporary: Option<Temporary>,
    /// How many there were, so that an end knows whether it is still the one that is meant.
    number: u64,
}

#[derive(Debug)]
struct Temporary {
    until: Timestamp,
    then: LogLevel,
    /// Of the task that waits for its end.
    end: AbortHandle,
}

impl Service {
    /// How much is logged, and until when.
    #[must_use]
    pub fn log_level(&self) -> LogLevelReply {
        self.log.order().reply()
    }

    /// Logs so much from now on. That changes no tunnel, so it is no revision; but who has asked for
    /// it is told.
    pub fn set_log_level(&self, change: LogChange, caller: &Caller) -> LogLevelReply {
        let lasting = change.lasting();
        let mut order = self.log.order();
        // What comes after a level for a time is what was there before the first of them.
        let then = match order.temporary.take() {
            Some(before) => {
                before.end.abort();
                before.then
            }
            None => order.level,
        };
        order.number += 1;
        order.temporary = lasting.map(|lasting| Temporary {
            until: Timestamp::now() + lasting,
            then,
            end: self.end_later(order.number, lasting),
        });
        let reply = LogLevelReply { level: change.level.into(), ..order.reply() };
        let told = Happening::new(EventKind::LogLevelChanged)
            .detail(reply.to_string())
            .asked_by(&caller.actor);
        self.log.change(&mut order, change.level, told);
        reply
    }

    fn end_later(&self, number: u64, lasting: Duration) -> AbortHandle {
        let (log, stopping) = (Arc::clone(&self.log), self.stopping.clone());
        let end = self.tasks.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = tokio::time::sleep(lasting) => log.fall_back(number),
            }
        });
        end.abort_handle()
    }
}

impl Logging {
    pub(super) fn new(control: Arc<dyn LogControl>, events: Arc<Events>) -> Self {
        let order = Order { level: control.level(), temporary: None, number: 0 };
        Self { control, events, order: Mutex::new(order) }
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of that order is over.
    fn fall_back(&self, number: u64) {
        let mut order = self.order();
        if order.number != number {
            return;
        }
        if let Some(Temporary { then, .. }) = order.temporary.take() {
            let told = Happening::new(EventKind::LogLevelChanged);
            let told = told.detail(format!("{then} again: the time of {} is over", order.level));
            self.change(&mut order, then, told);
        }
    }

    /// Tells it while more is logged, so that the log says why it falls silent.
    fn change(&self, order: &mut Order, level: LogLevel, told: Happening) {
        if level >= order.level {
            self.control.set(level);
            self.events.tell(told);
        } else {
            self.events.tell(told);
            self.control.set(level);
        }
        order.level = level;
    }
}

impl Order {
    fn reply(&self) -> LogLevelReply {
        let temporary = self.temporary.as_ref();
        LogLevelReply {
            level: self.level.into(),
            until: temporary.map(|it| it.until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            then: temporary.map(|it| it.then.into()),
        }
    }
}
