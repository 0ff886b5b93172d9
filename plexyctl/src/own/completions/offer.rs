//! One of the words that could stand there, as a shell wants it.

use crate::args::Shell;
use crate::complete::Candidate;

use super::typed::Typed;

/// Characters that mean something to a shell where they stand without quotes.
const SPECIAL: &str = " \t\"'`\\$&|;<>()[]{}*?!#~^";

/// A whole word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offer<'a> {
    word: String,
    description: &'a str,
    /// Whether nothing more belongs to the word.
    is_whole: bool,
}

impl<'a> Offer<'a> {
    /// What becomes of the word that is being typed. None where the candidate replaces more than that.
    pub(super) fn of(candidate: &'a Candidate, line: &str, typed: &Typed) -> Option<Self> {
        let before = line.get(typed.start()..candidate.span.start)?;
        let is_safe = |text: &str| !text.contains(char::is_control);
        let word = format!("{before}{}", candidate.text);
        let description = Some(candidate.description.as_str()).filter(|text| is_safe(text));
        let (description, is_whole) = (description.unwrap_or_default(), candidate.is_whole);
        is_safe(&word).then_some(Self { word, description, is_whole })
    }

    /// A line of the answer.
    pub(super) fn written(&self, shell: Shell, typed: &Typed) -> String {
        let (word, description) = (&self.word, self.description);
        match shell {
            // What bash is given stands on the line as it is.
            Shell::Bash => {
                let rest = word.get(typed.kept..).unwrap_or_default();
                let end = if self.is_whole && typed.quote.is_none() { " " } else { "" };
                format!("{}{end}\n", quoted(rest, typed.quote))
            }
            Shell::Zsh => {
                let kind = if self.is_whole { "whole" } else { "part" };
                format!("{kind}\t{word}\t{description}\n")
            }
            Shell::Fish => format!("{word}\t{description}\n"),
        }
    }
}

/// Text that bash takes as it was, behind that quote.
fn quoted(text: &str, quote: Option<char>) -> String {
    let special = match quote {
        None => SPECIAL,
        Some('"') => "\"\\$`",
        // Nothing can be quoted there.
        Some(_) => "",
    };
    let mut quoted = String::new();
    for character in text.chars() {
        if special.contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}
