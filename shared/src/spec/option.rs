//! The options of a tunnel: one table, from which they are parsed, printed,
//! helped and documented. A new option is one row here, one field, and the
//! place that uses it.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::access::Verdict;
use super::backend::parse_switch;
use super::backend_tls::NO_BACKEND_TLS;
use super::check::{CheckText, Mismatch, NO_CHECK};
use super::cursor::{Cursor, Piece, ends_bare_word, quote_escaped_if_needed, quote_if_needed};
use super::limits::{Limits, NO_LIMITS};
use super::tls::NO_TLS;
use super::{
    AdminState, BackendSpec, BackendTls, Check, CheckKind, CheckPath, ClientAuth, FilePath,
    Keepalive, LiveAction, OnAllDown, SpecError, SpecErrorKind, Strategy, Tls, TlsVersion,
    TunnelName,
};
use crate::error::Span;
use crate::info::AppliesTo;
use crate::units::{Rate, ValueError, parse_count, parse_duration, show_duration};
use crate::word::{Words, parse_word};

const ONE_MS: Duration = Duration::from_millis(1);
const ONE_HOUR: Duration = Duration::from_secs(3_600);
const THIRTY_DAYS: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How long a drain may be given.
pub const DEADLINE_RANGE: RangeInclusive<Duration> = Duration::ZERO..=THIRTY_DAYS;

/// What the value of a flag looks like: its name alone stands for `on`.
const SWITCH: &str = "`on`, `off`";

/// How a tunnel carries its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelOptions {
    /// A name to call it by.
    pub name: Option<TunnelName>,
    /// How a backend is chosen.
    pub strategy: Strategy,
    /// Over which time the share of a backend grows that was not there before; none for at once.
    pub slow_start: Option<Duration>,
    /// Time for one attempt to connect, TLS included.
    pub connect_timeout: Duration,
    /// Further attempts after the first one failed.
    pub retries: u32,
    /// Failed attempts in a row that eject a backend.
    pub max_fails: u32,
    /// How long an ejection lasts where no probe can end it.
    pub fail_timeout: Duration,
    /// How backends are checked; none for not at all. In a box, since most are not.
    pub check: Option<Box<Check>>,
    /// Time between checks, and between the probes of an ejected backend; zero for no probes.
    pub check_interval: Duration,
    /// What live connections get whose backend is removed.
    pub on_remove: LiveAction,
    /// What live connections get whose backend is found down, or disabled.
    pub on_down: LiveAction,
    /// How long drained connections may go on, where nobody says otherwise; none for as long as they
    /// want.
    pub drain_deadline: Option<Duration>,
    /// What clients get while no backend is up.
    pub on_all_down: OnAllDown,
    /// Silence in both directions that ends a connection; none for never.
    pub idle_timeout: Option<Duration>,
    /// The same once one direction has ended; none for the idle time-out.
    pub half_close_timeout: Option<Duration>,
    /// Connections at once; none for as many as the machine can.
    pub max_conns: Option<u32>,
    /// TCP keepalive on both sides; none for off.
    pub keepalive: Option<Keepalive>,
    /// Clients that may wait to be accepted, as the kernel counts them.
    pub backlog: u16,
    /// Whether somebody lets clients come: it listens only where they may.
    pub admin: AdminState,
    /// What most tunnels are not limited by; none where it would say nothing.
    pub limits: Option<Box<Limits>>,
    /// How TLS is terminated; none for not at all.
    pub tls: Option<Box<Tls>>,
    /// How TLS is spoken with backends; none for not at all.
    pub backend_tls: Option<Box<BackendTls>>,
}

impl Default for TunnelOptions {
    fn default() -> Self {
        Self {
            name: None,
            strategy: Strategy::default(),
            slow_start: None,
            connect_timeout: Duration::from_secs(5),
            retries: 3,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            check: None,
            check_interval: Duration::from_secs(5),
            on_remove: LiveAction::Keep,
            on_down: LiveAction::Keep,
            drain_deadline: None,
            on_all_down: OnAllDown::default(),
            idle_timeout: Some(ONE_HOUR),
            half_close_timeout: None,
            max_conns: None,
            keepalive: Some(Keepalive {
                idle: Duration::from_secs(60),
                interval: Duration::from_secs(15),
                probes: 4,
            }),
            backlog: 4096,
            admin: AdminState::Ready,
            limits: None,
            tls: None,
            backend_tls: None,
        }
    }
}

