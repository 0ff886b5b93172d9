//! Names of tunnels, and the ways to say which tunnel is meant.

use std::fmt;
use std::str::FromStr;

use super::cursor::Cursor;
use super::{ListenAddr, SpecError, SpecErrorKind};

/// Longest name of a tunnel, in bytes.
const NAME_BYTES_MAX: usize = 63;

/// The name of a tunnel: `[A-Za-z][A-Za-z0-9._-]{0,62}`. It begins with a
/// letter, so it is never taken for a port, and holds no colon, so it is never
/// taken for an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TunnelName(String);

impl TunnelName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TunnelName {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let is_name = text.len() <= NAME_BYTES_MAX
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if is_name {
            Ok(Self(text.to_owned()))
        } else {
            Err(SpecError::new(SpecErrorKind::Name(text.to_owned()), 0..text.len(), text))
        }
    }
}

impl fmt::Display for TunnelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a command says which tunnel it means: by name, or by any spelling of
/// its listen address.
///
/// ```
/// use plexy_shared::spec::TunnelRef;
///
/// assert_eq!("web".parse::<TunnelRef>()?.to_string(), "web");
/// assert_eq!("3000".parse::<TunnelRef>()?.to_string(), "127.0.0.1:3000");
/// # Ok::<(), plexy_shared::spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TunnelRef {
    /// By its name.
    Name(TunnelName),
    /// By its listen address.
    Listen(ListenAddr),
}

impl FromStr for TunnelRef {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if let Ok(name) = text.parse() {
            return Ok(Self::Name(name));
        }
        let mut cursor = Cursor::new(text)?;
        let listen = ListenAddr::read(&mut cursor)?;
        cursor.end("the end of the address")?;
        Ok(Self::Listen(listen))
    }
}

impl fmt::Display for TunnelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Listen(listen) => listen.fmt(f),
        }
    }
}
