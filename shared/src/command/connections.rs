//! The arguments of `conns` and `kill`.

use super::{CommandError, Request, Words};
use crate::connection::{ConnectionId, ConnectionQuery, KILL_IDS_MAX, KillOrder, LIMIT_RANGE};
use crate::units::{ValueError, parse_count};

/// What may stand in `conns` behind a tunnel, each once and in any order.
pub(super) const CLAUSES: [&str; 3] = ["where", "sort", "limit"];

/// Reads `[TUNNEL] [where FILTER] [sort [-]KEY] [limit N]`.
pub(super) fn parse_conns(words: &mut Words<'_>) -> Result<Request, CommandError> {
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
pub(super) fn parse_kill(words: &mut Words<'_>) -> Result<Request, CommandError> {
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
