//! The handshake that TLS with a client has begun with, in one byte.

use std::sync::atomic::{AtomicU8, Ordering};

use plexy_shared::info::TlsHandshake;
use plexy_shared::word::Words;

/// None, or the place in the list of all and one. Written once, by the task that carries the connection.
#[derive(Debug, Default)]
pub(crate) struct Handshake(AtomicU8);

impl Handshake {
    /// It is done.
    pub(crate) fn note(&self, done: TlsHandshake) {
        let place = TlsHandshake::ALL.iter().position(|it| *it == done);
        let number = place.and_then(|place| u8::try_from(place + 1).ok());
        self.0.store(number.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Which one it was, once it is done.
    pub(crate) fn done(&self) -> Option<TlsHandshake> {
        let place = usize::from(self.0.load(Ordering::Relaxed)).checked_sub(1)?;
        TlsHandshake::ALL.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handshake_is_noted_as_what_it_is() {
        let handshake = Handshake::default();
        assert_eq!(handshake.done(), None);
        for done in TlsHandshake::ALL {
            handshake.note(*done);
            assert_eq!(handshake.done(), Some(*done));
        }
    }
}
