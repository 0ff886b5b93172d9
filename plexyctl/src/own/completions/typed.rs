//! What was typed, up to the cursor, as the words that the program would get. bash tells the line and
//! leaves it to us to cut it; the others tell the words.

use std::ffi::OsString;

use clap::FromArgMatches;

use crate::args::{Options, Shell, ToComplete, command};

/// The words of a line that is being typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// Those that are whole, the program's name not among them.
    before: Vec<String>,
    /// The one that is being typed.
    pub(super) current: String,
    /// How much of that, in bytes, the shell leaves as it is: it replaces what stands behind it.
    pub(super) kept: usize,
    /// The quote that is open there.
    pub(super) quote: Option<char>,
}

impl Typed {
    /// What a shell has told, if it has told as much as it should.
    pub(super) fn of(asked: &ToComplete) -> Option<Self> {
        match asked.shell {
            Shell::Bash => {
                let [line, replaced] = asked.words.as_slice() else { return None };
                Some(Self::in_bash(line, replaced))
            }
            Shell::Zsh | Shell::Fish => {
                let (current, before) = asked.words.split_last()?;
                let (before, current) = (before.to_vec(), current.clone());
                Some(Self { before, current, kept: 0, quote: None })
            }
        }
    }

    /// The line up to the cursor, and the end of it that bash replaces: it takes words apart at colons,
    /// equals signs and what else stands in `COMP_WORDBREAKS`.
    fn in_bash(line: &str, replaced: &str) -> Self {
        let kept = line.strip_suffix(replaced).unwrap_or(line);
        let (kept, whole) = (Cut::of(kept), Cut::of(line));
        let before = whole.words.into_iter().skip(1).collect();
        let kept_bytes = kept.current.map_or(0, |it| it.len());
        let current = whole.current.unwrap_or_default();
        Self { before, current, kept: kept_bytes, quote: kept.quote }
    }

    /// As one line of our own grammar, that ends where the cursor is.
    pub(super) fn line(&self) -> String {
        self.before.iter().map(|word| format!("{word} ")).collect::<String>() + &self.current
    }

    /// Where the word that is being typed begins in [`Self::line`].
    pub(super) fn start(&self) -> usize {
        self.before.iter().map(|word| word.len() + 1).sum()
    }

    /// The options among the words that are whole, as far as they are good.
    pub(super) fn options(&self) -> Option<Options> {
        let words = std::iter::once("plexyctl").chain(self.before.iter().map(String::as_str));
        let words = words.map(OsString::from);
        let matches = command().ignore_errors(true).try_get_matches_from(words).ok()?;
        Options::from_arg_matches(&matches).ok()
    }

    /// Whether something whole is there, behind which it matters what the daemon has.
    pub(super) fn has_command(&self) -> bool {
        self.before.iter().any(|word| !word.starts_with('-'))
    }
}

/// A line of a shell, cut into words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cut {
    words: Vec<String>,
    /// The last word, if the line does not end behind it.
    current: Option<String>,
    /// The quote that is open at the end.
    quote: Option<char>,
}

impl Cut {
    /// Quotes and backslashes are what they are in every shell of Unix; nothing is expanded.
    fn of(line: &str) -> Self {
        let mut cut = Self::default();
        let mut is_escaped = false;
        for character in line.chars() {
            match (cut.quote, character) {
                _ if is_escaped => {
                    is_escaped = false;
                    cut.push(character);
                }
                (None | Some('"'), '\\') => is_escaped = true,
                (None, '\'' | '"') => {
                    cut.quote = Some(character);
                    cut.current.get_or_insert_default();
                }
                (Some(quote), _) if quote == character => cut.quote = None,
                (None, blank) if blank.is_whitespace() => cut.words.extend(cut.current.take()),
                _ => cut.push(character),
            }
        }
        cut
    }

    fn push(&mut self, character: char) {
        self.current.get_or_insert_default().push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, replaced: &str, before: &[&str], current: &str, kept: usize) {
        let typed = Typed::in_bash(line, replaced);
        assert_eq!(
            (typed.before, typed.current.as_str(), typed.kept),
            (before.iter().map(ToString::to_string).collect(), current, kept)
        );
    }

    #[test]
    fn a_line_of_bash_is_cut_as_bash_cuts_it_for_a_program() {
        check("plexyctl ", "", &[], "", 0);
        check("plexyctl det", "det", &[], "det", 0);
        check("plexyctl detail 127.0.0.1:5", "5", &["detail"], "127.0.0.1:5", 10);
        check("plexyctl --output=j", "j", &[], "--output=j", 9);
        check(r"plexyctl detail \*:5", "5", &["detail"], "*:5", 2);
        check("plexyctl open '3000=1[str", "3000=1[str", &["open"], "3000=1[str", 0);
        check("plexyctl open \"a b\"' c'd=", "", &["open"], "a b cd=", 7);
        check("plexyctl add  'my db' ", "", &["add", "my db"], "", 0);
    }

    #[test]
    fn an_open_quote_is_known() {
        let quote = |line, replaced| Typed::in_bash(line, replaced).quote;
        assert_eq!(quote("plexyctl open '3000=1[str", "3000=1[str"), Some('\''));
        assert_eq!(quote("plexyctl open \"30", "30"), Some('"'));
        assert_eq!(quote("plexyctl open 'a'b", "'a'b"), None);
    }

    #[test]
    fn options_that_were_typed_hold_for_what_is_asked() {
        let typed = Typed::in_bash("plexyctl --endpoint unix:/x detail ", "");
        let endpoint = typed.options().and_then(|options| options.endpoint);
        assert_eq!(endpoint.map(|it| it.to_string()).as_deref(), Some("unix:/x"));
        assert!(typed.has_command());
        assert!(!Typed::in_bash("plexyctl -q ", "").has_command());
    }
}
