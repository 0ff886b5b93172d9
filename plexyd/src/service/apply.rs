//! `applyTunnels`: this set of tunnels shall be. What is done is the difference to what there is.
//!
//! A tunnel is the one that listens on the same resolved address; its name may move. One that is changed
//! keeps its live connections, as with `set` and `switch`; one that is not asked for is closed only where
//! somebody says so.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use plexy_shared::command::LiveChoice;
use plexy_shared::plan::{ApplyReply, TunnelDifference};
use plexy_shared::rpc::Declaration;
use plexy_shared::spec::{BoundAddr, TunnelSpec};
use xxhash_rust::xxh3::Xxh3;

use super::error::OpenError;
use super::reroute::{Once, Rerouting};
use super::transition::{Closing, Done, Transition, is_same};
use super::turns::Scope;
use super::{Caller, Service, ServiceError};
use crate::places::Places;
use crate::registry::Registry;
use crate::tunnel::{Tunnel, TunnelId};

/// What is to be done, and what stays as it is: each with its place in the call, if it has one.
struct Plan {
    transition: Transition,
    /// In the order of the answer.
    tunnels: Vec<(Option<usize>, TunnelDifference)>,
}

impl Service {
    /// Opens, changes and closes tunnels so that they are what these say, all of it or nothing.
    ///
    /// # Errors
    ///
    /// What stands against the first that cannot be opened or changed, or that something else would be
    /// done than was planned; nothing was changed then.
    pub async fn apply(
        &self,
        declaration: Declaration,
        caller: &Caller,
    ) -> Result<ApplyReply, OpenError> {
        let Declaration { specs, prune, plan } = declaration;
        let (turn, addrs) = self.begin_opening(&specs, |_| Scope::All, caller).await?;
        check_distinct(&specs, &addrs)?;
        let Plan { transition, mut tunnels } = self.plan_apply(specs, addrs, prune);
        self.check(&transition)?;
        let hash = hash(&tunnels, prune);
        if plan.is_some_and(|plan| plan != hash) {
            return Err(ServiceError::PlanChanged { revision: self.revision() }.into());
        }
        let mut reply = ApplyReply {
            dry_run: caller.dry_run,
            plan: hash,
            created: transition.open.len(),
            changed: transition.change.len(),
            unchanged: tunnels.len() - transition.count(),
            removed: transition.close.len(),
            tunnels: Vec::new(),
            revision: self.revision(),
        };
        if !transition.is_empty() {
            let places: Vec<_> = transition.change.iter().map(|it| it.index).collect();
            let done = self.carry_out(turn, transition, caller).await?;
            reply.revision = done.reply.revision;
            if !caller.dry_run {
                note(&mut tunnels, done, &places);
            }
        }
        reply.tunnels = tunnels.into_iter().map(|(_, difference)| difference).collect();
        Ok(reply)
    }

    fn plan_apply(
        &self,
        specs: Vec<TunnelSpec>,
        addrs: Vec<BoundAddr>,
        prune: Option<LiveChoice>,
    ) -> Plan {
        let open = open_of(&self.registry(), &specs, &addrs);
        let stay: HashSet<TunnelId> = open.iter().flatten().map(|tunnel| tunnel.id).collect();
        let (mut transition, mut tunnels) = (Transition::default(), Vec::new());
        for (index, ((spec, addr), open)) in specs.into_iter().zip(addrs).zip(open).enumerate() {
            match open {
                None => transition.open.push(self.opening(index, spec, addr)),
                Some(tunnel) if is_same(&tunnel, &spec) => {
                    tunnels.push((Some(index), TunnelDifference::unchanged(&tunnel.spec())));
                }
                Some(tunnel) => {
                    let configured = self.registry().configured(tunnel.id);
                    let once = Once::default();
                    transition.change.push(Rerouting { index, tunnel, spec, configured, once });
                }
            }
        }
        if let Some(live) = prune {
            let registry = self.registry();
            let gone = registry.tunnels().filter(|tunnel| !stay.contains(&tunnel.id));
            let closing = |tunnel: &Arc<Tunnel>| {
                let configured = registry.configured(tunnel.id);
                Closing { tunnel: Arc::clone(tunnel), configured, live }
            };
            transition.close = gone.map(closing).collect();
        }
        tunnels.extend(transition.differences());
        // Those that have no place come last, in the order in which they are.
        tunnels.sort_by_key(|(index, _)| index.unwrap_or(usize::MAX));
        Plan { transition, tunnels }
    }
}

