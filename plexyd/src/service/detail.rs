//! `detail`: one tunnel in full.

use std::time::Instant;

use plexy_shared::info::{
    AdminInfo, Attempt, BackendInfo, BackendsReply, EndedInfo, OptionInfo, Reason, Traffic,
    TunnelInfo,
};
use plexy_shared::spec::{AdminState, BackendAddr, OPTIONS, TunnelRef};
use plexy_shared::weight::Weight;

use super::status::tunnel_status;
use super::survey::TunnelSurvey;
use super::{Service, ServiceError};
use crate::admin::Admin;
use crate::backend::{Member, Target};
use crate::tunnel::{Reasons, Route};

impl Service {
    /// One tunnel in full.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel.
    pub async fn detail(&self, wanted: &TunnelRef) -> Result<TunnelInfo, ServiceError> {
        self.survey_of(wanted).await.map(|survey| describe(&survey))
    }

    /// The backends of one tunnel.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel.
    pub async fn backends(&self, wanted: &TunnelRef) -> Result<BackendsReply, ServiceError> {
        let survey = self.survey_of(wanted).await?;
        Ok(BackendsReply {
            listen: survey.tunnel.listen.to_string(),
            revision: survey.route.revision,
            backend_list: backend_list(&survey),
        })
    }

    async fn survey_of(&self, wanted: &TunnelRef) -> Result<TunnelSurvey, ServiceError> {
        let tunnel = self.find(wanted).await?;
        let mut surveys = self.survey(vec![tunnel]).tunnels;
        surveys.pop().ok_or_else(|| self.not_found(wanted))
    }
}

fn describe(survey: &TunnelSurvey) -> TunnelInfo {
    let TunnelSurvey { tunnel, route, .. } = survey;
    let option = |row: &plexy_shared::spec::OptionRow| OptionInfo {
        key: row.key.to_owned(),
        value: row.value_in(&route.options),
    };
    TunnelInfo {
        status: tunnel_status(survey),
        spec: tunnel.spec_of(route).to_string(),
        origin: tunnel.origin.into(),
        revision: route.revision,
        age_seconds: tunnel.opened.elapsed().as_secs(),
        admin_info: admin_info(route.options.admin, &tunnel.admin, tunnel.opened),
        options: OPTIONS.iter().map(option).collect(),
        ended: reasons(&tunnel.ended),
        rejected: reasons(&tunnel.rejected),
        backend_list: backend_list(survey),
    }
}

fn admin_info(state: AdminState, admin: &Admin, born: Instant) -> AdminInfo {
    let noted = admin.noted();
    let since = noted.as_ref().map_or(born, |noted| noted.since);
    let deadline = noted.as_ref().and_then(|noted| noted.deadline);
    let deadline_ms = deadline.map(|it| it.saturating_duration_since(Instant::now()).as_millis());
    AdminInfo {
        state: state.into(),
        seconds: since.elapsed().as_secs(),
        by: noted.map(|noted| noted.by),
        deadline_ms: deadline_ms.and_then(|deadline| u64::try_from(deadline).ok()),
    }
}

fn reasons(counted: &Reasons) -> Vec<EndedInfo> {
    let info =
        |(reason, connections): (Reason, u64)| EndedInfo { reason: reason.into(), connections };
    counted.counts().map(info).collect()
}

fn backend_list(survey: &TunnelSurvey) -> Vec<BackendInfo> {
    let backends = survey.route.backends.iter().zip(&survey.backends);
    backends.map(|(backend, traffic)| backend_info(&survey.route, backend, *traffic)).collect()
}

fn backend_info(route: &Route, backend: &Member, traffic: Traffic) -> BackendInfo {
    let condition = backend.condition();
    let now = Instant::now();
    let next_ms = condition.next.map(|next| next.saturating_duration_since(now).as_millis());
    let (weight, effective) =
        (backend.options.weight, route.balance.effective_weight(backend, now));
    let addresses = match backend.addr {
        BackendAddr::Name(..) => backend.targets(),
        BackendAddr::Ip(_) | BackendAddr::Unix(_) => Vec::new(),
    };
    let show = |target: &Target| match target {
        Target::Tcp(addr) => addr.to_string(),
        Target::Unix(path) => path.to_string(),
    };
    BackendInfo {
        addr: backend.addr.to_string(),
        admin: admin_info(backend.options.admin, &backend.admin, backend.added),
        state: condition.state.into(),
        state_seconds: condition.since.elapsed().as_secs(),
        cause: condition.cause,
        next_ms: next_ms.and_then(|next| u64::try_from(next).ok()),
        weight,
        effective_weight: Some(effective).filter(|it| *it != Weight::whole(weight)),
        backup: backend.options.backup,
        traffic,
        attempts_failed: backend.attempts.of(&[Attempt::Failure, Attempt::Timeout]),
        addresses: addresses.iter().map(show).collect(),
    }
}
