//! `--wait`: until what a change was about has come to its end, or stands.

mod checks;
mod ends;

use std::time::{Duration, Instant};

use plexy_shared::units::show_duration;

use super::Wanted;
use crate::answer::{Answer, Goal, Waiting};
use crate::client::{Found, Impatience};
use crate::failure::{Failure, code_of_impatience};
use checks::Checks;
use ends::Ends;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);
/// In how many steps it tells how far it is.
const STEPS: u64 = 10;

/// What a change is waited for.
enum Awaited {
    Ends(Ends),
    Checks(Checks),
}

/// How many are left, and who they are, where that is said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left {
    count: u64,
    /// How many there are altogether, where that is known at once.
    all: Option<u64>,
    names: Vec<String>,
}

/// How many were left at first, are left now, and were when it was told last.
#[derive(Debug)]
struct Progress {
    work: String,
    goal: Goal,
    begun: Instant,
    first: u64,
    left: Left,
    told: Option<u64>,
}

impl Progress {
    fn new(work: String, goal: Goal) -> Self {
        let (begun, left) = (Instant::now(), Left::default());
        Self { work, goal, begun, first: 0, left, told: None }
    }

    /// How far it is with so many left; none where there was nothing to wait for.
    fn now(&mut self, left: Left) -> Option<Waiting> {
        self.first = left.all.unwrap_or(self.first.max(left.count));
        self.left = left;
        let is_step = self.is_step();
        if is_step {
            self.told = Some(self.left.count);
        }
        self.told.map(|_| self.waiting(is_step, self.left.count == 0))
    }

    /// Whether so many left is worth a line.
    fn is_step(&self) -> bool {
        let left = self.left.count;
        match self.told {
            None => left > 0,
            Some(told) => left != told && (left == 0 || told.abs_diff(left) * STEPS >= self.first),
        }
    }

    fn waiting(&self, is_step: bool, is_over: bool) -> Waiting {
        Waiting {
            work: self.work.clone(),
            goal: self.goal,
            all: self.first,
            left: self.left.count,
            elapsed: self.begun.elapsed(),
            is_step,
            is_over,
        }
    }
}

impl Awaited {
    /// What an answer is waited for; none where it is done with it.
    fn of(answer: &Answer) -> Option<Self> {
        Ends::of(answer).map(Self::Ends).or_else(|| Checks::of(answer).map(Self::Checks))
    }

    fn progress(&self) -> Progress {
        match self {
            Self::Ends(ends) => Progress::new(ends.work(), Goal::Ends),
            Self::Checks(checks) => Progress::new(checks.work(), Goal::Up),
        }
    }

    /// Nobody waits any more: what is done is done, and what is under way goes on.
    fn given_up(&self, impatience: Impatience, left: &Left) -> Failure {
        let after = match impatience {
            Impatience::DeadlinePassed(given) => format!(" after {}", show_duration(given)),
            Impatience::Interrupted => String::new(),
        };
        let what = match self {
            Self::Ends(_) => format!("connections left{after}: {}", left.count),
            Self::Checks(_) => format!("backends not up{after}: {}", left.names.join(", ")),
        };
        let message = match impatience {
            Impatience::DeadlinePassed(_) => what,
            Impatience::Interrupted => format!("no longer waiting, {what}"),
        };
        let hint = match self {
            Self::Ends(ends) => ends.hint(),
            Self::Checks(checks) => checks.hint(),
        };
        Failure::new(code_of_impatience(impatience), message).with_hint(hint)
    }
}

impl Found {
    /// Waits until it has come to its end, and tells how far it is.
    pub(super) async fn wait(
        &self,
        answer: &Answer,
        line: &str,
        tell: &mut dyn FnMut(&Answer) -> Result<Wanted, Failure>,
    ) -> Result<(), Failure> {
        let Some(awaited) = Awaited::of(answer) else { return Ok(()) };
        let mut progress = awaited.progress();
        let waited = self.wait_for(&awaited, line, &mut progress, tell).await;
        if waited.is_err() && progress.told.is_some() {
            tell(&Answer::Waiting(progress.waiting(false, true)))?;
        }
        waited
    }

    async fn wait_for(
        &self,
        awaited: &Awaited,
        line: &str,
        progress: &mut Progress,
        tell: &mut dyn FnMut(&Answer) -> Result<Wanted, Failure>,
    ) -> Result<(), Failure> {
        loop {
            let looked = match awaited {
                Awaited::Ends(ends) => ends.left(self, line).await,
                Awaited::Checks(checks) => checks.left(self, line).await,
            };
            let left = looked.map_err(|error| match error {
                Looked::GaveUp(impatience) => awaited.given_up(impatience, &progress.left),
                Looked::Failed(failure) => *failure,
            })?;
            if let Some(waiting) = progress.now(left) {
                tell(&Answer::Waiting(waiting))?;
            }
            if progress.left.count == 0 {
                return Ok(());
            }
            let pause = self.client.patience().wait(tokio::time::sleep(LOOK)).await;
            pause.map_err(|impatience| awaited.given_up(impatience, &progress.left))?;
        }
    }
}

/// Why a look told nothing.
enum Looked {
    GaveUp(Impatience),
    Failed(Box<Failure>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        Progress::new("draining web".to_owned(), Goal::Ends)
    }

    fn left(count: u64) -> Left {
        Left { count, ..Left::default() }
    }

    #[test]
    fn each_tenth_is_a_step_and_the_end() {
        let mut progress = progress();
        let told = (0..=100).rev().filter_map(|count| progress.now(left(count)));
        let told: Vec<_> = told.filter(|it| it.is_step).map(|it| it.left).collect();
        assert_eq!(told, [100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0]);
    }

    #[test]
    fn where_there_is_nothing_to_wait_for_nothing_is_told() {
        assert_eq!(progress().now(left(0)), None);
        let mut progress = progress();
        assert!(!progress.now(left(1)).unwrap().is_over);
        assert!(progress.now(left(0)).unwrap().is_over);
    }
}
