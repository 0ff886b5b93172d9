//! Waiting for something without sleeping for a guessed time: [`eventually!`](crate::eventually!)
//! polls a condition, [`in_time`] gives one future a deadline. Both fail with a sentence that says
//! what was awaited.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long a test waits for what must happen. It is generous, because only a failing test ever
/// waits this long.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The pause between two looks at the condition of [`eventually!`](crate::eventually!).
const POLL: Duration = Duration::from_millis(5);

/// Waits until a condition holds, and panics with its text where it does not within the deadline.
///
/// The condition is looked at each 5 ms and may contain `.await`; one that hangs is cut at the
/// deadline. The message is built at the end, so it shows the last state and not the first.
///
/// ```
/// # use std::{sync::atomic::{AtomicUsize, Ordering}, time::Duration};
/// # use plexy_tests::eventually;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let seen = AtomicUsize::new(3);
/// let count = async || seen.load(Ordering::Relaxed);
/// eventually!(count().await == 3);
/// eventually!(seen.load(Ordering::Relaxed) > 2, "only {} were seen", seen.load(Ordering::Relaxed));
/// eventually!(within Duration::from_secs(1), count().await > 0, "nothing was seen");
/// # }
/// ```
#[macro_export]
macro_rules! eventually {
    (within $deadline:expr, $condition:expr $(,)?) => {
        $crate::eventually!(@ $deadline, $condition, "")
    };
    (within $deadline:expr, $condition:expr, $($message:tt)+) => {
        $crate::eventually!(@ $deadline, $condition, ": {}", ::std::format!($($message)+))
    };
    (@ $deadline:expr, $condition:expr, $($message:tt)+) => {{
        let deadline = $crate::eventually::Deadline::after($deadline);
        while !deadline.holds(async { $condition }).await {
            if deadline.has_passed() {
                ::std::panic!(
                    "`{}` did not hold within {:?}{}",
                    ::std::stringify!($condition),
                    deadline.span(),
                    ::std::format!($($message)+),
                );
            }
            deadline.pause().await;
        }
    }};
    ($condition:expr $(,)?) => {
        $crate::eventually!(within $crate::eventually::PATIENCE, $condition)
    };
    ($condition:expr, $($message:tt)+) => {
        $crate::eventually!(within $crate::eventually::PATIENCE, $condition, $($message)+)
    };
}

/// Gives `future` [`PATIENCE`] to end, and panics at the caller's line where it does not: "`what`
/// took longer …".
#[track_caller]
pub fn in_time<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let caller = Location::caller();
    async move {
        match timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("{what} took longer than {PATIENCE:?}, at {caller}"),
        }
    }
}

/// The clock of one [`eventually!`](crate::eventually!); tests use the macro.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    span: Duration,
    end: Instant,
}

impl Deadline {
    /// A deadline `span` from now.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        Self { span, end: Instant::now() + span }
    }

    /// The whole time that was given.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.span
    }

    /// Whether the time is over.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        Instant::now() >= self.end
    }

    /// What `condition` says, or false where it hangs until the deadline.
    pub async fn holds(&self, condition: impl Future<Output = bool>) -> bool {
        timeout_at(self.end, condition).await.unwrap_or(false)
    }

    /// The pause before the next look.
    pub async fn pause(&self) {
        sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_condition_that_comes_true_ends_the_wait() {
        let looks = Cell::new(0);
        let look = async || {
            looks.set(looks.get() + 1);
            looks.get()
        };
        eventually!(look().await == 3, "{} looks", looks.get());
        assert_eq!(looks.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "`looks.get() == 0` did not hold within 50ms: 7 looks")]
    async fn the_failure_names_the_condition_and_the_last_state() {
        let looks = Cell::new(7);
        eventually!(within Duration::from_millis(50), looks.get() == 0, "{} looks", looks.get());
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "did not hold within 10s")]
    async fn a_condition_that_hangs_is_cut() {
        eventually!(pending::<bool>().await);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "the answer took longer than 10s, at ")]
    async fn a_future_out_of_time_is_named_with_the_line() {
        in_time("the answer", pending::<()>()).await;
    }
}
