//! `explain`: what a client would meet if it came now, and which backend it would get. Nothing changes
//! by asking: no count, no turn of a strategy, nothing of a rate.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use plexy_shared::explanation::{
    Admission, AdmissionStep, Choice, ExplainedBackend, Explanation, Hurdle, Merits, Objection,
    ObjectionInfo,
};
use plexy_shared::spec::{AdminState, BoundAddr, ServerName, TunnelRef};
use plexy_shared::weight::Weight;

use super::detail::{admin_info, check_info, ejection_info};
use super::{Service, ServiceError};
use crate::backend::Member;
use crate::balance::{Odds, Outlook};
use crate::connection::DESCRIPTORS;
use crate::socket::ClientAddr;
use crate::tunnel::{Names, Route, Tunnel};

impl Service {
    /// What a client would meet, and which backend it would get; perhaps one with that address, that
    /// asks for that name.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel, or its clients have no address.
    pub async fn explain(
        &self,
        wanted: &TunnelRef,
        from: Option<IpAddr>,
        sni: Option<&ServerName>,
    ) -> Result<Explanation, ServiceError> {
        let tunnel = self.find(wanted).await?;
        let client = match (&tunnel.listen, from) {
            (BoundAddr::Unix(_), Some(_)) => {
                return Err(ServiceError::ClientsWithoutAddress(tunnel.listen.clone()));
            }
            (BoundAddr::Unix(_), None) => Some(ClientAddr::Unix),
            (BoundAddr::Ip(_) | BoundAddr::Any(_), from) => {
                from.map(|ip| ClientAddr::Ip((ip.to_canonical(), 0).into()))
            }
        };
        let route = tunnel.route();
        let mut steps = vec![admin_step(&tunnel, &route), self.descriptors_step()];
        steps.extend(tunnel.prospect(&route, client));
        let way = Way::of(&route, sni);
        steps.extend(route.names().map(|names| name_step(&way, names)));
        let admission = steps.iter().filter_map(|step| step.result.known()).max();
        let (choice, picked, backend_list) = choice(&route, way, client);
        let is_any_up = route.backends.iter().any(Member::is_usable);
        Ok(Explanation {
            listen: tunnel.listen.to_string(),
            name: route.options.name.as_ref().map(ToString::to_string),
            revision: route.revision,
            from: from.map(|ip| ip.to_canonical().to_string()),
            sni: sni.map(ToString::to_string),
            admission: admission.unwrap_or(Admission::Passed).into(),
            steps,
            strategy: route.options.strategy.to_string(),
            all_down: (!is_any_up).then(|| route.options.on_all_down.into()),
            choice: choice.into(),
            picked,
            backend_list,
        })
    }

    /// Whether one more client could be accepted now.
    fn descriptors_step(&self) -> AdmissionStep {
        let is_enough = self.engine.descriptors.left() >= DESCRIPTORS as usize;
        AdmissionStep {
            hurdle: Hurdle::Descriptors.into(),
            result: if is_enough { Admission::Passed } else { Admission::Waits }.into(),
            detail: (!is_enough).then(|| "none are left".to_owned()),
        }
    }
}

/// Whether there is anything to connect to.
fn admin_step(tunnel: &Tunnel, route: &Route) -> AdmissionStep {
    let info = admin_info(route.options.admin, &tunnel.admin, tunnel.opened);
    let result = match route.options.admin {
        AdminState::Ready => Admission::Passed,
        AdminState::Drain | AdminState::Disabled => Admission::Refused,
    };
    let by = info.by.map(|by| format!(" by {by}")).unwrap_or_default();
    let detail = || format!("{} for {}s{by}", info.state, info.seconds);
    AdmissionStep {
        hurdle: Hurdle::Admin.into(),
        result: result.into(),
        detail: (result != Admission::Passed).then(detail),
    }
}

/// Which backends a client may come to.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    /// Those of this route: of its name, or all of them.
    To(&'a Route),
    /// That depends on its name, which was not given.
    ByName,
    /// None has its name.
    Nowhere,
}

