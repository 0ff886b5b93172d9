//! Why a client is not let in, and telling of it: often enough to be noticed, and not more often.

use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plexy_shared::event::EventKind;
use plexy_shared::info::Reason;
use plexy_shared::units::counted;

use crate::events::{Events, Happening};

/// How long the refusals of a tunnel are counted before they are told together.
const WINDOW: Duration = Duration::from_secs(10);

/// A limit of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    MaxConns,
    /// `max-conns` of each backend that can be used.
    Backends,
    /// No backend is up, and the tunnel parks clients until one is.
    NoneUp,
    PerSource,
    ConnRate,
}

impl Limit {
    pub(crate) const ALL: [Self; 5] =
        [Self::MaxConns, Self::Backends, Self::NoneUp, Self::PerSource, Self::ConnRate];
}

impl Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxConns => "`max-conns` is reached",
            Self::Backends => "`max-conns` of its backends is reached",
            Self::NoneUp => "no backend is up, clients wait for one",
            Self::PerSource => "`max-conns-per-source` is reached",
            Self::ConnRate => "`conn-rate` is reached",
        })
    }
}

/// Why a client is reset instead of let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Descriptors,
    Loop,
    Denied,
    Limit(Limit),
}

impl Refusal {
    const ALL: [Self; 8] = [
        Self::Descriptors,
        Self::Loop,
        Self::Denied,
        Self::Limit(Limit::MaxConns),
        Self::Limit(Limit::Backends),
        Self::Limit(Limit::NoneUp),
        Self::Limit(Limit::PerSource),
        Self::Limit(Limit::ConnRate),
    ];

    /// What it counts as.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Denied => Reason::Refused,
            Self::Descriptors | Self::Loop | Self::Limit(_) => Reason::Limit,
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptors => f.write_str("no file descriptors are left"),
            Self::Loop => f.write_str("it has come through 8 tunnels of this daemon: a loop"),
            Self::Denied => f.write_str("`allow` and `deny` do not let it in"),
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}

/// The refusals of a tunnel. The first one is told at once, and those that follow together, once in
/// [`WINDOW`], as long as there are some.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// What was counted since something was told last; none where nothing is to be told.
    window: Mutex<Option<Counts>>,
}

/// One per refusal, in the order of the list.
type Counts = [u64; Refusal::ALL.len()];

impl Refusals {
    /// Tells of one, now or later, each time of the tunnel as it is called then.
    ///
    /// Must be called on a runtime.
    pub(crate) fn tell(
        self: &Arc<Self>,
        refusal: Refusal,
        client: &impl Display,
        events: &Arc<Events>,
        label: impl Fn() -> String + Send + 'static,
    ) {
        {
            let mut window = self.lock();
            if let Some(counts) = window.as_mut() {
                let count = counts.iter_mut().zip(Refusal::ALL).find(|(_, it)| *it == refusal);
                count.into_iter().for_each(|(count, _)| *count += 1);
                return;
            }
            *window = Some(Counts::default());
        }
        events.tell(happening(&label(), format!("client {client}: {refusal}")));
        let (refusals, events) = (Arc::clone(self), Arc::clone(events));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(WINDOW).await;
                let Some(counts) = refusals.turn() else { return };
                events.tell(happening(&label(), sentence(&counts)));
            }
        });
    }

    /// What was counted in a window that ends; nothing if that was nothing, and no window follows.
    fn turn(&self) -> Option<Counts> {
        let mut window = self.lock();
        let counts = window.take().filter(|counts| counts.iter().any(|count| *count > 0))?;
        *window = Some(Counts::default());
        Some(counts)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Counts>> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn happening(label: &str, detail: String) -> Happening {
    Happening::new(EventKind::ConnectionsRefused).of_tunnel(label).detail(detail)
}

fn sentence(counts: &Counts) -> String {
    let of_each = counts.iter().zip(Refusal::ALL).filter(|(count, _)| **count > 0);
    let of_each: Vec<_> = of_each
        .map(|(count, refusal)| format!("{}: {refusal}", counted(*count, "more client")))
        .collect();
    format!("{} in {}s", of_each.join("; "), WINDOW.as_secs())
}

#[cfg(test)]
mod tests {
    use plexy_shared::event::EventRange;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_told_at_once_and_the_others_together() {
        let (refusals, events) = (Arc::<Refusals>::default(), Arc::<Events>::default());
        let name = Arc::new(Mutex::new("web"));
        let tell = |refusal| {
            let name = Arc::clone(&name);
            refusals.tell(refusal, &"a", &events, move || (*name.lock().unwrap()).to_owned());
        };
        let told = || {
            let events = events.of(EventRange::default()).events;
            events.iter().map(|event| event.detail.clone().unwrap()).collect::<Vec<_>>()
        };
        tell(Refusal::Denied);
        (0..3).for_each(|_| tell(Refusal::Limit(Limit::ConnRate)));
        tell(Refusal::Denied);
        assert_eq!(told(), ["client a: `allow` and `deny` do not let it in"]);
        *name.lock().unwrap() = "www";

        tokio::time::sleep(WINDOW + Duration::from_millis(1)).await;

        let together = "1 more client: `allow` and `deny` do not let it in; \
                        3 more clients: `conn-rate` is reached in 10s";
        assert_eq!(told()[1..], [together]);
        let newest = events.of(EventRange::default()).events.pop().unwrap();
        assert_eq!(newest.tunnel.as_deref(), Some("www"));
        // A window that nothing has come in is the last one.
        tokio::time::sleep(WINDOW).await;
        tell(Refusal::Loop);
        assert_eq!(told()[2..], ["client a: it has come through 8 tunnels of this daemon: a loop"]);
    }
}
