//! A specification of a tunnel in parts, as it is typed: no part need be valid, nor whole.

use super::{Composed, Field};

/// Its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    listen: String,
    backends: String,
    name: String,
    strategy: String,
    /// All other options, with their commas.
    options: String,
}

/// Empty fields of these parts, and the whole.
pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::new(
            "listen",
            "",
            "where clients come to: `3000`, `*:3000`, `[::1]:3000` or `unix:/path`",
        ),
        Field::new(
            "backends",
            "",
            "where they are carried to: `10.0.0.1:5432,10.0.0.2:5432+weight=2`",
        ),
        Field::new("name", "", "what commands call it, if it is to have a name"),
        Field::new("strategy", "", "how a backend is chosen; `round-robin` if nothing is said"),
        Field::new("options", "", "all others: `idle-timeout=10m,max-conns=500`"),
        Field::new("line", "", "the same in one line"),
    ]
}

impl Parts {
    /// Those of the fields.
    pub(super) fn of(fields: &[Field]) -> Self {
        let value = |at: usize| fields.get(at).map_or_else(String::new, |it| it.input.to_string());
        Self {
            listen: value(0),
            backends: value(1),
            name: value(2),
            strategy: value(3),
            options: value(4),
        }
    }

    /// In the order of the fields.
    pub(super) fn each(&self) -> [&str; 5] {
        [&self.listen, &self.backends, &self.name, &self.strategy, &self.options]
    }

    /// The specification.
    pub(super) fn line(&self) -> String {
        let line = self.composed().line;
        line.strip_prefix("open ").unwrap_or_default().to_owned()
    }

    /// The command that opens it. Whoever has filled in nothing has said nothing.
    pub(super) fn composed(&self) -> Composed {
        let mut composed = Composed { line: "open ".to_owned(), parts: Vec::new() };
        if self == &Self::default() {
            composed.parts = vec![Some(5..5); 6];
            return composed;
        }
        composed.push("", &self.listen);
        composed.push("=", &self.backends);
        let options = [("name=", &self.name), ("strategy=", &self.strategy), ("", &self.options)];
        let mut mark = "[";
        for (key, value) in options {
            if value.is_empty() {
                composed.parts.push(None);
                continue;
            }
            composed.push(&format!("{mark}{key}"), value);
            mark = ",";
        }
        if mark == "," {
            composed.line.push(']');
        }
        composed.parts.push(Some(5..composed.line.len()));
        composed
    }

    /// Takes a text apart, whatever it is.
    pub(super) fn read(text: &str) -> Self {
        let (listen, rest) = split(text, '=').unwrap_or((text, ""));
        let (backends, options) = match split_options(rest) {
            Some((backends, options)) => (backends, options),
            None => (rest, ""),
        };
        let mut parts = Self {
            listen: listen.trim().to_owned(),
            backends: backends.trim().to_owned(),
            ..Self::default()
        };
        let mut others = Vec::new();
        for option in split_all(options, ',') {
            match option.trim().split_once('=') {
                Some((key, value)) if key.eq_ignore_ascii_case("name") => {
                    value.clone_into(&mut parts.name)
                }
                Some((key, value)) if key.eq_ignore_ascii_case("strategy") => {
                    value.clone_into(&mut parts.strategy);
                }
                _ => others.push(option.trim()),
            }
        }
        parts.options = others.join(",");
        parts
    }
}

/// Backends, and what stands in the brackets behind them; an address of IPv6 has brackets of its own,
/// with a colon in them and at the begin of a backend.
fn split_options(text: &str) -> Option<(&str, &str)> {
    let mut is_begin = true;
    for (at, character, is_quoted) in characters(text) {
        if character == '[' && !is_quoted && !is_begin {
            let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
            return Some((before, after.trim_end().strip_suffix(']').unwrap_or(after)));
        }
        is_begin = !is_quoted && (character == ',' || (is_begin && character == ' '));
    }
    None
}

/// At the first of these characters that no quotes hold.
fn split(text: &str, mark: char) -> Option<(&str, &str)> {
    let at = marks(text, mark).next()?;
    Some((text.get(..at)?, text.get(at + mark.len_utf8()..)?))
}

/// At each of them.
pub(super) fn split_all(text: &str, mark: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for at in marks(text, mark) {
        parts.extend(text.get(start..at));
        start = at + mark.len_utf8();
    }
    parts.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    parts
}

fn marks(text: &str, mark: char) -> impl Iterator<Item = usize> {
    let is_mark =
        move |(_, character, is_quoted): &(usize, char, bool)| *character == mark && !is_quoted;
    characters(text).filter(is_mark).map(|(at, ..)| at)
}

/// Each character, and whether it is of what stands between quotes: between them, one behind a backslash
/// is no quote.
fn characters(text: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.char_indices().map(move |(at, character)| {
        let is_quote = character == '"' && !is_escaped;
        is_escaped = is_quoted && character == '\\' && !is_escaped;
        let is_within = is_quoted || is_quote;
        is_quoted ^= is_quote;
        (at, character, is_within)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, each: [&str; 5]) {
        let parts = Parts::read(text);
        assert_eq!(parts.each(), each, "{text}");
        assert_eq!(parts.line(), text);
    }

    #[test]
    fn a_specification_is_taken_apart_and_put_together() {
        check("3000=a:1,b:2+weight=2", ["3000", "a:1,b:2+weight=2", "", "", ""]);
        check("[::1]:3=[::2]:4,[::3]:5[name=db]", ["[::1]:3", "[::2]:4,[::3]:5", "db", "", ""]);
        check(
            "3=a:1[name=db,strategy=first,retries=1,idle-timeout=2s]",
            ["3", "a:1", "db", "first", "retries=1,idle-timeout=2s"],
        );
        check("3=a:1[tls-cert=\"/a,[b\"]", ["3", "a:1", "", "", "tls-cert=\"/a,[b\""]);
    }

    #[test]
    fn what_is_not_whole_is_taken_apart_too() {
        assert_eq!(Parts::read("30").each(), ["30", "", "", "", ""]);
        assert_eq!(Parts::read("").line(), "");
        assert_eq!(Parts::read("3=a:1[retr").each(), ["3", "a:1", "", "", "retr"]);
    }

    #[test]
    fn what_stands_between_quotes_is_one_text_with_quotes_in_it_too() {
        let send = r#"3=a:1[name=c,check-send="a\",name=b"]"#;
        check(send, ["3", "a:1", "c", "", r#"check-send="a\",name=b""#]);
        check(r#"3=a:1[name=c,"x\\\\"]"#, ["3", "a:1", "c", "", r#""x\\\\""#]);
        check(r#"3="unix:/a\"[b"[retries=1]"#, ["3", r#""unix:/a\"[b""#, "", "", "retries=1"]);
        assert_eq!(split_all(r#""/a,b.pem",/c.pem"#, ','), [r#""/a,b.pem""#, "/c.pem"]);
    }

    #[test]
    fn each_field_is_a_part_of_the_line() {
        let parts = Parts::read("3=a:1[strategy=first]");
        let composed = parts.composed();
        let of = |at: usize| composed.parts[at].clone().map(|part| &composed.line[part]);
        assert_eq!(composed.line, "open 3=a:1[strategy=first]");
        assert_eq!(of(0), Some("3"));
        assert_eq!(of(1), Some("a:1"));
        assert_eq!(of(2), None);
        assert_eq!(of(3), Some("first"));
        assert_eq!(of(5), Some("3=a:1[strategy=first]"));
    }
}
