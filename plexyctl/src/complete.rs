//! What could stand at a place of a line: for the shell, and for those of bash, zsh and fish. Nobody is
//! asked here, so that nothing is waited for: what lives in the daemon comes as a [`Snapshot`].

mod fragment;
mod options;
mod snapshot;

use std::ops::Range;

use clap::Command;
use plexy_shared::command::{Slot, Topic, VERBS, Verb, word_spans};
use plexy_shared::connection::Phase;
use plexy_shared::filter::Key;
use plexy_shared::spec::{ATTRIBUTES, OPTIONS};
use plexy_shared::word::Words;

use fragment::{Fragment, Part};
pub(crate) use options::without as without_options;
pub(crate) use snapshot::{KnownConnection, Snapshot, is_called};

/// Something that could stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// What it replaces, in bytes of the line.
    pub(crate) span: Range<usize>,
    /// What is written there.
    pub(crate) text: String,
    /// What it is.
    pub(crate) description: String,
    /// Whether the word ends with it: a blank comes next.
    pub(crate) is_whole: bool,
}

/// What there is to know of a place of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// What could stand there.
    pub(crate) candidates: Vec<Candidate>,
    /// Whether a file of this machine could.
    pub(crate) is_file: bool,
    /// Whether what the daemon has could: the snapshot may know too little of it.
    pub(crate) is_of_daemon: bool,
    /// Whether live connections could: the ids of none are known without asking.
    pub(crate) is_connection: bool,
}

/// A line up to the place that is completed.
struct Place<'a> {
    line: &'a str,
    snapshot: &'a Snapshot,
    /// The words before that of the place.
    before: Vec<&'a str>,
    /// Where the word of the place begins.
    start: usize,
    /// Where the first word behind the verb begins.
    rest: usize,
    completion: Completion,
}

/// What could stand at that byte of the line. `commands` is the whole command line, whose options stand
/// anywhere in it.
pub(crate) fn complete(
    line: &str,
    position: usize,
    snapshot: &Snapshot,
    commands: &Command,
) -> Completion {
    let line = line.get(..position).unwrap_or(line);
    let mut spans = word_spans(line);
    // Behind a blank a word begins, unless quotes hold the blank.
    let current = spans.pop_if(|last| last.end == line.len()).unwrap_or(line.len()..line.len());
    let before = spans.iter().filter_map(|span| line.get(span.clone())).collect();
    let rest = spans.get(1).map_or(current.start, |first| first.start);
    let completion = Completion::default();
    let mut place = Place { line, snapshot, before, start: current.start, rest, completion };
    place.find(commands);
    place.completion
}

impl<'a> Place<'a> {
    fn find(&mut self, commands: &Command) {
        if self.has_option(commands) {
            return;
        }
        let words = without_options(&self.before, commands);
        let Some((verb, before)) = words.split_first() else { return self.verbs(commands) };
        if let Some(verb) = Verb::named(verb) {
            for slot in verb.slots(before) {
                self.slot(slot, before);
            }
        } else if let Some(own) = commands.find_subcommand(verb) {
            options::arguments(own, before.len(), self);
        }
    }

