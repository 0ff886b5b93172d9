//! The verbs: one table that feeds every door, its help and its completion.
//!
//! A new verb is one row in [`VERBS`], one variant of [`Request`], and one
//! method of the daemon's service.

mod changes;
mod connections;
mod error;
mod help;
mod slot;
mod words;

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

pub use error::CommandError;
pub use help::{ARGUMENTS, Argument, Group, Topic};
pub use slot::{Slot, word_spans};

use crate::connection::{ConnectionQuery, KillOrder};
use crate::event::{EVENTS_MAX, EventRange};
use crate::explanation::{read_client, read_name};
use crate::history::CHANGES_RANGE;
use crate::info::LogLevel;
use crate::rpc::{self, Method};
use crate::spec::{
    AttributeSettings, BackendAddr, BackendSpec, LiveAction, OptionSettings, ServerName, TunnelRef,
    TunnelSpec,
};
use crate::units::{parse_count, parse_duration};
use words::Words;

/// Longest line of the line protocol, in bytes, its end not counted.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// How many events can be asked for: no more are kept.
pub const EVENTS_RANGE: RangeInclusive<usize> = 1..=EVENTS_MAX;

/// How many changes `history` tells if nobody says.
pub const HISTORY_DEFAULT: usize = 20;

/// How long a level of the log may be given.
pub const LOG_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(30 * 24 * 3_600);

/// How long `debug` and `trace` hold if nobody says: they are much, and easily forgotten.
pub const LOG_DEFAULT: Duration = Duration::from_secs(5 * 60);

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

/// One row of the table of verbs.
#[derive(Debug)]
pub struct Verb {
    /// How it is called, in lower case.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Its arguments as the list of verbs shows them.
    pub arguments: &'static str,
    /// All its arguments, where the list shows less.
    pub usage: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// The methods of JSON-RPC that do the same; none for what only a session of
    /// the line protocol knows.
    pub methods: &'static [&'static str],
    /// Two lines that work.
    pub examples: [&'static str; 2],
    /// Under which heading a list of the verbs shows it.
    pub group: Group,
    /// Verbs that somebody may want who has read about this one.
    pub related: &'static [&'static str],
    parse: fn(&mut Words<'_>) -> Result<Request, CommandError>,
    slots: fn(&[&str]) -> Vec<Slot>,
}

