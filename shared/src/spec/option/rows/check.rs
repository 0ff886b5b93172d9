//! How backends are checked, and what of it counts.

use std::time::Duration;

use crate::info::AppliesTo;
use crate::spec::option::OptionRow;
use crate::spec::option::value::{ONE_HOUR, ONE_MS, unless};
use crate::spec::{CheckKind, CheckPath, CheckText};
use crate::units::{parse_count, parse_duration, show_duration};
use crate::word::{Words, parse_word};

pub(super) const CHECK: OptionRow = OptionRow {
    key: "check",
    aliases: &[],
    value: "`none`, `tcp`, `tls`, `send-expect`, `http`",
    meaning: "what each backend is asked every check-interval: to take a connection, to do a handshake of TLS too, to answer check-send with check-expect, or `GET` check-path with a good status; one that is down by it gets no clients while another can",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| {
        parse_word(text, CheckKind::ALL).map(|kind| options.check_mut().kind = kind)
    },
    show: |options| Some(options.check().kind.to_string()),
    each: None,
};

pub(super) const CHECK_INTERVAL: OptionRow = OptionRow {
    key: "check-interval",
    aliases: &[],
    value: "50ms–1h, or `off`",
    meaning: "time between checks, and between the probes of an ejected backend, 10 % jitter; the first success of a probe ends the ejection",
    applies_to: AppliesTo::New,
    nothing: "off",
    set: |options, text| {
        let range = Duration::from_millis(50)..=ONE_HOUR;
        options.check_interval =
            unless("off", text, |text| parse_duration(text, &range))?.unwrap_or_default();
        Ok(())
    },
    show: |options| Some(options.check_interval).filter(|it| !it.is_zero()).map(show_duration),
    each: None,
};

pub(super) const CHECK_TIMEOUT: OptionRow = OptionRow {
    key: "check-timeout",
    aliases: &[],
    value: "1ms–1h, or `auto`",
    meaning: "time for one check, connecting included; auto is the smaller of connect-timeout and check-interval",
    applies_to: AppliesTo::New,
    nothing: "auto",
    set: |options, text| {
        let parse = |text: &str| parse_duration(text, &(ONE_MS..=ONE_HOUR));
        options.check_mut().timeout = unless("auto", text, parse)?;
        Ok(())
    },
    show: |options| options.check().timeout.map(show_duration),
    each: None,
};

pub(super) const FALL: OptionRow = OptionRow {
    key: "fall",
    aliases: &[],
    value: "1–100",
    meaning: "failed checks in a row after which a backend is down; the very first check decides alone",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| parse_count(text, &(1..=100)).map(|it| options.check_mut().fall = it),
    show: |options| Some(options.check().fall.to_string()),
    each: None,
};

pub(super) const RISE: OptionRow = OptionRow {
    key: "rise",
    aliases: &[],
    value: "1–100",
    meaning: "checks in a row that have to work before a backend that was down is up",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| parse_count(text, &(1..=100)).map(|it| options.check_mut().rise = it),
    show: |options| Some(options.check().rise.to_string()),
    each: None,
};

pub(super) const CHECK_PORT: OptionRow = OptionRow {
    key: "check-port",
    aliases: &[],
    value: "1–65535, or `none`",
    meaning: "the port of the backend's address that is checked, if not its own; a Unix socket has none and is checked itself",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        let parse = |text: &str| parse_count(text, &(1..=u16::MAX));
        options.check_mut().port = unless("none", text, parse)?;
        Ok(())
    },
    show: |options| options.check().port.map(|it| it.to_string()),
    each: None,
};

pub(super) const CHECK_SEND: OptionRow = OptionRow {
    key: "check-send",
    aliases: &[],
    value: "text with `\\r`, `\\n`, `\\t`, `\\\\`, `\\xHH`, 1024 bytes at most, or `none`",
    meaning: "what check=send-expect sends once it is connected",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| CheckText::parse(text).map(|it| options.check_mut().send = it),
    show: |options| options.check().send.as_ref().map(ToString::to_string),
    each: None,
};

pub(super) const CHECK_EXPECT: OptionRow = OptionRow {
    key: "check-expect",
    aliases: &[],
    value: "text like that of check-send, a status from 100 to 599, or `none`",
    meaning: "what has to stand anywhere in the first 8 KiB of the answer; of check=http the one status that is good, instead of 200 to 399",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| CheckText::parse(text).map(|it| options.check_mut().expect = it),
    show: |options| options.check().expect.as_ref().map(ToString::to_string),
    each: None,
};

pub(super) const CHECK_PATH: OptionRow = OptionRow {
    key: "check-path",
    aliases: &[],
    value: "a path, perhaps with a query, 1024 bytes at most",
    meaning: "what check=http asks for",
    applies_to: AppliesTo::New,
    nothing: "/",
    set: |options, text| CheckPath::parse(text).map(|it| options.check_mut().path = it),
    show: |options| options.check().path.as_ref().map(ToString::to_string),
    each: None,
};
