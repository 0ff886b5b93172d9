//! What became of what was asked for.

use plexy_shared::command::Request;
use plexy_shared::connection::KillOrder;
use plexy_shared::error::Code;
use plexy_shared::word::Words;

use super::super::super::message::Effect;
use super::super::super::order::{Done, Order, Reply};
use super::super::super::state::{
    Check, Choice, Confirm, Dialog, Mood, Seen, State, Subject, Text,
};
use super::super::note;
use super::back::{is_told_in_a_line, takes_back};
use super::{confirm, give, now_of, try_again};
use crate::failure::Failure;
use crate::output::{explained, safe};

/// It is done, or not.
pub(in super::super) fn done(state: &mut State, done: Done) -> Vec<Effect> {
    let Done { order, outcome } = done;
    let look = outcome.as_ref().err().and_then(|failure| look_anew(state, &order, failure));
    let mut effects = match (order.is_trial, outcome) {
        (true, Ok(reply)) => tried(state, &order, reply),
        (true, Err(failure)) => told_in_dialog(state, &order, failure),
        (false, Ok(reply)) => {
            succeeded(state, &order, reply);
            Vec::new()
        }
        (false, Err(failure)) => failed(state, &order, failure),
    };
    effects.extend(look);
    effects
}

/// Where the daemon is further than it has told here, it is looked at once more: else whatever somebody
/// answers before the next look is due would be refused as well. Nothing is asked for until that has come.
fn look_anew(state: &mut State, order: &Order, failure: &Failure) -> Option<Effect> {
    let told = state.newest().map(Seen::of)?;
    let is_refused = failure.code == Code::RevisionMismatch.word();
    (is_refused && order.revision == Some(told.revision)).then(|| {
        state.acting.outdated = Some(told);
        Effect::Look
    })
}

/// It is known what it would do: now somebody is asked. Where nobody waits for it any more, nobody is.
fn tried(state: &mut State, order: &Order, reply: Reply) -> Vec<Effect> {
    let form = match state.dialog.take() {
        Some(Dialog::Confirm(confirm)) if confirm.sent.as_ref() == Some(order) => {
            return tried_again(state, *confirm, reply);
        }
        Some(Dialog::Form(mut form)) if form.sent.as_ref() == Some(order) => {
            form.sent = None;
            Some(form)
        }
        Some(Dialog::Line(line)) if line.sent.as_ref() == Some(order) => None,
        other => {
            state.dialog = other;
            return Vec::new();
        }
    };
    let subject = match &form {
        Some(form) => form.kind.subject(),
        None => subject_of(state, &order.line),
    };
    let confirm = confirm(state, order.line.clone(), Choice::Nothing, subject);
    let seen = seen_by(state, &reply);
    let mut confirm = confirm.tried(difference(&reply), seen, reply.live);
    confirm.form = form;
    state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
    Vec::new()
}

/// Somebody has said yes to what it would do: that is done if it would do the same now.
fn tried_again(state: &mut State, mut confirm: Confirm, reply: Reply) -> Vec<Effect> {
    confirm.sent = None;
    let seen = seen_by(state, &reply);
    let expected = confirm.seen.as_ref().and_then(|seen| state.expected(seen));
    let is_same = expected.is_some() && expected == seen.as_ref().map(|seen| seen.revision);
    if let Check::Other(changed) = confirm.check_again(is_same, reply.live) {
        let mut confirm = confirm.tried(difference(&reply), seen, reply.live);
        let changed = confirm.changed.take().unwrap_or(changed);
        confirm.look_again(changed, state.now);
        state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
        return Vec::new();
    }
    give(state, confirm)
}

/// The lines that tell what the daemon would do.
fn difference(reply: &Reply) -> Vec<String> {
    reply.text.lines().filter(|line| !line.trim().is_empty()).map(safe).collect()
}

/// When a reply was true. Where it does not say, it was not before what was told last.
fn seen_by(state: &State, reply: &Reply) -> Option<Seen> {
    let newest = state.newest().map(Seen::of)?;
    Some(Seen { revision: reply.revision.unwrap_or(newest.revision), ..newest })
}

/// What a line is about, as far as that is known.
fn subject_of(state: &State, line: &str) -> Subject {
    let request = Request::parse(line).ok().flatten();
    let (tunnel, backend) = match request {
        Some(
            Request::Close { tunnel, .. }
            | Request::Set { tunnel, .. }
            | Request::Switch { tunnel, .. },
        ) => (tunnel, None),
        Some(Request::Drain { tunnel, backend, .. }) => (tunnel, backend),
        Some(Request::Remove { tunnel, backend, .. }) => (tunnel, Some(backend.addr)),
        Some(
            Request::Disable { tunnel, backend } | Request::SetBackend { tunnel, backend, .. },
        ) => (tunnel, Some(backend)),
        Some(Request::Kill(KillOrder::Where { tunnel: Some(tunnel), .. })) => (tunnel, None),
        _ => return Subject::Daemon,
    };
    match (state.tunnel_called(&tunnel.to_string()), backend) {
        (None, _) => Subject::Daemon,
        (Some(tunnel), None) => Subject::Tunnel(tunnel),
        (Some(tunnel), Some(backend)) => Subject::Backend(tunnel, backend.to_string()),
    }
}

