//! Tunnels that go another way: all that a change of the route of an open tunnel brings with it.

use std::sync::Arc;
use std::time::Duration;

use plexy_shared::command::LiveChoice;
use plexy_shared::event::EventKind;
use plexy_shared::info::{LiveCounts, Reason};
use plexy_shared::spec::{AdminState, BackendSpec, LiveAction, TunnelOptions, TunnelSpec};

use super::error::OpenError;
use super::live::{Holder, noted, sentence, settled};
use super::security::{load_all, speaks_tls, unchanged, warn_if_unverified};
use super::transition::bind_one;
use super::{Actor, Service, ServiceError};
use crate::backend::Member;
use crate::bind::Bound;
use crate::descriptors::Taken;
use crate::events::Happening;
use crate::listener::{Listener, Waiting};
use crate::tls::Security;
use crate::tunnel::{Route, Tunnel};

/// A tunnel that goes another way, perhaps under another name.
#[derive(Debug)]
pub(super) struct Rerouting {
    /// Its place in the call, from 0.
    pub(super) index: usize,
    pub(super) tunnel: Arc<Tunnel>,
    pub(super) spec: TunnelSpec,
    /// What file or arguments say of it, where they do.
    pub(super) configured: Option<Arc<TunnelSpec>>,
    pub(super) once: Once,
}

/// What a command says that holds only for it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Once {
    /// What connections get whose backend goes; else it is what `on-remove` says.
    pub(super) live: Option<LiveChoice>,
    /// When connections are reset that begin to drain; else it is what `drain-deadline` says.
    pub(super) deadline: Option<Duration>,
}

/// A rerouting that can be done, since all is there that it needs.
#[derive(Debug)]
pub(super) struct Ready {
    rerouting: Rerouting,
    /// For one that listens again.
    bound: Option<(Bound, Taken)>,
    security: Option<Arc<Security>>,
}

/// What is otherwise than before.
#[derive(Debug)]
struct Difference {
    before: Arc<Route>,
    after: Arc<Route>,
    added: Vec<Member>,
    removed: Vec<Member>,
    /// Those that somebody wants something else of, as they are now.
    admin: Vec<Member>,
    /// Whether somebody wants something else of the tunnel.
    is_admin: bool,
    /// Whether anything else is otherwise.
    is_more: bool,
}

impl Rerouting {
    /// What the tunnel will be. What holds for its socket stays as it is.
    pub(super) fn after(&self) -> TunnelSpec {
        let listen = self.tunnel.listen.clone().into();
        TunnelSpec { listen, ..self.spec.clone() }
    }

    pub(super) fn listens_again(&self) -> bool {
        !self.tunnel.is_ready() && self.spec.options.admin == AdminState::Ready
    }

    /// Whether files have to be read that it did not need before.
    pub(super) fn has_new_files(&self) -> bool {
        let options = &self.spec.options;
        speaks_tls(options) && unchanged(&self.tunnel.route(), options).is_none()
    }
}

impl Ready {
    pub(super) fn rerouting(&self) -> &Rerouting {
        &self.rerouting
    }
}

impl Service {
    /// Gets all that is needed, for each of them or for none.
    pub(super) async fn prepare_all(&self, all: Vec<Rerouting>) -> Result<Vec<Ready>, OpenError> {
        let new = all.iter().filter(|it| it.has_new_files()).map(|it| (it.index, &it.spec));
        let mut loaded = load_all(new).await?.into_iter();
        let prepare = |rerouting: Rerouting| {
            let security = if rerouting.has_new_files() {
                loaded.next().flatten()
            } else {
                unchanged(&rerouting.tunnel.route(), &rerouting.spec.options)
            };
            let bound = if rerouting.listens_again() {
                let of = |error| OpenError::of(rerouting.index, error);
                let taken = self.engine.descriptors.try_take(1);
                let taken = taken.ok_or_else(|| of(ServiceError::OutOfDescriptors))?;
                let bound =
                    bind_one(&rerouting.tunnel.listen, rerouting.spec.options.backlog.into());
                Some((bound.map_err(of)?, taken))
            } else {
                None
            };
            Ok(Ready { rerouting, bound, security })
        };
        all.into_iter().map(prepare).collect()
    }