/// One row of the table of options.
#[derive(Debug)]
pub struct OptionRow {
    /// How it is written, and printed.
    pub key: &'static str,
    /// Other spellings that are read.
    pub aliases: &'static [&'static str],
    /// What its value looks like, and its range.
    pub value: &'static str,
    /// What it does, in a sentence.
    pub meaning: &'static str,
    /// Which connections feel that it has changed.
    pub applies_to: AppliesTo,
    /// The word for no value, where there may be none.
    nothing: &'static str,
    /// Of a list, it adds one entry.
    set: fn(&mut TunnelOptions, &str) -> Result<(), ValueError>,
    show: fn(&TunnelOptions) -> Option<String>,
    /// The entries of a list, each of which is written behind the key again.
    each: Option<fn(&TunnelOptions) -> Vec<String>>,
}

/// Every option of a tunnel, in the order in which they are printed.
pub static OPTIONS: &[OptionRow] = &[
    OptionRow {
        key: "name",
        aliases: &[],
        value: "a letter, then up to 62 letters, digits, `.`, `_` or `-`",
        meaning: "a name, unique in any case, usable wherever a tunnel is named",
        applies_to: AppliesTo::Live,
        nothing: "none",
        set: |options, text| {
            if text.is_empty() {
                options.name = None;
                return Ok(());
            }
            let name = text.parse().map_err(|_| {
                ValueError::malformed(
                    text,
                    "is not a name: a letter, then up to 62 letters, digits, `.`, `_` or `-`",
                )
            })?;
            options.name = Some(name);
            Ok(())
        },
        show: |options| options.name.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "strategy",
        aliases: &[],
        value: "`random`, `round-robin`, `least-conn` (also `minimum-open-connections`, `min-open-connections`), `two-choices`, `least-time`, `source-hash`, `first`",
        meaning: "how a backend is chosen; all but `first` respect weights",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| Strategy::parse(text).map(|strategy| options.strategy = strategy),
        show: |options| Some(options.strategy.to_string()),
        each: None,
    },
    OptionRow {
        key: "slow-start",
        aliases: &[],
        value: "1s–1h, or `none`",
        meaning: "a backend that joins an open tunnel, or comes back, counts with a tenth of its weight at first and with all of it after so long; not with `source-hash` and `first`",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            let range = Duration::from_secs(1)..=ONE_HOUR;
            options.slow_start = unless("none", text, |text| parse_duration(text, &range))?;
            Ok(())
        },
        show: |options| options.slow_start.map(show_duration),
        each: None,
    },
    OptionRow {
        key: "connect-timeout",
        aliases: &["timeout"],
        value: "1ms–1h",
        meaning: "time for one attempt to connect to a backend, its TLS included",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| {
            parse_duration(text, &(ONE_MS..=ONE_HOUR)).map(|it| options.connect_timeout = it)
        },
        show: |options| Some(show_duration(options.connect_timeout)),
        each: None,
    },
    OptionRow {
        key: "retries",
        aliases: &[],
        value: "0–100",
        meaning: "further attempts for a client, each on a backend not yet tried for it while one can be used",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| parse_count(text, &(0..=100)).map(|it| options.retries = it),
        show: |options| Some(options.retries.to_string()),
        each: None,
    },
    OptionRow {
        key: "max-fails",
        aliases: &["errors"],
        value: "1–1000",
        meaning: "failed attempts in a row that eject a backend",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| parse_count(text, &(1..=1000)).map(|it| options.max_fails = it),
        show: |options| Some(options.max_fails.to_string()),
        each: None,
    },
    OptionRow {
        key: "fail-timeout",
        aliases: &[],
        value: "1ms–5m",
        meaning: "how long an ejection lasts where no probe can end it; doubled each time up to 300s, and back after one fail-timeout without failure",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| {
            parse_duration(text, &(ONE_MS..=Duration::from_secs(300)))
                .map(|it| options.fail_timeout = it)
        },
        show: |options| Some(show_duration(options.fail_timeout)),
        each: None,
    },
    OptionRow {
        key: "check",
        aliases: &[],
        value: "`none`, `tcp`, `tls`, `send-expect`, `http`",
        meaning: "what each backend is asked every check-interval: to take a connection, to do a handshake of TLS too, to answer check-send with check-expect, or `GET` check-path with a good status; one that is down by it gets no clients while another can",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| {
            parse_word(text, CheckKind::ALL).map(|kind| options.check_mut().kind = kind)
        },
        show: |options| Some(options.check().kind.to_string()),
        each: None,
    },
    OptionRow {
        key: "check-interval",
        aliases: &[],
        value: "50ms–1h, or `off`",
        meaning: "time between checks, and between the probes of an ejected backend, 10 % jitter; the first success of a probe ends the ejection",
        applies_to: AppliesTo::New,
        nothing: "off",
        set: |options, text| {
            let range = Duration::from_millis(50)..=ONE_HOUR;
            options.check_interval =
                unless("off", text, |text| parse_duration(text, &range))?.unwrap_or_default();
            Ok(())
        },
        show: |options| Some(options.check_interval).filter(|it| !it.is_zero()).map(show_duration),
        each: None,
    },
    OptionRow {
        key: "check-timeout",
        aliases: &[],
        value: "1ms–1h, or `auto`",
        meaning: "time for one check, connecting included; auto is the smaller of connect-timeout and check-interval",
        applies_to: AppliesTo::New,
        nothing: "auto",
        set: |options, text| {
            let parse = |text: &str| parse_duration(text, &(ONE_MS..=ONE_HOUR));
            options.check_mut().timeout = unless("auto", text, parse)?;
            Ok(())
        },
        show: |options| options.check().timeout.map(show_duration),
        each: None,
    },
    OptionRow {
        key: "fall",
        aliases: &[],
        value: "1–100",
        meaning: "failed checks in a row after which a backend is down; the very first check decides alone",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| parse_count(text, &(1..=100)).map(|it| options.check_mut().fall = it),
        show: |options| Some(options.check().fall.to_string()),
        each: None,
    },
    OptionRow {
        key: "rise",
        aliases: &[],
        value: "1–100",
        meaning: "checks in a row that have to work before a backend that was down is up",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| parse_count(text, &(1..=100)).map(|it| options.check_mut().rise = it),
        show: |options| Some(options.check().rise.to_string()),
        each: None,
    },
    OptionRow {
        key: "check-port",
        aliases: &[],
        value: "1–65535, or `none`",
        meaning: "the port of the backend's address that is checked, if not its own; a Unix socket has none and is checked itself",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            let parse = |text: &str| parse_count(text, &(1..=u16::MAX));
            options.check_mut().port = unless("none", text, parse)?;
            Ok(())
        },
        show: |options| options.check().port.map(|it| it.to_string()),
        each: None,
    },
    OptionRow {
        key: "check-send",
        aliases: &[],
        value: "text with `\\r`, `\\n`, `\\t`, `\\\\`, `\\xHH`, 1024 bytes at most, or `none`",
        meaning: "what check=send-expect sends once it is connected",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| CheckText::parse(text).map(|it| options.check_mut().send = it),
        show: |options| options.check().send.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "check-expect",
        aliases: &[],
        value: "text like that of check-send, a status from 100 to 599, or `none`",
        meaning: "what has to stand anywhere in the first 8 KiB of the answer; of check=http the one status that is good, instead of 200 to 399",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| CheckText::parse(text).map(|it| options.check_mut().expect = it),
        show: |options| options.check().expect.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "check-path",
        aliases: &[],
        value: "a path, perhaps with a query, 1024 bytes at most",
        meaning: "what check=http asks for",
        applies_to: AppliesTo::New,
        nothing: "/",
        set: |options, text| CheckPath::parse(text).map(|it| options.check_mut().path = it),
        show: |options| options.check().path.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "on-all-down",
        aliases: &[],
        value: "`try-all`, `refuse`, `hold`",
        meaning: "what clients get while no backend is up: each is tried all the same, or a reset at once, or they are parked for queue-timeout until one is up",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| parse_word(text, OnAllDown::ALL).map(|it| options.on_all_down = it),
        show: |options| Some(options.on_all_down.to_string()),
        each: None,
    },
    OptionRow {
        key: "on-remove",
        aliases: &[],
        value: "`keep`, `drain`, `kill`",
        meaning: "what live connections get whose backend is removed, where the command does not say: they go on, they go on until drain-deadline, or they are reset",
        applies_to: AppliesTo::Live,
        nothing: "",
        set: |options, text| {
            parse_word(text, LiveAction::ALL).map(|action| options.on_remove = action)
        },
        show: |options| Some(options.on_remove.to_string()),
        each: None,
    },
    OptionRow {
        key: "on-down",
        aliases: &[],
        value: "`keep`, `drain`, `kill`",
        meaning: "the same where a check finds their backend down, or somebody disables it",
        applies_to: AppliesTo::Live,
        nothing: "",
        set: |options, text| {
            parse_word(text, LiveAction::ALL).map(|action| options.on_down = action)
        },
        show: |options| Some(options.on_down.to_string()),
        each: None,
    },
    OptionRow {
        key: "drain-deadline",
        aliases: &[],
        value: "0s–720h, or `none`",
        meaning: "how long drained connections may go on, where the command gives no deadline; those that are left are reset",
        applies_to: AppliesTo::Live,
        nothing: "none",
        set: |options, text| {
            options.drain_deadline =
                unless("none", text, |text| parse_duration(text, &DEADLINE_RANGE))?;
            Ok(())
        },
        show: |options| options.drain_deadline.map(show_duration),
        each: None,
    },
    OptionRow {
        key: "idle-timeout",
        aliases: &[],
        value: "50ms–720h, or `none`",
        meaning: "a connection without a byte in either direction for so long is reset",
        applies_to: AppliesTo::Live,
        nothing: "none",
        set: |options, text| {
            let range = Duration::from_millis(50)..=THIRTY_DAYS;
            options.idle_timeout = unless("none", text, |text| parse_duration(text, &range))?;
            Ok(())
        },
        show: |options| options.idle_timeout.map(show_duration),
        each: None,
    },
    OptionRow {
        key: "half-close-timeout",
        aliases: &[],
        value: "50ms–720h, or `idle-timeout`",
        meaning: "the same once one direction has ended",
        applies_to: AppliesTo::Live,
        nothing: "idle-timeout",
        set: |options, text| {
            let range = Duration::from_millis(50)..=THIRTY_DAYS;
            options.half_close_timeout =
                unless("idle-timeout", text, |text| parse_duration(text, &range))?;
            Ok(())
        },
        show: |options| options.half_close_timeout.map(show_duration),
        each: None,
    },
    OptionRow {
        key: "max-duration",
        aliases: &[],
        value: "50ms–720h, or `none`",
        meaning: "a connection that is so old is reset",
        applies_to: AppliesTo::Live,
        nothing: "none",
        set: |options, text| {
            let range = Duration::from_millis(50)..=THIRTY_DAYS;
            let max = unless("none", text, |text| parse_duration(text, &range))?;
            options.limit(|limits| limits.max_duration = max);
            Ok(())
        },
        show: |options| options.limits().max_duration.map(show_duration),
        each: None,
    },
    OptionRow {
        key: "max-conns",
        aliases: &[],
        value: "1–1000000, or `none`",
        meaning: "connections at once; as many clients more are parked, first in first out, and those beyond them are reset",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            options.max_conns = unless("none", text, |text| parse_count(text, &(1..=1_000_000)))?;
            Ok(())
        },
        show: |options| options.max_conns.map(|it| it.to_string()),
        each: None,
    },
    OptionRow {
        key: "queue-timeout",
        aliases: &[],
        value: "1ms–1h, `0`, or `connect-timeout`",
        meaning: "how long a client is parked while `max-conns` of the tunnel, or of all its backends that can be used, is reached; then it is reset; `0` resets it at once",
        applies_to: AppliesTo::New,
        nothing: "connect-timeout",
        set: |options, text| {
            let parse = |text: &str| parse_duration(text, &(Duration::ZERO..=ONE_HOUR));
            let timeout = unless("connect-timeout", text, parse)?;
            options.limit(|limits| limits.queue_timeout = timeout);
            Ok(())
        },
        show: |options| options.limits().queue_timeout.map(show_duration),
        each: None,
    },
    OptionRow {
        key: "max-conns-per-source",
        aliases: &[],
        value: "1–1000000, or `none`",
        meaning: "connections at once from one IP address, those parked included; a client beyond it is reset; all clients of a Unix socket are one source",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            let max = unless("none", text, |text| parse_count(text, &(1..=1_000_000)))?;
            options.limit(|limits| limits.max_conns_per_source = max);
            Ok(())
        },
        show: |options| options.limits().max_conns_per_source.map(|it| it.to_string()),
        each: None,
    },
    OptionRow {
        key: "conn-rate",
        aliases: &[],
        value: "1–1000000 `/s` or `/m`, or `none`",
        meaning: "new connections in a second or a minute; those of one second may come at once; a client beyond it is reset",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            let rate = unless("none", text, Rate::parse)?;
            options.limit(|limits| limits.conn_rate = rate);
            Ok(())
        },
        show: |options| options.limits().conn_rate.map(|it| it.to_string()),
        each: None,
    },
    OptionRow {
        key: "allow",
        aliases: &[],
        value: "an IP address or a network like `10.0.0.0/8`, again for each; `none` empties the list",
        meaning: "only these clients are let in, the others are reset; the longest prefix of `allow` and `deny` decides; clients of a Unix socket always are",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| options.list(Verdict::Allow, text),
        show: |options| joined(&options.listed(Verdict::Allow)),
        each: Some(|options| options.listed(Verdict::Allow)),
    },
    OptionRow {
        key: "deny",
        aliases: &[],
        value: "the same",
        meaning: "these clients are reset; without any `allow` all others are let in",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| options.list(Verdict::Deny, text),
        show: |options| joined(&options.listed(Verdict::Deny)),
        each: Some(|options| options.listed(Verdict::Deny)),
    },
    OptionRow {
        key: "tls-cert",
        aliases: &[],
        value: "the whole path of a PEM file, again for each; `none` empties the list",
        meaning: "terminate TLS with this certificate and those between it and its authority; of several the one for the name that the client asks for is taken, a whole name before a `*.`, else the first",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| options.tls_list(text, |tls| tls.certs.clear(), Tls::add_cert),
        show: |options| joined(&texts(&options.tls().certs)),
        each: Some(|options| texts(&options.tls().certs)),
    },
    OptionRow {
        key: "tls-key",
        aliases: &[],
        value: "the same",
        meaning: "the private keys of the certificates, in their order; none where each stands in the file of its certificate",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| options.tls_list(text, |tls| tls.keys.clear(), Tls::add_key),
        show: |options| joined(&texts(&options.tls().keys)),
        each: Some(|options| texts(&options.tls().keys)),
    },
    OptionRow {
        key: "tls-client-ca",
        aliases: &[],
        value: "the whole path of a PEM file, or `none`",
        meaning: "authorities of which clients have to show a certificate, or may: see tls-client-auth",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            let file = unless("none", text, FilePath::parse)?;
            options.change_tls(|tls| tls.client_ca = file);
            Ok(())
        },
        show: |options| options.tls().client_ca.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "tls-client-auth",
        aliases: &[],
        value: "`require`, `request`, `auto`",
        meaning: "whether a client without a certificate is refused, or goes on without; one whose certificate is no good is always refused; auto is `require` with tls-client-ca",
        applies_to: AppliesTo::New,
        nothing: "auto",
        set: |options, text| {
            let auth = unless("auto", text, |text| parse_word(text, ClientAuth::ALL))?;
            options.change_tls(|tls| tls.client_auth = auth);
            Ok(())
        },
        show: |options| options.tls().client_auth.map(|it| it.to_string()),
        each: None,
    },
    OptionRow {
        key: "tls-alpn",
        aliases: &[],
        value: "a protocol like `http/1.1`, again for each; `none` empties the list",
        meaning: "protocols that are agreed on with clients, the preferred one first; a client that names none of them is refused, and one that names nothing is not",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| options.tls_list(text, |tls| tls.alpn.clear(), Tls::add_protocol),
        show: |options| joined(&texts(&options.tls().alpn)),
        each: Some(|options| texts(&options.tls().alpn)),
    },
    OptionRow {
        key: "tls-min",
        aliases: &[],
        value: "`1.2`, `1.3`",
        meaning: "the oldest version of TLS that is spoken with clients",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| {
            let min = parse_word(text, TlsVersion::ALL)?;
            options.change_tls(|tls| tls.min = min);
            Ok(())
        },
        show: |options| Some(options.tls().min.to_string()),
        each: None,
    },
    OptionRow {
        key: "tls-handshake-timeout",
        aliases: &[],
        value: "1ms–1h",
        meaning: "time for the whole TLS handshake of a client, from when it was let in",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| {
            let timeout = parse_duration(text, &(ONE_MS..=ONE_HOUR))?;
            options.change_tls(|tls| tls.handshake_timeout = timeout);
            Ok(())
        },
        show: |options| Some(show_duration(options.tls().handshake_timeout)),
        each: None,
    },
    OptionRow {
        key: "backend-tls",
        aliases: &["remote-tls"],
        value: SWITCH,
        meaning: "speak TLS with the backends: the handshake is a part of each attempt, and of its time",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| {
            let is_on = parse_switch(text)?;
            options.change_backend_tls(|tls| tls.is_on = is_on);
            Ok(())
        },
        show: |options| Some(switch(options.backend_tls().is_on)),
        each: None,
    },
    OptionRow {
        key: "backend-sni",
        aliases: &[],
        value: "a DNS name, or `auto`",
        meaning: "the name that backends are asked for, and that their certificates have to be for; auto is the host name of each, or its IP address, for which nothing is asked",
        applies_to: AppliesTo::New,
        nothing: "auto",
        set: |options, text| {
            let name = unless("auto", text, BackendTls::parse_name)?;
            options.change_backend_tls(|tls| tls.sni = name);
            Ok(())
        },
        show: |options| options.backend_tls().sni.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "backend-ca",
        aliases: &[],
        value: "the whole path of a PEM file, or `system`",
        meaning: "authorities of which backends have to show a certificate; system is all that this machine believes",
        applies_to: AppliesTo::New,
        nothing: "system",
        set: |options, text| {
            let file = unless("system", text, FilePath::parse)?;
            options.change_backend_tls(|tls| tls.ca = file);
            Ok(())
        },
        show: |options| options.backend_tls().ca.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "backend-cert",
        aliases: &[],
        value: "the whole path of a PEM file, or `none`",
        meaning: "the certificate, and those between it and its authority, that backends get which ask for one",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            let file = unless("none", text, FilePath::parse)?;
            options.change_backend_tls(|tls| tls.cert = file);
            Ok(())
        },
        show: |options| options.backend_tls().cert.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "backend-key",
        aliases: &[],
        value: "the same",
        meaning: "its private key; none where that stands in the file of the certificate",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            let file = unless("none", text, FilePath::parse)?;
            options.change_backend_tls(|tls| tls.key = file);
            Ok(())
        },
        show: |options| options.backend_tls().key.as_ref().map(ToString::to_string),
        each: None,
    },
    OptionRow {
        key: "backend-verify",
        aliases: &[],
        value: SWITCH,
        meaning: "whether the certificate of a backend has to be good, and for its name; off takes any, so that whoever is in between can read and change everything",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| {
            let verify = parse_switch(text)?;
            options.change_backend_tls(|tls| tls.verify = verify);
            Ok(())
        },
        show: |options| Some(switch(options.backend_tls().verify)),
        each: None,
    },
    OptionRow {
        key: "backend-alpn",
        aliases: &[],
        value: "a protocol like `http/1.1`, again for each; `none` empties the list",
        meaning: "protocols that backends are asked for, the preferred one first; one that knows none of them and says so has failed, and one that says nothing has not",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            if text.eq_ignore_ascii_case("none") {
                options.change_backend_tls(|tls| tls.alpn.clear());
                return Ok(());
            }
            options.change_backend_tls(|tls| tls.add_protocol(text))
        },
        show: |options| joined(&texts(&options.backend_tls().alpn)),
        each: Some(|options| texts(&options.backend_tls().alpn)),
    },
    OptionRow {
        key: "keepalive",
        aliases: &[],
        value: "idle/interval/probes: 1s–32767s, 1s–32767s, 1–127; or `off`",
        meaning: "TCP keepalive on both sides",
        applies_to: AppliesTo::New,
        nothing: "off",
        set: |options, text| Keepalive::parse(text).map(|it| options.keepalive = it),
        show: |options| options.keepalive.map(|it| it.to_string()),
        each: None,
    },
    OptionRow {
        key: "tcp-user-timeout",
        aliases: &[],
        value: "100ms–720h, or `none`",
        meaning: "TCP_USER_TIMEOUT of new connections on both sides: one whose peer acknowledges nothing for so long is broken; that cuts a live peer that reads slowly, too",
        applies_to: AppliesTo::New,
        nothing: "none",
        set: |options, text| {
            let range = Duration::from_millis(100)..=THIRTY_DAYS;
            let timeout = unless("none", text, |text| parse_duration(text, &range))?;
            options.limit(|limits| limits.tcp_user_timeout = timeout);
            Ok(())
        },
        show: |options| options.limits().tcp_user_timeout.map(show_duration),
        each: None,
    },
    OptionRow {
        key: "backlog",
        aliases: &[],
        value: "1–65535",
        meaning: "clients that may wait to be accepted (the kernel caps it at net.core.somaxconn)",
        applies_to: AppliesTo::New,
        nothing: "",
        set: |options, text| parse_count(text, &(1..=u16::MAX)).map(|it| options.backlog = it),
        show: |options| Some(options.backlog.to_string()),
        each: None,
    },
    OptionRow {
        key: "admin",
        aliases: &[],
        value: "`ready`, `drain`",
        meaning: "whether it listens; what `drain` and `enable` set",
        applies_to: AppliesTo::Live,
        nothing: "",
        set: |options, text| {
            let valid = [AdminState::Ready, AdminState::Drain];
            parse_word(text, &valid).map(|admin| options.admin = admin)
        },
        show: |options| Some(options.admin.to_string()),
        each: None,
    },
];

