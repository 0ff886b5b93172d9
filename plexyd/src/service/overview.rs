//! `overview`: what somebody sees who watches the daemon. Rows are found, sorted and cut before
//! anything of them is written down. All who watch share one look at what is counted, which is
//! forgotten when they are gone; and nobody looks on a thread of the data path.

mod backends;
mod face;
mod health;
mod latency;
mod look;
mod pace;
mod recent;
mod sampler;
mod sheet;
mod tunnels;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use plexy_shared::connection::{ConnectionId, Sort};
use plexy_shared::filter::Key;
use plexy_shared::overview::{
    BackendRow, HealthCounts, Overview, OverviewQuery, ProcessInfo, Rows, RowsReply, Sums,
    TunnelOverview,
};
use plexy_shared::spec::TunnelRef;

use super::conns::{self, Wanted};
use super::cut::{Cut, Part};
use super::detail::describe;
use super::selection::Selection;
use super::{Service, ServiceError};
use crate::process::{Process, cpu_time, descriptors_max, descriptors_open};
use crate::tunnel::TunnelId;
use crate::worker::Workers;
use look::{Counted, Look};
pub(super) use sampler::Sampler;
pub(crate) use sampler::Watcher;
use sheet::{Sheet, TunnelLook};

/// Whose backends are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    All,
    One(TunnelId),
    /// Of a tunnel that is not open.
    Nobody,
}

/// What is to be shown, with nothing left that would have to be waited for.
#[derive(Debug)]
struct Request {
    query: OverviewQuery,
    of_backends: Of,
    connections: Option<(Selection, Wanted)>,
    /// The tunnel that is shown in full, as long as it is open.
    in_full: Option<TunnelId>,
}

impl Service {
    /// The daemon at a glance.
    ///
    /// # Errors
    ///
    /// If backends or connections are wanted of a tunnel that nobody knows.
    pub async fn overview(
        self: &Arc<Self>,
        query: &OverviewQuery,
    ) -> Result<Overview, ServiceError> {
        let (overview, unknown) = self.watched(query, &Watcher::once(), |it| it).await?;
        match unknown {
            None => Ok(overview),
            Some(unknown) => Err(self.not_found(&unknown)),
        }
    }