impl<'a> Way<'a> {
    fn of(route: &'a Route, sni: Option<&ServerName>) -> Self {
        match (route.names(), sni) {
            (None, _) => Self::To(route),
            (Some(_), None) => Self::ByName,
            (Some(names), Some(name)) => {
                names.route(Some(name.as_str())).map_or(Self::Nowhere, |part| Self::To(part))
            }
        }
    }
}

/// What the name comes to that a client asks for.
fn name_step(way: &Way<'_>, names: &Names) -> AdmissionStep {
    let (result, detail) = match way {
        Way::To(_) => (Admission::Passed, None),
        // Some backends are there for all other names, and for none.
        Way::ByName if names.route(None).is_some() => (Admission::Passed, None),
        Way::ByName => (Admission::ByName, Some("its name decides".to_owned())),
        Way::Nowhere => (Admission::Refused, Some("no backend has that name".to_owned())),
    };
    AdmissionStep { hurdle: Hurdle::Name.into(), result: result.into(), detail }
}

/// What becomes of a client that is let in: what the choice comes to, for which backend, and all of them.
fn choice(
    whole: &Route,
    way: Way<'_>,
    client: Option<ClientAddr>,
) -> (Choice, Option<String>, Vec<ExplainedBackend>) {
    let (choice, against) = match way {
        Way::To(route) => return choice_of(whole, route, client),
        Way::ByName => (Choice::ByName, None),
        Way::Nowhere => (Choice::None, Some(Objection::Name)),
    };
    let backends = whole.backends.iter().map(|backend| apart(whole, backend, against));
    (choice, None, backends.collect())
}

/// The same of the backends of one route, which may be a part of the whole; the others stand apart.
fn choice_of(
    whole: &Route,
    route: &Route,
    client: Option<ClientAddr>,
) -> (Choice, Option<String>, Vec<ExplainedBackend>) {
    let now = Instant::now();
    let outlook = route.outlook(client.as_ref(), now);
    let choice = match outlook.as_ref().map(|outlook| &outlook.odds) {
        Some(Odds::Certain(_)) => Choice::Picked,
        Some(Odds::Chances(_)) => Choice::Shared,
        Some(Odds::ByClient) => Choice::ByClient,
        None if route.has_backend() => Choice::Full,
        None if route.holds() => Choice::Held,
        None if !route.backends.iter().any(Member::is_offered) => Choice::None,
        None => Choice::Refused,
    };
    let picked = match outlook.as_ref().map(|outlook| &outlook.odds) {
        Some(Odds::Certain(place)) => route.backends.get(*place).map(|it| it.addr.to_string()),
        Some(Odds::Chances(_) | Odds::ByClient) | None => None,
    };
    let merits = route.balance.merits(&route.backends, client.as_ref(), now);
    // A part has them in the order of the whole.
    let mut of_route = route.backends.iter().zip(merits).enumerate().peekable();
    let backend_list = whole.backends.iter().map(|backend| {
        let is_it =
            |it: &(usize, (&Member, Merits))| Arc::ptr_eq(&it.1.0.backend, &backend.backend);
        match of_route.next_if(is_it) {
            Some((place, (backend, merits))) => {
                let standing = Standing { place, merits, outlook: outlook.as_ref(), now };
                explained(route, backend, standing)
            }
            None => apart(whole, backend, Some(Objection::Name)),
        }
    });
    (choice, picked, backend_list.collect())
}

/// A backend that the client does not come to for this reason, or of which nothing is known but what
/// stands against it by itself.
fn apart(route: &Route, backend: &Member, against: Option<Objection>) -> ExplainedBackend {
    let standing =
        Standing { place: 0, merits: Merits::default(), outlook: None, now: Instant::now() };
    let mut explained = explained(route, backend, standing);
    explained.against.retain(|it| it.objection != Objection::Backup);
    explained.eligible = against.is_none() && explained.against.is_empty();
    explained.against.extend(against.map(objection));
    explained
}

/// How one backend stands in the choice.
struct Standing<'a> {
    place: usize,
    merits: Merits,
    outlook: Option<&'a Outlook>,
    now: Instant,
}

