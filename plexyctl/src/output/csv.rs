//! Lists as CSV (RFC 4180) for programs: keys of columns first, values as they are. Lines end with a line
//! feed alone, which readers of CSV take and `cut` and `awk` want.

use super::listing::{Listing, Raw};

/// What a spreadsheet takes for the begin of a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
const OF_FORMULA: [char; 4] = ['=', '+', '-', '@'];

pub(super) fn write(listing: &Listing, has_headers: bool) -> String {
    let keys = listing.heads.iter().map(|head| head.key.to_owned());
    let headers = has_headers.then(|| line(keys));
    let rows = listing.rows.iter().map(|row| line(row.cells.iter().map(|cell| field(&cell.raw))));
    headers.into_iter().chain(rows).collect()
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.collect::<Vec<_>>().join(",") + "\n"
}

fn field(raw: &Raw) -> String {
    match raw {
        Raw::Nothing => String::new(),
        Raw::Count(count) => count.to_string(),
        Raw::Number(number) => number.to_string(),
        Raw::Text(text) => quoted(text),
    }
}

/// Words in quotes where they need them. Some are those of a peer (a name that a client asks for, the
/// subject of its certificate), and somebody may open the file with a spreadsheet: what that would take for
/// a formula gets an apostrophe, which no word of ours begins with. Numbers never do.
fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(OF_FORMULA);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    let needs_quotes = text.contains([',', '"', '\n', '\r']) || text.trim() != text;
    if needs_quotes { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_they_are_and_words_are_quoted_where_they_need_it() {
        for (raw, expected) in [
            (Raw::Nothing, ""),
            (Raw::Count(42_100_000), "42100000"),
            (Raw::Number(1.5), "1.5"),
            (Raw::Number(-2.0), "-2"),
            (Raw::Text("web".to_owned()), "web"),
            (Raw::Text("a, \"b\"".to_owned()), "\"a, \"\"b\"\"\""),
            (Raw::Text(" a".to_owned()), "\" a\""),
        ] {
            assert_eq!(field(&raw), expected);
        }
    }

    #[test]
    fn a_word_of_a_peer_is_no_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)"] {
            assert_eq!(field(&Raw::Text(text.to_owned())), format!("'{text}"));
        }
        assert_eq!(field(&Raw::Text("=A1,\"x\"".to_owned())), "\"'=A1,\"\"x\"\"\"");
    }
}
