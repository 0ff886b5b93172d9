//! A place for a client: a seat of its tunnel and one of a backend that is not full, both at once.
//! Who does not find that is parked, and meanwhile holds nothing that others wait for.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use plexy_shared::info::Reason;
use tracing::debug;

use super::DESCRIPTORS;
use crate::backend::{Backend, Lease, Member};
use crate::balance::Asking;
use crate::descriptors::Taken;
use crate::engine::Engine;
use crate::hello::Hello;
use crate::queue::{Parked, Queue};
use crate::refusal::Limit;
use crate::socket::{Gone, Socket};
use crate::table::{Entry, Registered};
use crate::tunnel::Route;

/// What there is to go by.
pub(super) struct Search<'a> {
    pub(super) client: &'a Socket,
    pub(super) entry: &'a Entry,
    pub(super) engine: &'a Arc<Engine>,
    /// As it was when the client came, or when its turn did; where names decide, the part of it for
    /// the name of this one.
    pub(super) route: Arc<Route>,
    /// The whole of it.
    pub(super) whole: Arc<Route>,
    /// What the client has said, where that was asked for, or told by its handshake.
    pub(super) hello: Option<Hello>,
    /// The places in it of the backends that were tried.
    tried: Vec<usize>,
    taken: &'a mut Taken,
}

/// What a look for a place has come to.
enum Found {
    Place(Arc<Backend>, Lease),
    /// No backend has an address and takes clients.
    Nothing,
    /// There will be one, once there is room.
    Full(Limit),
}

impl<'a> Search<'a> {
    pub(super) fn new(
        client: &'a Socket,
        entry: &'a Entry,
        engine: &'a Arc<Engine>,
        taken: &'a mut Taken,
        hello: Option<Hello>,
    ) -> Self {
        let route = entry.tunnel.route();
        let (whole, tried) = (Arc::clone(&route), Vec::new());
        Self { client, entry, engine, route, whole, hello, tried, taken }
    }

    /// Notes that a backend is tried; whether it was before.
    pub(super) fn note_tried(&mut self, backend: &Arc<Backend>) -> bool {
        let mut places = self.route.backends.iter();
        let Some(place) = places.position(|it| Arc::ptr_eq(&it.backend, backend)) else {
            return false;
        };
        let is_again = self.tried.contains(&place);
        self.tried.push(place);
        is_again
    }

    /// How many attempts there were on this route.
    pub(super) fn tried(&self) -> usize {
        self.tried.len()
    }

    /// Whether there may be one more.
    pub(super) fn may_try(&self) -> bool {
        self.tried.len() as u64 <= u64::from(self.route.options.retries)
    }

    /// Whether the tunnel goes another way by now.
    pub(super) fn is_outdated(&self) -> bool {
        !Arc::ptr_eq(&self.entry.tunnel.route(), &self.whole)
    }

    /// Takes one more descriptor, for the backend: who is parked has none for that.
    async fn take_descriptor(&mut self) -> Result<(), Reason> {
        let descriptors = &self.engine.descriptors;
        let taken = match descriptors.try_take(1) {
            Some(taken) => taken,
            None => descriptors.take(1).await.ok_or(Reason::Limit)?,
        };
        self.taken.merge(taken);
        Ok(())
    }

    /// Goes by the route as it is now, in which others may stand; whether it is another one. The error
    /// is why the client has to go: names may decide by now.
    pub(super) async fn look_again(&mut self) -> Result<bool, Reason> {
        let route = self.entry.tunnel.route();
        let is_another = !Arc::ptr_eq(&route, &self.whole);
        if is_another {
            self.whole = Arc::clone(&route);
            self.route = route;
            self.tried.clear();
            self.begin().await?;
        }
        Ok(is_another)
    }
}

/// Looks for a place, and waits for one where there will be one: nothing where no backend has an
/// address and takes clients. The error is why the client has to go.
pub(super) async fn place(
    search: &mut Search<'_>,
    registered: &mut Registered,
) -> Result<Option<(Arc<Backend>, Lease)>, Reason> {
    let entry = search.entry;
    // Who was parked when it came leaves the queue when it goes on, even if its turn has come by now.
    let queue = queue(entry).filter(|_| !registered.has_seat());
    let found = match queue.and_then(|queue| queue.place(entry.id)) {
        Some(parked) => Box::pin(wait(search, registered, parked)).await?,
        None => loop {
            match find(search, registered).await {
                Found::Place(backend, lease) => break Some((backend, lease)),
                Found::Nothing => break None,
                Found::Full(limit) => {
                    // There may be room by now.
                    if search.look_again().await? {
                        continue;
                    }
                    let parked = park(search, limit).ok_or(Reason::Limit)?;
                    break Box::pin(wait(search, registered, parked)).await?;
                }
            }
        },
    };
    if found.is_some() && search.taken.count() < DESCRIPTORS {
        search.take_descriptor().await?;
    }
    Ok(found)
}

