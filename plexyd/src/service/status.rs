//! `status`: how many tunnels there are, or each of them.

use std::sync::Arc;

use plexy_shared::command::Detail;
use plexy_shared::info::{Stats, StatusReply, TunnelStatus};
use plexy_shared::spec::AdminState;

use super::Service;
use super::survey::{Survey, TunnelSurvey};
use crate::tunnel::Tunnel;

impl Service {
    /// How many tunnels are open, or all of them in order of opening.
    #[must_use]
    pub fn status(&self, detail: Detail) -> StatusReply {
        match detail {
            Detail::Count => self.count(),
            Detail::Full => self.list().1,
        }
    }

    /// The counts at this moment.
    #[must_use]
    pub fn stats(&self, detail: Detail) -> Stats {
        let (survey, status) = match detail {
            Detail::Count => (self.survey(Vec::new()), self.count()),
            Detail::Full => self.list(),
        };
        Stats {
            instance: self.instance.clone(),
            monotonic_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            traffic: survey.daemon,
            status,
        }
    }

    /// The daemon in a line, for the status of a service.
    pub(crate) fn summary(&self) -> String {
        let registry = self.registry();
        let is_down = |tunnel: &&Arc<Tunnel>| {
            let route = tunnel.route();
            route.options.admin == AdminState::Ready
                && !route.backends.iter().any(|backend| backend.is_usable())
        };
        let (tunnels, down) = (registry.len(), registry.tunnels().filter(is_down).count());
        drop(registry);
        let down = if down > 0 { format!(", {down} down") } else { String::new() };
        format!("tunnels: {tunnels}{down}; connections: {}", self.connections())
    }

    fn count(&self) -> StatusReply {
        let revision = self.revision();
        self.reply(revision, self.registry().len(), None)
    }

    fn list(&self) -> (Survey, StatusReply) {
        // The revision first: one that is a little old has a change refused, one
        // that is too new would let it pass.
        let revision = self.revision();
        let survey = self.survey_all();
        let list: Vec<_> = survey.tunnels.iter().map(tunnel_status).collect();
        let status = self.reply(revision, list.len(), Some(list));
        (survey, status)
    }

    fn reply(
        &self,
        revision: u64,
        tunnels: usize,
        tunnel_list: Option<Vec<TunnelStatus>>,
    ) -> StatusReply {
        let tunnels_paused = self.engine.descriptors.waiting();
        StatusReply { revision, tunnels, tunnels_paused, tunnel_list }
    }
}

/// What `status full` says of one tunnel.
pub(super) fn tunnel_status(survey: &TunnelSurvey) -> TunnelStatus {
    let route = &survey.route;
    TunnelStatus {
        listen: survey.tunnel.listen.to_string(),
        name: route.options.name.as_ref().map(ToString::to_string),
        traffic: survey.traffic,
        backends_up: route.backends.iter().filter(|backend| backend.is_usable()).count(),
        backends: route.backends.len(),
        admin: (route.options.admin != AdminState::Ready).then(|| route.options.admin.into()),
    }
}
