//! A look at all that is counted, in one moment: what has ended and what still
//! lives, so that no total ever falls.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use plexy_shared::info::Traffic;

use super::Service;
use crate::backend::Backend;
use crate::table::Frozen;
use crate::traffic::Totals;
use crate::tunnel::{Route, Tunnel, TunnelId};

/// Bytes in and out.
pub(super) type Bytes = (u64, u64);

/// What was counted.
#[derive(Debug)]
pub(crate) struct Survey {
    /// All that went through the daemon, tunnels closed since included.
    pub(crate) daemon: Traffic,
    /// The tunnels that were asked about, in that order.
    pub(crate) tunnels: Vec<TunnelSurvey>,
}

/// One tunnel.
#[derive(Debug)]
pub(crate) struct TunnelSurvey {
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) route: Arc<Route>,
    pub(crate) traffic: Traffic,
    /// One per backend of the route, in its order.
    pub(crate) backends: Vec<Traffic>,
}

/// Tunnels whose numbers rise, and those numbers at the same places: they are looked for there, since
/// what a tunnel holds itself is in no cache.
#[derive(Debug)]
struct Rising {
    ids: Vec<TunnelId>,
    surveys: Vec<TunnelSurvey>,
}

/// Where tunnels and backends are counted.
pub(super) trait Count {
    /// Takes what has ended of each of them, and nothing else.
    fn take_ended(&mut self);

    /// Adds the bytes of a connection that lives, where these are counted: its tunnel, and the backend
    /// that carries it.
    fn add_live(&mut self, tunnel: TunnelId, backend: Option<&Arc<Backend>>, bytes: Bytes);
}

impl Service {
    /// Every tunnel, in order of opening.
    pub(crate) fn survey_all(&self) -> Survey {
        let tunnels = self.registry().tunnels().cloned().collect();
        self.survey(tunnels)
    }

    /// These tunnels, which come in order of opening.
    pub(super) fn survey(&self, tunnels: Vec<Arc<Tunnel>>) -> Survey {
        // Before the tables are held, since that is where connections wait.
        let mut rising = Rising {
            ids: tunnels.iter().map(|tunnel| tunnel.id).collect(),
            surveys: tunnels.into_iter().map(TunnelSurvey::new).collect(),
        };
        let daemon = self.count_on(&mut rising);
        Survey { daemon, tunnels: rising.surveys }
    }

    /// Counts there, and all that went through the daemon.
    pub(super) fn count_on(&self, sheet: &mut impl Count) -> Traffic {
        let daemon = self.engine.workers.read(|tables| {
            sheet.take_ended();
            let mut daemon = Traffic::default();
            for table in tables {
                add_ended(&mut daemon, table);
                table.each_flow(|tunnel, backend, bytes| {
                    add(&mut daemon, bytes);
                    sheet.add_live(tunnel, backend, bytes);
                });
            }
            daemon
        });
        self.connections_peak.fetch_max(daemon.connections, Ordering::Relaxed);
        daemon
    }
}

impl TunnelSurvey {
    fn new(tunnel: Arc<Tunnel>) -> Self {
        let route = tunnel.route();
        let backends = vec![Traffic::default(); route.backends.len()];
        Self { tunnel, route, traffic: Traffic::default(), backends }
    }
}

impl Count for Rising {
    fn take_ended(&mut self) {
        for survey in &mut self.surveys {
            survey.traffic = ended(&survey.tunnel.totals);
            for (backend, counted) in survey.route.backends.iter().zip(&mut survey.backends) {
                *counted = ended(&backend.totals);
            }
        }
    }

    fn add_live(&mut self, tunnel: TunnelId, backend: Option<&Arc<Backend>>, bytes: Bytes) {
        let place = self.ids.binary_search(&tunnel).ok();
        let Some(survey) = place.and_then(|it| self.surveys.get_mut(it)) else { return };
        add(&mut survey.traffic, bytes);
        let Some(backend) = backend else { return };
        let mut counted = survey.route.backends.iter().zip(&mut survey.backends);
        if let Some((_, sum)) = counted.find(|(member, _)| Arc::ptr_eq(&member.backend, backend)) {
            add(sum, bytes);
        }
    }
}

/// What has ended of a tunnel or a backend, and how many connections live.
pub(super) fn ended(totals: &Totals) -> Traffic {
    let (bytes_in, bytes_out) = totals.bytes_ended();
    Traffic { connections: totals.live(), connections_total: totals.total(), bytes_in, bytes_out }
}

/// The same of all that was in a table.
fn add_ended(daemon: &mut Traffic, table: &Frozen<'_>) {
    daemon.connections += table.len() as u64;
    daemon.connections_total += table.totals().total();
    add(daemon, table.totals().bytes_ended());
}

pub(super) fn add(sum: &mut Traffic, (bytes_in, bytes_out): Bytes) {
    sum.bytes_in += bytes_in;
    sum.bytes_out += bytes_out;
}