    /// The same for who watches, made into something where it is: a tunnel that nobody knows has
    /// neither backends nor connections, and is told.
    ///
    /// # Errors
    ///
    /// If the daemon has failed at it.
    pub(crate) async fn watched<R: Send + 'static>(
        self: &Arc<Self>,
        query: &OverviewQuery,
        watcher: &Watcher,
        make: impl FnOnce(Overview) -> R + Send + 'static,
    ) -> Result<(R, Option<TunnelRef>), ServiceError> {
        let mut request = self.request(query).await;
        let (service, watcher) = (Arc::clone(self), watcher.clone());
        let looked = self.looking(move |workers| {
            let overview = service.look(&mut request, &watcher, workers);
            // Here, since who asked may be gone by now.
            service.attend();
            (make(overview), request)
        });
        let (made, request) = looked.await?;
        Ok((made, request.unknown()))
    }

    async fn request(&self, query: &OverviewQuery) -> Request {
        let tunnel = async |wanted: &TunnelRef| self.find(wanted).await.ok().map(|it| it.id);
        let of_backends = match &query.backends {
            Some((Some(wanted), _)) => tunnel(wanted).await.map_or(Of::Nobody, Of::One),
            Some((None, _)) | None => Of::All,
        };
        let connections = match &query.connections {
            None => None,
            Some((of, filter, rows)) => {
                let selection = self.selection(of.as_ref(), filter).await;
                Some((selection, wanted_connections(rows)))
            }
        };
        let in_full = match &query.tunnel {
            None => None,
            Some(wanted) => tunnel(wanted).await,
        };
        Request { query: query.clone(), of_backends, connections, in_full }
    }

    /// One look, on a thread that may take its time.
    fn look(&self, request: &mut Request, watcher: &Watcher, workers: &Workers) -> Overview {
        // The revision first: one that is a little old has a change refused, one that is too new
        // would let it pass.
        let revision = self.revision();
        let look = self.sampler.look(revision, watcher, |before| {
            Look::next(before, revision, |sheet| self.count_all(sheet, workers))
        });
        let in_full = request.in_full.and_then(|id| look.of(id));
        Overview {
            instance: self.instance.clone(),
            monotonic_ms: millis(look.at.saturating_duration_since(self.started)),
            time: look.time.to_string(),
            over_ms: millis(look.window.over),
            revision: look.revision,
            process: self.process(),
            sums: self.sums(&look),
            tunnels: request.query.tunnels.as_ref().map(|wanted| tunnels::rows(&look, wanted)),
            backends: request.backends(&look),
            connections: request.connections.as_mut().map(|(selection, wanted)| {
                let seen = conns::look(workers, selection, wanted);
                let Cut { matched, skipped, rows } = seen.cut;
                RowsReply { total: seen.total, matched, skipped, rows }
            }),
            tunnel: in_full.map(|tunnel| overview_of(&look, tunnel)),
        }
    }

    /// Has all that is counted on the sheet, and what is told of the whole.
    fn count_all(&self, sheet: &mut Sheet, workers: &Workers) -> Counted {
        // Nobody waits for more than the list of them.
        let edition = sheet.outdated_by(&self.registry());
        if let Some(edition) = edition {
            sheet.arrange(edition);
        }
        let traffic = self.count_on(sheet);
        let (connect_times, lifetimes) = latency::of_daemon(workers);
        Counted { traffic, connect_times, lifetimes }
    }

    fn process(&self) -> ProcessInfo {
        let version = self.version();
        ProcessInfo {
            version: version.version,
            pid: version.pid,
            uptime_seconds: version.uptime_seconds,
            cpu_ms: millis(cpu_time()),
            resident_bytes: Process::now().map_or(0, |process| process.resident_bytes),
            descriptors: descriptors_open(),
            descriptors_max: descriptors_max(),
            tunnels_paused: self.engine.descriptors.waiting(),
        }
    }

    fn sums(&self, look: &Look) -> Sums {
        let (connect, lifetime) = look.latencies();
        let (mut counts, mut backends, mut backends_up) = (HealthCounts::default(), 0, 0);
        for tunnel in look.tunnels() {
            let condition = tunnel.condition;
            counts.count(condition.health);
            backends += u64::from(condition.wanted);
            backends_up += u64::from(condition.up);
        }
        let first_end = look.tunnels().iter().filter_map(|tunnel| tunnel.not_after).min();
        Sums {
            traffic: look.traffic,
            rates: look.rates(),
            connections_peak: self.connections_peak.load(Ordering::Relaxed),
            parked: look.tunnels().iter().map(|tunnel| tunnel.parked).sum(),
            tunnels: counts,
            backends,
            backends_up,
            connect: connect.quantiles(),
            lifetime: lifetime.quantiles(),
            certificate_seconds: first_end.map(|end| look.seconds_until(end)),
        }
    }

    /// Has what is kept for those who watch forgotten when they are gone.
    fn attend(self: &Arc<Self>) {
        if !self.sampler.begin_attending() {
            return;
        }
        let service = Arc::clone(self);
        self.tasks.spawn(async move {
            // Not here, where it would wait for whoever looks.
            let forget = async || {
                let service = Arc::clone(&service);
                let forgotten = move || service.sampler.forget(Instant::now());
                tokio::task::spawn_blocking(forgotten).await.ok().flatten()
            };
            while let Some(until) = forget().await {
                tokio::select! {
                    () = service.stopping.cancelled() => return,
                    () = tokio::time::sleep_until(until.into()) => {}
                }
            }
        });
    }
}

impl Of {
    /// Whether this tunnel is one of those.
    fn is(self, id: TunnelId) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == id,
            Self::Nobody => false,
        }
    }
}

impl Request {
    fn backends(&self, look: &Look) -> Option<RowsReply<BackendRow>> {
        let (_, wanted) = self.query.backends.as_ref()?;
        Some(backends::rows(look, self.of_backends, wanted))
    }

    /// A tunnel that something was wanted of and that nobody knows.
    fn unknown(&self) -> Option<TunnelRef> {
        let OverviewQuery { backends, connections, .. } = &self.query;
        let of_backends = backends.as_ref().filter(|_| self.of_backends == Of::Nobody);
        let is_unknown = |(selection, _): &&(Selection, Wanted)| !selection.is_tunnel_known();
        let of_connections =
            connections.as_ref().filter(|_| self.connections.as_ref().filter(is_unknown).is_some());
        let of_backends = of_backends.and_then(|(of, _)| of.clone());
        of_backends.or_else(|| of_connections.and_then(|(of, ..)| of.clone()))
    }
}

fn wanted_connections(rows: &Rows<Key, ConnectionId>) -> Wanted {
    let Rows { find, order, skip, limit, around } = rows;
    Wanted {
        find: find.clone(),
        sort: Sort { key: order.column, is_descending: order.is_descending },
        part: Part { skip: *skip, limit: *limit },
        around: around.map(|id| id.0),
    }
}

/// One tunnel in full.
fn overview_of(look: &Look, tunnel: &TunnelLook) -> TunnelOverview {
    TunnelOverview {
        row: tunnels::row(look, tunnel),
        info: describe(&look.survey(tunnel)),
        connect: latency::connect(look, tunnel).info(),
        lifetime: latency::lifetime(look, tunnel).info(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
