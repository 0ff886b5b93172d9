//! Names that TLS clients ask for (SNI; RFC 6066, section 3): what a backend is found by.

use std::fmt;
use std::str::FromStr;

use crate::units::ValueError;

/// Longest name, in bytes (RFC 1035, section 2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// Longest label of a name, in bytes (RFC 1035, section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// What stands for any one label.
const ANY_LABEL: &str = "*.";

/// A name, or with `*.` before it all names with one label more, in lower case.
///
/// ```
/// use plexy_shared::spec::ServerName;
///
/// let name: ServerName = "*.B.Example".parse()?;
/// assert_eq!(name.to_string(), "*.b.example");
/// assert!(name.covers("a.b.example") && !name.covers("b.example") && !name.covers("x.a.b.example"));
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerName(Box<str>);

impl ServerName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of a wildcard, the name that the names it covers are right below.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.strip_prefix(ANY_LABEL)
    }

    /// Whether a name in lower case is this one, or one that this one stands for. That is one label
    /// more and no other one, as in certificates (RFC 9525, section 6.3).
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        match self.parent() {
            None => *self.0 == *name,
            Some(parent) => parent_of(name) == Some(parent),
        }
    }
}

/// What stands behind the first label of a name.
///
/// ```
/// use plexy_shared::spec::parent_of;
///
/// assert_eq!(parent_of("a.b.example"), Some("b.example"));
/// assert_eq!((parent_of("example"), parent_of(".example"), parent_of("a.")), (None, None, None));
/// ```
#[must_use]
pub fn parent_of(name: &str) -> Option<&str> {
    let (label, parent) = name.split_once('.')?;
    (!label.is_empty() && !parent.is_empty()).then_some(parent)
}

impl FromStr for ServerName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let refuse = |rule| Err(ValueError::malformed(text, rule));
        let labels = text.strip_prefix(ANY_LABEL).unwrap_or(text);
        match labels {
            "" => return Err(ValueError::Empty),
            "*" => return refuse("is every name: a backend without `sni` gets those of no other"),
            _ if labels.contains('*') => {
                return refuse(
                    "has a wildcard that is not its whole first label, like `*.example`",
                );
            }
            _ if labels.ends_with('.') => {
                return refuse("ends with a dot, which clients never send: leave it out");
            }
            _ if !labels.is_ascii() => {
                return refuse("is not a name as clients send it: write its `xn--` form");
            }
            _ => {}
        }
        // Clients ask for no address (RFC 6066), and no host is called so (RFC 3696, section 2).
        let last = labels.rsplit('.').next().unwrap_or_default();
        if labels.contains(':') || last.bytes().all(|byte| byte.is_ascii_digit()) {
            return refuse("is an address: clients ask for names only");
        }
        if text.len() > NAME_BYTES_MAX || !labels.split('.').all(is_label) {
            return refuse("is not a DNS name like `a.example` or `*.a.example`");
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

/// Underscores are not in RFC 1123, but containers and Windows use them.
fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn covers(name: &str, asked: &str, expected: bool) {
        let name: ServerName = name.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(name.covers(asked), expected, "{name} {asked}");
        assert_eq!(name.to_string().parse(), Ok(name));
    }

    #[track_caller]
    fn refused(text: &str, sentence: &str) {
        let error = text.parse::<ServerName>().expect_err(text).to_string();
        assert!(error.contains(sentence), "{text}: {error}");
    }

    #[test]
    fn a_name_is_itself_in_any_case_and_a_wildcard_one_label() {
        covers("a.example", "a.example", true);
        covers("A.Example", "a.example", true);
        covers("a.example", "b.a.example", false);
        covers("localhost", "localhost", true);
        covers("xn--bcher-kva.example", "xn--bcher-kva.example", true);
        covers("my_db.internal", "my_db.internal", true);
        covers("1.example", "1.example", true);
        covers("*.example", "a.example", true);
        covers("*.example", "example", false);
        covers("*.example", ".example", false);
        covers("*.example", "b.a.example", false);
        covers("*.a.example", "b.example", false);
    }

    #[test]
    fn what_is_no_name_is_refused_as_what_it_is() {
        refused("", "missing");
        refused("*.", "missing");
        refused("*", "every name");
        refused("a.*.example", "whole first label");
        refused("a*.example", "whole first label");
        refused("*.*.example", "whole first label");
        refused("a.example.", "ends with a dot");
        refused("bücher.example", "xn--");
        refused("10.0.0.1", "is an address");
        refused("2001:db8::1", "is an address");
        refused("*.1", "is an address");
        refused("a..example", "not a DNS name");
        refused("-a.example", "not a DNS name");
        refused("a-.example", "not a DNS name");
        refused("a b.example", "not a DNS name");
        refused(&format!("{}.example", "a".repeat(64)), "not a DNS name");
        refused(&format!("{}example", "a.".repeat(124)), "not a DNS name");
    }
}
