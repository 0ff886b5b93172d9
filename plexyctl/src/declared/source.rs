//! Where what is declared stands: a file, every file of a folder in the order of their names, or standard
//! input.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// Longest text, in bytes, as plexyd reads of its configuration.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What files of a folder are read.
const EXTENSIONS: [&str; 3] = ["toml", "json", "plexy"];

/// A text and what it is called.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// As the configuration file of plexyd.
    Toml,
    /// The same in JSON.
    Json,
    /// A specification a line.
    Lines,
}

/// Reads all of it.
pub(super) fn read(path: &Path) -> Result<Vec<Source>, Failure> {
    if path.as_os_str() == "-" {
        let text = text_of(io::stdin().lock());
        let text = text.map_err(|error| failure("standard input", &error))?;
        return Ok(vec![Source { name: "-".to_owned(), text }]);
    }
    if path.is_dir() {
        return folder(path);
    }
    file(path).map(|source| vec![source])
}

fn folder(path: &Path) -> Result<Vec<Source>, Failure> {
    let failed = |error: io::Error| failure(&path.display().to_string(), &error);
    let entries = fs::read_dir(path).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = paths.collect::<io::Result<_>>().map_err(failed)?;
    let is_one = |path: &Path| {
        let extension = path.extension().and_then(|it| it.to_str());
        // Editors leave hidden files behind.
        let is_hidden =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        extension.is_some_and(|it| EXTENSIONS.contains(&it)) && !is_hidden
    };
    paths.retain(|path| is_one(path));
    paths.sort();
    if paths.is_empty() {
        let failure = Failure::usage(format!("`{}` has no files to read", path.display()));
        return Err(failure.with_hint("those that end in .toml, .json and .plexy are read"));
    }
    paths.iter().map(|path| file(path)).collect()
}

fn file(path: &Path) -> Result<Source, Failure> {
    let name = path.display().to_string();
    let text = fs::File::open(path).and_then(text_of).map_err(|error| failure(&name, &error))?;
    Ok(Source { name, text })
}

fn text_of(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    // One byte more tells that there is more.
    from.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it is longer than {BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn failure(name: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read `{name}`: {error}"))
}

impl Source {
    /// By the end of its name, or else by how it begins.
    pub(super) fn format(&self) -> Format {
        match Path::new(&self.name).extension().and_then(|it| it.to_str()) {
            Some("toml") => Format::Toml,
            Some("json") => Format::Json,
            Some("plexy") => Format::Lines,
            _ => format_of(&self.text),
        }
    }
}

/// A specification has no name alone before its `=`: an address has a port.
fn format_of(text: &str) -> Format {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = first else { return Format::Lines };
    if first.starts_with('{') {
        return Format::Json;
    }
    let key = first.split('=').next().unwrap_or_default().trim();
    let is_key = key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let is_named = key.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_key && is_named && first.contains('=') { Format::Toml } else { Format::Lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str, expected: Format) {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        assert_eq!(source.format(), expected, "{name}: {text}");
    }

    #[test]
    fn what_is_not_called_by_its_format_is_told_by_its_begin() {
        check("-", "# all of them\n\ntunnels = [\n]", Format::Toml);
        check("-", "log-level = \"info\"\n", Format::Toml);
        check("-", "  {\"tunnels\": []}", Format::Json);
        check("-", "3000=4000", Format::Lines);
        check("-", "# note\nlocalhost:3000=4000\n", Format::Lines);
        check("-", "[::1]:3000=4000", Format::Lines);
        check("-", "*:3000=4000", Format::Lines);
        check("-", "unix:/a=4000", Format::Lines);
        check("-", "", Format::Lines);
        check("web.plexy", "tunnels = []", Format::Lines);
        check("web.json", "3000=4000", Format::Json);
        check("a.d/web.toml", "{", Format::Toml);
    }
}
