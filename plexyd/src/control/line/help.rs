//! What `help` says of one verb. All of it stands in the table of verbs.

use plexy_shared::command::{Argument, Verb};
use serde_json::{Value, json};

/// How it is written.
pub(super) fn headline(verb: &Verb) -> String {
    format!("{} {}", verb.name.to_uppercase(), verb.usage).trim_end().to_owned()
}

/// What it does and what its words mean, how it looks, and where to read on.
pub(super) fn lines(verb: &Verb) -> Vec<String> {
    let mut lines = vec![verb.help.to_owned()];
    if !verb.aliases.is_empty() {
        lines.push(format!("also called {}", verb.aliases.join(", ")));
    }
    lines.extend(verb.explained().map(|it| format!("{}: {}", it.term, it.meaning)));
    lines.extend(verb.examples.map(|example| format!("example: {example}")));
    lines.push(format!("see also: {}", verb.related.join(", ")));
    if !verb.methods.is_empty() {
        lines.push(format!("in JSON-RPC: {}", verb.methods.join(", ")));
    }
    lines
}

/// The same for programs.
pub(super) fn result(verb: &Verb) -> Value {
    let explained = |it: &Argument| json!({ "term": it.term, "meaning": it.meaning });
    json!({
        "verb": verb.name, "usage": verb.usage, "help": verb.help, "aliases": verb.aliases,
        "arguments": verb.explained().map(explained).collect::<Vec<_>>(),
        "examples": verb.examples, "related": verb.related, "methods": verb.methods,
    })
}
