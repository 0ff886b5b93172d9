//! The start: the tunnels of the configuration file, then what was changed at
//! run time, then those of the arguments.
//!
//! What file or arguments say of a tunnel holds until somebody changes it, and
//! that holds until they say something else.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::future::join_all;
use plexy_shared::error::Refusal;
use plexy_shared::event::EventKind;
use plexy_shared::info::Origin;
use plexy_shared::spec::{AdminState, BoundAddr, SpecError, TunnelSpec};
use plexy_shared::units::counted;
use tracing::{info, warn};

use super::error::OpenError;
use super::transition::{Opening, Performing, Transition};
use super::turns::Scope;
use super::{Actor, Service, ServiceError};
use crate::events::{Happening, Telling};
use crate::state::{Kept, Row, Rows};
use crate::systemd::{Inherited, Socket};

/// A tunnel that was kept, or that file or arguments name.
#[derive(Debug)]
struct Begun {
    spec: TunnelSpec,
    origin: Origin,
    configured: Option<Arc<TunnelSpec>>,
    /// Its place in the order of opening, if it was kept.
    order: Option<u64>,
    actor: Actor,
}

/// What was kept of configured tunnels, by what was said of them.
#[derive(Debug)]
struct Overrides {
    rows: HashMap<String, Rows>,
    closed: BTreeMap<String, Origin>,
}

impl Service {
    /// Opens all of it, and tells of everything that cannot be.
    pub(crate) async fn restore(
        &self,
        file: &[TunnelSpec],
        args: &[TunnelSpec],
        kept: Kept,
        mut inherited: Inherited,
    ) -> Result<(), Vec<String>> {
        let last = kept.rows.iter().map(|(_, row)| row.order).max();
        self.registry().begin_behind(last.unwrap_or(0));
        let (own, rows): (Vec<_>, _) =
            kept.rows.into_iter().partition(|(_, row)| row.configured.is_none());
        let mut overrides = Overrides::new(rows, kept.closed);
        let mut failed = Vec::new();
        let mut begin = |begun: Result<Option<Begun>, String>| {
            begun.unwrap_or_else(|error| {
                failed.push(error);
                None
            })
        };
        let mut all = Vec::new();
        for spec in file {
            all.extend(begin(overrides.begin(spec, Origin::File)));
        }
        for (_, row) in own {
            all.extend(begin(begun(&row, None, Actor::State)));
        }
        for spec in args {
            all.extend(begin(overrides.begin(spec, Origin::Args)));
        }
        self.give_up_others(&all, &mut inherited).await;
        let telling = self.events.telling(all.len());
        for begun in all {
            let spec = begun.spec.to_string();
            if let Err(error) = self.open_begun(begun, &mut inherited, &telling).await {
                failed.push(format!("{spec}: {}", Refusal::from(error)));
            }
        }
        telling.end(|| {
            let count = self.registry().len() as u64;
            let detail = format!("opened {}", counted(count, "tunnel"));
            Happening::new(EventKind::TunnelsChanged).detail(detail)
        });
        if !failed.is_empty() {
            return Err(failed);
        }
        inherited.close_rest();
        self.drop_rest(overrides).await.map_err(|error| vec![error.to_string()])
    }

    /// Gives up the sockets of tunnels that are no more, before they stand in the way of others.
    async fn give_up_others(&self, all: &[Begun], inherited: &mut Inherited) {
        if inherited.len() == 0 {
            return;
        }
        let resolve = |begun: &Begun| {
            let listen = begun.spec.listen.clone();
            async move { self.resolver.resolve_listen(&listen).await.ok() }
        };
        let listening = all.iter().filter(|it| it.spec.options.admin == AdminState::Ready);
        let wanted = join_all(listening.map(resolve)).await;
        let wanted = wanted.into_iter().flatten().collect();
        for socket in inherited.take_others(&wanted) {
            self.systemd.give_up(socket);
        }
    }

    /// The socket that listens there already, and is the one to which its address leads.
    fn inherited(&self, addr: &BoundAddr, inherited: &mut Inherited) -> Option<Socket> {
        let socket = inherited.take(addr)?;
        if socket.is_reachable() {
            return Some(socket);
        }
        self.systemd.give_up(socket);
        None
    }