impl OptionRow {
    /// Whether `key` is this option's name or one of its aliases, in any case.
    #[must_use]
    pub fn is_called(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(key))
    }

    /// What it is when it is not written.
    #[must_use]
    pub fn default(&self) -> String {
        self.value_in(&TunnelOptions::default())
    }

    pub(super) fn set(&self, options: &mut TunnelOptions, text: &str) -> Result<(), ValueError> {
        (self.set)(options, text)
    }

    /// Puts it back to its default.
    pub(super) fn reset(&self, options: &mut TunnelOptions) {
        // No value is the default of the name alone, and no default is refused.
        let default = (self.show)(&TunnelOptions::default());
        let text = default.as_deref().unwrap_or(if self.key == "name" { "" } else { self.nothing });
        (self.set)(options, text).unwrap_or_default();
    }

    /// The words among its values; a value may be something else, as [`OptionRow::value`] says.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        let is_value = |word: &&str| (self.set)(&mut TunnelOptions::default(), word).is_ok();
        words_of(self.value).filter(is_value)
    }

    /// Whether it may stand without a value, which is `on` then.
    #[must_use]
    pub fn is_flag(&self) -> bool {
        self.value == SWITCH
    }

    /// Whether its value is a text with escapes, which are its own matter also between quotes.
    pub(super) fn has_escapes(&self) -> bool {
        matches!(self.key, "check-send" | "check-expect")
    }

    /// What it is in these options, as it would be written.
    #[must_use]
    pub fn value_in(&self, options: &TunnelOptions) -> String {
        (self.show)(options).unwrap_or_else(|| self.nothing.to_owned())
    }

    /// Whether it may be given again, each time for one more entry.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.each.is_some()
    }
}

