//! The README has the keys that there are: what stands in [`BINDINGS`].

use unicode_width::UnicodeWidthStr;

use super::action::BINDINGS;

/// A line for each action: its keys, and what it does.
fn lines() -> String {
    let all: Vec<_> = BINDINGS.iter().map(|it| (it.keys.join(" "), it.help)).collect();
    let width = all.iter().map(|(keys, _)| keys.width()).max().unwrap_or_default();
    let line = |(keys, help): &(String, &str)| {
        format!("{keys}{}  {help}\n", " ".repeat(width - keys.width()))
    };
    all.iter().map(line).collect()
}

#[test]
fn the_readme_has_the_keys_that_there_are() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let keys = lines();
    assert!(readme.contains(&format!("```text\n{keys}```\n")), "README lacks:\n{keys}");
}
