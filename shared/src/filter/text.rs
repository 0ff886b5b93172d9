//! The texts that a filter means.

use std::fmt;
use std::str::FromStr;

use crate::units::ValueError;

/// What stands for any characters, or for none.
const ANY: char = '*';

/// A text in which every `*` stands for any characters, or for none. Case matters.
///
/// `FromStr` and `Display` are inverses; between quotes may be blanks, and a quote or a backslash behind
/// a backslash.
///
/// ```
/// use plexy_shared::filter::TextPattern;
///
/// let pattern: TextPattern = r#""CN=sensor *, O=Plant""#.parse()?;
/// assert!(pattern.covers("CN=sensor 7, O=Plant") && !pattern.covers("CN=sensor 7, O=Plants"));
/// assert_eq!("CN=sensor*".parse::<TextPattern>()?.to_string(), "CN=sensor*");
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPattern(Box<str>);

impl TextPattern {
    /// Whether a text is one of these.
    #[must_use]
    pub fn covers(&self, text: &str) -> bool {
        let mut parts = self.0.split(ANY);
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        // The first place of each is the best one: it leaves the most to those behind it.
        for part in parts {
            match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl FromStr for TextPattern {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        const RULE: &str = "is not a text: one with a blank, a quote or a backslash stands between quotes, where a backslash stands before each of the last two";
        let malformed = || ValueError::malformed(text, RULE);
        let read = match text.strip_prefix('"') {
            Some(quoted) => unquoted(quoted).ok_or_else(malformed)?,
            None if text.contains(wants_quotes) => return Err(malformed()),
            None => text.to_owned(),
        };
        if read.is_empty() { Err(ValueError::Empty) } else { Ok(Self(read.into())) }
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(wants_quotes) {
            write!(f, "\"{}\"", self.0.replace('\\', r"\\").replace('"', r#"\""#))
        } else {
            f.write_str(&self.0)
        }
    }
}

fn wants_quotes(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\\')
}

/// What stands before the quote that ends the text; nothing where that is not its last character.
fn unquoted(text: &str) -> Option<String> {
    let (mut read, mut characters) = (String::new(), text.chars());
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(read),
            '\\' => read.push(characters.next().filter(|it| matches!(it, '"' | '\\'))?),
            character => read.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, is_covered: bool) {
        let pattern: TextPattern = pattern.parse().unwrap();
        assert_eq!(pattern.covers(text), is_covered, "{pattern} {text}");
    }

    #[test]
    fn a_star_stands_for_anything_and_all_else_for_itself() {
        check("CN=a", "CN=a", true);
        check("CN=a", "CN=ab", false);
        check("CN=a", "cn=a", false);
        check("*", "", true);
        check("*", "CN=a", true);
        check("CN=*", "CN=a", true);
        check("*=a", "CN=a", true);
        check("*=a", "CN=ab", false);
        check("C*a*c", "CN=a, b, c", true);
        check("a*a", "a", false);
        check("a**b", "ab", true);
        check("a*bc*c", "abc", false);
        check("a*bc*c", "abcbc", true);
        check("*b*", "abc", true);
        check("*é*", "aéc", true);
    }

    #[test]
    fn texts_with_blanks_stand_between_quotes() {
        for text in [r#""CN=a b""#, r#""a\"b\\c""#, "CN=a,O=b"] {
            assert_eq!(text.parse::<TextPattern>().unwrap().to_string(), text);
        }
        assert_eq!("\"ab\"".parse::<TextPattern>().unwrap().to_string(), "ab");
        for text in ["", "\"\"", "\"a", "\"a\"b", r#""a\n""#, "a\"b", r"a\b", "a b"] {
            assert!(text.parse::<TextPattern>().is_err(), "{text}");
        }
    }
}
