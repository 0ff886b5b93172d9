//! What an action is about: what is selected, or looked into.

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::overview::BackendRow;

use super::super::super::action::Action;
use super::super::super::state::{Pane, Run, Scope, State, Subject, TunnelName};

/// What this action would be about.
pub(super) fn selected(state: &State, action: Action) -> Option<Subject> {
    let level = state.level();
    let of_tunnel = matches!(action, Action::Close | Action::AddBackend | Action::Export);
    let row = match (level.pane, &level.scope) {
        (Pane::Tunnels | Pane::Latency, Scope::All) => {
            level.tunnels.selected_row().map(|row| Subject::Tunnel(TunnelName::of(row)))
        }
        (Pane::Backends, _) if of_tunnel && level.scope != Scope::All => None,
        (Pane::Backends, _) => level.backends.selected_row().map(backend),
        (Pane::Connections, _) if is_of_connection(action) => {
            let row = level.connections.selected_row();
            row.map(|row| Subject::Connection(Box::new(row.clone())))
        }
        _ => None,
    };
    row.or_else(|| match &level.scope {
        _ if matches!(level.pane, Pane::Backends | Pane::Connections)
            && !of_tunnel
            && is_of_row(level.pane, action) =>
        {
            None
        }
        Scope::All => (action == Action::Copy).then_some(Subject::Daemon),
        Scope::Tunnel(tunnel) => Some(Subject::Tunnel(tunnel.clone())),
        Scope::Backend(tunnel, _) if of_tunnel => Some(Subject::Tunnel(tunnel.clone())),
        Scope::Backend(tunnel, backend) => Some(Subject::Backend(tunnel.clone(), backend.clone())),
    })
}

/// Whether an action means a row of that pane, and nothing around it.
fn is_of_row(pane: Pane, action: Action) -> bool {
    match pane {
        Pane::Backends => !matches!(action, Action::Copy),
        _ => is_of_connection(action) && action != Action::Copy,
    }
}

fn is_of_connection(action: Action) -> bool {
    matches!(action, Action::Kill | Action::Copy | Action::Menu)
}

fn backend(row: &BackendRow) -> Subject {
    Subject::Backend(TunnelName::of_backend(row), row.info.addr.clone())
}

/// What ends all connections that are seen, and says so: those that were looked for by their ids, which
/// no other one ever has; without that, all of the tunnel or of the backend.
pub(super) fn others(state: &State, subject: &Subject) -> Option<(String, Run)> {
    let Subject::Connection(_) = subject else { return None };
    let level = state.level();
    let table = &level.connections;
    if !table.find.is_all() {
        return matching(state);
    }
    let (subject, filter) = match &level.scope {
        Scope::All => return None,
        Scope::Tunnel(tunnel) => (Subject::Tunnel(tunnel.clone()), "age>=0s".to_owned()),
        Scope::Backend(tunnel, backend) => {
            (Subject::Tunnel(tunnel.clone()), format!("backend={backend}"))
        }
    };
    let whose = level.scope.backend().map_or_else(|| subject.title(), crate::output::safe);
    let text = format!("Kill all {} of {whose}...", table.total);
    Some((text, Run::Whole(format!("kill {} where {filter}", subject.words()?))))
}

/// The same of those that match what is looked for now, as the daemon has told it last: what is shown
/// may stand still, or match what was looked for before.
fn matching(state: &State) -> Option<(String, Run)> {
    let told = state.told_last()?;
    let (asked, wanted) = (told.asked.connections.as_ref()?, state.wanted().connections?);
    let is_of_these = (&asked.tunnel, &asked.filter, &asked.find)
        == (&wanted.tunnel, &wanted.filter, &wanted.find);
    let reply = told.overview.connections.as_ref().filter(|_| is_of_these)?;
    let find = &state.level().connections.find;
    let text = format!("Kill all {} that match {find}", reply.matched);
    if reply.matched > reply.rows.len() as u64 {
        let text = format!("{text}: too many to name them, where what?");
        let tunnel = state.level().scope.tunnel().cloned().map(Subject::Tunnel);
        let of = tunnel.and_then(|it| it.words()).map(|word| format!("{word} "));
        return Some((text, Run::Line(format!("kill {}where ", of.unwrap_or_default()))));
    }
    let words = |row: &ConnectionInfo| Subject::Connection(Box::new(row.clone())).words();
    let ids: Vec<String> = reply.rows.iter().map(words).collect::<Option<_>>()?;
    (ids.len() > 1).then(|| (format!("{text}..."), Run::Whole(format!("kill {}", ids.join(" ")))))
}
