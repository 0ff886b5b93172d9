//! Somebody else's text, safe for a terminal: what acts on it, or reorders
//! what stands around, is escaped.

use plexy_shared::error::is_unprintable;

/// The text, for people.
pub(crate) fn safe(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// One character, for people.
pub(crate) fn shown(character: char) -> String {
    if is_unprintable(character) {
        character.escape_unicode().to_string()
    } else {
        character.to_string()
    }
}

/// A document of JSON with the same meaning. Beyond ASCII there is nothing but
/// text in strings, where JSON has escapes of its own.
pub(crate) fn safe_json(document: &str) -> String {
    let mut safe = String::with_capacity(document.len());
    for character in document.chars() {
        if character == '\n' || !is_unprintable(character) {
            safe.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b[31m\r\n\u{202e}\u{9b}é`";

    #[test]
    fn hostile_text_is_escaped() {
        assert_eq!(safe(HOSTILE), r"a\u{1b}[31m\u{d}\u{a}\u{202e}\u{9b}é`");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let document = serde_json::to_string_pretty(&[HOSTILE, "\u{7f}", "😀"]).unwrap();
        let safe = safe_json(&document);
        assert!(safe.chars().all(|c| c == '\n' || !is_unprintable(c)), "{safe}");
        let back: Vec<String> = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, [HOSTILE, "\u{7f}", "😀"]);
    }
}
