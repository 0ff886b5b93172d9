//! Contexts and settings, one a row.

use super::super::listing::{Cell, Column, Listing, NOTHING};
use crate::answer::ContextInfo;
use crate::config::Setting;

type Field = Column<ContextInfo>;

const COLUMNS: &[Field] = &[
    Field::text("name", "NAME", |it| Cell::text(&it.name)),
    Field::text("current", "CURRENT", |it| {
        Cell::flag(it.current, if it.current { "*" } else { NOTHING })
    })
    .rank(9),
    Field::text("endpoint", "ENDPOINT", |it| match &it.endpoint {
        None => Cell::nothing().shown_as("this machine"),
        Some(endpoint) => Cell::text(endpoint),
    })
    .rank(8),
    Field::text("protected", "PROTECTED", |it| {
        Cell::flag(it.protected, if it.protected { "yes" } else { NOTHING })
    })
    .rank(7),
    Field::text("read_only", "READ-ONLY", |it| {
        Cell::flag(it.read_only, if it.read_only { "yes" } else { NOTHING })
    })
    .rank(7),
    Field::text("ca", "CA", |it| Cell::maybe(it.ca.as_deref())).wide(),
    Field::text("cert", "CERT", |it| Cell::maybe(it.cert.as_deref())).wide(),
    Field::text("key", "KEY", |it| Cell::maybe(it.key.as_deref())).wide(),
    Field::text("server_name", "SERVER NAME", |it| Cell::maybe(it.server_name.as_deref())).wide(),
    Field::text("token_file", "TOKEN FILE", |it| Cell::maybe(it.token_file.as_deref())).wide(),
    Field::text("file", "FILE", |it| Cell::text(&it.file)).wide(),
];

const SETTING_COLUMNS: &[Column<Setting>] = &[
    Column::text("key", "KEY", |it: &Setting| Cell::text(it.key)),
    Column::text("value", "VALUE", |it: &Setting| Cell::maybe(it.value.as_deref())).rank(9),
    Column::text("origin", "ORIGIN", |it: &Setting| Cell::text(&it.origin.to_string())),
];

/// The columns of contexts.
pub(crate) const CONTEXTS: [&str; COLUMNS.len()] = [
    "name",
    "current",
    "endpoint",
    "protected",
    "read_only",
    "ca",
    "cert",
    "key",
    "server_name",
    "token_file",
    "file",
];

/// The columns of settings.
pub(crate) const SETTINGS: [&str; SETTING_COLUMNS.len()] = ["key", "value", "origin"];

pub(super) fn contexts(contexts: &[ContextInfo]) -> Listing {
    Listing::new(COLUMNS, contexts, |it| it.name.clone())
}

pub(super) fn settings(settings: &[Setting]) -> Listing {
    Listing::new(SETTING_COLUMNS, settings, |it| it.key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::super::listing::keys;
    use super::*;

    #[test]
    fn the_columns_are_those_that_are_told() {
        assert_eq!(keys(COLUMNS), CONTEXTS);
        assert_eq!(keys(SETTING_COLUMNS), SETTINGS);
    }
}
