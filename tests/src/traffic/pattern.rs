//! A pseudo-random byte stream that follows from its seed, at any offset, without storing it.

use super::Fault;

/// The size of the pieces in which the stream is made.
const WORD: usize = 8;

/// A place in the byte stream of a seed; it moves forward as bytes are made or checked.
#[derive(Debug, Clone)]
pub struct Pattern {
    seed: u64,
    offset: u64,
    scratch: Vec<u8>,
}

impl Pattern {
    /// The beginning of the stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::at(seed, 0)
    }

    /// The stream of `seed` from `offset` on.
    #[must_use]
    pub fn at(seed: u64, offset: u64) -> Self {
        Self { seed, offset, scratch: Vec::new() }
    }

    /// How many bytes of the stream lie before this place.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Writes the next bytes of the stream into the whole of `buffer`.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        let mut rest = buffer;
        while !rest.is_empty() {
            let word = self.word(self.offset / WORD as u64).to_le_bytes();
            let word =
                &word[usize::try_from(self.offset % WORD as u64).expect("less than a word")..];
            let count = word.len().min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(&word[..count]);
            self.offset += count as u64;
            rest = later;
        }
    }

    /// Compares `bytes` with the next bytes of the stream; the fault names the first that differs.
    pub fn check(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let start = self.offset;
        let mut expected = std::mem::take(&mut self.scratch);
        expected.resize(bytes.len(), 0);
        self.fill(&mut expected);
        // Whole slices first: that is fast even in a build that is not optimised.
        let wrong = (expected != bytes)
            .then(|| expected.iter().zip(bytes).position(|(a, b)| a != b))
            .flatten();
        let result = wrong.map_or(Ok(()), |at| {
            Err(Fault::WrongByte {
                offset: start + at as u64,
                expected: expected[at],
                found: bytes[at],
            })
        });
        self.scratch = expected;
        result
    }

    /// One step of SplitMix64, whose state is a plain function of the index.
    fn word(&self, index: u64) -> u64 {
        let mut z =
            self.seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_however_it_is_cut() {
        let mut whole = vec![0; 1_000];
        Pattern::new(42).fill(&mut whole);
        let mut pattern = Pattern::new(42);
        let mut cut = Vec::new();
        for size in [1, 2, 3, 5, 8, 13, 21, 947] {
            let mut piece = vec![0; size];
            pattern.fill(&mut piece);
            cut.extend(piece);
        }
        assert_eq!(whole, cut);
        Pattern::at(42, 501).check(&whole[501..]).unwrap();
        assert!(Pattern::new(43).check(&whole).is_err());
    }
}