/// Two of them that cannot be beside each other, or have one name, are a mistake, also where nothing
/// would be done to either.
fn check_distinct(specs: &[TunnelSpec], addrs: &[BoundAddr]) -> Result<(), OpenError> {
    let mut places = Places::default();
    for (index, (spec, addr)) in specs.iter().zip(addrs).enumerate() {
        // Port 0 is any free one, so it overlaps with nothing.
        let fixed = Some(addr).filter(|addr| addr.port() != Some(0));
        let name = spec.options.name.as_ref();
        if let Some(first) = fixed.and_then(|addr| places.overlapping(addr)) {
            let (addr, first_addr) = (addr.clone(), addrs.get(first).unwrap_or(addr).clone());
            let first = first + 1;
            return Err(OpenError::of(
                index,
                ServiceError::AddressTwice { addr, first, first_addr },
            ));
        }
        if let Some((name, first)) = name.and_then(|name| Some((name, places.named(name)?))) {
            let (name, first) = (name.clone(), first + 1);
            return Err(OpenError::of(index, ServiceError::NameTwice { name, first }));
        }
        places.take(name, fixed, index);
    }
    Ok(())
}

/// The tunnel that is open for each of them. With port 0, which is any, its name decides which one that
/// is, or else all of it.
fn open_of(
    registry: &Registry,
    specs: &[TunnelSpec],
    addrs: &[BoundAddr],
) -> Vec<Option<Arc<Tunnel>>> {
    let mut open: Vec<_> = addrs.iter().map(|addr| registry.listening_on(addr).cloned()).collect();
    let mut taken: HashSet<TunnelId> = open.iter().flatten().map(|tunnel| tunnel.id).collect();
    if addrs.iter().all(|addr| addr.port() != Some(0)) {
        return open;
    }
    // The one that was opened first is found first.
    let mut by_text: HashMap<String, VecDeque<&Arc<Tunnel>>> = HashMap::new();
    for tunnel in registry.tunnels().filter(|tunnel| !taken.contains(&tunnel.id)) {
        by_text.entry(on_any_port(&tunnel.spec(), &tunnel.listen)).or_default().push_back(tunnel);
    }
    for ((spec, addr), open) in specs.iter().zip(addrs).zip(&mut open) {
        if addr.port() != Some(0) {
            continue;
        }
        let found = match &spec.options.name {
            Some(name) => registry
                .named(name)
                .filter(|tunnel| any_port(&tunnel.listen) == *addr && !taken.contains(&tunnel.id)),
            None => by_text.get_mut(&on_any_port(spec, addr)).and_then(VecDeque::pop_front),
        };
        taken.extend(found.map(|tunnel| tunnel.id));
        *open = found.cloned();
    }
    open
}

/// What a tunnel is apart from its port.
fn on_any_port(spec: &TunnelSpec, listen: &BoundAddr) -> String {
    TunnelSpec { listen: any_port(listen).into(), ..spec.clone() }.to_string()
}

fn any_port(listen: &BoundAddr) -> BoundAddr {
    match listen {
        BoundAddr::Any(_) => BoundAddr::Any(0),
        BoundAddr::Ip(ip) => BoundAddr::Ip((ip.ip(), 0).into()),
        BoundAddr::Unix(path) => BoundAddr::Unix(path.clone()),
    }
}

/// What stands for a plan: the same as long as the same would be done to the same tunnels. How many
/// connections live is no part of it, since that changes while one looks.
fn hash(tunnels: &[(Option<usize>, TunnelDifference)], prune: Option<LiveChoice>) -> String {
    let mut hasher = Xxh3::new();
    let mut part = |text: Option<&str>| {
        // Its length first, so that no two lists of texts are one.
        let (is_there, text) = (text.is_some(), text.unwrap_or_default());
        hasher.update(&[u8::from(is_there)]);
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(prune.map(|live| live.action.as_str()));
    for (_, TunnelDifference { result, before, after, .. }) in tunnels {
        if before.is_some() || after.is_some() {
            part(Some(result.as_str()));
            part(before.as_deref());
            part(after.as_deref());
        }
    }
    format!("{:032x}", hasher.digest128())
}

/// What has really become of tunnels and their connections: of those at these places, and of those that
/// were closed.
fn note(tunnels: &mut [(Option<usize>, TunnelDifference)], done: Done, changed: &[usize]) {
    let opened = done.opened.into_iter().map(|(index, reply)| (index, reply.listen));
    let opened: HashMap<usize, String> = opened.collect();
    let live: HashMap<usize, _> = changed.iter().copied().zip(done.live).collect();
    let mut closed = done.closed.into_iter();
    for (index, difference) in tunnels {
        let Some(index) = index else {
            difference.live = closed.next().unwrap_or_default();
            continue;
        };
        if let Some(listen) = opened.get(index) {
            // The port that it was given.
            let rest = difference.after.as_ref().and_then(|it| it.strip_prefix(&difference.listen));
            difference.after = rest.map(|rest| format!("{listen}{rest}"));
            difference.listen.clone_from(listen);
        }
        if let Some(live) = live.get(index) {
            difference.live = *live;
        }
    }
}
