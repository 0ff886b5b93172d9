//! How a backend is chosen, and the names of that.

use std::fmt;

use crate::units::ValueError;

/// How a backend is chosen for a new connection; all but [`Strategy::First`] respect weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strategy {
    /// Any, at random.
    Random,
    /// One after the other, smoothly interleaved by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest connections, those still connecting included.
    LeastConn,
    /// Of two that are drawn at random, the one with fewer connections.
    TwoChoices,
    /// The one that is quickest to connect to, times its connections.
    LeastTime,
    /// The same for the same address of a client, unless it has more than its share.
    SourceHash,
    /// The first one in the order of the specification that can be used.
    First,
}

impl Strategy {
    /// Every strategy with the names it is known by, its own first.
    const NAMES: &[(Self, &[&str])] = &[
        (Self::Random, &["random"]),
        (Self::RoundRobin, &["round-robin"]),
        (Self::LeastConn, &["least-conn", "minimum-open-connections", "min-open-connections"]),
        (Self::TwoChoices, &["two-choices"]),
        (Self::LeastTime, &["least-time"]),
        (Self::SourceHash, &["source-hash"]),
        (Self::First, &["first"]),
    ];

    pub(super) fn parse(text: &str) -> Result<Self, ValueError> {
        let lower = text.to_ascii_lowercase();
        let known = Self::NAMES.iter().find(|(_, names)| names.contains(&lower.as_str()));
        known.map(|(strategy, _)| *strategy).ok_or_else(|| ValueError::UnknownWord {
            given: text.to_owned(),
            valid: Self::NAMES.iter().filter_map(|(_, names)| names.first().copied()).collect(),
        })
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "random",
            Self::RoundRobin => "round-robin",
            Self::LeastConn => "least-conn",
            Self::TwoChoices => "two-choices",
            Self::LeastTime => "least-time",
            Self::SourceHash => "source-hash",
            Self::First => "first",
        })
    }
}
