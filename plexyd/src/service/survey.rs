//! A look at all that is counted, in one moment: what has ended and what still
//! lives, so that no total ever falls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use plexy_shared::info::Traffic;

use super::Service;
use crate::backend::Backend;
use crate::traffic::Totals;
use crate::tunnel::{Route, Tunnel, TunnelId};

/// Bytes in and out.
type Bytes = (u64, u64);

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

/// Bytes of the connections that live.
#[derive(Debug, Default)]
struct Live {
    daemon: Bytes,
    tunnels: HashMap<TunnelId, Bytes>,
    backends: HashMap<*const Backend, Bytes>,
}

impl Service {
    /// Every tunnel, in order of opening.
    pub(crate) fn survey_all(&self) -> Survey {
        let tunnels = self.registry().tunnels().cloned().collect();
        self.survey(tunnels)
    }

    /// These tunnels.
    pub(super) fn survey(&self, tunnels: Vec<Arc<Tunnel>>) -> Survey {
        // Before the tables are held, since that is where connections wait.
        let mut surveys: Vec<_> = tunnels.into_iter().map(TunnelSurvey::new).collect();
        let survey = self.engine.workers.read(|tables| {
            let mut live = Live::default();
            let mut daemon = Traffic::default();
            for table in tables {
                for entry in table.entries() {
                    live.add(entry.tunnel.id, entry.backend.get(), entry.flow.bytes());
                }
                let ended = table.totals().bytes_ended();
                daemon.connections += table.len() as u64;
                daemon.connections_total += table.totals().total();
                daemon.bytes_in += ended.0;
                daemon.bytes_out += ended.1;
            }
            daemon.bytes_in += live.daemon.0;
            daemon.bytes_out += live.daemon.1;
            for survey in &mut surveys {
                survey.count(&live);
            }
            Survey { daemon, tunnels: surveys }
        });
        self.connections_peak.fetch_max(survey.daemon.connections, Ordering::Relaxed);
        survey
    }
}

impl TunnelSurvey {
    fn new(tunnel: Arc<Tunnel>) -> Self {
        let route = tunnel.route();
        let backends = vec![Traffic::default(); route.backends.len()];
        Self { tunnel, route, traffic: Traffic::default(), backends }
    }

    fn count(&mut self, live: &Live) {
        let of_tunnel = live.tunnels.get(&self.tunnel.id).copied().unwrap_or_default();
        self.traffic = traffic(&self.tunnel.totals, of_tunnel);
        for (backend, counted) in self.route.backends.iter().zip(&mut self.backends) {
            let of_backend = live.backends.get(&Arc::as_ptr(backend)).copied().unwrap_or_default();
            *counted = traffic(&backend.totals, of_backend);
        }
    }
}

impl Live {
    fn add(&mut self, tunnel: TunnelId, backend: Option<&Arc<Backend>>, bytes: Bytes) {
        let add = |sum: &mut Bytes| *sum = (sum.0 + bytes.0, sum.1 + bytes.1);
        add(&mut self.daemon);
        add(self.tunnels.entry(tunnel).or_default());
        if let Some(backend) = backend {
            add(self.backends.entry(Arc::as_ptr(backend)).or_default());
        }
    }
}

/// What has ended and what lives, together.
fn traffic(totals: &Totals, live: Bytes) -> Traffic {
    let ended = totals.bytes_ended();
    Traffic {
        connections: totals.live(),
        connections_total: totals.total(),
        bytes_in: ended.0 + live.0,
        bytes_out: ended.1 + live.1,
    }
}
