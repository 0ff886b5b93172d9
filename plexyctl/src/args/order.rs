//! The column by which rows are sorted.

use std::fmt;
use std::str::FromStr;

/// By which column rows are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) key: String,
    pub(crate) is_descending: bool,
}

impl FromStr for Order {
    type Err = &'static str;

    /// Reads the key of a column; a dash before it reverses.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, is_descending) = match text.strip_prefix('-') {
            Some(key) => (key, true),
            None => (text, false),
        };
        match key {
            "" => Err("the key of a column is missing"),
            key => Ok(Self { key: key.to_ascii_lowercase(), is_descending }),
        }
    }
}

/// As it is typed.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_descending { "-" } else { "" }, self.key)
    }
}
