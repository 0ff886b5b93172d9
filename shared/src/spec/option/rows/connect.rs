//! Which backend a client gets, how it is connected to, and what an attempt that fails leads to.

use std::time::Duration;

use crate::info::AppliesTo;
use crate::spec::option::OptionRow;
use crate::spec::option::value::{ONE_HOUR, ONE_MS, unless};
use crate::spec::{OnAllDown, Strategy};
use crate::units::{parse_count, parse_duration, show_duration};
use crate::word::{Words, parse_word};

pub(super) const STRATEGY: OptionRow = OptionRow {
    key: "strategy",
    aliases: &[],
    value: "`random`, `round-robin`, `least-conn` (also `minimum-open-connections`, `min-open-connections`), `two-choices`, `least-time`, `source-hash`, `first`",
    meaning: "how a backend is chosen; all but `first` respect weights",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| Strategy::parse(text).map(|strategy| options.strategy = strategy),
    show: |options| Some(options.strategy.to_string()),
    each: None,
};

pub(super) const SLOW_START: OptionRow = OptionRow {
    key: "slow-start",
    aliases: &[],
    value: "1s–1h, or `none`",
    meaning: "a backend that joins an open tunnel, or comes back, counts with a tenth of its weight at first and with all of it after so long; not with `source-hash` and `first`",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        let range = Duration::from_secs(1)..=ONE_HOUR;
        options.slow_start = unless("none", text, |text| parse_duration(text, &range))?;
        Ok(())
    },
    show: |options| options.slow_start.map(show_duration),
    each: None,
};

pub(super) const CONNECT_TIMEOUT: OptionRow = OptionRow {
    key: "connect-timeout",
    aliases: &["timeout"],
    value: "1ms–1h",
    meaning: "time for one attempt to connect to a backend, its TLS included",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| {
        parse_duration(text, &(ONE_MS..=ONE_HOUR)).map(|it| options.connect_timeout = it)
    },
    show: |options| Some(show_duration(options.connect_timeout)),
    each: None,
};

pub(super) const RETRIES: OptionRow = OptionRow {
    key: "retries",
    aliases: &[],
    value: "0–100",
    meaning: "further attempts for a client, each on a backend not yet tried for it while one can be used",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| parse_count(text, &(0..=100)).map(|it| options.retries = it),
    show: |options| Some(options.retries.to_string()),
    each: None,
};

pub(super) const MAX_FAILS: OptionRow = OptionRow {
    key: "max-fails",
    aliases: &["errors"],
    value: "1–1000",
    meaning: "failed attempts in a row that eject a backend",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| parse_count(text, &(1..=1000)).map(|it| options.max_fails = it),
    show: |options| Some(options.max_fails.to_string()),
    each: None,
};

pub(super) const FAIL_TIMEOUT: OptionRow = OptionRow {
    key: "fail-timeout",
    aliases: &[],
    value: "1ms–5m",
    meaning: "how long an ejection lasts where no probe can end it; doubled each time up to 300s, and back after one fail-timeout without failure",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| {
        parse_duration(text, &(ONE_MS..=Duration::from_secs(300)))
            .map(|it| options.fail_timeout = it)
    },
    show: |options| Some(show_duration(options.fail_timeout)),
    each: None,
};

pub(super) const ON_ALL_DOWN: OptionRow = OptionRow {
    key: "on-all-down",
    aliases: &[],
    value: "`try-all`, `refuse`, `hold`",
    meaning: "what clients get while no backend is up: each is tried all the same, or a reset at once, or they are parked for queue-timeout until one is up",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| parse_word(text, OnAllDown::ALL).map(|it| options.on_all_down = it),
    show: |options| Some(options.on_all_down.to_string()),
    each: None,
};
