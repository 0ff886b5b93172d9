//! What can be explained: a verb, the grammar of a tunnel, and all examples. Each door writes it in its
//! own way; what there is to say stands here and in the table of verbs.

use super::{VERBS, Verb};

/// What somebody wants to know more about.
///
/// ```
/// use plexy_shared::command::{Topic, Verb};
///
/// assert_eq!(Topic::named("OPEN"), Verb::named("open").map(Topic::Verb));
/// assert_eq!(Topic::named("tunnel"), Some(Topic::Tunnel));
/// assert_eq!(Topic::named("weather"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// One verb.
    Verb(&'static Verb),
    /// The grammar of a tunnel: [`crate::spec::grammar`].
    Tunnel,
    /// The examples of every verb.
    Examples,
}

impl Topic {
    /// The word for the grammar of a tunnel.
    pub const TUNNEL: &'static str = "tunnel";

    /// The word for the examples of every verb.
    pub const EXAMPLES: &'static str = "examples";

    /// The one that a word stands for, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case(Self::TUNNEL) {
            Some(Self::Tunnel)
        } else if word.eq_ignore_ascii_case(Self::EXAMPLES) {
            Some(Self::Examples)
        } else {
            Verb::named(word).map(Self::Verb)
        }
    }
}

/// What verbs are about: the headings of a list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Tunnels as such.
    Tunnels,
    /// The backends of one.
    Backends,
    /// What is there, and what has happened.
    Looking,
    /// The live connections.
    Connections,
    /// What was changed, and where it is kept.
    Changes,
    /// plexyd itself.
    Daemon,
    /// The session in which verbs are typed.
    Session,
}

impl Group {
    /// Every one, in the order of a list.
    pub const ALL: &'static [Self] = &[
        Self::Tunnels,
        Self::Backends,
        Self::Looking,
        Self::Connections,
        Self::Changes,
        Self::Daemon,
        Self::Session,
    ];

    /// Its heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Tunnels => "Tunnels",
            Self::Backends => "Backends",
            Self::Looking => "What is, and what was",
            Self::Connections => "Live connections",
            Self::Changes => "Changes and files",
            Self::Daemon => "The daemon",
            Self::Session => "The session",
        }
    }

    /// Its verbs, in the order of the table.
    ///
    /// ```
    /// use plexy_shared::command::Group;
    ///
    /// let names: Vec<_> = Group::Tunnels.verbs().map(|verb| verb.name).collect();
    /// assert_eq!(names, ["open", "close", "set"]);
    /// ```
    pub fn verbs(self) -> impl Iterator<Item = &'static Verb> {
        VERBS.iter().filter(move |verb| verb.group == self)
    }
}

/// A word in the usage of verbs, and what is written in its place.
#[derive(Debug)]
pub struct Argument {
    /// The word, with others that are explained along with it behind a `|` or `=`.
    pub term: &'static str,
    /// What is written there.
    pub meaning: &'static str,
}

