//! One row of the table of verbs.

use super::words::Words;
use super::{CommandError, Group, Request, Slot, VERBS};

/// One row of the table of verbs.
#[derive(Debug)]
pub struct Verb {
    /// How it is called, in lower case.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Its arguments as the list of verbs shows them.
    pub arguments: &'static str,
    /// All its arguments, where the list shows less.
    pub usage: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// The methods of JSON-RPC that do the same; none for what only a session of
    /// the line protocol knows.
    pub methods: &'static [&'static str],
    /// Two lines that work.
    pub examples: [&'static str; 2],
    /// Under which heading a list of the verbs shows it.
    pub group: Group,
    /// Verbs that somebody may want who has read about this one.
    pub related: &'static [&'static str],
    pub(super) parse: fn(&mut Words<'_>) -> Result<Request, CommandError>,
    pub(super) slots: fn(&[&str]) -> Vec<Slot>,
}

impl PartialEq for Verb {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Verb {}

impl Verb {
    /// The verb of that name or alias, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<&'static Self> {
        VERBS.iter().find(|verb| {
            verb.name.eq_ignore_ascii_case(word)
                || verb.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(word))
        })
    }
}