    fn word(&self) -> &'a str {
        self.line.get(self.start..).unwrap_or_default()
    }

    /// Offers a text for the bytes from there on, if it begins as they do.
    fn offer(&mut self, start: usize, text: &str, description: impl Into<String>, is_whole: bool) {
        let typed = self.line.get(start..).unwrap_or_default();
        let begins = text.get(..typed.len()).is_some_and(|it| it.eq_ignore_ascii_case(typed));
        if begins {
            let span = start..self.line.len();
            let description = description.into();
            let text = text.to_owned();
            self.completion.candidates.push(Candidate { span, text, description, is_whole });
        }
    }

    fn verbs(&mut self, commands: &Command) {
        for verb in VERBS.iter().filter(|verb| !verb.methods.is_empty()) {
            self.offer(self.start, verb.name, verb.summary(), true);
        }
        let is_verb = |it: &&Command| Verb::named(it.get_name()).is_some();
        for own in commands.get_subcommands().filter(|it| !is_verb(it) && !it.is_hide_set()) {
            self.offer(self.start, own.get_name(), options::about(own.get_about()), true);
        }
    }

    fn slot(&mut self, slot: Slot, before: &[&str]) {
        let start = self.start;
        match slot {
            Slot::Verb => {
                VERBS.iter().for_each(|verb| self.offer(start, verb.name, verb.summary(), true));
                self.offer(start, Topic::TUNNEL, "the grammar of a tunnel", true);
                self.offer(start, Topic::EXAMPLES, "the examples of every verb", true);
            }
            Slot::Spec => self.fragment(self.rest, true),
            Slot::NewBackend => self.fragment(start, false),
            Slot::NewBackends => self.fragment(start, false),
            Slot::Tunnel => self.tunnels(start),
            Slot::Backend => self.backends(start, before.first().copied()),
            Slot::Option => self.setting(start, Part::Option),
            Slot::Attribute => self.setting(start, Part::Attribute),
            Slot::Word(word) => self.offer(start, word, "", true),
            Slot::Key(key, value) => self.offer(start, key, value, false),
            Slot::Connection => self.connections(),
            Slot::Test => self.test(before),
            Slot::SortKey => self.sort_keys(),
            Slot::File => self.completion.is_file = true,
            Slot::Free(_) => {}
        }
    }

    /// The tunnels by their names, and by their addresses where one is typed, or where they have none.
    fn tunnels(&mut self, start: usize) {
        self.completion.is_of_daemon = true;
        let is_begun = start < self.line.len();
        let snapshot = self.snapshot;
        for tunnel in &snapshot.tunnels {
            if let Some(name) = &tunnel.name {
                let description = format!("{}  {}", tunnel.listen, tunnel.summary);
                self.offer(start, name, description, true);
            }
            if tunnel.name.is_none() || is_begun {
                let name = tunnel.name.as_deref().unwrap_or_default();
                let description = format!("{name}  {}", tunnel.summary).trim_start().to_owned();
                self.offer(start, &tunnel.listen, description, true);
            }
        }
    }

    fn backends(&mut self, start: usize, tunnel: Option<&str>) {
        self.completion.is_of_daemon = true;
        let snapshot = self.snapshot;
        let Some(tunnel) = tunnel.and_then(|named| snapshot.tunnel(named)) else { return };
        for backend in &tunnel.backends {
            self.offer(start, backend, "", true);
        }
    }

    fn connections(&mut self) {
        (self.completion.is_connection, self.completion.is_of_daemon) = (true, true);
        let snapshot = self.snapshot;
        for connection in &snapshot.connections {
            self.offer(self.start, &connection.id, connection.summary.as_str(), true);
        }
    }

    /// Within a specification that begins there.
    fn fragment(&mut self, start: usize, has_listen: bool) {
        let Some(text) = self.line.get(start..) else { return };
        let Fragment { part, start: at } = Fragment::of(text, has_listen);
        self.setting(start + at, part);
    }

    fn setting(&mut self, start: usize, part: Part) {
        let text = self.line.get(start..).unwrap_or_default();
        match (part, text.split_once('=')) {
            (Part::Listen, _) => {}
            (Part::Backend, _) => {
                let snapshot = self.snapshot;
                for backend in snapshot.all_backends() {
                    self.offer(start, backend, "", false);
                }
            }
            (Part::Option, None) => {
                for row in OPTIONS {
                    let description = format!("{} [{}]", row.meaning, row.default());
                    self.key(start, row.key, row.is_flag(), description);
                }
            }
            (Part::Attribute, None) => {
                for row in ATTRIBUTES {
                    self.key(start, row.key, row.value.is_empty(), row.meaning.to_owned());
                }
            }
            (Part::Option, Some((key, _))) => {
                let row = OPTIONS.iter().find(|row| row.is_called(key));
                let words = row.into_iter().flat_map(|row| row.words());
                words.for_each(|word| self.offer(start + key.len() + 1, word, "", false));
            }
            (Part::Attribute, Some((key, _))) => {
                let row = ATTRIBUTES.iter().find(|row| row.key.eq_ignore_ascii_case(key));
                let words = row.into_iter().flat_map(|row| row.words());
                words.for_each(|word| self.offer(start + key.len() + 1, word, "", false));
            }
        }
    }

    /// One that may stand alone is offered so.
    fn key(&mut self, start: usize, key: &str, is_flag: bool, description: String) {
        let text = if is_flag { key.to_owned() } else { format!("{key}=") };
        self.offer(start, &text, description, false);
    }

    /// A test of a filter: a key, or the value behind it.
    fn test(&mut self, before: &[&str]) {
        let word = self.word();
        let split = word.find(['=', '<', '>']);
        let (key, value) = match (split, before) {
            (Some(at), _) => {
                let value = word.trim_start_matches(|c: char| !"=<>".contains(c));
                let comparison = value.len() - value.trim_start_matches(['=', '<', '>']).len();
                (word.get(..at).unwrap_or_default(), self.start + at + comparison)
            }
            (None, [.., key, _]) if Key::read(key).is_some() => (*key, self.start),
            (None, _) => {
                let keys = Key::words_of_filters().map(|key| format!("{key}="));
                return keys.for_each(|key| self.offer(self.start, &key, "", false));
            }
        };
        match Key::read(key.trim_end_matches('!')) {
            Some(Key::Tunnel) => self.tunnels(value),
            Some(Key::Backend) => {
                let snapshot = self.snapshot;
                snapshot.all_backends().for_each(|it| self.offer(value, it, "", true));
            }
            Some(Key::Phase) => {
                Phase::ALL.iter().for_each(|phase| self.offer(value, phase.word(), "", true));
            }
            _ => {}
        }
    }

    fn sort_keys(&mut self) {
        for key in Key::words() {
            self.offer(self.start, key, "", true);
            self.offer(self.start, &format!("-{key}"), "descending", true);
        }
    }
}

#[cfg(test)]
mod tests;
