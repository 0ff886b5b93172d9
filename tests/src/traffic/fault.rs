//! What was wrong with a stream, and where.

use std::io;

use crate::eventually::PATIENCE;

use super::Ending;

/// The first thing that was wrong with checked traffic.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A byte that was never sent, or stands at another place.
    #[error("the byte at offset {offset} is {found:#04x} and not {expected:#04x}")]
    WrongByte {
        /// Where it was found.
        offset: u64,
        /// What the pattern has there.
        expected: u8,
        /// What was read.
        found: u8,
    },
    /// The stream ended cleanly, but it was too short or too long.
    #[error("the stream ended after {offset} bytes, and {awaited} were awaited")]
    Length {
        /// How many bytes had been moved.
        offset: u64,
        /// How many should have been.
        awaited: u64,
    },
    /// The stream was reset.
    #[error("the stream was reset after {offset} bytes")]
    Reset {
        /// How many bytes had been moved.
        offset: u64,
    },
    /// Nothing moved for the whole of [`PATIENCE`].
    #[error("nothing moved for {PATIENCE:?} after {offset} bytes")]
    Stalled {
        /// How many bytes had been moved.
        offset: u64,
    },
    /// No connection came to stand.
    #[error("cannot connect to {target}: {source}")]
    Connect {
        /// The address that was tried.
        target: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// Anything else that the kernel said.
    #[error("the stream failed after {offset} bytes: {source}")]
    Io {
        /// How many bytes had been moved.
        offset: u64,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Fault {
    /// The fault behind an error of the kernel at `offset`.
    pub(super) fn io(offset: u64, error: io::Error) -> Self {
        match Ending::try_from(error) {
            Ok(_) => Self::Reset { offset },
            Err(source) => Self::Io { offset, source },
        }
    }

    /// Nothing, or that a stream that ended cleanly was not as long as it should be.
    pub(super) fn unless_length(offset: u64, awaited: u64) -> Result<(), Self> {
        if offset == awaited { Ok(()) } else { Err(Self::Length { offset, awaited }) }
    }
}