impl PartialEq for Verb {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Verb {}

/// Every verb, in the order of `help`. The contract wants the first three and
/// the last two where they are.
pub static VERBS: &[Verb] = &[
    Verb {
        name: "open",
        aliases: &[],
        arguments: "tunnel",
        usage: "local=backend[,backend ...][[option=value,...]]",
        help: "listens on local and carries its connections to the backends; `help tunnel` tells the grammar",
        methods: &[rpc::OpenTunnel::NAME, rpc::OpenTunnels::NAME],
        examples: [
            "open 3000=10.0.0.1:5432",
            "open *:3000=10.0.0.1:5432+weight=2,db.example:5432+backup[name=db,strategy=least-conn]",
        ],
        group: Group::Tunnels,
        related: &["close", "set", "detail"],
        parse: |words| {
            Ok(Request::Open(Box::new(words.rest_as("a tunnel like `3000=10.0.0.1:5432`")?)))
        },
        slots: slot::spec,
    },
    Verb {
        name: "close",
        aliases: &[],
        arguments: "socket_address",
        usage: "tunnel [keep|drain [deadline=DURATION]|kill]",
        help: "stops listening and resets the connections, or lets them finish; the port is free when the answer comes",
        methods: &[rpc::CloseTunnel::NAME],
        examples: ["close 3000", "close db drain deadline=30s"],
        group: Group::Tunnels,
        related: &["drain", "open", "kill"],
        parse: changes::close,
        slots: slot::close,
    },
    Verb {
        name: "status",
        aliases: &["list"],
        arguments: "[full|long]",
        usage: "[full|long]",
        help: "counts the tunnels; full (or long, or list) shows each in order of opening; bytes sent go from clients to backends, received come back",
        methods: &[rpc::NumberOfTunnels::NAME, rpc::ListTunnels::NAME],
        examples: ["status", "status full"],
        group: Group::Looking,
        related: &["detail", "conns"],
        parse: parse_status,
        slots: slot::status,
    },
    Verb {
        name: "detail",
        aliases: &["show"],
        arguments: "tunnel",
        usage: "tunnel",
        help: "shows one tunnel in full: options, backends with their state, why connections ended",
        methods: &[rpc::TunnelInfo::NAME, rpc::Backends::NAME],
        examples: ["detail 3000", "detail db"],
        group: Group::Looking,
        related: &["status", "explain", "conns"],
        parse: |words| Ok(Request::Detail(words.tunnel()?)),
        slots: slot::tunnel,
    },
    Verb {
        name: "add",
        aliases: &[],
        arguments: "tunnel backend",
        usage: "tunnel backend[+attribute...]",
        help: "adds a backend; new connections may go to it at once",
        methods: &[rpc::AddBackend::NAME],
        examples: ["add 3000 10.0.0.2:5432", "add db 10.0.0.3:5432+weight=3"],
        group: Group::Backends,
        related: &["remove", "switch", "set"],
        parse: |words| Ok(Request::Add { tunnel: words.tunnel()?, backend: words.backend()? }),
        slots: slot::add,
    },
    Verb {
        name: "remove",
        aliases: &[],
        arguments: "tunnel backend",
        usage: "tunnel backend [keep|drain [deadline=DURATION]|kill]",
        help: "removes a backend; its live connections get what on-remove of the tunnel says, or this: they go on, they go on until the deadline, or they are reset",
        methods: &[rpc::RemoveBackend::NAME],
        examples: ["remove 3000 10.0.0.2:5432", "remove db db.example:5432 drain deadline=1m"],
        group: Group::Backends,
        related: &["add", "drain", "switch"],
        parse: changes::remove,
        slots: slot::remove,
    },
    Verb {
        name: "switch",
        aliases: &[],
        arguments: "tunnel to backends",
        usage: "tunnel to backend[,backend...] [keep|drain [deadline=DURATION]|kill]",
        help: "replaces all backends in one step; those that stay go on counting, and connections of those that go get what on-remove says, or this",
        methods: &[rpc::SwitchBackends::NAME],
        examples: [
            "switch 3000 to 10.0.0.2:5432",
            "switch db to 10.0.0.2:5432,10.0.0.3:5432+backup kill",
        ],
        group: Group::Backends,
        related: &["add", "remove", "undo"],
        parse: changes::switch,
        slots: slot::switch,
    },
    Verb {
        name: "set",
        aliases: &[],
        arguments: "tunnel [backend] key=value",
        usage: "tunnel [backend] key=value [key=value...]",
        help: "changes options of a tunnel, or attributes of one of its backends, in one step; `key=` alone puts one back to its default",
        methods: &[rpc::SetTunnel::NAME, rpc::SetBackend::NAME],
        examples: [
            "set 3000 strategy=least-conn idle-timeout=10m",
            "set db 10.0.0.2:5432 weight=5",
        ],
        group: Group::Tunnels,
        related: &["detail", "undo"],
        parse: changes::set,
        slots: slot::set,
    },
    Verb {
        name: "drain",
        aliases: &[],
        arguments: "tunnel [backend]",
        usage: "tunnel [backend] [deadline=DURATION]",
        help: "lets no new clients come to a backend, or to the whole tunnel, which stops listening and keeps its place; connections end by themselves, or at the deadline",
        methods: &[rpc::Drain::NAME],
        examples: ["drain db 10.0.0.2:5432", "drain db deadline=5m"],
        group: Group::Backends,
        related: &["enable", "disable", "conns"],
        parse: changes::drain,
        slots: slot::drain,
    },
    Verb {
        name: "disable",
        aliases: &[],
        arguments: "tunnel backend",
        usage: "tunnel backend",
        help: "takes a backend out of service: no new clients, no checks; its live connections get what on-down of the tunnel says",
        methods: &[rpc::Disable::NAME],
        examples: ["disable 3000 10.0.0.2:5432", "disable db db.example:5432"],
        group: Group::Backends,
        related: &["enable", "drain"],
        parse: changes::disable,
        slots: slot::backend,
    },
    Verb {
        name: "enable",
        aliases: &["undrain"],
        arguments: "tunnel [backend]",
        usage: "tunnel [backend]",
        help: "ends a drain, or puts a backend into service again; a tunnel listens again, or the answer says why not",
        methods: &[rpc::Enable::NAME],
        examples: ["enable db 10.0.0.2:5432", "enable db"],
        group: Group::Backends,
        related: &["drain", "disable"],
        parse: changes::enable,
        slots: slot::backend,
    },
    Verb {
        name: "conns",
        aliases: &[],
        arguments: "[tunnel] [where ...]",
        usage: "[tunnel] [where KEY=VALUE [and ...]] [sort [-]KEY] [limit N]",
        help: "shows the live connections, the oldest 100 if nothing else is asked for; keys are tunnel, backend, client, age, idle, bytes, bytes-in, bytes-out, phase, sni, tls, subject, fingerprint, and id to sort by; besides = there are != and, for times and sizes, < > <= >=",
        methods: &[rpc::ListConnections::NAME],
        examples: [
            "conns db sort -bytes limit 20",
            "conns where client=10.0.0.0/8 and idle>10m and bytes<64k",
        ],
        group: Group::Connections,
        related: &["kill", "status"],
        parse: connections::parse_conns,
        slots: slot::conns,
    },
    Verb {
        name: "kill",
        aliases: &[],
        arguments: "id ... | [tunnel] where ...",
        usage: "ID ... | [tunnel] where KEY=VALUE [and ...]",
        help: "resets connections at once: those with these ids, or all that conns would show for the same where",
        methods: &[rpc::KillConnections::NAME],
        examples: ["kill 7355149516800000001", "kill db where backend=10.0.0.1:5432 and idle>1h"],
        group: Group::Connections,
        related: &["conns", "close"],
        parse: connections::parse_kill,
        slots: slot::kill,
    },
    Verb {
        name: "explain",
        aliases: &[],
        arguments: "tunnel [from IP] [sni NAME]",
        usage: "tunnel [from IP] [sni NAME]",
        help: "tells whether a client, perhaps from that address, or asking for that name, would be let in now, which backends it might get and why not the others, and which it would get; nothing changes by asking",
        methods: &[rpc::Explain::NAME],
        examples: ["explain db from 10.1.2.3", "explain 443 sni www.a.example"],
        group: Group::Looking,
        related: &["detail", "status"],
        parse: parse_explain,
        slots: slot::explain,
    },
    Verb {
        name: "events",
        aliases: &[],
        arguments: "[follow]",
        usage: "[N] [after=NUMBER] [follow]",
        help: "tells what has happened, the newest N of it, or what came after an event; follow goes on until the next line",
        methods: &[rpc::ListEvents::NAME, rpc::SubscribeEvents::NAME],
        examples: ["events 20", "events after=117 follow"],
        group: Group::Looking,
        related: &["history", "log"],
        parse: parse_events,
        slots: slot::events,
    },
    Verb {
        name: "history",
        aliases: &[],
        arguments: "[N]",
        usage: "[N]",
        help: "tells the newest N changes (20 if not given), with who made them and how it was before",
        methods: &[rpc::History::NAME],
        examples: ["history", "history 100"],
        group: Group::Changes,
        related: &["undo", "events"],
        parse: |words| Ok(Request::History(parse_changes(words, HISTORY_DEFAULT)?)),
        slots: slot::changes_made,
    },
    Verb {
        name: "undo",
        aliases: &[],
        arguments: "[N]",
        usage: "[N]",
        help: "makes the tunnels what they were before the newest N changes (1 if not given); that is a change too, so undo undoes it; live connections go on, where on-remove and on-down do not say otherwise",
        methods: &[rpc::Undo::NAME],
        examples: ["undo", "undo 3"],
        group: Group::Changes,
        related: &["history", "reload"],
        parse: |words| Ok(Request::Undo(parse_changes(words, 1)?)),
        slots: slot::changes_made,
    },
    Verb {
        name: "save",
        aliases: &[],
        arguments: "",
        usage: "",
        help: "tells the file in which the state is kept once all of it is there; every change is saved before it is answered, so this is needed only after a disk was full",
        methods: &[rpc::Save::NAME],
        examples: ["save", "SAVE"],
        group: Group::Changes,
        related: &["export", "history"],
        parse: |_| Ok(Request::Save),
        slots: slot::nothing,
    },
    Verb {
        name: "load",
        aliases: &[],
        arguments: "file",
        usage: "file",
        help: "opens the tunnels of a file like that of --config, which plexyd reads: all of them or none",
        methods: &[rpc::Load::NAME],
        examples: ["load /etc/plexy/more.toml", "load \"/srv/my tunnels.toml\""],
        group: Group::Changes,
        related: &["reload", "export", "open"],
        parse: |words| {
            Ok(Request::Load(
                words.text("a file of plexyd's machine, like `/etc/plexy/more.toml`")?,
            ))
        },
        slots: slot::file,
    },
    Verb {
        name: "export",
        aliases: &[],
        arguments: "",
        usage: "",
        help: "tells every tunnel as the specification that opens it",
        methods: &[rpc::Export::NAME],
        examples: ["export", "EXPORT"],
        group: Group::Changes,
        related: &["load", "save"],
        parse: |_| Ok(Request::Export),
        slots: slot::nothing,
    },
    Verb {
        name: "reload",
        aliases: &[],
        arguments: "",
        usage: "",
        help: "reads the configuration file and all certificates again and does the difference, all of it or nothing; live connections go on, where on-remove and on-down do not say otherwise",
        methods: &[rpc::Reload::NAME],
        examples: ["reload", "RELOAD"],
        group: Group::Changes,
        related: &["load", "undo"],
        parse: |_| Ok(Request::Reload),
        slots: slot::nothing,
    },
    Verb {
        name: "log",
        aliases: &[],
        arguments: "[level]",
        usage: "[off|error|warn|info|debug|trace [for DURATION]]",
        help: "tells how much plexyd logs, or changes it, for a time or until the next start; debug and trace last 5m if no time is given",
        methods: &[rpc::LogLevel::NAME, rpc::SetLogLevel::NAME],
        examples: ["log debug", "log info for 1h"],
        group: Group::Daemon,
        related: &["events"],
        parse: parse_log,
        slots: slot::log,
    },
    Verb {
        name: "ping",
        aliases: &[],
        arguments: "",
        usage: "",
        help: "answers `pong`",
        methods: &[rpc::Ping::NAME],
        examples: ["ping", "PING"],
        group: Group::Daemon,
        related: &["version"],
        parse: |_| Ok(Request::Ping),
        slots: slot::nothing,
    },
    Verb {
        name: "version",
        aliases: &[],
        arguments: "",
        usage: "",
        help: "tells the version, the process and how long it runs",
        methods: &[rpc::Version::NAME, rpc::Hello::NAME],
        examples: ["version", "VERSION"],
        group: Group::Daemon,
        related: &["ping"],
        parse: |_| Ok(Request::Version),
        slots: slot::nothing,
    },
    Verb {
        name: "mode",
        aliases: &[],
        arguments: "text|script|json",
        usage: "text|script|json",
        help: "script ends every answer with a line that holds a single dot; json answers one object a line",
        methods: &[],
        examples: ["mode script", "mode json"],
        group: Group::Session,
        related: &["help"],
        parse: |words| {
            const MODES: [(&str, Mode); 3] =
                [("text", Mode::Text), ("script", Mode::Script), ("json", Mode::Json)];
            Ok(Request::Mode(words.one_of("a mode", &MODES)?))
        },
        slots: slot::mode,
    },
    Verb {
        name: "auth",
        aliases: &[],
        arguments: "token",
        usage: "token",
        help: "says who you are; wanted as the first line where the daemon has a token",
        methods: &[],
        examples: ["auth 7Zq3nP0a", "AUTH 7Zq3nP0a"],
        group: Group::Session,
        related: &["mode"],
        parse: |words| Ok(Request::Auth(words.next("a token")?.to_owned())),
        slots: slot::token,
    },
    Verb {
        name: "exit",
        aliases: &["quit"],
        arguments: "",
        usage: "",
        help: "ends the session",
        methods: &[],
        examples: ["exit", "EXIT"],
        group: Group::Session,
        related: &["help"],
        parse: |_| Ok(Request::Exit),
        slots: slot::nothing,
    },
    Verb {
        name: "help",
        aliases: &["?"],
        arguments: "",
        usage: "[topic]",
        help: "lists the verbs, or explains one of them, or the grammar of a tunnel",
        methods: &[],
        examples: ["help open", "help tunnel"],
        group: Group::Session,
        related: &["status"],
        parse: |words| match words.maybe_next() {
            None => Ok(Request::Help(None)),
            Some(word) => Topic::named(word)
                .map(|topic| Request::Help(Some(topic)))
                .ok_or_else(|| words.unknown_verb(word)),
        },
        slots: slot::verb,
    },
];

impl Verb {
    /// The verb of that name or alias, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<&'static Self> {
        VERBS.iter().find(|verb| {
            verb.name.eq_ignore_ascii_case(word)
                || verb.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(word))
        })
    }
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

