//! The verbs about the session in which verbs are typed.

use crate::command::{Group, Mode, Request, Topic, Verb, slot};

pub(super) const MODE: Verb = Verb {
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
};

pub(super) const AUTH: Verb = Verb {
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
};

pub(super) const EXIT: Verb = Verb {
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
};

pub(super) const HELP: Verb = Verb {
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
};
