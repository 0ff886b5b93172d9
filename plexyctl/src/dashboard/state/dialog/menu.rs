//! What can be done with something: what has a key, then each verb of the table that takes it.

use plexy_shared::command::{Slot, VERBS, Verb};
use plexy_shared::rpc::MethodRow;

use super::subject::Subject;
use crate::dashboard::action::{Action, BINDINGS};

/// It.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Menu {
    /// What it is about.
    pub(crate) subject: Subject,
    /// What can be done.
    pub(crate) items: Vec<Item>,
    /// Which of it is selected.
    pub(crate) at: usize,
}

/// One thing that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The key that does it, where there is one.
    pub(crate) key: Option<&'static str>,
    /// What it does.
    pub(crate) text: String,
    /// How it is done.
    pub(crate) run: Run,
}

/// How something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Run {
    /// As a key does it.
    Action(Action),
    /// By a command that begins so.
    Line(String),
    /// By this command, whole.
    Whole(String),
    /// This goes to the clipboard.
    Copy(String),
}

impl Menu {
    /// What can be done with it: only what changes nothing, where nothing may be changed.
    pub(crate) fn new(subject: Subject, live: Option<u64>, is_read_only: bool) -> Self {
        let keys = actions(&subject).iter().filter(|(action, _)| !is_read_only || is_look(*action));
        let of_key = |(action, verb): &(Action, &str)| Item {
            key: key_of(*action),
            text: text_of(*action, &subject, live, verb),
            run: Run::Action(*action),
        };
        let mut items: Vec<Item> = keys.map(of_key).collect();
        let words = subject.words();
        let taken = |verb: &&Verb| actions(&subject).iter().any(|(_, taken)| *taken == verb.name);
        for verb in VERBS.iter().filter(|verb| !taken(verb) && takes(verb, &subject)) {
            let Some(words) = &words else { break };
            if !(is_read_only && is_change(verb)) {
                let about = verb.summary().split(": ").next().unwrap_or_default();
                let text = format!("{}: {about}", verb.name);
                let run = Run::Line(format!("{} {words} ", verb.name));
                items.push(Item { key: None, text, run });
            }
        }
        Self { subject, items, at: 0 }
    }

    /// Adds what else can be done.
    pub(crate) fn with(mut self, text: impl Into<String>, run: Run) -> Self {
        self.items.push(Item { key: None, text: text.into(), run });
        self
    }
}

/// What has a key, with the verb that it stands for.
fn actions(subject: &Subject) -> &'static [(Action, &'static str)] {
    match subject {
        Subject::Daemon => &[],
        Subject::Tunnel(_) => &[
            (Action::Drain, "drain"),
            (Action::Enable, "enable"),
            (Action::Close, "close"),
            (Action::AddBackend, "add"),
            (Action::Edit, "set"),
            (Action::Copy, ""),
            (Action::Export, "export"),
        ],
        Subject::Backend(..) => &[
            (Action::Drain, "drain"),
            (Action::Enable, "enable"),
            (Action::Disable, "disable"),
            (Action::RemoveBackend, "remove"),
            (Action::Edit, "set"),
            (Action::AddBackend, "add"),
            (Action::Copy, ""),
        ],
        Subject::Connection(_) => &[(Action::Kill, "kill"), (Action::Copy, "")],
    }
}

fn is_look(action: Action) -> bool {
    matches!(action, Action::Copy | Action::Export)
}

fn key_of(action: Action) -> Option<&'static str> {
    let binding = BINDINGS.iter().find(|binding| binding.action == action)?;
    binding.keys.first().copied()
}

/// What it does, in a few words, with how many connections feel it.
fn text_of(action: Action, subject: &Subject, live: Option<u64>, verb: &str) -> String {
    let connections = match live {
        None => "its connections".to_owned(),
        Some(1) => "1 connection".to_owned(),
        Some(count) => format!("{count} connections"),
    };
    let several = live.map_or_else(|| "its connections".to_owned(), |it| it.to_string());
    match (action, subject) {
        (Action::Drain, _) => format!("Drain: stop new, let {several} finish"),
        (Action::Close, _) => format!("Close now: reset {connections}"),
        (Action::Enable, _) => "Enable: end the drain, let clients come again".to_owned(),
        (Action::Disable, _) => "Disable: out of service".to_owned(),
        (Action::AddBackend, _) => "Add backend...".to_owned(),
        (Action::RemoveBackend, _) => "Remove from the tunnel...".to_owned(),
        (Action::Edit, Subject::Backend(..)) => "Edit attributes...".to_owned(),
        (Action::Edit, _) => "Edit options...".to_owned(),
        (Action::Kill, _) => "Kill: reset it".to_owned(),
        (Action::Copy, subject) => format!("Copy {}", copied(subject)),
        (Action::Export, _) => "Export as TOML".to_owned(),
        _ => verb.to_owned(),
    }
}

fn copied(subject: &Subject) -> &'static str {
    match subject {
        Subject::Daemon => "the address of plexyd",
        Subject::Tunnel(_) => "the name",
        Subject::Backend(..) => "the address",
        Subject::Connection(_) => "the id",
    }
}

/// Whether a verb is for such a thing: its first words name one.
fn takes(verb: &Verb, subject: &Subject) -> bool {
    let first = || verb.slots(&[]);
    match subject {
        Subject::Daemon => false,
        Subject::Tunnel(_) => first().contains(&Slot::Tunnel) && !verb.methods.is_empty(),
        Subject::Backend(..) => {
            first().contains(&Slot::Tunnel) && verb.slots(&["t"]).contains(&Slot::Backend)
        }
        Subject::Connection(_) => first().contains(&Slot::Connection),
    }
}

fn is_change(verb: &Verb) -> bool {
    let of_method = |method: &&str| MethodRow::named(method).is_some_and(|it| it.is_change);
    verb.methods.iter().any(of_method)
}
