//! The verbs about what was changed and where it is kept, and how what stands behind them is read.

use crate::command::words::Words;
use crate::command::{CommandError, Group, HISTORY_DEFAULT, Request, Verb, slot};
use crate::history::CHANGES_RANGE;
use crate::rpc::{self, Method};
use crate::units::parse_count;

pub(super) const HISTORY: Verb = Verb {
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
};

pub(super) const UNDO: Verb = Verb {
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
};

pub(super) const SAVE: Verb = Verb {
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
};

pub(super) const LOAD: Verb = Verb {
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
        Ok(Request::Load(words.text("a file of plexyd's machine, like `/etc/plexy/more.toml`")?))
    },
    slots: slot::file,
};

pub(super) const EXPORT: Verb = Verb {
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
};

pub(super) const RELOAD: Verb = Verb {
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
};

fn parse_changes(words: &mut Words<'_>, default: usize) -> Result<usize, CommandError> {
    match words.maybe_next() {
        None => Ok(default),
        Some(word) => {
            parse_count(word, &CHANGES_RANGE).map_err(|error| words.bad_value("N", error))
        }
    }
}
