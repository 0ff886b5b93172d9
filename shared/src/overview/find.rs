//! What rows somebody looks for, in few keys: `/` of the dashboard.

use std::borrow::Cow;
use std::fmt;

use super::Column;

/// What a row has to have to be shown.
///
/// ```
/// use plexy_shared::overview::{Find, TunnelColumn};
///
/// let find = Find::<TunnelColumn>::read("!name:web");
/// assert!(find.is_inverse && find.column == Some(TunnelColumn::Name));
/// assert!(!find.matches(|_| "web-1".into()));
/// // What is no column is a part of the text: addresses have colons.
/// assert_eq!(Find::<TunnelColumn>::read("[::1]:80").text, "[::1]:80");
/// assert!(Find::<TunnelColumn>::read("~wb1").matches(|_| "web-1".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find<C> {
    /// Rows that do not match are shown, instead of those that do.
    pub is_inverse: bool,
    /// The characters only have to come in their order, with others between them.
    pub is_fuzzy: bool,
    /// Only in this column; without one, in every column of text.
    pub column: Option<C>,
    /// What has to be there, in small letters; whoever looks for nothing finds all.
    pub text: String,
}

impl<C> Default for Find<C> {
    /// All rows.
    fn default() -> Self {
        Self { is_inverse: false, is_fuzzy: false, column: None, text: String::new() }
    }
}

impl<C: Column> Find<C> {
    /// Reads `[!][column:][~]text`, with `!` and `~` in any place before the text. Nothing is wrong here.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut find = Self::default();
        let mut rest = text.trim();
        loop {
            rest = match rest.split_at_checked(1) {
                Some(("!", behind)) if !find.is_inverse => {
                    find.is_inverse = true;
                    behind
                }
                Some(("~", behind)) if !find.is_fuzzy => {
                    find.is_fuzzy = true;
                    behind
                }
                _ => match find.column.is_none().then(|| column(rest)).flatten() {
                    Some((named, behind)) => {
                        find.column = Some(named);
                        behind
                    }
                    None => break,
                },
            }
            .trim_start();
        }
        find.text = rest.to_lowercase();
        find
    }

    /// Whether every row matches.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether a row matches that says this in its columns.
    pub fn matches<'a>(&self, mut text_of: impl FnMut(C) -> Cow<'a, str>) -> bool {
        if self.is_all() {
            return true;
        }
        let mut has = |column| self.is_in(&text_of(column));
        let is_there = match self.column {
            Some(column) => has(column),
            None => C::ALL.iter().copied().filter(|column| column.is_text()).any(has),
        };
        is_there != self.is_inverse
    }

    fn is_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        if !self.is_fuzzy {
            return text.contains(&self.text);
        }
        let mut characters = text.chars();
        self.text.chars().all(|wanted| characters.any(|it| it == wanted))
    }
}

/// A column that is named, and what stands behind it.
fn column<C: Column>(text: &str) -> Option<(C, &str)> {
    let (name, behind) = text.split_once(':')?;
    Some((C::named(&name.to_ascii_lowercase())?, behind))
}

/// As it would be typed.
impl<C: Column> fmt::Display for Find<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = |is_set, mark| if is_set { mark } else { "" };
        f.write_str(mark(self.is_inverse, "!"))?;
        if let Some(column) = self.column {
            write!(f, "{}:", column.word())?;
        }
        f.write_str(mark(self.is_fuzzy, "~"))?;
        f.write_str(&self.text)
    }
}
