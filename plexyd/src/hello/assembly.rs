//! A ClientHello that is put together from records as they come (RFC 8446, section 5.1): it may be
//! torn anywhere, and each byte is looked at once.

use plexy_shared::info::HelloFault;

use super::{Alert, Fault, HELLO_BYTES_MAX, message};

/// Bytes before the fragment of a record.
const HEADER_BYTES: usize = 5;

/// The longest fragment of a record that is not encrypted.
const FRAGMENT_BYTES_MAX: usize = 1 << 14;

/// The content type of records of a handshake.
const HANDSHAKE: u8 = 22;

/// The first half of every version of TLS.
const MAJOR: u8 = 3;

/// The type of a ClientHello, and the bytes of type and length before it.
const CLIENT_HELLO: u8 = 1;
const MESSAGE_HEADER_BYTES: usize = 4;

/// What has come.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    bytes: Vec<u8>,
    /// Where the record begins that is not whole yet.
    next: usize,
    /// The fragments of those before it.
    message: Vec<u8>,
}

/// The name that a hello asks for, if any.
type Name = Option<Box<str>>;

impl Assembly {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All that has come, as it came.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Takes what comes next; the name, once the hello is whole.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Option<Name>, Fault> {
        self.bytes.extend_from_slice(piece);
        while let Some(end) = self.record_end()? {
            let fragment = self.bytes.get(self.next + HEADER_BYTES..end).unwrap_or_default();
            self.message.extend_from_slice(fragment);
            self.next = end;
            if let Some(body) = self.body()? {
                let name = message::name(body);
                return name.map(Some).map_err(|alert| self.malformed(alert));
            }
        }
        if self.bytes.len() < HELLO_BYTES_MAX { Ok(None) } else { Err(self.too_large()) }
    }

    /// Where the next record ends, if it is whole. It is refused as soon as it cannot become one.
    fn record_end(&self) -> Result<Option<usize>, Fault> {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        let is_wrong = rest.first().is_some_and(|kind| *kind != HANDSHAKE)
            || rest.get(1).is_some_and(|major| *major != MAJOR);
        if is_wrong && self.next == 0 {
            return Err(Fault::untold(HelloFault::NotTls));
        }
        if is_wrong {
            return Err(self.malformed(Alert::UNEXPECTED_MESSAGE));
        }
        let &[_, _, _, high, low, ..] = rest else { return Ok(None) };
        let bytes = usize::from(u16::from_be_bytes([high, low]));
        if bytes == 0 {
            // No handshake has such fragments, and they might go on for ever.
            return Err(self.malformed(Alert::DECODE_ERROR));
        }
        if bytes > FRAGMENT_BYTES_MAX {
            return Err(self.malformed(Alert::RECORD_OVERFLOW));
        }
        let end = self.next + HEADER_BYTES + bytes;
        Ok((end <= self.bytes.len()).then_some(end))
    }

    /// What is in the hello, if it is whole.
    fn body(&self) -> Result<Option<&[u8]>, Fault> {
        if self.message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return Err(self.malformed(Alert::UNEXPECTED_MESSAGE));
        }
        let &[_, high, middle, low, ..] = &*self.message else { return Ok(None) };
        let bytes = u32::from_be_bytes([0, high, middle, low]) as usize;
        let end = MESSAGE_HEADER_BYTES + bytes;
        if HEADER_BYTES + end > HELLO_BYTES_MAX {
            return Err(self.too_large());
        }
        Ok(self.message.get(MESSAGE_HEADER_BYTES..end))
    }

    fn malformed(&self, alert: Alert) -> Fault {
        Fault { kind: HelloFault::Malformed, alert: Some(alert.answering(&self.bytes)) }
    }

    /// As OpenSSL says it of messages that it does not take.
    fn too_large(&self) -> Fault {
        let alert = Alert::ILLEGAL_PARAMETER.answering(&self.bytes);
        Fault { kind: HelloFault::TooLarge, alert: Some(alert) }
    }
}
