//! The verbs about plexyd itself, and how what stands behind them is read.

use crate::command::words::Words;
use crate::command::{CommandError, Group, LOG_RANGE, LogChange, Request, Verb, slot};
use crate::rpc::{self, Method};
use crate::units::parse_duration;

pub(super) const LOG: Verb = Verb {
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
};

pub(super) const PING: Verb = Verb {
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
};

pub(super) const VERSION: Verb = Verb {
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
};

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
