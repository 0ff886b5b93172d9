//! What can be set of the shell itself: it holds until the shell is left.

use clap::ValueEnum;
use plexy_shared::command::word_spans;

use super::notices::Wanted;
use crate::args::{Format, Keys};
use crate::complete::Candidate;

/// One of them, and what it is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// `events on|warn|off`: which events are told while somebody types.
    Notices(Wanted),
    /// `set output FORMAT`: how answers are written.
    Output(Format),
    /// `set keys emacs|vi`: what keys mean.
    Keys(Keys),
}

/// The words before the value.
const KINDS: [&[&str]; 3] = [&["events"], &["set", "output"], &["set", "keys"]];

impl Setting {
    /// The one that a line is, if it is one. No verb could be meant: `set` has a `=` behind a tunnel.
    pub(super) fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (value, kind) = words.split_last()?;
        match *kind {
            ["events"] => Wanted::from_str(value, true).ok().map(Self::Notices),
            ["set", "output"] => Format::from_str(value, true).ok().map(Self::Output),
            ["set", "keys"] => Keys::from_str(value, true).ok().map(Self::Keys),
            _ => None,
        }
    }
}

/// What could stand at a place of a line that becomes one.
pub(super) fn candidates(line: &str, position: usize) -> Vec<Candidate> {
    let line = line.get(..position).unwrap_or(line);
    let mut spans = word_spans(line);
    let current = spans.pop_if(|last| last.end == line.len()).unwrap_or(line.len()..line.len());
    let words: Vec<&str> = spans.into_iter().filter_map(|span| line.get(span)).collect();
    let word = line.get(current.clone()).unwrap_or_default();
    let mut offered: Vec<(String, &str)> = match words.as_slice() {
        ["events"] => values::<Wanted>("events are told while you type"),
        ["set", "output"] => values::<Format>("how answers are written"),
        ["set", "keys"] => values::<Keys>("what keys mean"),
        _ => Vec::new(),
    };
    let next = KINDS.iter().filter_map(|kind| kind.strip_prefix(words.as_slice()));
    let next = next.filter(|rest| !words.is_empty() && rest.len() == 1);
    offered.extend(next.flatten().map(|word| ((*word).to_owned(), "of the shell")));
    offered.retain(|(text, _)| text.starts_with(word));
    let candidate = |(text, description): (String, &str)| Candidate {
        span: current.clone(),
        text,
        description: description.to_owned(),
        is_whole: true,
    };
    offered.into_iter().map(candidate).collect()
}

fn values<V: ValueEnum>(description: &'static str) -> Vec<(String, &'static str)> {
    let values = V::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    values.map(|value| (value.get_name().to_owned(), description)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_no_command() {
        assert_eq!(Setting::read("events off"), Some(Setting::Notices(Wanted::Off)));
        assert_eq!(Setting::read("set output json"), Some(Setting::Output(Format::Json)));
        assert_eq!(Setting::read(" set  keys  vi "), Some(Setting::Keys(Keys::Vi)));
        for line in ["events", "events 20", "set output retries=2", "set keys", "list", ""] {
            assert_eq!(Setting::read(line), None, "{line}");
        }
    }

    #[test]
    fn its_words_are_offered() {
        let texts = |line: &str| {
            candidates(line, line.len()).into_iter().map(|it| it.text).collect::<Vec<_>>()
        };
        assert_eq!(texts("events w"), ["warn"]);
        assert_eq!(texts("set out"), ["output"]);
        assert_eq!(texts("set keys "), ["emacs", "vi"]);
        assert!(texts("").is_empty() && texts("list ").is_empty());
    }
}
