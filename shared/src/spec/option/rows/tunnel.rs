//! The tunnel as such: its name, whether it listens, and its sockets.

use std::time::Duration;

use crate::info::AppliesTo;
use crate::spec::option::OptionRow;
use crate::spec::option::value::{THIRTY_DAYS, unless};
use crate::spec::{AdminState, Keepalive};
use crate::units::{ValueError, parse_count, parse_duration, show_duration};
use crate::word::parse_word;

pub(super) const NAME: OptionRow = OptionRow {
    key: "name",
    aliases: &[],
    value: "a letter, then up to 62 letters, digits, `.`, `_` or `-`",
    meaning: "a name, unique in any case, usable wherever a tunnel is named",
    applies_to: AppliesTo::Live,
    nothing: "none",
    set: |options, text| {
        if text.is_empty() {
            options.name = None;
            return Ok(());
        }
        let name = text.parse().map_err(|_| {
            ValueError::malformed(
                text,
                "is not a name: a letter, then up to 62 letters, digits, `.`, `_` or `-`",
            )
        })?;
        options.name = Some(name);
        Ok(())
    },
    show: |options| options.name.as_ref().map(ToString::to_string),
    each: None,
};

pub(super) const ADMIN: OptionRow = OptionRow {
    key: "admin",
    aliases: &[],
    value: "`ready`, `drain`",
    meaning: "whether it listens; what `drain` and `enable` set",
    applies_to: AppliesTo::Live,
    nothing: "",
    set: |options, text| {
        let valid = [AdminState::Ready, AdminState::Drain];
        parse_word(text, &valid).map(|admin| options.admin = admin)
    },
    show: |options| Some(options.admin.to_string()),
    each: None,
};

pub(super) const BACKLOG: OptionRow = OptionRow {
    key: "backlog",
    aliases: &[],
    value: "1–65535",
    meaning: "clients that may wait to be accepted (the kernel caps it at net.core.somaxconn)",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| parse_count(text, &(1..=u16::MAX)).map(|it| options.backlog = it),
    show: |options| Some(options.backlog.to_string()),
    each: None,
};

pub(super) const KEEPALIVE: OptionRow = OptionRow {
    key: "keepalive",
    aliases: &[],
    value: "idle/interval/probes: 1s–32767s, 1s–32767s, 1–127; or `off`",
    meaning: "TCP keepalive on both sides",
    applies_to: AppliesTo::New,
    nothing: "off",
    set: |options, text| Keepalive::parse(text).map(|it| options.keepalive = it),
    show: |options| options.keepalive.map(|it| it.to_string()),
    each: None,
};

pub(super) const TCP_USER_TIMEOUT: OptionRow = OptionRow {
    key: "tcp-user-timeout",
    aliases: &[],
    value: "100ms–720h, or `none`",
    meaning: "TCP_USER_TIMEOUT of new connections on both sides: one whose peer acknowledges nothing for so long is broken; that cuts a live peer that reads slowly, too",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        let range = Duration::from_millis(100)..=THIRTY_DAYS;
        let timeout = unless("none", text, |text| parse_duration(text, &range))?;
        options.limit(|limits| limits.tcp_user_timeout = timeout);
        Ok(())
    },
    show: |options| options.limits().tcp_user_timeout.map(show_duration),
    each: None,
};
