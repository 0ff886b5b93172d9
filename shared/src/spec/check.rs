//! How a tunnel finds out whether its backends work, before clients do.

mod text;

use std::fmt;
use std::time::Duration;

use crate::units::ValueError;
use crate::word::words;

pub use text::{CheckText, escaped};

/// Most bytes of what a check sends, looks for, or asks for.
const TEXT_BYTES_MAX: usize = 1024;

/// What is asked of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// Nothing: there are no checks.
    None,
    /// To take a connection.
    Tcp,
    /// To do a handshake of TLS.
    Tls,
    /// To answer what is sent with what is expected.
    SendExpect,
    /// To answer a request of HTTP with a good status.
    Http,
}

words!(CheckKind {
    None => "none",
    Tcp => "tcp",
    Tls => "tls",
    SendExpect => "send-expect",
    Http => "http",
});

/// What clients get while no backend is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnAllDown {
    /// Each backend is tried all the same.
    #[default]
    TryAll,
    /// A reset at once.
    Refuse,
    /// They are parked until one is, for as long as the tunnel parks anybody.
    Hold,
}

words!(OnAllDown { TryAll => "try-all", Refuse => "refuse", Hold => "hold" });

/// How backends are checked. In the options of a tunnel its kind is never [`CheckKind::None`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is asked.
    pub kind: CheckKind,
    /// Time for one check; none for the smaller of `connect-timeout` and `check-interval`.
    pub timeout: Option<Duration>,
    /// Failed checks in a row after which a backend is down.
    pub fall: u32,
    /// Checks in a row that have to work before it is up again.
    pub rise: u32,
    /// The port that is asked; none for that of the backend.
    pub port: Option<u16>,
    /// What is sent.
    pub send: Option<CheckText>,
    /// What the answer has to contain, or the status that it has to have.
    pub expect: Option<CheckText>,
    /// What is asked for over HTTP; none for `/`.
    pub path: Option<CheckPath>,
}

/// No checks; what every option of them is when it is not written.
pub(super) static NO_CHECK: Check = Check {
    kind: CheckKind::None,
    timeout: None,
    fall: 3,
    rise: 2,
    port: None,
    send: None,
    expect: None,
    path: None,
};

/// What a check asks, with all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// Nothing beyond a connection, and its TLS.
    Connect,
    /// These bytes are sent, and those have to be among the first of the answer.
    SendExpect {
        /// What is sent; nothing where the backend speaks first.
        send: &'a [u8],
        /// What has to come.
        expect: &'a [u8],
    },
    /// This path is asked for.
    Http {
        /// It begins with a slash.
        path: &'a str,
        /// The status that is good; none for 200 to 399.
        status: Option<u16>,
    },
}

/// What is wrong with options that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// This option is of no use without that.
    Needs(&'static str, &'static str),
    /// This option has a value that is none here.
    Value(&'static str, ValueError),
}

impl Check {
    /// What is asked.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        match self.kind {
            CheckKind::None | CheckKind::Tcp | CheckKind::Tls => Question::Connect,
            CheckKind::SendExpect => Question::SendExpect {
                send: self.send.as_ref().map_or(&[], CheckText::as_bytes),
                expect: self.expect.as_ref().map_or(&[], CheckText::as_bytes),
            },
            CheckKind::Http => Question::Http {
                path: self.path.as_ref().map_or("/", CheckPath::as_str),
                status: self.expect.as_ref().and_then(CheckText::status),
            },
        }
    }

    /// What does not go together, as it was written.
    pub(super) fn mismatch(&self, interval: Duration) -> Option<Mismatch> {
        use CheckKind::{Http, None as Off, SendExpect};
        let kind = self.kind;
        let any = "`check=tcp`, `check=tls`, `check=send-expect` or `check=http`";
        let rules = [
            (kind == Off && self.timeout.is_some(), "check-timeout", any),
            (kind == Off && self.fall != NO_CHECK.fall, "fall", any),
            (kind == Off && self.rise != NO_CHECK.rise, "rise", any),
            (kind == Off && self.port.is_some(), "check-port", any),
            (kind != SendExpect && self.send.is_some(), "check-send", "`check=send-expect`"),
            (
                !matches!(kind, SendExpect | Http) && self.expect.is_some(),
                "check-expect",
                "`check=send-expect` or `check=http`",
            ),
            (kind != Http && self.path.is_some(), "check-path", "`check=http`"),
            (kind == SendExpect && self.expect.is_none(), "check", "`check-expect` with it"),
            (kind != Off && interval.is_zero(), "check", "a `check-interval` other than `off`"),
        ];
        let needs = rules.into_iter().find(|(is_broken, ..)| *is_broken);
        let needs = needs.map(|(_, key, needed)| Mismatch::Needs(key, needed));
        let status = || {
            let expect = self.expect.as_ref().filter(|_| kind == Http)?;
            let rule = "is not a status of HTTP like `200`, which `check=http` expects";
            let error = || ValueError::malformed(&expect.to_string(), rule);
            expect.status().is_none().then(|| Mismatch::Value("check-expect", error()))
        };
        needs.or_else(status)
    }
}

/// What is asked for over HTTP: a path, perhaps with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPath(Box<str>);

impl CheckPath {
    /// It begins with a slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(text: &str) -> Result<Option<Self>, ValueError> {
        let is_path = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
        match text {
            "/" => Ok(None),
            _ if is_path && text.len() <= TEXT_BYTES_MAX => Ok(Some(Self(text.into()))),
            _ => Err(ValueError::malformed(
                text,
                "is not a path: a `/`, then ASCII without blanks, 1024 bytes at most",
            )),
        }
    }
}

impl fmt::Display for CheckPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
