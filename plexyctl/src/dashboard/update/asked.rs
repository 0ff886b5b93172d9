//! What somebody asks the daemon for. Each action is a line of the grammar of every door, about what is
//! selected by what that is known by; what others feel is asked about first.

mod answered;
mod back;
mod selected;

use super::super::action::Action;
use super::super::message::Effect;
use super::super::order::Order;
use super::super::state::{
    Check, Choice, CommandLine, Confirm, Dialog, Form, FormKind, Menu, Mood, Now, Run, Seen, State,
    Subject, Text,
};
use super::note;
use crate::consequence::same_as;
use crate::output::safe;
use crate::tier::Tier;
pub(super) use answered::done;
pub(super) use back::knowing;
use selected::{others, selected};

/// Asks for it, or for what has to be known before.
pub(super) fn ask(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Line => {
            state.dialog = Some(Dialog::Line(Box::default()));
            return Vec::new();
        }
        Action::OpenTunnel => return fill_in(state, FormKind::Open),
        _ => {}
    }
    match selected(state, action) {
        Some(subject) => ask_about(state, action, subject),
        None => {
            note(state, Mood::Note, "nothing is selected");
            Vec::new()
        }
    }
}

/// The same about this, whatever is selected.
pub(super) fn ask_about(state: &mut State, action: Action, subject: Subject) -> Vec<Effect> {
    match (action, subject) {
        (Action::Menu, subject) => open_menu(state, subject),
        (Action::Copy, subject) => copy_of(state, &subject),
        (Action::Export, Subject::Tunnel(tunnel) | Subject::Backend(tunnel, _)) => {
            let mut text = Text::export(tunnel);
            if let Some(told) = state.told_last() {
                text.told(&told.asked, &told.overview);
            }
            state.dialog = Some(Dialog::Text(text));
            Vec::new()
        }
        (Action::AddBackend, Subject::Tunnel(tunnel) | Subject::Backend(tunnel, _)) => {
            fill_in(state, FormKind::Add(tunnel))
        }
        (Action::Edit, Subject::Tunnel(tunnel)) => fill_in(state, FormKind::Options(tunnel)),
        (Action::Edit, Subject::Backend(tunnel, backend)) => {
            fill_in(state, FormKind::Attributes(tunnel, backend))
        }
        (Action::Close, Subject::Tunnel(tunnel) | Subject::Backend(tunnel, _)) => {
            propose(state, "close", Choice::Nothing, Subject::Tunnel(tunnel))
        }
        (Action::Drain, subject) => propose(state, "drain", Choice::Deadline(None), subject),
        (Action::Enable, subject) => propose(state, "enable", Choice::Nothing, subject),
        (Action::Disable, subject) => propose(state, "disable", Choice::Nothing, subject),
        (Action::RemoveBackend, subject) => propose(state, "remove", Choice::Fate(None), subject),
        (Action::Kill, subject) => propose(state, "kill", Choice::Nothing, subject),
        _ => Vec::new(),
    }
}

/// Does what a verb says about something, or asks before.
fn propose(state: &mut State, verb: &str, choice: Choice, subject: Subject) -> Vec<Effect> {
    if let Some(why) = state.refusal() {
        note(state, Mood::Failed, why);
        return Vec::new();
    }
    let Some(words) = subject.words() else {
        note(state, Mood::Failed, subject.unnamed());
        return Vec::new();
    };
    let confirm = confirm(state, format!("{verb} {words}"), choice, subject);
    agree(state, confirm)
}

/// A question about a line.
pub(super) fn confirm(state: &State, line: String, choice: Choice, subject: Subject) -> Confirm {
    let now = now_of(state, &subject);
    let mut confirm = Confirm::new(line, choice, subject, now, state.place.protected.as_deref());
    confirm.asked_at = state.now;
    confirm
}

/// How something is by what was told last, and when that was, where it is there.
fn now_of(state: &State, subject: &Subject) -> (Now, Option<Seen>) {
    let Some(told) = state.told_last() else { return (Now::Unknown, None) };
    let now = subject.now(&told.overview, &told.asked);
    let seen = matches!(now, Now::Here(_)).then(|| Seen::of(&told.overview));
    (now, seen)
}

/// Does it at once where it asks for nothing, or asks.
pub(super) fn agree(state: &mut State, confirm: Confirm) -> Vec<Effect> {
    if confirm.tier != Tier::Free {
        state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
        return Vec::new();
    }
    match unasked(state, &confirm) {
        Ok(order) => vec![Effect::Order(Box::new(order))],
        Err(why) => {
            note(state, Mood::Failed, format!("{why}: nothing was done"));
            Vec::new()
        }
    }
}

/// The order that nobody has to be asked about, or why it cannot be given: what it is about is not what
/// was seen.
pub(super) fn unasked(state: &State, confirm: &Confirm) -> Result<Order, String> {
    match confirm.check() {
        Check::Gone(why) | Check::Other(why) => Err(why),
        // It is about nothing that could have become something else.
        Check::Same if confirm.subject == Subject::Daemon => Ok(Order::new(confirm.line())),
        Check::Same => order_of(state, confirm).ok_or_else(|| not_told(&confirm.subject)),
    }
}

