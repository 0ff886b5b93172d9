//! What has to be seen before all else: that the daemon is lost or says nothing, how old that makes what
//! is shown, and that it is back.
//!
//! ```text
//! ▌DISCONNECTED unix:/run/plexy/rpc.sock: connection refused. Data is 14s old.   ▐
//! ▌Try 5 in 2s (r now). Actions are off.  systemctl status plexyd                ▐
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::state::{Lost, Returned, State, Way};
use super::super::theme::Role;
use super::clock::clock;
use super::put::{put, row_of};
use crate::output::{Side, age, cut};

/// How many rows it takes.
pub(super) fn height(state: &State) -> u16 {
    u16::try_from(sentences(state).len()).unwrap_or_default()
}

/// Draws it.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let looks = &state.looks;
    let room = usize::from(area.width).saturating_sub(2);
    for (row, sentence) in (0..area.height).zip(sentences(state)) {
        let place = row_of(area, row);
        let text = cut(&looks.safe(&sentence), room, Side::Left, looks.ellipsis());
        let edge = looks.style(Role::Bad);
        put(buffer, place, (0, 0), looks.sign("▌", "|"), edge);
        put(buffer, place, (1, 0), &format!("{text:room$}"), looks.style(Role::Alarm));
        put(buffer, place, (area.width.saturating_sub(1), 0), looks.sign("▐", "|"), edge);
    }
}

/// What there is to say: one sentence a row, none where all is well.
fn sentences(state: &State) -> Vec<String> {
    match (&state.way, &state.returned) {
        (Way::Lost(lost), _) => of_lost(state, lost),
        _ if state.is_silent() => of_silent(state),
        (_, Some(returned)) => of_returned(state, returned),
        (Way::Unknown | Way::Live { .. }, None) => Vec::new(),
    }
}

fn of_lost(state: &State, lost: &Lost) -> Vec<String> {
    let endpoint = &state.place.endpoint;
    // Most causes name it.
    let at =
        if lost.why.contains(endpoint.as_str()) { String::new() } else { format!("{endpoint}: ") };
    let old = match state.age() {
        Some(old) => format!("Data is {} old.", age(old.as_secs())),
        None => "Nothing was told yet.".to_owned(),
    };
    let next = match lost.next {
        Some(next) => {
            // It is not over before.
            let wait = next.saturating_sub(state.now).as_millis().div_ceil(1_000);
            format!("Try {} in {wait}s (r now).", lost.tries + 1)
        }
        None => "Not tried again (r tries).".to_owned(),
    };
    let hint = lost.hint.as_ref().map(|hint| format!("  {hint}")).unwrap_or_default();
    vec![
        format!("DISCONNECTED {at}{}. {old}", lost.why.trim_end_matches('.')),
        format!("{next} Actions are off.{hint}"),
    ]
}

fn of_silent(state: &State) -> Vec<String> {
    let old = age(state.age().unwrap_or_default().as_secs());
    vec![
        format!("SILENT plexyd is connected, and has said nothing for {old}. Data is {old} old."),
        "It may be stopped, or very busy. Actions are off. r connects anew.".to_owned(),
    ]
}

fn of_returned(state: &State, returned: &Returned) -> Vec<String> {
    let lost_for = age(returned.lost_for.as_secs());
    let Some([(old_pid, old), (pid, new)]) = &returned.restarted else {
        return vec![format!("Reconnected after {lost_for} to the same plexyd.  Esc hides")];
    };
    let arrow = state.looks.sign("→", "->");
    let version = if old == new { new.clone() } else { format!("{old} {arrow} {new}") };
    let time = match returned.time.as_str() {
        "" => String::new(),
        time => format!(" at {}", clock(time, None, &state.zone)),
    };
    vec![
        format!(
            "Reconnected after {lost_for} to a NEW plexyd (pid {old_pid} {arrow} {pid}, {version})."
        ),
        format!("Counters start from zero; graphs have a gap{time}; r forgets peaks.  Esc hides"),
    ]
}