/// Those between backticks that could be words: an example of a text is none.
pub(super) fn words_of(value: &'static str) -> impl Iterator<Item = &'static str> {
    let quoted = value.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Reads a value that may also be the word `none`, or another one for nothing.
fn unless<T>(
    nothing: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, ValueError>,
) -> Result<Option<T>, ValueError> {
    if text.eq_ignore_ascii_case(nothing) { Ok(None) } else { parse(text).map(Some) }
}

/// The value of a flag.
fn switch(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.to_owned()
}

fn texts<T: fmt::Display>(entries: &[T]) -> Vec<String> {
    entries.iter().map(ToString::to_string).collect()
}

/// A list as one value.
fn joined(entries: &[String]) -> Option<String> {
    (!entries.is_empty()).then(|| entries.join(","))
}

impl TunnelOptions {
    /// The time-out of a connection of which one direction has ended.
    #[must_use]
    pub fn half_close_timeout(&self) -> Option<Duration> {
        self.half_close_timeout.or(self.idle_timeout)
    }

    /// Time for one check of a backend.
    #[must_use]
    pub fn check_timeout(&self) -> Duration {
        self.check().timeout.unwrap_or(self.connect_timeout.min(self.check_interval))
    }

    /// What it is limited by, besides [`TunnelOptions::max_conns`].
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.limits.as_deref().unwrap_or(&NO_LIMITS)
    }

    /// How long a client is parked; zero for not at all.
    #[must_use]
    pub fn queue_timeout(&self) -> Duration {
        self.limits().queue_timeout.unwrap_or(self.connect_timeout)
    }

    /// Changes a limit.
    fn limit(&mut self, change: impl FnOnce(&mut Limits)) {
        let mut limits = self.limits.take().unwrap_or_default();
        change(&mut limits);
        self.limits = Some(limits).filter(|limits| **limits != NO_LIMITS);
    }

    /// Puts an entry on a list of networks, or empties the list.
    fn list(&mut self, verdict: Verdict, text: &str) -> Result<(), ValueError> {
        let mut limits = self.limits.take().unwrap_or_default();
        let listed = if text.eq_ignore_ascii_case("none") {
            limits.unlist(verdict);
            Ok(())
        } else {
            limits.list(verdict, text)
        };
        self.limits = Some(limits).filter(|limits| **limits != NO_LIMITS);
        listed
    }

    fn listed(&self, verdict: Verdict) -> Vec<String> {
        let access = self.limits().access.as_deref();
        access.map_or_else(Vec::new, |access| access.listed(verdict))
    }

    /// How TLS is terminated, or that it is not.
    fn tls(&self) -> &Tls {
        self.tls.as_deref().unwrap_or(&NO_TLS)
    }

    /// Changes how it is.
    fn change_tls<T>(&mut self, change: impl FnOnce(&mut Tls) -> T) -> T {
        let mut tls = self.tls.take().unwrap_or_else(|| Box::new(NO_TLS.clone()));
        let changed = change(&mut tls);
        self.tls = Some(tls).filter(|tls| **tls != NO_TLS);
        changed
    }

    /// Puts an entry on a list of it, or empties that.
    fn tls_list(
        &mut self,
        text: &str,
        clear: impl FnOnce(&mut Tls),
        add: impl FnOnce(&mut Tls, &str) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        if text.eq_ignore_ascii_case("none") {
            self.change_tls(clear);
            return Ok(());
        }
        self.change_tls(|tls| add(tls, text))
    }

    /// How TLS is spoken with backends, or that it is not.
    fn backend_tls(&self) -> &BackendTls {
        self.backend_tls.as_deref().unwrap_or(&NO_BACKEND_TLS)
    }

    /// Changes how it is.
    fn change_backend_tls<T>(&mut self, change: impl FnOnce(&mut BackendTls) -> T) -> T {
        let mut tls = self.backend_tls.take().unwrap_or_else(|| Box::new(NO_BACKEND_TLS.clone()));
        let changed = change(&mut tls);
        self.backend_tls = Some(tls).filter(|tls| **tls != NO_BACKEND_TLS);
        changed
    }

    /// How backends are checked, or that they are not.
    fn check(&self) -> &Check {
        self.check.as_deref().unwrap_or(&NO_CHECK)
    }

    /// The same while it is read.
    fn check_mut(&mut self) -> &mut Check {
        self.check.get_or_insert_with(|| Box::new(NO_CHECK.clone()))
    }

    /// Once all are read: refuses what does not go together, at one of the options that `seen` has.
    fn settle(
        &mut self,
        seen: &[(&str, Span)],
        backends: &[BackendSpec],
        cursor: &Cursor<'_>,
    ) -> Result<(), SpecError> {
        let of_tls = || {
            let mismatch = self.tls().mismatch().or_else(|| self.backend_tls().mismatch(backends));
            mismatch.map(|(key, needed)| Mismatch::Needs(key, needed))
        };
        if let Some(mismatch) = self.check().mismatch(self.check_interval).or_else(of_tls) {
            let (key, kind) = match mismatch {
                Mismatch::Needs(key, needed) => (key, SpecErrorKind::Needs { key, needed }),
                Mismatch::Value(key, error) => (key, SpecErrorKind::Value { key, error }),
            };
            let span = seen.iter().find(|(seen, _)| *seen == key).map(|(_, span)| span.clone());
            return Err(SpecError::new(kind, span.unwrap_or_default(), cursor.input()));
        }
        if self.check().kind == CheckKind::None {
            self.check = None;
        }
        Ok(())
    }

    /// Reads `[key=value,…]`, or nothing, for a tunnel to these backends.
    pub(crate) fn read(
        cursor: &mut Cursor<'_>,
        backends: &[BackendSpec],
    ) -> Result<Self, SpecError> {
        let mut options = Self::default();
        let mut seen: Vec<(&'static str, Span)> = Vec::new();
        cursor.skip_blanks();
        if !cursor.eat('[') {
            return Ok(options);
        }
        loop {
            cursor.skip_blanks();
            if seen.is_empty() && cursor.eat(']') {
                return Ok(options);
            }
            let key = cursor.bare(|c| ends_bare_word(c) || c == '=');
            let row = find(&key, cursor)?;
            if !seen.iter().any(|(key, _)| *key == row.key) {
                seen.push((row.key, key.span.clone()));
            } else if !row.is_list() {
                let kind = SpecErrorKind::Repeated(row.key);
                return Err(SpecError::new(kind, key.span, cursor.input()));
            }
            read_value(row, &key, &mut options, cursor)?;
            cursor.skip_blanks();
            if cursor.eat(']') {
                options.settle(&seen, backends, cursor)?;
                return Ok(options);
            }
            if !cursor.eat(',') {
                return Err(cursor.expected("`,` or `]`"));
            }
        }
    }
}

fn find(key: &Piece<'_>, cursor: &Cursor<'_>) -> Result<&'static OptionRow, SpecError> {
    if key.text.is_empty() {
        return Err(cursor.expected("an option"));
    }
    OPTIONS.iter().find(|row| row.is_called(&key.text)).ok_or_else(|| {
        let kind = SpecErrorKind::UnknownOption(key.text.to_string());
        SpecError::new(kind, key.span.clone(), cursor.input())
    })
}

fn read_value(
    row: &OptionRow,
    key: &Piece<'_>,
    options: &mut TunnelOptions,
    cursor: &mut Cursor<'_>,
) -> Result<(), SpecError> {
    cursor.skip_blanks();
    let has_value = cursor.eat('=');
    if !has_value && !row.is_flag() {
        let kind = SpecErrorKind::ValueMissing(row.key);
        return Err(SpecError::new(kind, key.span.clone(), cursor.input()));
    }
    cursor.skip_blanks();
    let value = if !has_value {
        Piece { text: "on".into(), span: key.span.clone() }
    } else if row.has_escapes() {
        cursor.escaped_text(ends_bare_word)?
    } else {
        cursor.text(ends_bare_word)?
    };
    if value.text.is_empty() && !row.has_escapes() {
        let kind = SpecErrorKind::Value { key: row.key, error: ValueError::Empty };
        return Err(SpecError::new(kind, value.span, cursor.input()));
    }
    (row.set)(options, &value.text).map_err(|error| {
        SpecError::new(SpecErrorKind::Value { key: row.key, error }, value.span, cursor.input())
    })
}

impl fmt::Display for TunnelOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Compared before nothing gets its word: a tunnel may be called `none`.
        let default = Self::default();
        let changed = OPTIONS.iter().filter(|row| (row.show)(self) != (row.show)(&default));
        let mut separator = '[';
        for row in changed {
            let values = row.each.map_or_else(|| vec![row.value_in(self)], |each| each(self));
            for value in values {
                write!(f, "{separator}{}", row.key)?;
                if !(row.is_flag() && value == "on") {
                    let quoted = if row.has_escapes() {
                        quote_escaped_if_needed(&value, ends_bare_word)
                    } else {
                        quote_if_needed(&value, ends_bare_word)
                    };
                    write!(f, "={quoted}")?;
                }
                separator = ',';
            }
        }
        if separator == ',' { f.write_str("]") } else { Ok(()) }
    }
}