/// The order that is done only while the daemon is as it was told; none while nobody has told that.
pub(super) fn order_of(state: &State, confirm: &Confirm) -> Option<Order> {
    let seen = match confirm.subject {
        // No other one ever has its id.
        Subject::Connection(_) => state.newest().map(Seen::of),
        _ => confirm.seen.clone(),
    };
    let revision = state.expected(&seen?)?;
    Some(knowing(state, Order { revision: Some(revision), ..Order::new(confirm.line()) }))
}

/// Gives the order that somebody has said yes to, where it is known of what that is true.
pub(super) fn give(state: &mut State, confirm: Confirm) -> Vec<Effect> {
    let Some(order) = order_of(state, &confirm) else {
        note(state, Mood::Note, not_told(&confirm.subject));
        state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
        return Vec::new();
    };
    state.acting.agreed = Some(Box::new(confirm));
    vec![Effect::Order(Box::new(order))]
}

/// Asks the daemon once more what a command would do, before it is done or somebody is asked again.
pub(super) fn try_again(state: &mut State, mut confirm: Confirm) -> Vec<Effect> {
    let trial = Order { is_trial: true, ..Order::new(confirm.line()) };
    confirm.sent = Some(trial.clone());
    state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
    vec![Effect::Order(Box::new(trial))]
}

/// Why nothing can be done yet.
pub(super) fn not_told(subject: &Subject) -> String {
    format!("plexyd has not told yet how {} is", subject.title())
}

/// A tunnel is called otherwise than before: what can be done with it is named by the name that it has.
pub(super) fn renamed(state: &mut State) {
    let Some(Dialog::Menu(menu)) = state.dialog.take_if(|it| matches!(it, Dialog::Menu(_))) else {
        return;
    };
    open_menu(state, menu.subject);
    if let Some(Dialog::Menu(renewed)) = &mut state.dialog {
        renewed.at = menu.at.min(renewed.items.len().saturating_sub(1));
    }
}

/// Opens a form.
fn fill_in(state: &mut State, kind: FormKind) -> Vec<Effect> {
    if let Some(why) = state.refusal() {
        note(state, Mood::Failed, why);
        return Vec::new();
    }
    let subject = kind.subject();
    if subject.words().is_none() {
        note(state, Mood::Failed, subject.unnamed());
        return Vec::new();
    }
    let form = Form::new(kind, state.told_last());
    state.dialog = Some(Dialog::Form(Box::new(form)));
    Vec::new()
}

/// Opens what can be done with something.
fn open_menu(state: &mut State, subject: Subject) -> Vec<Effect> {
    let live = confirm(state, String::new(), Choice::Nothing, subject.clone()).known.live;
    let mut menu = Menu::new(subject.clone(), live, state.place.is_read_only);
    if let Some((text, run)) = others(state, &subject).filter(|_| !state.place.is_read_only) {
        menu = menu.with(text, run);
    }
    if let Some(spec) = spec_of(state, &subject) {
        let is_protected = state.place.protected.is_some();
        let line = same_as(&format!("open {spec}"), &state.place.way(), is_protected);
        menu = menu.with("Copy the command that opens it", Run::Copy(line));
    }
    state.dialog = Some(Dialog::Menu(menu));
    Vec::new()
}

/// The specification of a tunnel, where it is known.
fn spec_of(state: &State, subject: &Subject) -> Option<String> {
    let Subject::Tunnel(tunnel) = subject else { return None };
    let full = state.newest()?.tunnel.as_ref()?;
    (full.row.id == tunnel.id).then(|| full.info.spec.clone())
}

/// What something is called goes to the clipboard.
fn copy_of(state: &mut State, subject: &Subject) -> Vec<Effect> {
    let text = match subject {
        Subject::Daemon => state.place.endpoint.clone(),
        Subject::Tunnel(tunnel) => tunnel.label.clone(),
        Subject::Backend(_, backend) => backend.clone(),
        Subject::Connection(connection) => connection.id.clone(),
    };
    copy(state, text)
}

/// This goes to the clipboard.
pub(super) fn copy(state: &mut State, text: String) -> Vec<Effect> {
    let told = safe(&text);
    copy_text(state, text, &told)
}

/// The same of a text that is called so.
pub(super) fn copy_text(state: &mut State, text: String, title: &str) -> Vec<Effect> {
    note(state, Mood::Done, format!("copied {title}"));
    // What a daemon calls something may be pasted into a shell: it must not be able to act there.
    let lines: Vec<String> = text.lines().map(safe).collect();
    vec![Effect::Copy(lines.join("\n"))]
}

/// Opens the command line with words that it begins with.
pub(super) fn type_on(state: &mut State, text: &str) -> Vec<Effect> {
    let mut line = CommandLine::new(text);
    line.edited(&state.snapshot());
    state.dialog = Some(Dialog::Line(Box::new(line)));
    Vec::new()
}

#[cfg(test)]
mod tests;
