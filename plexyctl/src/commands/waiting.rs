//! `--wait`: until the connections that a change was about have ended.

use std::time::Duration;

use plexy_shared::error::Code;
use plexy_shared::rpc::{ConnectionsParams, ListConnections};
use plexy_shared::units::show_duration;

use super::{Unanswered, Wanted};
use crate::answer::{Answer, BackendChange, TunnelChange};
use crate::client::{ClientError, Found, Impatience, Silence};
use crate::failure::{Failure, code_of_impatience};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);
/// In how many steps it tells how far it is.
const STEPS: u64 = 10;

/// The connections that a change was about; none where it was about none.
fn affected(answer: &Answer) -> Option<ConnectionsParams> {
    let backend = |backend: &str| format!("backend={backend}");
    let (tunnel, filter) = match answer {
        Answer::Closed { reply, .. } => (&reply.listen, None),
        // Those of backends that are the tunnel's no more.
        Answer::Removed(BackendChange { reply, .. }) => {
            (&reply.listen, Some(format!("{} and phase=closing", backend(&reply.backend))))
        }
        Answer::Changed(TunnelChange { schema: "plexy.switch/1", reply, .. }) => {
            (&reply.listen, Some("phase=closing".to_owned()))
        }
        Answer::Changed(TunnelChange {
            schema: "plexy.drain/1" | "plexy.disable/1",
            reply,
            ..
        }) => (&reply.listen, reply.backend.as_deref().map(backend)),
        _ => return None,
    };
    let tunnel = Some(tunnel.clone());
    Some(ConnectionsParams { tunnel, filter, limit: Some(1), ..ConnectionsParams::default() })
}

/// How many were left at first, are left now, and were when it was told last.
#[derive(Debug, Default)]
struct Progress {
    first: u64,
    left: u64,
    told: Option<u64>,
}

impl Progress {
    /// Whether so many left is worth a line: not where there was nothing to wait for.
    fn is_news(&mut self, left: u64) -> bool {
        self.first = self.first.max(left);
        self.left = left;
        let is_news = match self.told {
            None => left > 0,
            Some(told) => left != told && (left == 0 || told.abs_diff(left) * STEPS >= self.first),
        };
        if is_news {
            self.told = Some(left);
        }
        is_news
    }
}

impl Found {
    /// Waits until none of them lives any more, and tells how many are left as that changes.
    pub(super) async fn wait(
        &self,
        answer: &Answer,
        line: &str,
        tell: &mut dyn FnMut(&Answer) -> Result<Wanted, Failure>,
    ) -> Result<(), Failure> {
        let Some(params) = affected(answer) else { return Ok(()) };
        let mut progress = Progress::default();
        loop {
            let left = match self.client.call::<ListConnections>(&params).await {
                Ok(reply) => reply.matched,
                Err(error) => after(error, &params, line, &progress)?,
            };
            if progress.is_news(left) {
                tell(&Answer::Left(left))?;
            }
            if left == 0 {
                return Ok(());
            }
            let pause = self.client.patience().wait(tokio::time::sleep(LOOK)).await;
            pause.map_err(|impatience| given_up(impatience, &progress))?;
        }
    }
}

/// How many are left where the daemon did not say so.
fn after(
    error: ClientError,
    params: &ConnectionsParams,
    line: &str,
    progress: &Progress,
) -> Result<u64, Failure> {
    match error {
        // A tunnel that was closed is known as long as connections of it live.
        ClientError::Refused(error) if error.data.code == Code::TunnelNotFound => Ok(0),
        ClientError::Unanswered { silence: Silence::GaveUp(impatience), .. } => {
            Err(given_up(impatience, progress))
        }
        error => {
            let parameters = serde_json::to_value(params).unwrap_or_default();
            Err(Unanswered { error, parameters, look: String::new() }.into_failure(line))
        }
    }
}

/// What is done is done, and what is under way goes on.
fn given_up(impatience: Impatience, progress: &Progress) -> Failure {
    let left = progress.left;
    let message = match impatience {
        Impatience::DeadlinePassed(given) => {
            format!("connections left after {}: {left}", show_duration(given))
        }
        Impatience::Interrupted => format!("no longer waiting, connections left: {left}"),
    };
    Failure::new(code_of_impatience(impatience), message)
        .with_hint("the change is done and stays; `plexyctl conns` shows who is left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenth_is_told_and_the_end() {
        let mut progress = Progress::default();
        let told: Vec<u64> = (0..=100).rev().filter(|left| progress.is_news(*left)).collect();
        assert_eq!(told, [100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0]);
        assert!(!Progress::default().is_news(0));
    }
}