/// Every word of a usage that needs an explanation.
pub static ARGUMENTS: &[Argument] = &[
    Argument {
        term: "local",
        meaning: "where it listens: port (of 127.0.0.1), host:port, *:port, [v6]:port or unix:/path",
    },
    Argument {
        term: "tunnel",
        meaning: "its name or where it listens: db, 3000, 127.0.0.1:3000 or unix:/path",
    },
    Argument {
        term: "backend",
        meaning: "where it is: host:port, port (of 127.0.0.1), [v6]:port or unix:/path",
    },
    Argument {
        term: "attribute",
        meaning: "of a backend, like weight=3 or backup; `help tunnel` has all of them",
    },
    Argument {
        term: "option=value",
        meaning: "of a tunnel, like strategy=least-conn; `help tunnel` has all of them",
    },
    Argument {
        term: "key=value",
        meaning: "an option of the tunnel, or an attribute of the backend, and what it is to be",
    },
    Argument {
        term: "keep|drain|kill",
        meaning: "what live connections get: they go on; they go on, until the deadline if there is one; or they are reset",
    },
    Argument { term: "DURATION", meaning: "250ms, 30s, 5m or 1h; a bare number is seconds" },
    Argument { term: "full|long", meaning: "each tunnel, and not only how many there are" },
    Argument { term: "ID", meaning: "the number of a connection, as `conns` shows it" },
    Argument {
        term: "KEY=VALUE",
        meaning: "a test, like client=10.0.0.0/8, idle>10m or bytes<64k; `sort -KEY` has the largest first",
    },
    Argument { term: "IP", meaning: "the address of a client, like 10.1.2.3" },
    Argument { term: "NAME", meaning: "the name that a client asks for, like www.a.example" },
    Argument { term: "N", meaning: "how many" },
    Argument { term: "NUMBER", meaning: "the number of an event, as `events` shows it" },
    Argument { term: "follow", meaning: "what happens from now on too" },
    Argument {
        term: "file",
        meaning: "one of plexyd's machine, in TOML: tunnels = [\"local=backend\", ...]",
    },
    Argument { term: "off|error|warn|info|debug|trace", meaning: "how much is logged" },
    Argument { term: "text|script|json", meaning: "how answers are written from now on" },
    Argument { term: "token", meaning: "what stands in the file of plexyd's --token-file" },
    Argument {
        term: "topic",
        meaning: "a verb; or tunnel, for the grammar of a tunnel; or examples, for those of every verb",
    },
];

impl Argument {
    /// The word by which it is found in a usage.
    fn word(&self) -> &'static str {
        words(self.term).next().unwrap_or_default()
    }
}

impl Verb {
    /// What it does, in short: its sentence up to where that says how.
    ///
    /// ```
    /// use plexy_shared::command::Verb;
    ///
    /// assert_eq!(Verb::named("remove").map(Verb::summary), Some("removes a backend"));
    /// ```
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.help.split(';').next().unwrap_or_default()
    }

    /// The words of its usage that need an explanation.
    ///
    /// ```
    /// use plexy_shared::command::Verb;
    ///
    /// let terms = |verb: &Verb| verb.explained().map(|it| it.term).collect::<Vec<_>>();
    /// assert_eq!(Verb::named("add").map(terms), Some(vec!["tunnel", "backend", "attribute"]));
    /// ```
    pub fn explained(&self) -> impl Iterator<Item = &'static Argument> {
        let usage = self.usage;
        ARGUMENTS.iter().filter(move |it| words(usage).any(|word| word == it.word()))
    }
}

/// The words of a usage, or of a term, without brackets and what else is between.
fn words(usage: &'static str) -> impl Iterator<Item = &'static str> {
    usage.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written as it stands there.
    const LITERAL: &[&str] =
        &["deadline", "to", "where", "and", "sort", "limit", "from", "sni", "after", "for"];

    #[test]
    fn every_word_of_every_usage_is_explained_or_written_as_it_is() {
        for verb in VERBS {
            let explained: Vec<_> = verb.explained().flat_map(|it| words(it.term)).collect();
            for word in words(verb.usage) {
                let is_known = explained.contains(&word) || LITERAL.contains(&word);
                assert!(is_known, "`{word}` of `{} {}`", verb.name, verb.usage);
            }
        }
        for argument in ARGUMENTS {
            let is_used = |verb: &Verb| verb.explained().any(|it| it.term == argument.term);
            assert!(VERBS.iter().any(is_used), "no verb has `{}`", argument.term);
        }
    }

    #[test]
    fn every_verb_stands_in_a_group_and_is_related_to_others() {
        let grouped: usize = Group::ALL.iter().map(|group| group.verbs().count()).sum();
        assert_eq!(grouped, VERBS.len());
        for verb in VERBS {
            assert!(!verb.related.is_empty(), "{}", verb.name);
            for related in verb.related {
                let other = Verb::named(related);
                assert!(other.is_some_and(|other| other != verb), "{}: {related}", verb.name);
            }
        }
    }

    #[test]
    fn no_verb_hides_another_topic() {
        for word in [Topic::TUNNEL, Topic::EXAMPLES] {
            assert!(Verb::named(word).is_none(), "{word}");
        }
    }
}
