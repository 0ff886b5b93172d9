//! Whether something is written in colour, and what a colour means. Colour is never the only signal:
//! what it says stands there in words too.

use std::ffi::OsString;
use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use crate::args::ColorChoice;

/// What a word means for those who run the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tint {
    /// As it should be.
    Good,
    /// Somebody should look.
    Doubtful,
    /// Broken.
    Bad,
}

impl Tint {
    /// The meaning of a word of state, whatever it is a state of; none where it has none.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        match word {
            "up" | "passed" | "open" | "ok" => Some(Self::Good),
            "drain" | "draining" | "disabled" | "pending" | "warning" | "ejected" | "degraded" => {
                Some(Self::Doubtful)
            }
            "down" | "refused" => Some(Self::Bad),
            _ => None,
        }
    }

    /// The meaning of so many of a number.
    pub(crate) fn of_part(part: usize, all: usize) -> Self {
        match part {
            part if part >= all => Self::Good,
            0 => Self::Bad,
            _ => Self::Doubtful,
        }
    }

    /// One of the 16 colours that every terminal has and its user may have chosen; never black or white,
    /// which cannot be read on half of them.
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Doubtful => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }

    /// A text in it, where there is colour.
    pub(crate) fn paint(self, text: impl Display, has_colour: bool) -> String {
        match has_colour {
            true => format!("{}{text}{}", self.style(), self.style().render_reset()),
            false => text.to_string(),
        }
    }
}

/// Whether there is colour. What somebody has said for this command counts most, then `NO_COLOR`, then
/// `CLICOLOR_FORCE` and `CLICOLOR`, as <https://no-color.org> and <https://bixense.com/clicolors> have it.
pub(crate) fn has_colour(
    choice: ColorChoice,
    is_terminal: bool,
    variable: impl Fn(&str) -> Option<OsString>,
) -> bool {
    let is_said = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let is_zero = |name: &str| variable(name).is_some_and(|value| value == "0");
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if is_said("NO_COLOR") => false,
        ColorChoice::Auto if is_said("CLICOLOR_FORCE") && !is_zero("CLICOLOR_FORCE") => true,
        ColorChoice::Auto => {
            let is_dumb = variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
            is_terminal && !is_dumb && !is_zero("CLICOLOR")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(choice: ColorChoice, is_terminal: bool, variables: &[(&str, &str)], expected: bool) {
        let found = |name: &str| variables.iter().find(|(key, _)| *key == name);
        let variable = |name: &str| found(name).map(|(_, value)| OsString::from(value));
        assert_eq!(has_colour(choice, is_terminal, variable), expected, "{choice:?} {variables:?}");
    }

    #[test]
    fn a_terminal_has_colour_unless_somebody_says_otherwise() {
        let (auto, term) = (ColorChoice::Auto, ("TERM", "xterm-256color"));
        check(auto, true, &[term], true);
        check(auto, false, &[term], false);
        check(auto, true, &[("TERM", "dumb")], false);
        check(auto, true, &[], false);
        check(auto, true, &[term, ("NO_COLOR", "1")], false);
        check(auto, true, &[term, ("NO_COLOR", "")], true);
        check(auto, true, &[term, ("CLICOLOR", "0")], false);
        check(auto, false, &[term, ("CLICOLOR_FORCE", "1")], true);
        check(auto, false, &[term, ("CLICOLOR_FORCE", "0")], false);
        check(auto, false, &[term, ("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false);
        check(ColorChoice::Always, false, &[term, ("NO_COLOR", "1")], true);
        check(ColorChoice::Never, true, &[term, ("CLICOLOR_FORCE", "1")], false);
    }

    #[test]
    fn a_colour_is_one_of_sixteen_and_ends() {
        assert_eq!(Tint::Bad.paint("down", true), "\x1b[31mdown\x1b[0m");
        assert_eq!(Tint::Bad.paint("down", false), "down");
    }

    #[test]
    fn some_of_a_number_is_no_all() {
        assert_eq!(Tint::of_part(2, 2), Tint::Good);
        assert_eq!(Tint::of_part(1, 2), Tint::Doubtful);
        assert_eq!(Tint::of_part(0, 2), Tint::Bad);
        assert_eq!(Tint::of_part(0, 0), Tint::Good);
    }
}