/// Where clients of its tunnel wait, if they may have to.
pub(super) fn queue(entry: &Entry) -> Option<&Arc<Queue>> {
    entry.tunnel.gate().map(|gate| &gate.queue)
}

/// Parks a client, unless as many are parked as may be.
fn park<'a>(search: &Search<'a>, limit: Limit) -> Option<Parked<'a>> {
    let entry = search.entry;
    search.engine.meets(&entry.tunnel, limit);
    let (route, max) = (&search.route, search.whole.parked_max());
    let queue = queue(entry).filter(|queue| queue.park(route.lane(), entry.id, max))?;
    queue.place(entry.id)
}

/// The same for one that is parked.
async fn wait(
    search: &mut Search<'_>,
    registered: &mut Registered,
    parked: Parked<'_>,
) -> Result<Option<(Arc<Backend>, Lease)>, Reason> {
    registered.stand_up();
    search.taken.shrink();
    let client = search.client;
    let timeout = search.route.options.queue_timeout();
    let turns = async {
        loop {
            search.look_again().await?;
            // Where nobody knows yet where its backend is, it may be sent to another one meanwhile.
            let found = tokio::select! {
                biased;
                found = find(search, registered) => found,
                () = parked.turn() => continue,
            };
            match found {
                Found::Place(backend, lease) => return Ok(Some((backend, lease))),
                Found::Nothing => return Ok(None),
                Found::Full(_) => parked.turn().await,
            }
        }
    };
    let waited = tokio::select! {
        biased;
        gone = client.gone() => Err(match gone {
            Gone::Fin => Reason::ClientFin,
            Gone::Reset => Reason::ClientReset,
        }),
        found = turns => found,
        () = tokio::time::sleep(timeout) => Err(Reason::Limit),
    };
    match waited {
        Err(Reason::Limit) if search.route.holds() => Err(Reason::ConnectFailed),
        waited => waited,
    }
}

/// Takes a place, if there is one.
async fn find(search: &Search<'_>, registered: &mut Registered) -> Found {
    match try_to_find(search, registered) {
        Found::Nothing => {
            located(&search.route.backends, search.route.options.connect_timeout).await;
            try_to_find(search, registered)
        }
        found => found,
    }
}

fn try_to_find(search: &Search<'_>, registered: &mut Registered) -> Found {
    let Search { entry, route, tried, .. } = search;
    let (tunnel, backends) = (&entry.tunnel, &route.backends);
    if tunnel.is_behind_others(route, entry.id) {
        return Found::Full(tunnel.limit_met(route));
    }
    loop {
        // Before a backend is chosen, since a strategy takes that for a client who went there.
        if !registered.has_seat() && route.has_backend() && !tunnel.has_room(route) {
            return Found::Full(Limit::MaxConns);
        }
        let asking = Asking { client: &entry.client, tried, now: Instant::now() };
        let chosen = route.choose(&asking).and_then(|place| backends.get(place));
        // Before the seat: one that is given back wakes who is parked.
        let Some(member) = chosen else {
            return match (route.has_backend(), route.holds()) {
                (true, _) => Found::Full(Limit::Backends),
                (false, true) => Found::Full(Limit::NoneUp),
                (false, false) => Found::Nothing,
            };
        };
        let seat = if registered.has_seat() { None } else { Some(tunnel.seat(route)) };
        if matches!(seat, Some(None)) {
            return Found::Full(Limit::MaxConns);
        }
        // Where it is full by now, another one may not be.
        if let Some(lease) = member.lease() {
            seat.flatten().into_iter().for_each(|seat| registered.let_in(seat));
            return Found::Place(Arc::clone(&member.backend), lease);
        }
    }
}

/// Waits until it is known where one of the backends is: a client who comes
/// before the first answer about a name has come too early, not in vain.
async fn located(backends: &[Member], timeout: Duration) {
    let mut waits: Vec<_> = backends.iter().map(|backend| Box::pin(backend.located())).collect();
    let one = poll_fn(|cx| {
        waits.retain_mut(|wait| wait.as_mut().poll(cx).is_pending());
        let is_one_located = backends.iter().any(Member::is_offered);
        if is_one_located || waits.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    });
    if tokio::time::timeout(timeout, one).await.is_err() {
        debug!("no answer about the names of the backends");
    }
}
