//! What a client of TLS is told before it is turned away (RFC 8446, section 6).

/// The content type of a record of alerts.
const ALERT: u8 = 21;

/// The level of one that is the last word.
const FATAL: u8 = 2;

/// The first version of records, which every client of TLS reads.
const TLS_1_0: [u8; 2] = [3, 1];

/// An alert that ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alert {
    description: u8,
    version: [u8; 2],
}

impl Alert {
    pub(super) const UNEXPECTED_MESSAGE: Self = Self::new(10);
    pub(super) const RECORD_OVERFLOW: Self = Self::new(22);
    pub(super) const ILLEGAL_PARAMETER: Self = Self::new(47);
    pub(super) const DECODE_ERROR: Self = Self::new(50);
    pub(super) const UNRECOGNIZED_NAME: Self = Self::new(112);

    const fn new(description: u8) -> Self {
        Self { description, version: TLS_1_0 }
    }

    /// The same in records of the version in which the client has begun: that one it reads.
    pub(super) fn answering(self, begun: &[u8]) -> Self {
        match begun {
            [_, major, minor, ..] => Self { version: [*major, *minor], ..self },
            _ => self,
        }
    }

    /// As it goes over the wire.
    pub(crate) fn record(self) -> [u8; 7] {
        let [major, minor] = self.version;
        [ALERT, major, minor, 0, 2, FATAL, self.description]
    }
}
