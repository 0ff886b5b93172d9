//! How long somebody waits: until a deadline, or, mostly, until they press Ctrl-C.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// One deadline for all that a command waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    given: Duration,
    deadline: Instant,
    is_deaf: bool,
}

/// Why nobody waits any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Impatience {
    /// So much time was given, and has passed.
    DeadlinePassed(Duration),
    /// Ctrl-C.
    Interrupted,
}

impl Patience {
    /// From now on.
    pub(crate) fn new(given: Duration) -> Self {
        Self { given, deadline: Instant::now() + given, is_deaf: false }
    }

    /// Without Ctrl-C, where that is heard by somebody else, or meant for somebody else.
    pub(crate) fn deaf(self) -> Self {
        Self { is_deaf: true, ..self }
    }

    /// How much was given.
    pub(super) fn given(&self) -> Duration {
        self.given
    }

    /// Waits for it as long as that makes sense.
    pub(crate) async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Impatience> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = interrupted(), if !self.is_deaf => Err(Impatience::Interrupted),
            () = sleep_until(self.deadline) => Err(Impatience::DeadlinePassed(self.given)),
        }
    }
}

/// Until Ctrl-C. Where it cannot be listened for, it ends the process as it
/// does every other.
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_end_is_given_up_at_the_deadline() {
        let given = Duration::from_millis(1);
        let waited = Patience::new(given).wait(std::future::pending::<()>()).await;
        assert_eq!(waited, Err(Impatience::DeadlinePassed(given)));
    }

    #[tokio::test]
    async fn what_is_done_is_taken_even_at_the_deadline() {
        assert_eq!(Patience::new(Duration::ZERO).wait(async { 7 }).await, Ok(7));
    }
}