    /// Sends connections of all of them another way in one step, then does what that brings with it:
    /// what became of the live connections of each, and what is to be told.
    pub(super) async fn reroute_all(
        &self,
        changed: Vec<Ready>,
        revision: u64,
        actor: &Actor,
    ) -> (Vec<LiveCounts>, Vec<Happening>) {
        let before: Vec<_> = changed.iter().map(|it| it.rerouting.tunnel.route()).collect();
        let route = |(it, before): (&Ready, &Arc<Route>)| {
            let Rerouting { tunnel, spec, .. } = &it.rerouting;
            let route = route_of(before, spec, revision).with(it.security.clone());
            warn_if_unverified(&tunnel.label_of(&route), &route);
            (Arc::clone(tunnel), route)
        };
        let routes: Vec<_> = changed.iter().zip(&before).map(route).collect();
        {
            let mut registry = self.registry();
            registry.reroute(routes);
            for Ready { rerouting, .. } in &changed {
                registry.configure(rerouting.tunnel.id, rerouting.configured.clone());
                self.certificates.keep_of(&rerouting.tunnel);
            }
        }
        let (mut lives, mut happenings) = (Vec::new(), Vec::new());
        for (ready, before) in changed.into_iter().zip(before) {
            let Ready { rerouting, bound, .. } = ready;
            let difference = Difference::of(before, rerouting.tunnel.route());
            let (live, happening) = self.follow_up(&rerouting, &difference, bound, actor).await;
            lives.push(live);
            happenings.push(happening);
        }
        (lives, happenings)
    }

    /// Does all that a new route brings with it.
    async fn follow_up(
        &self,
        rerouting: &Rerouting,
        difference: &Difference,
        bound: Option<(Bound, Taken)>,
        actor: &Actor,
    ) -> (LiveCounts, Happening) {
        let Rerouting { tunnel, once, .. } = rerouting;
        let after = &difference.after;
        for member in &difference.added {
            self.engine.health.watch(tunnel, member);
        }
        if difference.is_timed() {
            self.engine.workers.retime(tunnel.id);
        }
        if let Some(listener) = self.registry().listener(tunnel.id)
            && difference.before.options.backlog != after.options.backlog
        {
            listener.set_backlog(after.options.backlog.into());
        }
        let mut live = LiveCounts::default();
        let of = |member: &Member| Holder::Backend(Arc::clone(tunnel), Arc::clone(&member.backend));
        for member in &difference.removed {
            self.engine.health.leave(member);
            let choice = once.choice(&after.options);
            add(&mut live, self.part(of(member), choice, Reason::BackendRemoved, actor));
        }
        for member in &difference.admin {
            let choice = once.choice_of(member.options.admin, &after.options);
            member.verdict.set(None);
            match choice {
                None => {
                    member.warm_up();
                    member.admin.note(noted(actor, None));
                }
                Some(it) => add(&mut live, self.part(of(member), it, Reason::BackendDown, actor)),
            }
        }
        self.engine.health.recheck(tunnel);
        // There may be room now, or nothing to wait for.
        tunnel.wake();
        if difference.is_admin {
            match bound {
                Some((bound, taken)) => self.listen_again(tunnel, bound, taken, actor).await,
                None => {
                    self.stop_listening(tunnel).await;
                    let choice = settled(once.drain(), &after.options);
                    let holder = Holder::Tunnel(Arc::clone(tunnel));
                    add(&mut live, self.part(holder, choice, Reason::DrainDeadline, actor));
                }
            }
        }
        (live, difference.happening(tunnel, live, once))
    }

    /// Lets in who waits to be accepted, and nobody after that.
    async fn stop_listening(&self, tunnel: &Tunnel) {
        let listener = self.registry().take_listener(tunnel.id);
        if let Some(listener) = listener {
            listener.close(Waiting::Accept).await;
        }
        self.systemd.forget(&tunnel.listen);
    }

    async fn listen_again(&self, tunnel: &Arc<Tunnel>, bound: Bound, taken: Taken, actor: &Actor) {
        tunnel.admin.note(noted(actor, None));
        self.systemd.keep(&bound, || self.engine.descriptors.try_take(1)).await;
        let is_kept = self.systemd.is_there();
        let listener = Listener::start(Arc::clone(tunnel), bound, taken, is_kept, &self.engine);
        self.registry().set_listener(tunnel.id, listener);
    }
}

