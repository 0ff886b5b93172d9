//! What somebody asks for, once a line of text has been read.

use std::net::IpAddr;
use std::time::Duration;

use super::words::Words;
use super::{CommandError, LOG_DEFAULT, Topic, Verb};
use crate::connection::{ConnectionQuery, KillOrder};
use crate::event::EventRange;
use crate::info::LogLevel;
use crate::spec::{
    AttributeSettings, BackendAddr, BackendSpec, LiveAction, OptionSettings, ServerName, TunnelRef,
    TunnelSpec,
};

/// What somebody asks for, parsed and whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Listen and carry.
    Open(Box<TunnelSpec>),
    /// Stop listening, and end the connections as asked.
    Close {
        /// Which tunnel.
        tunnel: TunnelRef,
        /// What its connections get.
        live: LiveChoice,
    },
    /// How many tunnels there are, or all of them.
    Status(Detail),
    /// One tunnel in full.
    Detail(TunnelRef),
    /// One more backend.
    Add {
        /// For which tunnel.
        tunnel: TunnelRef,
        /// Which backend.
        backend: BackendSpec,
    },
    /// One backend less.
    Remove {
        /// From which tunnel.
        tunnel: TunnelRef,
        /// Which backend; its attributes do not matter.
        backend: BackendSpec,
        /// What its connections get, where the tunnel's `on-remove` is not to say it.
        live: Option<LiveChoice>,
    },
    /// No new clients; those that are there end by themselves.
    Drain {
        /// For which tunnel.
        tunnel: TunnelRef,
        /// For which of its backends; none for all of it.
        backend: Option<BackendAddr>,
        /// When those that are left are reset, where the tunnel's `drain-deadline` is not to say it.
        deadline: Option<Duration>,
    },
    /// Clients may come.
    Enable {
        /// To which tunnel.
        tunnel: TunnelRef,
        /// To which of its backends; none for the tunnel itself.
        backend: Option<BackendAddr>,
    },
    /// Out of service.
    Disable {
        /// Of which tunnel.
        tunnel: TunnelRef,
        /// Which backend.
        backend: BackendAddr,
    },
    /// Other options.
    Set {
        /// For which tunnel.
        tunnel: TunnelRef,
        /// Which.
        settings: OptionSettings,
    },
    /// Other attributes.
    SetBackend {
        /// Of which tunnel.
        tunnel: TunnelRef,
        /// For which backend.
        backend: BackendAddr,
        /// Which.
        settings: AttributeSettings,
    },
    /// Another set of backends.
    Switch {
        /// For which tunnel.
        tunnel: TunnelRef,
        /// All of them.
        backends: Vec<BackendSpec>,
        /// What connections of those get that are in it no more, where the tunnel's `on-remove` is
        /// not to say it.
        live: Option<LiveChoice>,
    },
    /// Live connections.
    Conns(Box<ConnectionQuery>),
    /// Some of them are to end.
    Kill(KillOrder),
    /// What a client would meet, and which backend it would get.
    Explain {
        /// Of which tunnel.
        tunnel: TunnelRef,
        /// With which address; none where that is not said.
        from: Option<IpAddr>,
        /// That asks for which name; none where that is not said.
        sni: Option<ServerName>,
    },
    /// What has happened.
    Events {
        /// Which of it.
        range: EventRange,
        /// Whether what happens from now on is told too.
        follow: bool,
    },
    /// The newest changes, so many.
    History(usize),
    /// As it was before the newest changes, so many.
    Undo(usize),
    /// The state on the disk.
    Save,
    /// The tunnels of a file.
    Load(String),
    /// Every tunnel as a specification.
    Export,
    /// The configuration file, as it is now.
    Reload,
    /// How much is logged, or, with something in it, how much is to be.
    Log(Option<LogChange>),
    /// Are you there?
    Ping,
    /// Who are you?
    Version,
    /// All verbs, or one of them, or something else that can be explained.
    Help(Option<Topic>),
    /// How answers are written from now on.
    Mode(Mode),
    /// This is me.
    Auth(String),
    /// The session ends.
    Exit,
}

impl Request {
    /// Reads one line; nothing for an empty line or a `#` comment.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the line, with its place in it.
    ///
    /// ```
    /// use plexy_shared::command::{Detail, Request};
    ///
    /// assert_eq!(Request::parse("STATUS long\r"), Ok(Some(Request::Status(Detail::Full))));
    /// assert_eq!(Request::parse("  # a comment"), Ok(None));
    /// let error = Request::parse("opne 3000=4000").unwrap_err();
    /// assert_eq!(error.to_string(), "unknown verb `opne` at column 1; did you mean `open`?");
    /// ```
    pub fn parse(line: &str) -> Result<Option<Self>, CommandError> {
        let mut words = Words::new(line);
        let word = match words.maybe_next() {
            None => return Ok(None),
            Some(word) if word.starts_with('#') => return Ok(None),
            Some(word) => word,
        };
        let Some(verb) = Verb::named(word) else {
            return Err(words.unknown_verb(word));
        };
        let list = word.eq_ignore_ascii_case("list");
        let request = (verb.parse)(&mut words)?;
        words.end(verb)?;
        // `list` is short for `status full`.
        Ok(Some(if list { Self::Status(Detail::Full) } else { request }))
    }
}

/// What live connections get, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveChoice {
    /// What.
    pub action: LiveAction,
    /// With a drain: when those that are left are reset, where the tunnel's `drain-deadline` is not
    /// to say it.
    pub deadline: Option<Duration>,
}

impl From<LiveAction> for LiveChoice {
    fn from(action: LiveAction) -> Self {
        Self { action, deadline: None }
    }
}

/// How much is to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogChange {
    /// How much.
    pub level: LogLevel,
    /// For how long, where somebody says.
    pub duration: Option<Duration>,
}

impl LogChange {
    /// For how long; none for until the next start.
    #[must_use]
    pub fn lasting(self) -> Option<Duration> {
        let is_much = self.level > LogLevel::Info;
        self.duration.or(is_much.then_some(LOG_DEFAULT))
    }
}

/// How much `status` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// How many tunnels.
    Count,
    /// Each of them.
    Full,
}

/// How the line protocol writes its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// For people.
    #[default]
    Text,
    /// As text, each answer followed by a line with a single dot.
    Script,
    /// One JSON object a line.
    Json,
}
