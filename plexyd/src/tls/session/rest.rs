//! Bytes that had no room where they belong, until they have.

/// What is left of them. Where nothing is left it holds no memory.
#[derive(Debug, Default)]
pub(super) struct Rest {
    bytes: Vec<u8>,
    gone: usize,
}

/// A slice that is filled from its beginning.
pub(super) struct Room<'a> {
    slice: &'a mut [u8],
    filled: usize,
}

impl Rest {
    pub(super) fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// What is left.
    pub(super) fn left(&self) -> &[u8] {
        self.bytes.get(self.gone..).unwrap_or_default()
    }

    /// So many of them have found their place.
    pub(super) fn went(&mut self, bytes: usize) {
        self.gone += bytes;
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// To add more to its end.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl<'a> Room<'a> {
    pub(super) fn new(slice: &'a mut [u8]) -> Self {
        Self { slice, filled: 0 }
    }

    /// Bytes that were put into it.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// Bytes that it still has room for.
    pub(super) fn left(&self) -> usize {
        self.slice.len().saturating_sub(self.filled)
    }

    /// Puts as many bytes into it as there is room for, and says which had none.
    pub(super) fn put<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (fit, rest) = bytes.split_at(bytes.len().min(self.left()));
        let end = self.filled + fit.len();
        if let Some(room) = self.slice.get_mut(self.filled..end) {
            room.copy_from_slice(fit);
        }
        self.filled = end;
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_kept_in_its_order_and_then_gone_with_its_memory() {
        let mut buffer = [0; 4];
        let mut room = Room::new(&mut buffer);
        let mut rest = Rest::default();
        for piece in [b"ab".as_slice(), b"cdef", b"", b"g"] {
            rest.bytes().extend_from_slice(room.put(piece));
        }
        assert_eq!((room.filled(), room.left()), (4, 0));
        assert_eq!((&buffer, rest.left()), (b"abcd", b"efg".as_slice()));

        rest.went(1);
        assert_eq!(rest.left(), b"fg");
        rest.bytes().push(b'h');
        rest.went(2);
        assert_eq!(rest.left(), b"h");
        rest.went(1);
        assert!(rest.is_empty());
        assert_eq!(rest.bytes().capacity(), 0);
    }
}
