//! The verbs that tell what is there and what has happened, and how what stands behind them is read.

use crate::command::words::Words;
use crate::command::{CommandError, Detail, EVENTS_RANGE, Group, Request, Verb, slot};
use crate::event::EventRange;
use crate::explanation::{read_client, read_name};
use crate::rpc::{self, Method};
use crate::units::parse_count;

pub(super) const STATUS: Verb = Verb {
    name: "status",
    aliases: &["list"],
    arguments: "[full|long]",
    usage: "[full|long]",
    help: "counts the tunnels; full (or long, or list) shows each in order of opening; bytes sent go from clients to backends, received come back",
    methods: &[rpc::NumberOfTunnels::NAME, rpc::ListTunnels::NAME],
    examples: ["status", "status full"],
    group: Group::Looking,
    related: &["detail", "conns"],
    parse: parse_status,
    slots: slot::status,
};

pub(super) const DETAIL: Verb = Verb {
    name: "detail",
    aliases: &["show"],
    arguments: "tunnel",
    usage: "tunnel",
    help: "shows one tunnel in full: options, backends with their state, why connections ended",
    methods: &[rpc::TunnelInfo::NAME, rpc::Backends::NAME],
    examples: ["detail 3000", "detail db"],
    group: Group::Looking,
    related: &["status", "explain", "conns"],
    parse: |words| Ok(Request::Detail(words.tunnel()?)),
    slots: slot::tunnel,
};

pub(super) const EXPLAIN: Verb = Verb {
    name: "explain",
    aliases: &[],
    arguments: "tunnel [from IP] [sni NAME]",
    usage: "tunnel [from IP] [sni NAME]",
    help: "tells whether a client, perhaps from that address, or asking for that name, would be let in now, which backends it might get and why not the others, and which it would get; nothing changes by asking",
    methods: &[rpc::Explain::NAME],
    examples: ["explain db from 10.1.2.3", "explain 443 sni www.a.example"],
    group: Group::Looking,
    related: &["detail", "status"],
    parse: parse_explain,
    slots: slot::explain,
};

pub(super) const EVENTS: Verb = Verb {
    name: "events",
    aliases: &[],
    arguments: "[follow]",
    usage: "[N] [after=NUMBER] [follow]",
    help: "tells what has happened, the newest N of it, or what came after an event; follow goes on until the next line",
    methods: &[rpc::ListEvents::NAME, rpc::SubscribeEvents::NAME],
    examples: ["events 20", "events after=117 follow"],
    group: Group::Looking,
    related: &["history", "log"],
    parse: parse_events,
    slots: slot::events,
};

fn parse_status(words: &mut Words<'_>) -> Result<Request, CommandError> {
    if words.is_empty() {
        return Ok(Request::Status(Detail::Count));
    }
    let detail = words.one_of("full or long", &[("full", Detail::Full), ("long", Detail::Full)])?;
    Ok(Request::Status(detail))
}

fn parse_explain(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let (mut from, mut sni) = (None, None);
    while let Some(word) = words.maybe_next() {
        if word.eq_ignore_ascii_case("from") && from.is_none() {
            let read = read_client(words.next("an IP address, like `10.1.2.3`")?);
            from = Some(read.map_err(|error| words.bad_value("from", error))?);
        } else if word.eq_ignore_ascii_case("sni") && sni.is_none() {
            let read = read_name(words.next("a name, like `www.a.example`")?);
            sni = Some(read.map_err(|error| words.bad_value("sni", error))?);
        } else {
            let left = [("from", from.is_none()), ("sni", sni.is_none())];
            let left = left.into_iter().filter_map(|(word, is_left)| is_left.then_some(word));
            return Err(words.unexpected(word, &left.collect::<Vec<_>>()));
        }
    }
    Ok(Request::Explain { tunnel, from, sni })
}

fn parse_events(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let (mut range, mut follow) = (EventRange::default(), false);
    while let Some(word) = words.maybe_next() {
        let after = word.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("after"));
        if let (Some((_, number)), None) = (after, range.after) {
            let number = parse_count(number, &(0..=u64::MAX));
            range.after = Some(number.map_err(|error| words.bad_value("after", error))?);
        } else if word.eq_ignore_ascii_case("follow") && !follow {
            follow = true;
        } else if word.starts_with(|c: char| c.is_ascii_digit()) && range.last.is_none() {
            let last = parse_count(word, &EVENTS_RANGE);
            range.last = Some(last.map_err(|error| words.bad_value("N", error))?);
        } else {
            return Err(words.unexpected(word, &["follow", "after=NUMBER"]));
        }
    }
    Ok(Request::Events { range, follow })
}
