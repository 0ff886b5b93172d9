//! JSON: an object with `tunnels`, a list of specifications, as `export` writes it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;

use super::reader::{Reader, TUNNELS};

pub(super) fn read(reader: &mut Reader<'_>, text: &str) {
    let table: BTreeMap<String, &RawValue> = match serde_json::from_str(text) {
        Ok(table) => table,
        Err(error) => {
            let at = reader.at(error.line(), error.column());
            let cause = error.to_string();
            let cause = cause.split(" at line ").next().unwrap_or_default();
            return reader.mistake(at..at, cause, None);
        }
    };
    for (key, value) in table {
        match key.as_str() {
            TUNNELS => tunnels(reader, text, value),
            other => reader.key(other, span_of(text, value)),
        }
    }
}

fn tunnels(reader: &mut Reader<'_>, text: &str, value: &RawValue) {
    reader.is_said = true;
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
        let message = "`tunnels` is a list of specifications: [\"3000=4000\", …]";
        return reader.mistake(span_of(text, value), message, None);
    };
    for item in items {
        match serde_json::from_str::<String>(item.get()) {
            Ok(spec) => reader.spec(&spec, span_of(text, item)),
            Err(_) => {
                let message = "a tunnel is a specification in quotes: \"3000=4000\"";
                reader.mistake(span_of(text, item), message, None);
            }
        }
    }
}

/// Where in the text a value stands that was borrowed from it.
fn span_of(text: &str, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + value.get().len()
}
