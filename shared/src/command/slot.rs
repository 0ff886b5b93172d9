//! What may stand where in a line: what completion offers, and which argument a word is.
//!
//! Each verb of the table has a function that is given the words behind the verb that are there already,
//! and says what may come next.

use super::words::Words;
use super::{Verb, verbs};
use crate::error::Span;
use crate::filter::Key;
use crate::info::LogLevel;
use crate::spec::LiveAction;
use crate::word::Words as _;

/// What may stand at a place of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A verb.
    Verb,
    /// The specification of a tunnel, to the end of the line.
    Spec,
    /// A tunnel that is open: its name or its listen address.
    Tunnel,
    /// A backend of the tunnel that the line names before.
    Backend,
    /// A backend with its attributes.
    NewBackend,
    /// Several of them, with commas.
    NewBackends,
    /// `option=value` of a tunnel.
    Option,
    /// `attribute=value` of a backend.
    Attribute,
    /// This word.
    Word(&'static str),
    /// This word and, right behind it, a value that looks like that.
    Key(&'static str, &'static str),
    /// The id of a live connection.
    Connection,
    /// `key=value`, which live connections are tested by.
    Test,
    /// What live connections are sorted by; a dash before it is for descending.
    SortKey,
    /// A file of plexyd's machine.
    File,
    /// What nobody can guess, like this.
    Free(&'static str),
}

/// Where each word of a line is. Quotes hold one together, as they do where a line is read.
#[must_use]
pub fn word_spans(line: &str) -> Vec<Span> {
    let mut words = Words::new(line);
    std::iter::from_fn(|| words.maybe_next().map(|_| words.span())).collect()
}

impl Verb {
    /// What may stand behind the verb and these words.
    ///
    /// ```
    /// use plexy_shared::command::{Slot, Verb};
    ///
    /// let drain = Verb::named("drain").unwrap();
    /// assert_eq!(drain.slots(&[]), [Slot::Tunnel]);
    /// assert!(drain.slots(&["db"]).contains(&Slot::Backend));
    /// ```
    #[must_use]
    pub fn slots(&self, before: &[&str]) -> Vec<Slot> {
        (self.slots)(before)
    }
}

pub(super) fn nothing(_: &[&str]) -> Vec<Slot> {
    Vec::new()
}

pub(super) fn spec(_: &[&str]) -> Vec<Slot> {
    vec![Slot::Spec]
}

pub(super) fn tunnel(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        _ => Vec::new(),
    }
}

pub(super) fn close(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        [_, rest @ ..] => live_choice(rest),
    }
}

pub(super) fn status(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Word("full"), Slot::Word("long")],
        _ => Vec::new(),
    }
}

pub(super) fn add(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        _ => vec![Slot::NewBackend],
    }
}

pub(super) fn remove(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        [_] => vec![Slot::Backend],
        [_, _, rest @ ..] => live_choice(rest),
    }
}

pub(super) fn switch(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        [_] => vec![Slot::Word("to")],
        [_, _] => vec![Slot::NewBackends],
        [_, _, _, rest @ ..] => live_choice(rest),
    }
}

pub(super) fn set(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        [_] => vec![Slot::Option, Slot::Backend],
        [_, second, ..] if verbs::is_setting(second) => vec![Slot::Option],
        _ => vec![Slot::Attribute],
    }
}

pub(super) fn drain(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        [_] => vec![Slot::Backend, DEADLINE],
        [_, second] if !second.contains('=') => vec![DEADLINE],
        _ => Vec::new(),
    }
}

pub(super) fn backend(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        [_] => vec![Slot::Backend],
        _ => Vec::new(),
    }
}

pub(super) fn conns(before: &[&str]) -> Vec<Slot> {
    let clauses = |used: &[&str]| {
        let is_left = |word: &&str| !used.iter().any(|it| it.eq_ignore_ascii_case(word));
        verbs::CLAUSES.into_iter().filter(is_left).map(Slot::Word).collect::<Vec<_>>()
    };
    match before {
        [] => [vec![Slot::Tunnel], clauses(&[])].concat(),
        [.., last] if is(last, "sort") => vec![Slot::SortKey],
        [.., last] if is(last, "limit") => vec![Slot::Free("how many, like `20`")],
        _ => in_filter(before).unwrap_or_else(|| clauses(before)),
    }
}

pub(super) fn kill(before: &[&str]) -> Vec<Slot> {
    let is_id = |word: &&str| word.chars().all(|c| c.is_ascii_digit());
    match before {
        [] => vec![Slot::Connection, Slot::Tunnel, Slot::Word("where")],
        [tunnel] if !is_id(tunnel) && !is(tunnel, "where") => vec![Slot::Word("where")],
        all if all.iter().all(is_id) => vec![Slot::Connection],
        _ => in_filter(before).unwrap_or_default(),
    }
}

pub(super) fn explain(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Tunnel],
        [.., last] if is(last, "from") => vec![Slot::Free("an IP address, like `10.1.2.3`")],
        [.., last] if is(last, "sni") => vec![Slot::Free("a name, like `www.a.example`")],
        _ => left(&["from", "sni"], before),
    }
}

pub(super) fn events(before: &[&str]) -> Vec<Slot> {
    let is_after = |word: &&str| word.get(..6).is_some_and(|key| is(key, "after="));
    let mut slots = left(&["follow"], before);
    if !before.iter().any(is_after) {
        slots.push(Slot::Key("after=", "the number of an event, like `117`"));
    }
    if !before.iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        slots.push(Slot::Free("how many, like `20`"));
    }
    slots
}

