//! The verbs about the backends of a tunnel, and how what stands behind them is read.

use std::str::FromStr;

use super::live::{deadline, live_choice};
use crate::command::words::{BACKEND, Words};
use crate::command::{CommandError, Group, Request, Verb, slot};
use crate::rpc::{self, Method};
use crate::spec::{BackendAddr, BackendSpec, SpecError, read_backend_list};

pub(super) const ADD: Verb = Verb {
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
};

pub(super) const REMOVE: Verb = Verb {
    name: "remove",
    aliases: &[],
    arguments: "tunnel backend",
    usage: "tunnel backend [keep|drain [deadline=DURATION]|kill]",
    help: "removes a backend; its live connections get what on-remove of the tunnel says, or this: they go on, they go on until the deadline, or they are reset",
    methods: &[rpc::RemoveBackend::NAME],
    examples: ["remove 3000 10.0.0.2:5432", "remove db db.example:5432 drain deadline=1m"],
    group: Group::Backends,
    related: &["add", "drain", "switch"],
    parse: remove,
    slots: slot::remove,
};

pub(super) const SWITCH: Verb = Verb {
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
    parse: switch,
    slots: slot::switch,
};

pub(super) const DRAIN: Verb = Verb {
    name: "drain",
    aliases: &[],
    arguments: "tunnel [backend]",
    usage: "tunnel [backend] [deadline=DURATION]",
    help: "lets no new clients come to a backend, or to the whole tunnel, which stops listening and keeps its place; connections end by themselves, or at the deadline",
    methods: &[rpc::Drain::NAME],
    examples: ["drain db 10.0.0.2:5432", "drain db deadline=5m"],
    group: Group::Backends,
    related: &["enable", "disable", "conns"],
    parse: drain,
    slots: slot::drain,
};

pub(super) const DISABLE: Verb = Verb {
    name: "disable",
    aliases: &[],
    arguments: "tunnel backend",
    usage: "tunnel backend",
    help: "takes a backend out of service: no new clients, no checks; its live connections get what on-down of the tunnel says",
    methods: &[rpc::Disable::NAME],
    examples: ["disable 3000 10.0.0.2:5432", "disable db db.example:5432"],
    group: Group::Backends,
    related: &["enable", "drain"],
    parse: disable,
    slots: slot::backend,
};

pub(super) const ENABLE: Verb = Verb {
    name: "enable",
    aliases: &["undrain"],
    arguments: "tunnel [backend]",
    usage: "tunnel [backend]",
    help: "ends a drain, or puts a backend into service again; a tunnel listens again, or the answer says why not",
    methods: &[rpc::Enable::NAME],
    examples: ["enable db 10.0.0.2:5432", "enable db"],
    group: Group::Backends,
    related: &["drain", "disable"],
    parse: enable,
    slots: slot::backend,
};

fn remove(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let (tunnel, backend) = (words.tunnel()?, words.one::<BackendSpec>(BACKEND)?);
    Ok(Request::Remove { tunnel, backend, live: live_choice(words)? })
}

fn switch(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    words.one_of("to", &[("to", ())])?;
    let backends = words.one::<BackendList>("backends like `10.0.0.1:5432,10.0.0.2:5432`")?.0;
    Ok(Request::Switch { tunnel, backends, live: live_choice(words)? })
}

fn drain(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let is_backend = words.peek().is_some_and(|word| !word.contains('='));
    let backend = if is_backend { Some(words.one::<BackendAddr>(BACKEND)?) } else { None };
    Ok(Request::Drain { tunnel, backend, deadline: deadline(words)? })
}

fn enable(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let backend = if words.is_empty() { None } else { Some(words.one(BACKEND)?) };
    Ok(Request::Enable { tunnel, backend })
}

fn disable(words: &mut Words<'_>) -> Result<Request, CommandError> {
    Ok(Request::Disable { tunnel: words.tunnel()?, backend: words.one(BACKEND)? })
}

/// Backends in one word.
struct BackendList(Vec<BackendSpec>);

impl FromStr for BackendList {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        read_backend_list(text).map(Self)
    }
}
