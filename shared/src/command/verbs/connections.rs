//! The verbs about live connections, and how what stands behind them is read.

use crate::command::words::Words;
use crate::command::{CommandError, Group, Request, Verb, slot};
use crate::connection::{ConnectionId, ConnectionQuery, KILL_IDS_MAX, KillOrder, LIMIT_RANGE};
use crate::rpc::{self, Method};
use crate::units::{ValueError, parse_count};

/// What may stand in `conns` behind a tunnel, each once and in any order.
pub(in crate::command) const CLAUSES: [&str; 3] = ["where", "sort", "limit"];

pub(super) const CONNS: Verb = Verb {
    name: "conns",
    aliases: &[],
    arguments: "[tunnel] [where ...]",
    usage: "[tunnel] [where KEY=VALUE [and ...]] [sort [-]KEY] [limit N]",
    help: "shows the live connections, the oldest 100 if nothing else is asked for; keys are tunnel, backend, client, age, idle, bytes, bytes-in, bytes-out, rate, phase, sni, tls, subject, fingerprint, and id to sort by; besides = there are != and, for times, sizes and rates, < > <= >=",
    methods: &[rpc::ListConnections::NAME],
    examples: [
        "conns db sort -bytes limit 20",
        "conns where client=10.0.0.0/8 and idle>10m and bytes<64k",
    ],
    group: Group::Connections,
    related: &["kill", "status"],
    parse: parse_conns,
    slots: slot::conns,
};

pub(super) const KILL: Verb = Verb {
    name: "kill",
    aliases: &[],
    arguments: "id ... | [tunnel] where ...",
    usage: "ID ... | [tunnel] where KEY=VALUE [and ...]",
    help: "resets connections at once: those with these ids, or all that conns would show for the same where",
    methods: &[rpc::KillConnections::NAME],
    examples: ["kill 7355149516800000001", "kill db where backend=10.0.0.1:5432 and idle>1h"],
    group: Group::Connections,
    related: &["conns", "close"],
    parse: parse_kill,
    slots: slot::kill,
};

/// Reads `[TUNNEL] [where FILTER] [sort [-]KEY] [limit N]`.
fn parse_conns(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let mut query = ConnectionQuery::default();
    let (mut sort, mut limit) = (None, None);
    let mut is_first = true;
    while let Some(word) = words.maybe_next() {
        let is_tunnel = std::mem::take(&mut is_first) && !CLAUSES.iter().any(|it| is(word, it));
        if is_tunnel {
            query.tunnel = Some(words.parse(word)?);
        } else if is(word, "where") && query.filter.is_empty() {
            query.filter = words.filter()?;
        } else if is(word, "sort") && sort.is_none() {
            let key = words.next("a key to sort by, like `bytes` or `-bytes`")?;
            sort = Some(key.parse().map_err(|error| words.bad_value("sort", error))?);
        } else if is(word, "limit") && limit.is_none() {
            let count = parse_count(words.next("a number of connections")?, &LIMIT_RANGE);
            limit = Some(count.map_err(|error| words.bad_value("limit", error))?);
        } else if query.filter.is_empty() {
            return Err(words.unexpected(word, &CLAUSES));
        } else {
            return Err(words.unexpected(word, &["and", "sort", "limit"]));
        }
    }
    query.sort = sort.unwrap_or(query.sort);
    query.limit = limit.unwrap_or(query.limit);
    Ok(Request::Conns(Box::new(query)))
}

/// Reads `ID ...` or `[TUNNEL] where FILTER`.
fn parse_kill(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let first = words.next("the id of a connection, or `where`")?;
    if is(first, "where") {
        let filter = words.filter()?;
        return Ok(Request::Kill(KillOrder::Where { tunnel: None, filter }));
    }
    if words.comes("where") {
        let tunnel = Some(words.parse(first)?);
        // The words of the filter come next.
        words.next("where")?;
        let filter = words.filter()?;
        return Ok(Request::Kill(KillOrder::Where { tunnel, filter }));
    }
    let mut ids = vec![id(words, first)?];
    while let Some(word) = words.maybe_next() {
        if ids.len() == KILL_IDS_MAX {
            let rule = "is one id too many: 10000 are the most";
            return Err(words.bad_value("id", ValueError::malformed(word, rule)));
        }
        ids.push(id(words, word)?);
    }
    Ok(Request::Kill(KillOrder::Ids(ids)))
}

fn id(words: &Words<'_>, word: &str) -> Result<ConnectionId, CommandError> {
    word.parse().map_err(|error| words.bad_value("id", error))
}

fn is(word: &str, clause: &str) -> bool {
    word.eq_ignore_ascii_case(clause)
}