fn parse_status(words: &mut Words<'_>) -> Result<Request, CommandError> {
    if words.is_empty() {
        return Ok(Request::Status(Detail::Count));
    }
    let detail = words.one_of("full or long", &[("full", Detail::Full), ("long", Detail::Full)])?;
    Ok(Request::Status(detail))
}

fn parse_explain(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let (mut from, mut sni) = (None, None);
    while let Some(word) = words.maybe_next() {
        if word.eq_ignore_ascii_case("from") && from.is_none() {
            let read = read_client(words.next("an IP address, like `10.1.2.3`")?);
            from = Some(read.map_err(|error| words.bad_value("from", error))?);
        } else if word.eq_ignore_ascii_case("sni") && sni.is_none() {
            let read = read_name(words.next("a name, like `www.a.example`")?);
            sni = Some(read.map_err(|error| words.bad_value("sni", error))?);
        } else {
            let left = [("from", from.is_none()), ("sni", sni.is_none())];
            let left = left.into_iter().filter_map(|(word, is_left)| is_left.then_some(word));
            return Err(words.unexpected(word, &left.collect::<Vec<_>>()));
        }
    }
    Ok(Request::Explain { tunnel, from, sni })
}

fn parse_events(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let (mut range, mut follow) = (EventRange::default(), false);
    while let Some(word) = words.maybe_next() {
        let after = word.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("after"));
        if let (Some((_, number)), None) = (after, range.after) {
            let number = parse_count(number, &(0..=u64::MAX));
            range.after = Some(number.map_err(|error| words.bad_value("after", error))?);
        } else if word.eq_ignore_ascii_case("follow") && !follow {
            follow = true;
        } else if word.starts_with(|c: char| c.is_ascii_digit()) && range.last.is_none() {
            let last = parse_count(word, &EVENTS_RANGE);
            range.last = Some(last.map_err(|error| words.bad_value("N", error))?);
        } else {
            return Err(words.unexpected(word, &["follow", "after=NUMBER"]));
        }
    }
    Ok(Request::Events { range, follow })
}

fn parse_changes(words: &mut Words<'_>, default: usize) -> Result<usize, CommandError> {
    match words.maybe_next() {
        None => Ok(default),
        Some(word) => {
            parse_count(word, &CHANGES_RANGE).map_err(|error| words.bad_value("N", error))
        }
    }
}

fn parse_log(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let Some(word) = words.maybe_next() else { return Ok(Request::Log(None)) };
    let level = word.parse().map_err(|error| words.bad_value("level", error))?;
    let duration = if words.is_empty() {
        None
    } else {
        words.one_of("for", &[("for", ())])?;
        let word = words.next("a duration, like `5m`")?;
        let duration = parse_duration(word, &LOG_RANGE);
        Some(duration.map_err(|error| words.bad_value("for", error))?)
    };
    Ok(Request::Log(Some(LogChange { level, duration })))
}

#[cfg(test)]
mod tests;
