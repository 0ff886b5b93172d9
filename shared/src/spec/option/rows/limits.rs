//! Who is let in, and how many.

use std::time::Duration;

use crate::info::AppliesTo;
use crate::spec::Verdict;
use crate::spec::option::value::{ONE_HOUR, joined, put, unless};
use crate::spec::option::{OptionRow, TunnelOptions};
use crate::units::{Rate, ValueError, parse_count, parse_duration, show_duration};

pub(super) const MAX_CONNS: OptionRow = OptionRow {
    key: "max-conns",
    aliases: &[],
    value: "1–1000000, or `none`",
    meaning: "connections at once; as many clients more are parked, first in first out, and those beyond them are reset",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        options.max_conns = unless("none", text, |text| parse_count(text, &(1..=1_000_000)))?;
        Ok(())
    },
    show: |options| options.max_conns.map(|it| it.to_string()),
    each: None,
};

pub(super) const QUEUE_TIMEOUT: OptionRow = OptionRow {
    key: "queue-timeout",
    aliases: &[],
    value: "1ms–1h, `0`, or `connect-timeout`",
    meaning: "how long a client is parked while `max-conns` of the tunnel, or of all its backends that can be used, is reached; then it is reset; `0` resets it at once",
    applies_to: AppliesTo::New,
    nothing: "connect-timeout",
    set: |options, text| {
        let parse = |text: &str| parse_duration(text, &(Duration::ZERO..=ONE_HOUR));
        let timeout = unless("connect-timeout", text, parse)?;
        options.limit(|limits| limits.queue_timeout = timeout);
        Ok(())
    },
    show: |options| options.limits().queue_timeout.map(show_duration),
    each: None,
};

pub(super) const MAX_CONNS_PER_SOURCE: OptionRow = OptionRow {
    key: "max-conns-per-source",
    aliases: &[],
    value: "1–1000000, or `none`",
    meaning: "connections at once from one IP address, those parked included; a client beyond it is reset; all clients of a Unix socket are one source",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        let max = unless("none", text, |text| parse_count(text, &(1..=1_000_000)))?;
        options.limit(|limits| limits.max_conns_per_source = max);
        Ok(())
    },
    show: |options| options.limits().max_conns_per_source.map(|it| it.to_string()),
    each: None,
};

pub(super) const CONN_RATE: OptionRow = OptionRow {
    key: "conn-rate",
    aliases: &[],
    value: "1–1000000 `/s` or `/m`, or `none`",
    meaning: "new connections in a second or a minute; those of one second may come at once; a client beyond it is reset",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        let rate = unless("none", text, Rate::parse)?;
        options.limit(|limits| limits.conn_rate = rate);
        Ok(())
    },
    show: |options| options.limits().conn_rate.map(|it| it.to_string()),
    each: None,
};

pub(super) const ALLOW: OptionRow = OptionRow {
    key: "allow",
    aliases: &[],
    value: "an IP address or a network like `10.0.0.0/8`, again for each; `none` empties the list",
    meaning: "only these clients are let in, the others are reset; the longest prefix of `allow` and `deny` decides; clients of a Unix socket always are",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| list(options, Verdict::Allow, text),
    show: |options| joined(&listed(options, Verdict::Allow)),
    each: Some(|options| listed(options, Verdict::Allow)),
};

pub(super) const DENY: OptionRow = OptionRow {
    key: "deny",
    aliases: &[],
    value: "the same",
    meaning: "these clients are reset; without any `allow` all others are let in",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| list(options, Verdict::Deny, text),
    show: |options| joined(&listed(options, Verdict::Deny)),
    each: Some(|options| listed(options, Verdict::Deny)),
};

/// Puts an entry on a list of networks, or empties the list.
fn list(options: &mut TunnelOptions, verdict: Verdict, text: &str) -> Result<(), ValueError> {
    options.limit(|limits| {
        put(text, limits, |it| it.unlist(verdict), |it, text| it.list(verdict, text))
    })
}

fn listed(options: &TunnelOptions, verdict: Verdict) -> Vec<String> {
    let access = options.limits().access.as_deref();
    access.map_or_else(Vec::new, |access| access.listed(verdict))
}
