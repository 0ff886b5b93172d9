//! TOML: `tunnels = ["spec", …]`, as in the configuration file of plexyd, whose settings are read over.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reader::{Reader, TUNNELS};

pub(super) fn read(reader: &mut Reader<'_>, text: &str) {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.mistake(error.span().unwrap_or_default(), error.message(), None);
    }
    // What the parser has made up for what it could not read would be told as further mistakes.
    if !errors.is_empty() {
        return;
    }
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            TUNNELS => tunnels(reader, value),
            other => reader.key(other, key.span()),
        }
    }
}

fn tunnels(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>) {
    reader.is_said = true;
    let DeValue::Array(array) = value.get_ref() else {
        let message = "`tunnels` is a list of specifications: [\"3000=4000\", …]";
        return reader.mistake(value.span(), message, None);
    };
    for item in array.iter() {
        match item.get_ref() {
            DeValue::String(text) => reader.spec(text, item.span()),
            _ => {
                let message = "a tunnel is a specification in quotes: \"3000=4000\"";
                reader.mistake(item.span(), message, None);
            }
        }
    }
}
