//! The tunnel specification: `local=backend[,backend ...][[option,option ...]]`.
//!
//! One parser for every door. It is written by hand because its errors are
//! half of its worth: each has a span, and most have a suggestion, which a
//! parser combinator would have to be talked into production by production.

mod access;
mod address;
mod admin;
mod backend;
mod backend_tls;
mod check;
mod cursor;
mod error;
mod grammar;
mod keepalive;
mod limits;
mod name;
mod option;
mod server_name;
mod setting;
mod strategy;
mod tls;

use std::fmt;
use std::str::FromStr;

pub use access::{Access, Decision, Verdict};
pub use address::{BackendAddr, BoundAddr, HostName, ListenAddr, UnixPath};
pub use admin::{AdminState, LiveAction};
pub use backend::{ATTRIBUTES, AttributeRow, BackendOptions, BackendSpec, SNI_MAX};
pub use backend_tls::BackendTls;
pub use check::{Check, CheckKind, CheckPath, CheckText, OnAllDown, Question, escaped};
pub use error::{AddressError, SpecError, SpecErrorKind};
pub use grammar::grammar;
pub use keepalive::Keepalive;
pub use limits::Limits;
pub use name::{TunnelName, TunnelRef};
pub use option::{DEADLINE_RANGE, OPTIONS, OptionRow, TunnelOptions};
pub use server_name::{ServerName, parent_of};
pub use setting::{AttributeSettings, OptionSettings, SettingRow, Settings};
pub use strategy::Strategy;
pub use tls::{ClientAuth, FilePath, Protocol, Tls, TlsVersion};

use cursor::Cursor;

/// Most backends that one tunnel may have: enough for any real set, and few
/// enough that choosing among them stays cheap.
pub const BACKENDS_MAX: usize = 1024;

/// What a tunnel is asked to be: where it listens, where its connections go,
/// and how.
///
/// `FromStr` and `Display` are inverses; the printed form names every option
/// that is not at its default.
///
/// ```
/// use plexy_shared::spec::TunnelSpec;
///
/// let spec: TunnelSpec =
///     "3000=10.0.0.1:5432+weight=2,db.example:5432+backup[strategy=min-open-connections,retries=3]"
///         .parse()?;
/// assert_eq!(
///     spec.to_string(),
///     "127.0.0.1:3000=10.0.0.1:5432+weight=2,db.example:5432+backup[strategy=least-conn]"
/// );
/// assert_eq!(spec.to_string().parse::<TunnelSpec>()?, spec);
/// # Ok::<(), plexy_shared::spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelSpec {
    /// Where it listens, as written.
    pub listen: ListenAddr,
    /// Where its connections go: at least one, each address once.
    pub backends: Vec<BackendSpec>,
    /// How.
    pub options: TunnelOptions,
}

impl FromStr for TunnelSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut cursor = Cursor::new(text)?;
        let listen = ListenAddr::read(&mut cursor)?;
        cursor.skip_blanks();
        if !cursor.eat('=') {
            return Err(cursor.expected("`=` and a backend"));
        }
        let backends = read_backends(&mut cursor)?;
        let options = TunnelOptions::read(&mut cursor, &backends)?;
        cursor.end("the end of the tunnel")?;
        Ok(Self { listen, backends, options })
    }
}

/// Reads `backend[,backend ...]` and nothing else.
pub(crate) fn read_backend_list(text: &str) -> Result<Vec<BackendSpec>, SpecError> {
    let mut cursor = Cursor::new(text)?;
    let backends = read_backends(&mut cursor)?;
    cursor.end("the end of the backends")?;
    Ok(backends)
}

fn read_backends(cursor: &mut Cursor<'_>) -> Result<Vec<BackendSpec>, SpecError> {
    let mut backends: Vec<BackendSpec> = Vec::new();
    loop {
        cursor.skip_blanks();
        let start = cursor.position();
        let backend = BackendSpec::read(cursor)?;
        let span = start..cursor.position();
        if backends.iter().any(|known| known.addr == backend.addr) {
            let kind = SpecErrorKind::RepeatedBackend(backend.addr);
            return Err(SpecError::new(kind, span, cursor.input()));
        }
        if backends.len() == BACKENDS_MAX {
            return Err(SpecError::new(SpecErrorKind::TooManyBackends, span, cursor.input()));
        }
        backends.push(backend);
        cursor.skip_blanks();
        if !cursor.eat(',') {
            return Ok(backends);
        }
    }
}

impl fmt::Display for TunnelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.listen)?;
        for (index, backend) in self.backends.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{backend}")?;
        }
        write!(f, "{}", self.options)
    }
}

#[cfg(test)]
mod tests;
