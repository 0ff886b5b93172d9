//! What takes a change back, where it has changed anything.

use std::time::Duration;

use plexy_shared::command::Request;
use plexy_shared::info::{AdminInfo, Change};
use plexy_shared::spec::AdminState;
use plexy_shared::units::show_duration;
use plexy_shared::word::Word;

use super::super::super::order::{Order, Reply};
use super::super::super::state::State;

/// The line that takes back what was done, where one does; none where it is not known what was before.
pub(super) fn takes_back(order: &Order, reply: &Reply) -> Option<String> {
    // There is nothing of ours, only what was there before.
    if reply.change == Some(Change::Unchanged) {
        return None;
    }
    let request = Request::parse(&order.line).ok().flatten()?;
    match request {
        Request::Add { tunnel, backend } => Some(format!("remove {tunnel} {}", backend.addr)),
        Request::Enable { tunnel, backend: None } => (order.before == Some(AdminState::Drain))
            .then(|| drain(&tunnel.to_string(), order.rest)),
        Request::Enable { tunnel, backend: Some(backend) } => {
            let before = order.before.filter(|before| *before != AdminState::Ready)?;
            Some(of_backend(before, order.rest, &format!("{tunnel} {backend}")))
        }
        Request::Drain { tunnel, backend: None, .. } => {
            (order.before == Some(AdminState::Ready)).then(|| format!("enable {tunnel}"))
        }
        Request::Drain { tunnel, backend: Some(backend), .. }
        | Request::Disable { tunnel, backend } => {
            Some(of_backend(order.before?, order.rest, &format!("{tunnel} {backend}")))
        }
        Request::Open(spec) => {
            let name = spec.options.name.map(|name| name.to_string());
            // Where it was to take any free port, only the daemon knows which.
            let listen = reply.listen.clone().unwrap_or_else(|| spec.listen.to_string());
            Some(format!("close {}", name.unwrap_or(listen)))
        }
        request => is_undone(&request).then(|| "undo".to_owned()),
    }
}

/// Has a backend be again what it was.
fn of_backend(before: AdminState, rest: Option<Duration>, words: &str) -> String {
    match before {
        AdminState::Ready => format!("enable {words}"),
        AdminState::Drain => drain(words, rest),
        AdminState::Disabled => format!("disable {words}"),
    }
}

/// Drains it again, as long as there was left.
fn drain(words: &str, rest: Option<Duration>) -> String {
    match rest.map(show_duration) {
        Some(rest) => format!("drain {words} deadline={rest}"),
        None => format!("drain {words}"),
    }
}

fn is_undone(request: &Request) -> bool {
    matches!(
        request,
        Request::Remove { .. }
            | Request::Set { .. }
            | Request::SetBackend { .. }
            | Request::Switch { .. }
            | Request::Close { .. }
            | Request::Undo(_)
    )
}

/// Whether it is a change of one tunnel, or of the last ones: the first line of its answer tells all.
pub(super) fn is_told_in_a_line(request: &Request) -> bool {
    let is_of_state = matches!(
        request,
        Request::Open(_)
            | Request::Add { .. }
            | Request::Drain { .. }
            | Request::Enable { .. }
            | Request::Disable { .. }
    );
    is_of_state || is_undone(request)
}

/// The order with what is known of what it is about, before it is given.
pub(in super::super) fn knowing(state: &State, order: Order) -> Order {
    let known = match Request::parse(&order.line).ok().flatten() {
        Some(Request::Drain { tunnel, backend, .. } | Request::Enable { tunnel, backend }) => {
            admin_state(state, &tunnel.to_string(), backend.map(|it| it.to_string()))
        }
        Some(Request::Disable { tunnel, backend }) => {
            admin_state(state, &tunnel.to_string(), Some(backend.to_string()))
        }
        _ => None,
    };
    let (before, rest) = known.unzip();
    Order { before, rest: rest.flatten(), ..order }
}

/// What somebody has made of it, and how long what drains still has. By what was told last alone: what was
/// told before may have become something else.
fn admin_state(
    state: &State,
    tunnel: &str,
    backend: Option<String>,
) -> Option<(AdminState, Option<Duration>)> {
    let tunnel = state.tunnel_told(tunnel)?;
    let newest = state.newest()?;
    let full = newest.tunnel.as_ref().filter(|full| full.row.id == tunnel.id);
    let Some(backend) = backend else {
        if let Some(full) = full {
            return known(&full.info.admin_info);
        }
        let rows = newest.tunnels.iter().flat_map(|it| &it.rows);
        let mut rows = rows.filter(|row| row.id == tunnel.id);
        let admin = rows.next()?.status.admin.as_ref();
        return Some((admin.map_or(Some(AdminState::Ready), Word::known)?, None));
    };
    let of_tunnel = full.into_iter().flat_map(|full| &full.info.backend_list);
    let rows = newest.backends.iter().flat_map(|it| &it.rows);
    let of_rows = rows.filter(|row| row.tunnel_id == tunnel.id).map(|row| &row.info);
    known(&of_tunnel.chain(of_rows).find(|info| info.addr == backend)?.admin)
}

/// In whole seconds: it is told to be typed.
fn known(admin: &AdminInfo) -> Option<(AdminState, Option<Duration>)> {
    let seconds = admin.deadline_ms.map(|rest| rest.div_ceil(1_000).max(1));
    Some((admin.state.known()?, seconds.map(Duration::from_secs)))
}