impl Difference {
    fn of(before: Arc<Route>, after: Arc<Route>) -> Self {
        let only_in = |set: &Route, other: &Route| -> Vec<Member> {
            let is_in = |member: &&Member| other.backends.iter().any(|it| it.is_same(member));
            set.backends.iter().filter(|member| !is_in(member)).cloned().collect()
        };
        let (added, removed) = (only_in(&after, &before), only_in(&before, &after));
        let was = |member: &Member| before.backends.iter().find(|it| it.is_same(member));
        let is_otherwise = |member: &&Member| {
            was(member).is_some_and(|it| it.options.admin != member.options.admin)
        };
        let admin: Vec<_> = after.backends.iter().filter(is_otherwise).cloned().collect();
        let is_admin = before.options.admin != after.options.admin;
        let is_more = {
            let mut options = before.options.clone();
            options.admin = after.options.admin;
            let has_others = |member: &Member| {
                was(member).is_some_and(|it| {
                    let mut options = it.options.clone();
                    options.admin = member.options.admin;
                    options != member.options
                })
            };
            options != after.options || after.backends.iter().any(has_others)
        };
        Self { before, after, added, removed, admin, is_admin, is_more }
    }

    /// Whether live connections may be silent or get old for longer than before, or not so long.
    fn is_timed(&self) -> bool {
        let times = |route: &Route| {
            let TunnelOptions { idle_timeout, half_close_timeout, .. } = route.options;
            (idle_timeout, half_close_timeout, route.options.limits().max_duration)
        };
        times(&self.before) != times(&self.after)
    }

    /// What is told of it: as the one thing that it is, or else as a whole.
    fn happening(&self, tunnel: &Tunnel, live: LiveCounts, once: &Once) -> Happening {
        let of = |kind| Happening::new(kind).of_tunnel(tunnel.label());
        let told = |choice: Option<LiveChoice>| sentence(live, choice.and_then(|it| it.deadline));
        let Self { added, removed, admin, is_admin, is_more, .. } = self;
        match (&added[..], &removed[..], &admin[..], is_admin, is_more) {
            ([one], [], [], false, false) => of(EventKind::BackendAdded).of_backend(&one.spec()),
            ([], [one], [], false, false) => of(EventKind::BackendRemoved)
                .of_backend(&one.addr)
                .detail(told(Some(once.choice(&self.after.options)))),
            ([], [], [one], false, false) => {
                let (admin, of) = (one.options.admin, |kind| of(kind).of_backend(&one.addr));
                let told = || told(once.choice_of(admin, &self.after.options));
                match admin {
                    AdminState::Ready => of(EventKind::BackendEnabled),
                    AdminState::Drain => of(EventKind::BackendDraining).detail(told()),
                    AdminState::Disabled => of(EventKind::BackendDisabled).detail(told()),
                }
            }
            ([], [], [], true, false) if tunnel.is_ready() => of(EventKind::TunnelEnabled),
            ([], [], [], true, false) => {
                let choice = settled(once.drain(), &self.after.options);
                of(EventKind::TunnelDraining).detail(told(Some(choice)))
            }
            _ => of(EventKind::TunnelChanged).detail(tunnel.spec_of(&self.after).to_string()),
        }
    }
}

impl Once {
    /// What connections get whose backend goes, of a tunnel with these options.
    pub(super) fn choice(&self, options: &TunnelOptions) -> LiveChoice {
        settled(self.live.unwrap_or_else(|| options.on_remove.into()), options)
    }

    /// What connections get of a backend of which somebody wants that; nothing where clients may come.
    pub(super) fn choice_of(
        &self,
        admin: AdminState,
        options: &TunnelOptions,
    ) -> Option<LiveChoice> {
        match admin {
            AdminState::Ready => None,
            AdminState::Drain => Some(settled(self.drain(), options)),
            AdminState::Disabled => Some(settled(options.on_down.into(), options)),
        }
    }

    pub(super) fn drain(&self) -> LiveChoice {
        LiveChoice { action: LiveAction::Drain, deadline: self.deadline }
    }
}

pub(super) fn add(sum: &mut LiveCounts, more: LiveCounts) {
    sum.kept += more.kept;
    sum.draining += more.draining;
    sum.ended += more.ended;
}

/// Where connections go that come from now on. Backends that stand there as before are the same ones.
fn route_of(before: &Route, spec: &TunnelSpec, revision: u64) -> Route {
    let backend = |spec: &BackendSpec| match before.backend(&spec.addr) {
        Some(Member { backend, .. }) => {
            Member { backend: Arc::clone(backend), options: spec.options.clone() }
        }
        None => Member::joining(spec.clone()),
    };
    Route::new(spec.options.clone(), spec.backends.iter().map(backend).collect(), revision)
}
