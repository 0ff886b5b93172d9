//! What the daemon tells, and time that passes.

use plexy_shared::overview::{Overview, OverviewParams};

use super::super::message::News;
use super::super::state::{Lost, Moment, Pane, Returned, State, Told, Way};
use super::asked;

/// Takes what came from the daemon.
pub(super) fn told(state: &mut State, news: News) {
    match news {
        News::Online(hello, endpoint) => {
            let now = state.now;
            if let Way::Lost(lost) = &state.way {
                let before = state.told.as_ref().map(|told| &told.overview);
                let restarted = before.filter(|it| it.instance != hello.instance).map(|it| {
                    [
                        (it.process.pid, it.process.version.clone()),
                        (hello.version.pid, hello.version.version.clone()),
                    ]
                });
                let lost_for = now.saturating_sub(lost.since);
                let time = String::new();
                state.returned = Some(Returned { at: now, time, lost_for, restarted });
            }
            state.place.endpoint = endpoint;
            state.way = Way::Live { since: now };
        }
        News::Overview(params, overview) => overview_told(state, params, overview),
        News::Events(reply) => {
            state.events.told(reply);
            if state.level().pane == Pane::Events {
                state.events.unread = 0;
            }
        }
        News::Lost { why, hint, retry } => {
            let (since, tries) = match &state.way {
                Way::Lost(lost) => (lost.since, lost.tries + 1),
                Way::Unknown | Way::Live { .. } => (state.now, 1),
            };
            if tries == 1 {
                state.going_trends().gap();
            }
            let next = retry.map(|after| state.now + after);
            state.way = Way::Lost(Lost { since, why, hint, tries, next });
        }
    }
}

fn overview_told(state: &mut State, params: Box<OverviewParams>, overview: Box<Overview>) {
    let before = state.held.as_ref().or(state.told.as_ref());
    let is_same = before.is_some_and(|told| told.overview.instance == overview.instance);
    let is_another = before.is_some() && !is_same;
    if let Some(returned) = state.returned.as_mut().filter(|returned| returned.time.is_empty()) {
        returned.time.clone_from(&overview.time);
    }
    let cpu = before.filter(|_| is_same).and_then(|told| cpu(&told.overview, &overview));
    if !is_same {
        state.going_trends().forget_tunnels();
    }
    if is_another {
        state.restart();
    }
    let every = state.every;
    state.going_trends().told(&overview, every);
    let is_renamed = state.learn_names(&overview);
    if let Some(dialog) = &mut state.dialog {
        dialog.told(&params, &overview);
    }
    let told = Told { overview, asked: params, at: state.now, cpu };
    if state.paused.is_some() && !(state.is_waiting() && is_wanted(state, &told.asked)) {
        state.held = Some(told);
    } else {
        state.held = None;
        show(state, told);
    }
    if is_renamed {
        asked::renamed(state);
    }
}

/// Thousandths of a CPU between two looks.
fn cpu(before: &Overview, after: &Overview) -> Option<u64> {
    let over = after.monotonic_ms.checked_sub(before.monotonic_ms).filter(|ms| *ms > 0)?;
    let used = after.process.cpu_ms.checked_sub(before.process.cpu_ms)?;
    Some(used * 1_000 / over)
}

/// Shows what was told: rows of the main table, if they are those that are wanted now. What is shown
/// beside it is taken as it was told.
fn show(state: &mut State, told: Told) {
    let (now, is_wanted) = (state.now, is_wanted(state, &told.asked));
    let level = state.level_mut();
    let overview = &told.overview;
    match level.pane {
        Pane::Events | Pane::Options => {}
        _ if !is_wanted => {}
        Pane::Backends => {
            let rows = overview.backends.clone();
            rows.into_iter().for_each(|rows| level.backends.told(rows, now));
        }
        Pane::Connections => {
            let rows = overview.connections.clone();
            rows.into_iter().for_each(|rows| level.connections.told(rows, now));
        }
        Pane::Tunnels | Pane::Latency => {
            let rows = overview.tunnels.clone();
            rows.into_iter().for_each(|rows| level.tunnels.told(rows, now));
        }
    }
    state.told = Some(told);
}

/// Whether that was asked for what is seen now.
fn is_wanted(state: &State, asked: &OverviewParams) -> bool {
    let wanted = state.wanted();
    match state.level().pane {
        Pane::Tunnels | Pane::Latency => asked.tunnels == wanted.tunnels,
        Pane::Backends => asked.backends == wanted.backends,
        Pane::Connections => asked.connections == wanted.connections,
        Pane::Events | Pane::Options => asked.tunnel == wanted.tunnel,
    }
}

/// Holds what is shown, or lets it go on.
pub(super) fn pause(state: &mut State) {
    if state.paused.take().is_none() {
        state.paused = Some(state.now);
        return;
    }
    state.show_trends();
    if let Some(held) = state.held.take() {
        show(state, held);
    }
}

/// Time has passed.
pub(super) fn passed(state: &mut State) {
    let now: Moment = state.now;
    if state.toast.as_ref().is_some_and(|toast| toast.is_over(now)) {
        state.toast = None;
    }
    if state.returned.as_ref().is_some_and(|returned| returned.is_over(now)) {
        state.returned = None;
    }
    if state.paused.is_none() {
        let level = state.level_mut();
        level.tunnels.forget_gone(now);
        level.backends.forget_gone(now);
        level.connections.forget_gone(now);
    }
}
