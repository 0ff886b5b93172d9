//! How a tunnel or a backend is, in one word, and since when.

use std::time::Instant;

use plexy_shared::overview::Health;
use plexy_shared::spec::AdminState;

use crate::admin::Admin;
use crate::backend::Member;
use crate::tunnel::{Route, Tunnel};

/// How a tunnel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) health: Health,
    /// Backends that take connections.
    pub(super) up: u32,
    /// Backends that nobody has put out of service.
    pub(super) wanted: u32,
}

/// How a tunnel is on this route: what somebody wants of it comes first.
pub(super) fn of_tunnel(route: &Route) -> Condition {
    let (mut up, mut wanted) = (0, 0);
    for member in route.backends.iter().filter(|member| is_wanted(member)) {
        wanted += 1;
        up += u32::from(member.backend.is_usable());
    }
    let health = match route.options.admin {
        AdminState::Drain => Health::Draining,
        AdminState::Disabled => Health::Disabled,
        AdminState::Ready if up == 0 => Health::Down,
        AdminState::Ready if up < wanted => Health::Degraded,
        AdminState::Ready => Health::Ok,
    };
    Condition { health, up, wanted }
}

/// How a backend is.
pub(super) fn of_backend(member: &Member) -> Health {
    match member.options.admin {
        AdminState::Drain => Health::Draining,
        AdminState::Disabled => Health::Disabled,
        AdminState::Ready if member.backend.is_usable() => Health::Ok,
        AdminState::Ready => Health::Down,
    }
}

/// Since when a tunnel is so, as far as its backends tell: each knows only since when it is as it is.
pub(super) fn since(tunnel: &Tunnel, route: &Route, health: Health) -> Instant {
    let noted = noted(&tunnel.admin, tunnel.opened);
    let wanted = || route.backends.iter().filter(|member| is_wanted(member));
    let is_up = |member: &&Member| member.backend.is_usable();
    let changed = |member: &Member| member.backend.settled_at();
    let since = match health {
        Health::Draining | Health::Disabled => None,
        // When the last of them went: a check has found it so, or somebody has.
        Health::Down => route.backends.iter().map(gone).max(),
        // Since the first of them failed, while another one was up.
        Health::Degraded => {
            let failed = wanted().filter(|it| !is_up(it)).map(changed).min();
            failed.max(wanted().filter(is_up).map(changed).min())
        }
        // Since the last of them came up.
        Health::Ok => wanted().map(changed).max(),
    };
    since.map_or(noted, |since| since.max(noted))
}

/// When a backend began to take no clients.
fn gone(member: &Member) -> Instant {
    let backend = &member.backend;
    let taken_out = (!is_wanted(member)).then(|| noted(&backend.admin, backend.added));
    let failed = (!backend.is_usable()).then(|| backend.settled_at());
    match (taken_out, failed) {
        (Some(one), Some(other)) => one.min(other),
        (one, other) => one.or(other).unwrap_or(backend.added),
    }
}

/// When somebody has done something to it last.
fn noted(admin: &Admin, born: Instant) -> Instant {
    admin.noted().map_or(born, |noted| noted.since)
}

/// Whether nobody has put it out of service, or has it drain.
fn is_wanted(member: &Member) -> bool {
    member.options.admin == AdminState::Ready
}