/// It is done.
fn succeeded(state: &mut State, order: &Order, reply: Reply) {
    if state.acting.agreed.as_ref().is_some_and(|agreed| agreed.line() == order.line) {
        state.acting.agreed = None;
    }
    if matches!(&state.dialog, Some(Dialog::Form(form)) if form.sent.as_ref() == Some(order)) {
        state.dialog = None;
    }
    // It is text of the daemon, which was made safe where it was written.
    let request = Request::parse(&order.line).ok().flatten();
    let is_short = request.is_some_and(|request| is_told_in_a_line(&request));
    let is_long = reply.text.lines().nth(1).is_some() && !is_short;
    if is_long && state.dialog.is_none() {
        let notes = reply.notes.iter().map(|line| format!("{line}\n")).collect::<String>();
        state.dialog = Some(Dialog::Text(Text::new(order.line.clone(), reply.text + &notes)));
        return;
    }
    let first = reply.text.lines().chain(reply.notes.iter().map(String::as_str)).next();
    let first = first.unwrap_or("done");
    let text = match takes_back(order, &reply) {
        Some(line) => format!("{first}; `{line}` takes it back"),
        None => first.to_owned(),
    };
    note(state, Mood::Done, text);
}

/// It is not.
fn failed(state: &mut State, order: &Order, failure: Failure) -> Vec<Effect> {
    let agreed = state.acting.agreed.take_if(|agreed| agreed.line() == order.line);
    let Some(mut agreed) = agreed.filter(|_| state.dialog.is_none()) else {
        return told_in_dialog(state, order, failure);
    };
    if failure.code == Code::RevisionMismatch.word() {
        return ask_again(state, *agreed);
    }
    match agreed.form.take() {
        Some(mut form) => {
            form.failure = Some(failure);
            state.dialog = Some(Dialog::Form(form));
            Vec::new()
        }
        None => told_in_dialog(state, order, failure),
    }
}

/// Somebody else has changed something between what was told and the answer: it is asked again.
fn ask_again(state: &mut State, mut agreed: Confirm) -> Vec<Effect> {
    let changed = "something has changed since you were asked".to_owned();
    if agreed.is_tried() {
        (agreed.seen, agreed.changed) = (None, Some(changed));
        return try_again(state, agreed);
    }
    (agreed.now, agreed.seen) = now_of(state, &agreed.subject);
    match agreed.again(changed, state.now) {
        Ok(()) => state.dialog = Some(Dialog::Confirm(Box::new(agreed))),
        Err(why) => note(state, Mood::Failed, format!("{why}: nothing was done")),
    }
    Vec::new()
}

/// Why not, where it was asked for; else in the last line, or in a dialog where that has no room.
fn told_in_dialog(state: &mut State, order: &Order, failure: Failure) -> Vec<Effect> {
    let failure = if failure.code == Code::RevisionMismatch.word() {
        let why = "something has changed since that was told: nothing was done";
        Failure::of(Code::RevisionMismatch, why)
    } else {
        failure
    };
    match &mut state.dialog {
        Some(Dialog::Form(form)) if form.sent.as_ref() == Some(order) => {
            (form.sent, form.failure, form.is_begun) = (None, Some(failure), false);
            return Vec::new();
        }
        Some(Dialog::Line(line)) if line.sent.as_ref() == Some(order) => {
            (line.sent, line.failure) = (None, Some(failure));
            return Vec::new();
        }
        Some(Dialog::Confirm(confirm)) if confirm.sent.as_ref() == Some(order) => {
            if let Some(mut form) = confirm.form.take() {
                form.failure = Some(failure);
                state.dialog = Some(Dialog::Form(form));
                return Vec::new();
            }
            state.dialog = None;
        }
        _ if order.is_trial => return Vec::new(),
        _ => {}
    }
    let has_room = failure.place.is_none() && failure.details.is_empty();
    if has_room || state.dialog.is_some() {
        let hint = failure.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        note(state, Mood::Failed, safe(&format!("{}{hint}", failure.message)));
    } else {
        let text = explained(&failure, state.looks.screen());
        state.dialog = Some(Dialog::Text(Text::new(format!("not done: {}", order.line), text)));
    }
    Vec::new()
}
