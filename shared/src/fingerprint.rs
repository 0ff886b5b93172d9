//! How a certificate is told from every other one.

use std::fmt;
use std::str::FromStr;

use crate::units::ValueError;

/// Bytes of SHA-256.
const BYTES: usize = 32;

/// SHA-256 of a whole certificate, written as 64 hexadecimal digits. There may be colons between its
/// bytes, as openssl shows it.
///
/// ```
/// use plexy_shared::fingerprint::Fingerprint;
///
/// let digits = "0123456789ABCDEF".repeat(4);
/// let fingerprint: Fingerprint = digits.parse()?;
/// assert_eq!(fingerprint.to_string(), digits.to_lowercase());
/// assert!("0123".parse::<Fingerprint>().is_err());
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; BYTES]);

impl FromStr for Fingerprint {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        const RULE: &str = "is not the SHA-256 of a certificate: 64 hexadecimal digits, with or without colons between each two";
        read(text).map(Self).ok_or_else(|| ValueError::malformed(text, RULE))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn read(text: &str) -> Option<[u8; BYTES]> {
    let (mut bytes, mut rest) = ([0; BYTES], text);
    for (place, byte) in bytes.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(':').unwrap_or(rest);
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        // The parser would take a sign for a part of a number.
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        *byte = is_hexadecimal.then(|| u8::from_str_radix(digits, 16).ok())??;
        rest = behind;
    }
    rest.is_empty().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_openssl_writes_them_and_nothing_else_is() {
        let bytes: [u8; BYTES] = std::array::from_fn(|place| u8::try_from(place * 8).unwrap());
        let plain = Fingerprint(bytes).to_string();
        let colons = bytes.map(|byte| format!("{byte:02X}")).join(":");
        for text in [&plain, &colons, &plain.to_uppercase()] {
            assert_eq!(text.parse(), Ok(Fingerprint(bytes)), "{text}");
        }
        for text in [
            "",
            &plain[2..],
            &format!("{plain}00"),
            &format!(":{colons}"),
            &format!("{colons}:"),
            &plain.replacen("00", "+0", 1),
            &plain.replacen("00", "é", 1),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