pub(super) fn changes_made(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Free("how many changes, like `3`")],
        _ => Vec::new(),
    }
}

pub(super) fn file(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::File],
        _ => Vec::new(),
    }
}

pub(super) fn log(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => LogLevel::ALL.iter().map(|level| Slot::Word(level.word())).collect(),
        [_] => vec![Slot::Word("for")],
        [_, _] => vec![Slot::Free("a duration, like `5m`")],
        _ => Vec::new(),
    }
}

pub(super) fn mode(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => ["text", "script", "json"].into_iter().map(Slot::Word).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn token(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Free("a token")],
        _ => Vec::new(),
    }
}

pub(super) fn verb(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => vec![Slot::Verb],
        _ => Vec::new(),
    }
}

const DEADLINE: Slot = Slot::Key("deadline=", "a duration, like `30s`");

/// Behind what a choice for live connections may stand.
fn live_choice(before: &[&str]) -> Vec<Slot> {
    match before {
        [] => LiveAction::ALL.iter().map(|action| Slot::Word(action.as_str())).collect(),
        [action] if is(action, LiveAction::Drain.as_str()) => vec![DEADLINE],
        _ => Vec::new(),
    }
}

/// What may come in a filter that has begun; none where the words are in none.
fn in_filter(before: &[&str]) -> Option<Vec<Slot>> {
    let begin = before.iter().rposition(|word| is(word, "where") || is(word, "and"))?;
    let test = before.get(begin + 1..)?;
    let clause = |word: &&str| is(word, "sort") || is(word, "limit");
    match test {
        [] => Some(vec![Slot::Test]),
        // A key alone, or with its comparison: the value may stand behind a blank.
        [key] if Key::read(key).is_some() || ends_in_comparison(key) => Some(vec![Slot::Test]),
        [_, comparison] if ends_in_comparison(comparison) => Some(vec![Slot::Test]),
        rest if rest.iter().any(clause) => None,
        _ => Some([vec![Slot::Word("and")], left(&["sort", "limit"], before)].concat()),
    }
}

fn ends_in_comparison(word: &str) -> bool {
    word.ends_with(['=', '<', '>'])
}

/// Those of the words that are not there yet.
fn left(words: &[&'static str], before: &[&str]) -> Vec<Slot> {
    let is_left = |word: &&&str| !before.iter().any(|it| is(it, word));
    words.iter().filter(is_left).map(|word| Slot::Word(word)).collect()
}

fn is(word: &str, other: &str) -> bool {
    word.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Topic, VERBS};

    /// Whether a word may be one of these.
    fn fits(word: &str, slots: &[Slot]) -> bool {
        slots.iter().any(|slot| match slot {
            Slot::Word(known) => is(word, known),
            Slot::Key(key, _) => word.starts_with(key),
            Slot::Verb => Topic::named(word).is_some(),
            Slot::Option | Slot::Attribute => word.contains('='),
            Slot::Connection => word.chars().all(|c| c.is_ascii_digit()),
            _ => true,
        })
    }

    #[test]
    fn each_word_of_each_example_may_stand_where_it_does() {
        for verb in VERBS {
            for example in verb.examples {
                let words: Vec<_> =
                    word_spans(example).into_iter().map(|it| &example[it]).collect();
                for (at, word) in words.iter().enumerate().skip(1) {
                    let slots = verb.slots(&words[1..at]);
                    assert!(fits(word, &slots), "{word} of {example}: {slots:?}");
                }
            }
        }
    }

    #[test]
    fn a_line_that_is_complete_takes_nothing_more() {
        for line in ["detail db", "save", "undo 3", "disable db 1", "log debug for 1h", "help open"]
        {
            let words: Vec<_> = line.split(' ').collect();
            assert_eq!(Verb::named(words[0]).unwrap().slots(&words[1..]), [], "{line}");
        }
    }

    #[track_caller]
    fn next(line: &str) -> Vec<Slot> {
        let words: Vec<_> = line.split_whitespace().collect();
        Verb::named(words[0]).unwrap().slots(&words[1..])
    }

    #[test]
    fn a_filter_goes_on_behind_a_test_that_is_whole() {
        let more = [Slot::Word("and"), Slot::Word("sort"), Slot::Word("limit")];
        assert_eq!(next("conns where"), [Slot::Test]);
        assert_eq!(next("conns db where idle"), [Slot::Test]);
        assert_eq!(next("conns db where idle >"), [Slot::Test]);
        assert_eq!(next("conns db where idle > 1m"), more);
        assert_eq!(next("conns where idle>1m"), more);
        assert_eq!(next("conns where idle>1m and"), [Slot::Test]);
        assert_eq!(next("conns where idle>1m sort"), [Slot::SortKey]);
        assert_eq!(next("conns where idle>1m sort -idle"), [Slot::Word("limit")]);
        assert_eq!(next("kill db"), [Slot::Word("where")]);
        assert_eq!(next("kill 7355 7356"), [Slot::Connection]);
    }

    #[test]
    fn settings_are_those_of_what_they_are_for() {
        assert_eq!(next("set db"), [Slot::Option, Slot::Backend]);
        assert_eq!(next("set db retries=1"), [Slot::Option]);
        assert_eq!(next("set db 10.0.0.1:80"), [Slot::Attribute]);
        assert_eq!(next("set db 10.0.0.1:80 weight=2"), [Slot::Attribute]);
    }

    #[test]
    fn quotes_hold_a_word_together() {
        assert_eq!(word_spans(r#" close "unix:/a b" "#), [1..6, 7..18]);
        assert_eq!(word_spans("  "), []);
    }
}
