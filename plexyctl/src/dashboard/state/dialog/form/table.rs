//! Fields of the rows of a table: options of a tunnel, attributes of a backend. Whether clients may come
//! is none of them: keys of its own say that.

use plexy_shared::spec::{
    ATTRIBUTES, AttributeRow, BackendOptions, OptionRow, SettingRow, Settings, TunnelOptions,
};

use super::spec::split_all;
use super::{Composed, Field};

/// What no field is for.
const ADMIN: &str = "admin";

/// A row that can be a field.
pub(super) trait Fill: SettingRow {
    /// What it is in these.
    fn value(&self, of: &Self::Of) -> String;

    /// What it means, what its value looks like, and what it is by default.
    fn help(&self) -> String;
}

impl Fill for OptionRow {
    fn value(&self, of: &TunnelOptions) -> String {
        let entries = self.entries_in(of).filter(|entries| !entries.is_empty());
        entries.map_or_else(
            || self.value_in(of),
            |entries| entries.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(","),
        )
    }

    fn help(&self) -> String {
        format!(
            "{} ({}; {} by default; for {} connections)",
            self.meaning,
            self.value,
            self.default(),
            plexy_shared::word::Words::word(self.applies_to)
        )
    }
}

impl Fill for AttributeRow {
    fn value(&self, of: &BackendOptions) -> String {
        self.value_in(of)
    }

    fn help(&self) -> String {
        let value = if self.value.is_empty() { "`on` or `off`" } else { self.value };
        format!("{} ({value}; {} by default)", self.meaning, self.default)
    }
}

/// A field for each row, with what it is now.
pub(super) fn fields<R: Fill>(rows: &'static [R], of: &R::Of) -> Vec<Field> {
    let rows = rows.iter().filter(|row| row.key() != ADMIN);
    rows.map(|row| Field::of(row.key(), row.value(of), row.help())).collect()
}

/// The command that makes what is changed what it is now.
pub(super) fn settings<R: Fill>(rows: &'static [R], words: &str, fields: &[Field]) -> Composed {
    let mut composed = Composed { line: format!("set {words}"), parts: Vec::new() };
    for field in fields {
        let row = rows.iter().find(|row| row.key() == field.key);
        let Some(row) = row.filter(|_| field.is_changed()) else {
            composed.parts.push(None);
            continue;
        };
        let value = field.input.value().trim();
        let write = |value: &str| Settings::<R>::write(row, value);
        let written: Vec<String> = match row.is_list() {
            false => vec![write(value)],
            true if value.is_empty() => vec![write(value)],
            true => split_all(value, ',').into_iter().map(|it| entry(it.trim(), write)).collect(),
        };
        let written = written.join(" ");
        let key = field.key.len() + 1;
        composed.push(
            &format!(" {}", written.get(..key).unwrap_or_default()),
            written.get(key..).unwrap_or_default(),
        );
    }
    composed
}

/// An entry of a list that is written with commas between them.
fn quoted(entry: &str) -> String {
    let is_plain = !entry.contains([',', '"']) && entry.trim() == entry;
    match is_plain {
        true => entry.to_owned(),
        false => format!("\"{}\"", entry.replace('\\', r"\\").replace('"', "\\\"")),
    }
}

/// The same as it is set: what stands in quotes is written as it has to be already.
fn entry(text: &str, write: impl Fn(&str) -> String) -> String {
    match text.starts_with('"') {
        true => write("") + text,
        false => write(text),
    }
}

/// Empty fields of a backend that is new.
pub(super) fn fields_of_new_backend() -> Vec<Field> {
    let address = Field::new("address", "", "where clients are carried to: `10.0.0.3:5432`");
    let rows = ATTRIBUTES.iter().filter(|row| row.key != ADMIN);
    std::iter::once(address).chain(rows.map(|row| Field::new(row.key, "", row.help()))).collect()
}

/// The command that adds it.
pub(super) fn new_backend(words: &str, fields: &[Field]) -> Composed {
    let mut composed = Composed { line: format!("add {words} "), parts: Vec::new() };
    for (at, field) in fields.iter().enumerate() {
        let value = field.input.value().trim();
        let row = ATTRIBUTES.iter().find(|row| row.key == field.key);
        match row {
            None if at == 0 => composed.push("", value),
            Some(_) if value.is_empty() => composed.parts.push(None),
            Some(row) if row.is_flag() && value.eq_ignore_ascii_case("off") => {
                composed.parts.push(None)
            }
            Some(row) if row.is_flag() && value.eq_ignore_ascii_case("on") => {
                composed.push(&format!("+{}", row.key), "");
            }
            Some(row) if row.is_list() => {
                let entries = value.split(',').map(str::trim);
                let again = format!("+{}=", row.key);
                composed.push(&again, &entries.collect::<Vec<_>>().join(&again));
            }
            Some(row) => composed.push(&format!("+{}=", row.key), value),
            None => composed.parts.push(None),
        }
    }
    composed
}
