//! `conns`: the live connections. They are filtered, sorted and cut before anything of them is
//! written down, and never on a thread of the data path.

mod finding;
mod ranking;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use plexy_shared::connection::{ConnectionInfo, ConnectionQuery, ConnectionsReply, Sort};
use plexy_shared::filter::Key;
use plexy_shared::info::TlsHandshake;
use plexy_shared::overview::Find;
use tokio_util::task::AbortOnDropHandle;

use super::cut::{Cut, Part};
use super::selection::Selection;
use super::{Service, ServiceError};
use crate::table::Entry;
use crate::tunnel::{Tunnel, TunnelId};
use crate::worker::Workers;
use finding::Finder;
use ranking::{Ranked, cut};

impl Service {
    /// The live connections that are asked for, in the order that is asked for.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel, open or with connections that outlive it.
    pub async fn conns(&self, query: &ConnectionQuery) -> Result<ConnectionsReply, ServiceError> {
        let mut selection = self.selection(query.tunnel.as_ref(), &query.filter).await;
        let wanted = Wanted {
            find: Find::default(),
            sort: query.sort,
            part: Part { skip: 0, limit: query.limit },
            around: None,
        };
        let looked =
            self.looking(move |workers| (look(workers, &mut selection, &wanted), selection));
        let (reply, selection) = looked.await?;
        self.check_tunnel(query.tunnel.as_ref(), &selection)?;
        Ok(ConnectionsReply { matched: reply.cut.matched, connections: reply.cut.rows })
    }

    /// Looks at all connections, or all of something else, one who looks after the other, on no thread of
    /// data or control.
    ///
    /// It waits for its turn in a task of its own: a subscription is not polled while its client is told
    /// something else, and whoever has the turn meanwhile would keep it from all others. Who is gone
    /// waits no more.
    pub(crate) async fn looking<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Workers) -> R + Send + 'static,
    ) -> Result<R, ServiceError> {
        let (engine, looking) = (Arc::clone(&self.engine), Arc::clone(&self.looking));
        let looked = tokio::spawn(async move {
            let turn = looking.lock_owned().await;
            let looked = move || {
                let looked = look(&engine.workers);
                drop(turn);
                looked
            };
            tokio::task::spawn_blocking(looked).await
        });
        let looked = AbortOnDropHandle::new(looked).await.flatten();
        looked.map_err(|error| ServiceError::Failed(error.to_string()))
    }
}

/// Which of the connections that are meant are shown, and in which order.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) find: Find<Key>,
    pub(super) sort: Sort,
    pub(super) part: Part,
    /// The id of one that is to be among them.
    pub(super) around: Option<u64>,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    /// Connections that are meant, whether they are found or not.
    pub(super) total: u64,
    pub(super) cut: Cut<ConnectionInfo>,
}

/// Looks at all connections, and writes those down that are shown.
pub(super) fn look(workers: &Workers, selection: &mut Selection, wanted: &Wanted) -> Seen {
    let (mut total, mut ranked) = (0, Vec::new());
    let mut finder = Finder::new(&wanted.find);
    for (worker, table) in workers.tables().enumerate() {
        table.look(|sight| {
            if selection.has(&sight) {
                total += 1;
                if finder.finds(&sight) {
                    ranked.push(Ranked::new(worker, &sight, wanted.sort.key));
                }
            }
        });
    }
    let cut = cut(ranked, wanted.part, wanted.sort.is_descending, wanted.around);
    let (matched, skipped) = (cut.matched, cut.skipped);
    Seen { total, cut: Cut { matched, skipped, rows: written(workers, &cut.rows) } }
}

/// Those that still live, in their order.
fn written(workers: &Workers, shown: &[Ranked]) -> Vec<ConnectionInfo> {
    let now = Instant::now();
    let mut names = Names::default();
    let mut rows = Vec::with_capacity(shown.len());
    for (worker, table) in workers.tables().enumerate() {
        let of_worker = || shown.iter().enumerate().filter(move |(_, it)| it.worker == worker);
        let places: Vec<_> = of_worker().map(|(_, it)| (it.place, it.id)).collect();
        for ((order, seen), entry) in of_worker().zip(table.find(&places)) {
            if let Some(entry) = entry {
                rows.push((order, row(&entry, seen, names.of(&entry.tunnel), now)));
            }
        }
    }
    rows.sort_unstable_by_key(|(order, _)| *order);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// What the tunnels are called, so that each is asked once.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<TunnelId, (String, String)>);

impl Names {
    /// Its label, and where it listens.
    fn of(&mut self, tunnel: &Tunnel) -> (String, String) {
        let names = || (tunnel.label(), tunnel.listen.to_string());
        self.0.entry(tunnel.id).or_insert_with(names).clone()
    }
}

fn row(
    entry: &Entry,
    seen: &Ranked,
    (tunnel, listen): (String, String),
    now: Instant,
) -> ConnectionInfo {
    let age = now.saturating_duration_since(entry.started);
    let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let introduction = entry.introduction();
    let certificate = introduction.as_ref().and_then(|it| it.certificate());
    let handshake = entry.handshake.done().map(TlsHandshake::version);
    ConnectionInfo {
        id: entry.id.to_string(),
        tunnel,
        listen,
        client: entry.client.to_string(),
        backend: entry.backend.get().map(|backend| backend.addr.to_string()),
        sni: introduction.as_ref().and_then(|it| Some(it.name()?.to_owned())),
        tls: handshake.map(|(version, _)| version.into()),
        tls_resumed: handshake.map(|(_, is_resumed)| is_resumed),
        subject: certificate.map(|it| it.subject.to_string()),
        fingerprint: certificate.map(|it| it.fingerprint.to_string()),
        phase: entry.phase().into(),
        age_ms,
        // The two are rounded by different clocks.
        idle_ms: seen.idle_ms.min(age_ms),
        bytes_in: seen.bytes.0,
        bytes_out: seen.bytes.1,
        rate_in: seen.rates.bytes_in,
        rate_out: seen.rates.bytes_out,
        rate_over_ms: seen.rates.over_ms,
    }
}
