//! Bytes as text that can be written in a line.

use std::fmt;

use super::TEXT_BYTES_MAX;
use crate::units::ValueError;

/// The text that stands for none.
const NOTHING: &str = "none";

/// Bytes that a check sends or looks for. They are written as text in which `\r`, `\n`, `\t`, `\\`
/// and `\xHH` stand for others.
///
/// ```
/// use plexy_shared::spec::TunnelSpec;
///
/// let text = r#"6379=10.0.0.1:6379[check=send-expect,check-send="PING\r\n",check-expect=\x2bPONG]"#;
/// let check = text.parse::<TunnelSpec>()?.options.check.unwrap();
/// assert_eq!(check.send.unwrap().as_bytes(), b"PING\r\n");
/// assert_eq!(check.expect.unwrap().as_bytes(), b"+PONG");
/// # Ok::<(), plexy_shared::spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckText(Box<[u8]>);

impl CheckText {
    /// The bytes that are meant.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The status of HTTP that is meant, if it is one.
    pub(super) fn status(&self) -> Option<u16> {
        let text = str::from_utf8(&self.0).ok()?;
        let is_number = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|status| is_number && (100..=599).contains(status))
    }

    pub(in crate::spec) fn parse(text: &str) -> Result<Option<Self>, ValueError> {
        if text.eq_ignore_ascii_case(NOTHING) {
            return Ok(None);
        }
        let rule = r"has a `\` before something else than `r`, `n`, `t`, `\` or `x` and two digits";
        let bytes = unescape(text).ok_or_else(|| ValueError::malformed(text, rule))?;
        match bytes.len() {
            0 => Err(ValueError::Empty),
            1..=TEXT_BYTES_MAX => Ok(Some(Self(bytes.into()))),
            _ => Err(ValueError::malformed(text, "is longer than 1024 bytes")),
        }
    }
}

impl fmt::Display for CheckText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = escaped(&self.0);
        match text.split_at_checked(1) {
            // The word for nothing, which would be read as that.
            Some((first, rest)) if text.eq_ignore_ascii_case(NOTHING) => {
                write!(f, "\\x{:02x}{rest}", first.bytes().next().unwrap_or_default())
            }
            _ => f.write_str(&text),
        }
    }
}

/// Bytes as text that is safe to print, and that [`CheckText`] reads as the same ones.
///
/// ```
/// use plexy_shared::spec::escaped;
/// assert_eq!(escaped(b"-ERR \xff\r\n\\"), r"-ERR \xff\r\n\\");
/// ```
#[must_use]
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}

/// The bytes that an escaped text stands for, or nothing where a backslash stands for nothing.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}
