//! `detail`: one tunnel in full.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use plexy_shared::error::printable;
use plexy_shared::info::{
    AdminInfo, BackendInfo, BackendTlsInfo, BackendsReply, CertificateInfo, CheckInfo,
    EjectionInfo, EndedInfo, OptionInfo, Reason, RefusedInfo, TlsInfo, Traffic, TunnelInfo,
};
use plexy_shared::spec::{AdminState, BackendAddr, Check, OPTIONS, TunnelRef};
use plexy_shared::weight::Weight;

use super::expiry::DAY_SECONDS;
use super::status::tunnel_status;
use super::survey::TunnelSurvey;
use super::{Service, ServiceError};
use crate::admin::Admin;
use crate::backend::checked::CheckReport;
use crate::backend::{Backend, Member, Target};
use crate::tls::{Live, Originate, Pair, Security, Terminate};
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

pub(super) fn describe(survey: &TunnelSurvey) -> TunnelInfo {
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
        parked: tunnel.parked(),
        options: OPTIONS.iter().map(option).collect(),
        tls: route.terminate().map(|it| tls_info(it)),
        backend_tls: route.originate().map(|it| backend_tls_info(&it)),
        files_refused: route.security.as_deref().and_then(files_refused),
        ended: reasons(&tunnel.ended),
        rejected: reasons(tunnel.rejected()),
        backend_list: backend_list(survey),
    }
}

fn tls_info(live: &Live<Terminate>) -> TlsInfo {
    let terminate = live.current();
    let certificates = terminate.pairs().iter().map(certificate_info);
    TlsInfo { certificates: certificates.collect() }
}

fn backend_tls_info(originate: &Originate) -> BackendTlsInfo {
    let certificate = originate.pair().map(certificate_info);
    BackendTlsInfo { verified: originate.is_verified(), certificate }
}

fn files_refused(security: &Security) -> Option<RefusedInfo> {
    let bad = security.live().find_map(|live| live.standing().bad())?;
    let seconds = bad.since.elapsed().as_secs();
    Some(RefusedInfo { seconds, why: printable(&bad.why) })
}

/// Its texts are whatever somebody has written into it: what acts on a terminal is escaped.
fn certificate_info(pair: &Pair) -> CertificateInfo {
    let certificate = &pair.certificate;
    let time = |seconds| {
        Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |it| it.to_string())
    };
    let now = Timestamp::now().as_second();
    CertificateInfo {
        file: pair.file.display().to_string(),
        names: certificate.names.iter().map(|name| printable(name)).collect(),
        subject: printable(&certificate.subject),
        issuer: printable(&certificate.issuer),
        serial: certificate.serial.clone(),
        not_before: time(certificate.not_before),
        not_after: time(certificate.not_after),
        days_left: certificate.not_after.saturating_sub(now).div_euclid(DAY_SECONDS),
        fingerprint: certificate.fingerprint.clone(),
    }
}

pub(super) fn admin_info(state: AdminState, admin: &Admin, born: Instant) -> AdminInfo {
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

pub(super) fn backend_info(route: &Route, backend: &Member, traffic: Traffic) -> BackendInfo {
    let condition = backend.condition();
    let check = route.options.check.as_deref();
    let weight = backend.options.weight;
    let effective = route.balance.effective_weight(backend, Instant::now());
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
        next_ms: condition.next.map(ms_until),
        check: check.and_then(|check| check_info(backend, check)),
        ejection: ejection_info(backend),
        weight,
        effective_weight: Some(effective).filter(|it| *it != Weight::whole(weight)),
        backup: backend.options.backup,
        max_conns: backend.options.max_conns,
        sni: backend.options.sni.iter().map(ToString::to_string).collect(),
        traffic,
        attempts_failed: backend.attempts_failed(),
        addresses: addresses.iter().map(show).collect(),
    }
}

/// What its checks say, whatever else stands against it.
pub(super) fn check_info(backend: &Backend, check: &Check) -> Option<CheckInfo> {
    let CheckReport { verdict, next } = backend.checked.report()?;
    let streak_of = if verdict.failure.is_some() { check.fall } else { check.rise };
    let micros = |took: Duration| u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    Some(CheckInfo {
        state: verdict.state.into(),
        state_seconds: verdict.since.elapsed().as_secs(),
        streak: verdict.streak.min(streak_of),
        streak_of,
        failure: verdict.failure,
        took_us: verdict.took.map(micros),
        next_ms: next.map_or(0, ms_until),
    })
}

/// Its ejection, whatever else stands against it.
pub(super) fn ejection_info(backend: &Backend) -> Option<EjectionInfo> {
    let report = backend.ejection().filter(|report| report.is_ejected)?;
    let next_ms = report.next.map(ms_until);
    Some(EjectionInfo {
        seconds: report.since.elapsed().as_secs(),
        cause: report.cause.unwrap_or_default(),
        probe_ms: next_ms.filter(|_| report.is_probed),
        ends_ms: next_ms.filter(|_| !report.is_probed),
    })
}

fn ms_until(next: Instant) -> u64 {
    let ms = next.saturating_duration_since(Instant::now()).as_millis();
    u64::try_from(ms).unwrap_or(u64::MAX)
}