impl Standing<'_> {
    fn is_eligible(&self) -> bool {
        self.outlook.is_some_and(|outlook| outlook.eligible.contains(&self.place))
    }

    fn merits(&self) -> Merits {
        let bounds = self.outlook.map(|outlook| outlook.bounds.as_slice()).unwrap_or_default();
        let bound = bounds.iter().find(|(place, _)| *place == self.place).map(|(_, bound)| *bound);
        Merits { bound, ..self.merits }
    }

    fn share_percent(&self) -> Option<f64> {
        let outlook = self.outlook.filter(|_| self.is_eligible())?;
        match &outlook.odds {
            Odds::Certain(place) => Some(if *place == self.place { 100.0 } else { 0.0 }),
            Odds::Chances(chances) => {
                let chance = chances.iter().find(|(place, _)| *place == self.place);
                Some(percent(chance.map_or(0.0, |(_, chance)| *chance)))
            }
            Odds::ByClient => None,
        }
    }
}

fn explained(route: &Route, backend: &Member, standing: Standing<'_>) -> ExplainedBackend {
    let weight = backend.options.weight;
    let effective = route.balance.effective_weight(backend, standing.now);
    let mut against = objections(route, backend);
    let is_eligible = standing.is_eligible();
    if against.is_empty() && !is_eligible && backend.options.backup {
        against.push(objection(Objection::Backup));
    }
    ExplainedBackend {
        addr: backend.addr.to_string(),
        eligible: is_eligible,
        against,
        weight,
        effective_weight: Some(effective).filter(|it| *it != Weight::whole(weight)),
        backup: backend.options.backup,
        connections: backend.totals.live(),
        max_conns: backend.options.max_conns,
        merits: standing.merits(),
        share_percent: standing.share_percent(),
    }
}

/// All that stands against a backend by itself, whatever else there is.
fn objections(route: &Route, backend: &Member) -> Vec<ObjectionInfo> {
    let unresolved =
        || ObjectionInfo { cause: backend.condition().cause, ..objection(Objection::Unresolved) };
    let max = backend.options.max_conns.filter(|_| !backend.has_room());
    let full = |max: u32| ObjectionInfo {
        cause: Some(format!("{} of {max}", backend.totals.live())),
        ..objection(Objection::MaxConns)
    };
    let all = [
        administered(backend),
        (!backend.is_resolved()).then(unresolved),
        down(route, backend),
        ejected(backend),
        max.map(full),
    ];
    all.into_iter().flatten().collect()
}

fn administered(backend: &Member) -> Option<ObjectionInfo> {
    let what = match backend.options.admin {
        AdminState::Ready => return None,
        AdminState::Drain => Objection::Drain,
        AdminState::Disabled => Objection::Disabled,
    };
    let info = admin_info(backend.options.admin, &backend.admin, backend.added);
    let cause = info.by.map(|by| format!("by {by}"));
    Some(ObjectionInfo { seconds: Some(info.seconds), cause, ..objection(what) })
}

fn down(route: &Route, backend: &Member) -> Option<ObjectionInfo> {
    let check = route.options.check.as_deref().filter(|_| backend.checked.is_down())?;
    let info = check_info(backend, check)?;
    Some(ObjectionInfo {
        seconds: Some(info.state_seconds),
        cause: info.failure,
        next_ms: Some(info.next_ms),
        ..objection(Objection::Down)
    })
}

fn ejected(backend: &Member) -> Option<ObjectionInfo> {
    let info = ejection_info(backend)?;
    Some(ObjectionInfo {
        seconds: Some(info.seconds),
        cause: Some(info.cause),
        next_ms: info.probe_ms.or(info.ends_ms),
        ..objection(Objection::Ejected)
    })
}

fn objection(what: Objection) -> ObjectionInfo {
    ObjectionInfo { objection: what.into(), seconds: None, cause: None, next_ms: None }
}

/// With two decimals.
fn percent(chance: f64) -> f64 {
    (chance * 10_000.0).round() / 100.0
}
