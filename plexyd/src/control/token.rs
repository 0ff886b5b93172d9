//! The token that opens a TCP door.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, ensure};
use tracing::warn;

/// Shortest and longest token, in bytes.
const TOKEN_BYTES: std::ops::RangeInclusive<usize> = 8..=1024;

/// A secret; never shown.
#[derive(Clone)]
pub(crate) struct Token(Box<[u8]>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// Reads it from a file; blanks around it do not count.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let shown = file.display();
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read the token file `{shown}`"))?;
        let token = text.trim();
        ensure!(
            TOKEN_BYTES.contains(&token.len()) && !token.contains(char::is_whitespace),
            "the token file `{shown}` must hold one word of 8 to 1024 bytes"
        );
        if fs::metadata(file).is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
            warn!(file = %shown, "others can read the token file; chmod 600 it");
        }
        Ok(Self(token.as_bytes().into()))
    }

    /// Whether this is it, in a time that does not tell how much of it was right.
    pub(crate) fn matches(&self, given: &str) -> bool {
        let given = given.as_bytes();
        let differing = self.0.iter().enumerate().fold(0_u8, |differing, (place, byte)| {
            differing | (byte ^ given.get(place).copied().unwrap_or_default())
        });
        std::hint::black_box(differing) == 0 && given.len() == self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_matches() {
        let token = Token(b"sesame-open".as_slice().into());
        assert!(token.matches("sesame-open"));
        for wrong in ["", "sesame", "sesame-opex", "sesame-open!", "SESAME-OPEN"] {
            assert!(!token.matches(wrong), "{wrong}");
        }
    }
}
