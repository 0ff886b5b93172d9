//! What connections can be looked at by.

use crate::overview::Column;
use crate::word::{Words, words};

/// What a filter tests, or an order goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The number of the connection: only to sort by.
    Id,
    /// Its tunnel, which sorts in order of opening.
    Tunnel,
    /// The address of its backend, as its tunnel has it.
    Backend,
    /// The address of its client.
    Client,
    /// How long ago it was accepted.
    Age,
    /// For how long no byte has gone either way.
    Idle,
    /// Bytes in both directions together.
    Bytes,
    /// Bytes from the client to the backend.
    BytesIn,
    /// Bytes from the backend to the client.
    BytesOut,
    /// Bytes per second in both directions together.
    Rate,
    /// How far it has come.
    Phase,
    /// The name that its client has asked for.
    Sni,
    /// The version of TLS that is spoken with its client.
    Tls,
    /// The subject of the certificate that its client has shown.
    Subject,
    /// SHA-256 of that certificate.
    Fingerprint,
}

words!(Key {
    Id => "id",
    Tunnel => "tunnel",
    Backend => "backend",
    Client => "client",
    Age => "age",
    Idle => "idle",
    Bytes => "bytes",
    BytesIn => "bytes-in",
    BytesOut => "bytes-out",
    Rate => "rate",
    Phase => "phase",
    Sni => "sni",
    Tls => "tls",
    Subject => "subject",
    Fingerprint => "fingerprint",
});

impl Column for Key {
    fn is_largest_first(self) -> bool {
        matches!(
            self,
            Self::Bytes | Self::BytesIn | Self::BytesOut | Self::Rate | Self::Age | Self::Idle
        )
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Id | Self::Tunnel | Self::Backend | Self::Client | Self::Sni)
    }
}

impl Key {
    /// The key of that word, in any case.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.word().eq_ignore_ascii_case(word))
    }

    /// The words that an order can go by.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|key| key.word())
    }

    /// Those that a filter can test: who knows the ids needs no filter.
    pub fn words_of_filters() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().filter(|key| **key != Self::Id).map(|key| key.word())
    }
}
