//! Looks written one behind the other. Rates are averages over some time, so that a first look, which
//! plexyd has nothing before it to compare with, is not written.

use std::time::Duration;

use plexy_shared::overview::{Overview, OverviewParams};
use plexy_shared::rpc::SubscribeOverview;
use tokio::time::sleep;

use crate::answer::Answer;
use crate::args::{Options, TopOptions};
use crate::client::{ClientError, Followed, Patience, Silence, interrupted};
use crate::commands::Wanted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::{Output, keys_of_top};

/// How long it is waited before a daemon that was lost is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// It.
pub(super) struct Lines {
    params: OverviewParams,
    output: Output,
    /// What stands before the next look.
    separator: &'static str,
    /// How many looks are still to come; none where there is no end of them.
    left: Option<u64>,
    /// How long plexyd may say nothing: the time between two looks comes on top of what it may take.
    patience: Duration,
    has_begun: bool,
}

impl Lines {
    /// For rows that the daemon is asked for so.
    ///
    /// # Errors
    ///
    /// If they do not have the columns that somebody wants, or not in that form.
    pub(super) fn new(
        params: OverviewParams,
        top: &TopOptions,
        options: &Options,
        output: &Output,
    ) -> Result<Self, Failure> {
        let output = output.unsorted();
        output.check_keys(Some(&keys_of_top(top.view)))?;
        let patience = options.timeout + top.delay;
        let (separator, has_begun) = ("", false);
        Ok(Self { params, output, separator, left: top.count, patience, has_begun })
    }

    /// Writes one.
    pub(super) async fn once(mut self, link: &mut Link) -> Result<Exit, Failure> {
        self.left = Some(1);
        self.follow(link).await.map(|()| Exit::Done)
    }

    /// Writes all of them, also those of a daemon that comes back. Ctrl-C is the end of what has no
    /// other one.
    pub(super) async fn batch(mut self, link: &mut Link) -> Result<Exit, Failure> {
        let has_end = self.left.is_some();
        let ended = tokio::select! {
            biased;
            () = interrupted() => None,
            ended = self.goes_on(link) => Some(ended),
        };
        match ended {
            Some(Ok(())) => Ok(Exit::Done),
            // Whoever connects hears it too.
            Some(Err(failure)) if failure.exit() != Exit::Interrupted => Err(failure),
            _ if has_end => Ok(Exit::Interrupted),
            _ => Ok(Exit::Done),
        }
    }

    async fn goes_on(&mut self, link: &mut Link) -> Result<(), Failure> {
        let mut told = None;
        loop {
            let before = self.left;
            let Err(failure) = self.follow(link).await else { return Ok(()) };
            // Where nobody was there in the first place, there is nothing to go on with.
            if !self.has_begun || !failure.is_passing() {
                return Err(failure);
            }
            if before != self.left {
                told = None;
            }
            // Each reason once, however often it is tried.
            if told.as_ref() != Some(&failure.message) {
                self.output.warn(&format!("{}; it is tried again", failure.message));
                told = Some(failure.message);
            }
            link.lose();
            sleep(PAUSE).await;
        }
    }

    /// Writes what comes over one connection, until that is enough.
    async fn follow(&mut self, link: &mut Link) -> Result<(), Failure> {
        let daemon = link.daemon(Patience::new(self.patience)).await?;
        let begun = daemon.client.subscribe::<SubscribeOverview>(&self.params).await;
        let mut looks = begun.map_err(failed)?;
        loop {
            let look = self.next(&mut looks).await?;
            // An average over no time is none.
            if look.over_ms == 0 {
                continue;
            }
            if self.write(look)? == Wanted::NoMore || self.is_enough() {
                return Ok(());
            }
        }
    }

    async fn next(&self, looks: &mut Followed<SubscribeOverview>) -> Result<Overview, Failure> {
        let look = Patience::new(self.patience).wait(looks.next()).await;
        let silent = |impatience| {
            let silence = Silence::GaveUp(impatience);
            ClientError::Unanswered { silence, is_change: false }
        };
        look.map_err(silent).and_then(|look| look).map_err(failed)
    }

    fn write(&mut self, look: Overview) -> Result<Wanted, Failure> {
        if !self.separator.is_empty() && self.output.text(self.separator)? == Wanted::NoMore {
            return Ok(Wanted::NoMore);
        }
        let wanted = self.output.answer(&Answer::Overview(Box::new(look)));
        (self.output, self.separator) = self.output.behind_another();
        self.has_begun = true;
        wanted
    }

    /// Whether that was the last one.
    fn is_enough(&mut self) -> bool {
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.left == Some(0)
    }
}

fn failed(error: ClientError) -> Failure {
    Failure::of_call(error, "", &serde_json::Value::Null, "")
}
