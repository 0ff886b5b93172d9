//! What an output is written to: a terminal of some width, or a file or pipe that takes everything. It is
//! found out once, and may be given by whoever knows better.

use std::env;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use super::colour::has_colour;
use crate::args::ColorChoice;

/// One output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    /// How many columns a line has; none where it has no end.
    pub(crate) columns: Option<usize>,
    /// Whether a line can be written over.
    pub(crate) can_redraw: bool,
    /// Whether there is colour.
    pub(crate) has_colour: bool,
    /// Whether what this program draws has to be ASCII: a terminal whose locale is not of UTF-8.
    pub(crate) is_ascii: bool,
}

impl Screen {
    /// A file or a pipe: everything, without colour, always the same.
    pub(crate) const PIPE: Self =
        Self { columns: None, can_redraw: false, has_colour: false, is_ascii: false };

    /// Where a stream goes.
    pub(crate) fn of(stream: &(impl IsTerminal + AsFd), choice: ColorChoice) -> Self {
        let is_terminal = stream.is_terminal();
        let columns = if is_terminal { columns_of(stream) } else { None };
        Self::new(is_terminal, columns, choice, |name| env::var_os(name))
    }

    /// The same where it is known what it is.
    pub(crate) fn new(
        is_terminal: bool,
        columns: Option<usize>,
        choice: ColorChoice,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let is_dumb = variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        Self {
            columns,
            can_redraw: is_terminal && !is_dumb,
            has_colour: has_colour(choice, is_terminal, &variable),
            is_ascii: is_terminal && !is_utf8(&variable),
        }
    }

    /// What stands for a part that is left out.
    pub(crate) fn ellipsis(self) -> &'static str {
        if self.is_ascii { "..." } else { "…" }
    }

    /// An arrow to the right.
    pub(crate) fn arrow(self) -> &'static str {
        if self.is_ascii { "->" } else { "→" }
    }
}

/// The width of a terminal, where it tells one.
fn columns_of(stream: &impl AsFd) -> Option<usize> {
    let size = tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether the locale is of UTF-8: the first that says something counts (POSIX, Environment Variables).
fn is_utf8(variable: &impl Fn(&str) -> Option<OsString>) -> bool {
    let said = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(said).unwrap_or_default();
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(is_terminal: bool, variables: &[(&str, &str)]) -> Screen {
        let found = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Screen::new(is_terminal, Some(80), ColorChoice::Auto, |name| {
            found(name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_first_variable_that_says_something_is_the_locale() {
        let term = ("TERM", "xterm");
        for (variables, is_ascii) in [
            (&[term][..], true),
            (&[term, ("LANG", "C.UTF-8")], false),
            (&[term, ("LANG", "de_DE.utf8")], false),
            (&[term, ("LANG", "C.UTF-8"), ("LC_ALL", "C")], true),
            (&[term, ("LANG", "C.UTF-8"), ("LC_ALL", "")], false),
            (&[term, ("LANG", "C"), ("LC_CTYPE", "en_US.UTF-8")], false),
        ] {
            assert_eq!(screen(true, variables).is_ascii, is_ascii, "{variables:?}");
        }
        // What a pipe gets does not hang on who has started the program.
        assert!(!screen(false, &[("LC_ALL", "C")]).is_ascii);
    }

    #[test]
    fn a_dumb_terminal_is_only_written_on() {
        let dumb = screen(true, &[("TERM", "dumb"), ("LANG", "C.UTF-8")]);
        assert!(!dumb.can_redraw && !dumb.has_colour);
        assert_eq!(dumb.columns, Some(80));
        assert!(screen(true, &[("TERM", "xterm")]).can_redraw);
        assert!(!screen(false, &[("TERM", "xterm")]).can_redraw);
    }
}
