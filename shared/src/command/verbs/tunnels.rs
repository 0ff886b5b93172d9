//! The verbs about tunnels as such, and how what stands behind them is read.

use super::live::live_choice;
use crate::command::words::{BACKEND, Words};
use crate::command::{CommandError, Group, Request, Verb, slot};
use crate::rpc::{self, Method};
use crate::spec::{LiveAction, OPTIONS};

pub(super) const OPEN: Verb = Verb {
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
};

pub(super) const CLOSE: Verb = Verb {
    name: "close",
    aliases: &[],
    arguments: "socket_address",
    usage: "tunnel [keep|drain [deadline=DURATION]|kill]",
    help: "stops listening and resets the connections, or lets them finish; the port is free when the answer comes",
    methods: &[rpc::CloseTunnel::NAME],
    examples: ["close 3000", "close db drain deadline=30s"],
    group: Group::Tunnels,
    related: &["drain", "open", "kill"],
    parse: close,
    slots: slot::close,
};

pub(super) const SET: Verb = Verb {
    name: "set",
    aliases: &[],
    arguments: "tunnel [backend] key=value",
    usage: "tunnel [backend] key=value [key=value...]",
    help: "changes options of a tunnel, or attributes of one of its backends, in one step; `key=` alone puts one back to its default",
    methods: &[rpc::SetTunnel::NAME, rpc::SetBackend::NAME],
    examples: ["set 3000 strategy=least-conn idle-timeout=10m", "set db 10.0.0.2:5432 weight=5"],
    group: Group::Tunnels,
    related: &["detail", "undo"],
    parse: set,
    slots: slot::set,
};

fn close(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let live = live_choice(words)?.unwrap_or(LiveAction::Kill.into());
    Ok(Request::Close { tunnel, live })
}

fn set(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let what = "key=value, or a backend and key=value";
    if words.peek().is_none_or(is_setting) {
        return Ok(Request::Set { tunnel, settings: words.rest_as(what)? });
    }
    let backend = words.one(BACKEND)?;
    Ok(Request::SetBackend { tunnel, backend, settings: words.rest_as("key=value")? })
}

/// Whether a word sets an option, and is no backend.
pub(in crate::command) fn is_setting(word: &str) -> bool {
    let is_flag = |word: &str| OPTIONS.iter().any(|row| row.is_flag() && row.is_called(word));
    word.contains('=') || is_flag(word)
}
