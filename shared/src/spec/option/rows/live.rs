//! How long connections live, and what they get when their backend goes.

use std::time::Duration;

use crate::info::AppliesTo;
use crate::spec::LiveAction;
use crate::spec::option::OptionRow;
use crate::spec::option::value::{DEADLINE_RANGE, THIRTY_DAYS, unless};
use crate::units::{parse_duration, show_duration};
use crate::word::{Words, parse_word};

pub(super) const ON_REMOVE: OptionRow = OptionRow {
    key: "on-remove",
    aliases: &[],
    value: "`keep`, `drain`, `kill`",
    meaning: "what live connections get whose backend is removed, where the command does not say: they go on, they go on until drain-deadline, or they are reset",
    applies_to: AppliesTo::Live,
    nothing: "",
    set: |options, text| parse_word(text, LiveAction::ALL).map(|action| options.on_remove = action),
    show: |options| Some(options.on_remove.to_string()),
    each: None,
};

pub(super) const ON_DOWN: OptionRow = OptionRow {
    key: "on-down",
    aliases: &[],
    value: "`keep`, `drain`, `kill`",
    meaning: "the same where a check finds their backend down, or somebody disables it",
    applies_to: AppliesTo::Live,
    nothing: "",
    set: |options, text| parse_word(text, LiveAction::ALL).map(|action| options.on_down = action),
    show: |options| Some(options.on_down.to_string()),
    each: None,
};

pub(super) const DRAIN_DEADLINE: OptionRow = OptionRow {
    key: "drain-deadline",
    aliases: &[],
    value: "0s–720h, or `none`",
    meaning: "how long drained connections may go on, where the command gives no deadline; those that are left are reset",
    applies_to: AppliesTo::Live,
    nothing: "none",
    set: |options, text| {
        options.drain_deadline =
            unless("none", text, |text| parse_duration(text, &DEADLINE_RANGE))?;
        Ok(())
    },
    show: |options| options.drain_deadline.map(show_duration),
    each: None,
};

pub(super) const IDLE_TIMEOUT: OptionRow = OptionRow {
    key: "idle-timeout",
    aliases: &[],
    value: "50ms–720h, or `none`",
    meaning: "a connection without a byte in either direction for so long is reset",
    applies_to: AppliesTo::Live,
    nothing: "none",
    set: |options, text| {
        let range = Duration::from_millis(50)..=THIRTY_DAYS;
        options.idle_timeout = unless("none", text, |text| parse_duration(text, &range))?;
        Ok(())
    },
    show: |options| options.idle_timeout.map(show_duration),
    each: None,
};

pub(super) const HALF_CLOSE_TIMEOUT: OptionRow = OptionRow {
    key: "half-close-timeout",
    aliases: &[],
    value: "50ms–720h, or `idle-timeout`",
    meaning: "the same once one direction has ended",
    applies_to: AppliesTo::Live,
    nothing: "idle-timeout",
    set: |options, text| {
        let range = Duration::from_millis(50)..=THIRTY_DAYS;
        options.half_close_timeout =
            unless("idle-timeout", text, |text| parse_duration(text, &range))?;
        Ok(())
    },
    show: |options| options.half_close_timeout.map(show_duration),
    each: None,
};

pub(super) const MAX_DURATION: OptionRow = OptionRow {
    key: "max-duration",
    aliases: &[],
    value: "50ms–720h, or `none`",
    meaning: "a connection that is so old is reset",
    applies_to: AppliesTo::Live,
    nothing: "none",
    set: |options, text| {
        let range = Duration::from_millis(50)..=THIRTY_DAYS;
        let max = unless("none", text, |text| parse_duration(text, &range))?;
        options.limit(|limits| limits.max_duration = max);
        Ok(())
    },
    show: |options| options.limits().max_duration.map(show_duration),
    each: None,
};
