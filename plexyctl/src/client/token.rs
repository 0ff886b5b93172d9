//! The token that opens a door of TCP.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jsonrpsee::client_transport::ws::HeaderValue;
use thiserror::Error;

/// A secret, as the header of the handshake holds it; never shown.
#[derive(Clone)]
pub(crate) struct Token(HeaderValue);

/// Why there is no token to be had.
#[derive(Debug, Error)]
pub(crate) enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file `{}`: {cause}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file holds something else.
    #[error("the token file `{}` does not hold one word", .0.display())]
    NotOneWord(PathBuf),
}

impl Token {
    /// Reads it from a file; blanks around it do not count. How long it has to
    /// be is the daemon's matter.
    pub(crate) fn read(file: &Path) -> Result<Self, TokenError> {
        let text = fs::read_to_string(file)
            .map_err(|cause| TokenError::Unreadable { file: file.into(), cause })?;
        Self::new(&text).ok_or_else(|| TokenError::NotOneWord(file.into()))
    }

    fn new(text: &str) -> Option<Self> {
        let token = text.trim();
        let is_word = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let mut header =
            is_word.then(|| format!("Bearer {token}").parse::<HeaderValue>().ok())??;
        header.set_sensitive(true);
        Some(Self(header))
    }

    /// The value of `Authorization`.
    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_never_shown() {
        let token = Token::new("  7Zq3nP0a\r\n").unwrap();
        assert_eq!(token.header(), "Bearer 7Zq3nP0a");
        assert_eq!(format!("{token:?} {:?}", token.header()), "Token Sensitive");
    }

    #[test]
    fn what_is_not_one_word_is_no_token() {
        for text in ["", " \n", "two words", "line\nline", "sésame", "a\x07b"] {
            assert!(Token::new(text).is_none(), "{text:?}");
        }
    }
}