    async fn open_begun(
        &self,
        begun: Begun,
        inherited: &mut Inherited,
        telling: &Telling<'_>,
    ) -> Result<(), OpenError> {
        let Begun { spec, origin, configured, order, actor } = begun;
        let caller = actor.into();
        let specs = std::slice::from_ref(&spec);
        let (mut turn, addrs) = self.begin_opening(specs, |_| Scope::All, &caller).await?;
        let Some(addr) = addrs.into_iter().next() else { return Ok(()) };
        if self.is_open(&spec, &addr).is_some() {
            return Ok(());
        }
        let is_ready = spec.options.admin == AdminState::Ready;
        let socket = if is_ready { self.inherited(&addr, inherited) } else { None };
        let opening = Opening { index: 0, spec, addr, socket, origin, configured, order };
        let mut transition = Transition { open: vec![opening], ..Transition::default() };
        self.check(&transition)?;
        // It was kept before, or is written where it is read again: so there is nothing to keep.
        let prepared = self.prepare(std::mem::take(&mut transition.open)).await?;
        turn.begin();
        let ready = Performing { prepared, ..Performing::default() };
        self.perform(&turn, ready, &caller, telling).await;
        turn.done().await;
        Ok(())
    }

    /// Forgets what was kept of tunnels of which file and arguments say something else now.
    async fn drop_rest(&self, overrides: Overrides) -> Result<(), ServiceError> {
        let rows: Rows = overrides.rows.into_values().flatten().collect();
        for (_, Row { spec, configured, .. }) in &rows {
            let said = configured.as_deref().unwrap_or_default();
            info!(
                "a change at run time is over, since `{said}` was changed since: it was `{spec}`"
            );
        }
        let listens = rows.into_iter().map(|(listen, _)| listen).collect();
        let closed = overrides.closed.into_keys().collect();
        let state = Arc::clone(&self.state);
        let forgotten = tokio::task::spawn_blocking(move || state.forget(listens, closed)).await;
        match forgotten {
            Ok(forgotten) => forgotten.map_err(|error| ServiceError::NotSaved(error.to_string())),
            Err(error) => Err(ServiceError::NotSaved(error.to_string())),
        }
    }
}

impl Overrides {
    fn new(rows: Rows, closed: BTreeMap<String, crate::state::Closed>) -> Self {
        let mut by_text: HashMap<_, Rows> = HashMap::new();
        for (listen, row) in rows {
            let said = row.configured.clone().unwrap_or_default();
            by_text.entry(said).or_default().push((listen, row));
        }
        let origin = |(text, it): (String, crate::state::Closed)| Some((text, it.origin.known()?));
        Self { rows: by_text, closed: closed.into_iter().filter_map(origin).collect() }
    }

    /// The tunnel as it was made of what is said of it; none if it was closed.
    fn begin(&mut self, said: &TunnelSpec, origin: Origin) -> Result<Option<Begun>, String> {
        let text = said.to_string();
        if self.closed.get(&text).is_some_and(|closed| *closed == origin) {
            self.closed.remove(&text);
            warn!("`{text}` stays closed, as it was at run time; `open` it to have it again");
            return Ok(None);
        }
        let configured = Some(Arc::new(said.clone()));
        let row = self.rows.get_mut(&text).and_then(|rows| {
            let place = rows.iter().position(|(_, row)| row.origin == origin)?;
            Some(rows.remove(place).1)
        });
        let actor = if origin == Origin::File { Actor::File } else { Actor::Args };
        match row {
            Some(row) => begun(&row, configured, Actor::State),
            None => Ok(Some(Begun { spec: said.clone(), origin, configured, order: None, actor })),
        }
    }
}

fn begun(
    row: &Row,
    configured: Option<Arc<TunnelSpec>>,
    actor: Actor,
) -> Result<Option<Begun>, String> {
    let spec = row.spec.parse().map_err(|error: SpecError| {
        format!("{} (kept in the state): {}", row.spec, Refusal::from(error))
    })?;
    let origin = row.origin.known().unwrap_or(Origin::Runtime);
    Ok(Some(Begun { spec, origin, configured, order: Some(row.order), actor }))
}
