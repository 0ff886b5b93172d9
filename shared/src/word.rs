//! Words of closed lists: how an enum of fixed words is written, and how one is
//! read that a newer program may have made longer.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::ValueError;

/// A closed list of words.
pub trait Words: Copy + Eq + fmt::Debug + 'static {
    /// What the list is called.
    const NAME: &'static str;

    /// Every one of them, in the order of the documents.
    const ALL: &'static [Self];

    /// The word for it, the same in log, metric, event and every door.
    fn word(self) -> &'static str;

    /// The one of that word.
    #[must_use]
    fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.word() == word)
    }
}

/// Gives an enum of fixed words its [`Words`], `as_str`, `Display` and
/// `Serialize`.
macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $crate::word::Words for $type {
            const NAME: &'static str = stringify!($type);
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                self.as_str()
            }
        }

        impl $type {
            /// The word for it, the same in log, metric, event and every door.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

/// Reads one of these words, in any case.
///
/// # Errors
///
/// If it is none of them.
pub(crate) fn parse_word<T: Words>(text: &str, valid: &[T]) -> Result<T, ValueError> {
    let found = valid.iter().copied().find(|it| it.word().eq_ignore_ascii_case(text));
    found.ok_or_else(|| ValueError::UnknownWord {
        given: text.to_owned(),
        valid: valid.iter().copied().map(Words::word).collect(),
    })
}

/// A word of a list that a newer daemon may have made longer: one that is not
/// known is kept, and shown as it is.
///
/// ```
/// use plexy_shared::info::BackendState;
/// use plexy_shared::word::Word;
///
/// let known: Word<BackendState> = serde_json::from_str("\"up\"")?;
/// assert_eq!(known, BackendState::Up);
/// let newer: Word<BackendState> = serde_json::from_str("\"resting\"")?;
/// assert_eq!(newer.as_str(), "resting");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<T> {
    /// One of the list.
    Known(T),
    /// One that this program does not know.
    Unknown(Box<str>),
}

impl<T: Words> Word<T> {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => known.word(),
            Self::Unknown(word) => word,
        }
    }

    /// The one that is meant, if it is known.
    #[must_use]
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(known) => Some(*known),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> From<T> for Word<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: Words> PartialEq<T> for Word<T> {
    fn eq(&self, other: &T) -> bool {
        self.known() == Some(*other)
    }
}

impl<T: Words> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<T: Words> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Words> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        Ok(T::named(&word).map_or_else(|| Self::Unknown(word.into()), Self::Known))
    }
}

impl<T: Words> JsonSchema for Word<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<_> = T::ALL.iter().map(|known| known.word()).collect();
        json_schema!({
            "type": "string",
            "description": format!("one of {}; newer daemons may know more", words.join(", ")),
            "examples": words,
        })
    }
}
