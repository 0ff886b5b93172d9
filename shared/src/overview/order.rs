//! In which order rows stand.

use std::fmt;
use std::str::FromStr;

use super::Column;
use crate::units::ValueError;
use crate::word::{Words, parse_word};

/// An order: by a column, the smallest first or the largest.
///
/// ```
/// use plexy_shared::overview::{Order, TunnelColumn};
///
/// let order: Order<TunnelColumn> = "-conns".parse()?;
/// assert_eq!((order.column, order.is_descending), (TunnelColumn::Conns, true));
/// assert_eq!(order.to_string(), "-conns");
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order<C> {
    /// By what.
    pub column: C,
    /// Whether the largest comes first.
    pub is_descending: bool,
}

impl<C: Column> Order<C> {
    /// By this column, as somebody wants to see it who looks for the first ones.
    #[must_use]
    pub fn by(column: C) -> Self {
        Self { column, is_descending: column.is_largest_first() }
    }

    /// The other way round.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { is_descending: !self.is_descending, ..self }
    }
}

impl<C: Column> FromStr for Order<C> {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (word, is_descending) = match text.strip_prefix('-') {
            Some(word) => (word, true),
            None => (text, false),
        };
        parse_word(word, C::ALL).map(|column| Self { column, is_descending })
    }
}

impl<C: Words> fmt::Display for Order<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_descending { "-" } else { "" }, self.column.word())
    }
}
