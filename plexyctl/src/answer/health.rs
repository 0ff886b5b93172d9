//! How the tunnels are, in a word, and what is wrong with them.

use plexy_shared::info::{BackendInfo, BackendState, TunnelInfo};
use plexy_shared::spec::AdminState;
use serde::{Serialize, Serializer};

use crate::exit::Exit;
use crate::failure::Failure;

/// From so many days before its end on, somebody should get another certificate.
pub(crate) const CERTIFICATE_DAYS: i64 = 14;

/// How something is; of several, the last one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// As it should be.
    #[default]
    Ok,
    /// Somebody should look.
    Degraded,
    /// Clients are not served.
    Down,
    /// Nobody can tell.
    Unknown,
}

/// How the tunnels are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Health {
    /// In a word: that of the worst of them.
    #[serde(rename = "state")]
    pub(crate) condition: Condition,
    /// Tunnels that were looked at.
    pub(crate) tunnels: usize,
    /// Of them, those without a backend that is up.
    pub(crate) tunnels_down: usize,
    /// Their backends, without those that somebody has taken out of service.
    pub(crate) backends: usize,
    /// Of them, those that are up.
    pub(crate) backends_up: usize,
    /// Connections that live.
    pub(crate) connections: u64,
    /// Days until the first of their certificates ends.
    pub(crate) certificate_days: Option<i64>,
    /// What is wrong, the worst first.
    pub(crate) problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// How bad it is.
    #[serde(rename = "state")]
    pub(crate) condition: Condition,
    /// What it is about.
    pub(crate) tunnel: Option<String>,
    /// What it is; maybe words of the daemon.
    pub(crate) message: String,
}

impl Condition {
    /// For programs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    /// As plugins of Nagios say it (Monitoring Plugins Development Guidelines, Plugin Return Codes).
    pub(crate) fn of_plugins(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Degraded => "WARNING",
            Self::Down => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Health {
    /// That of a daemon of whose tunnels so many accept no clients for want of descriptors.
    pub(crate) fn new(paused: usize) -> Self {
        let mut health = Self::default();
        if paused > 0 {
            let message = format!("{paused} tunnels accept no clients: no file descriptors left");
            health.wrong(Condition::Down, None, message);
        }
        health
    }

    /// Nobody can tell.
    pub(crate) fn unknown(failure: &Failure) -> Self {
        let mut health = Self::default();
        let sentences = std::iter::once(&failure.message).chain(&failure.details);
        let message = sentences.map(String::as_str).collect::<Vec<_>>().join("; ");
        health.wrong(Condition::Unknown, None, message);
        health
    }

    /// The exit code: that of a plugin of Nagios, whatever such a number means elsewhere.
    pub(crate) fn exit(&self) -> Exit {
        match self.condition {
            Condition::Ok => Exit::Done,
            Condition::Degraded => Exit::Refused,
            Condition::Down => Exit::Usage,
            Condition::Unknown => Exit::NotFound,
        }
    }

    /// With one more tunnel.
    pub(crate) fn count(&mut self, info: &TunnelInfo) {
        let name = info.status.name.as_ref().unwrap_or(&info.status.listen).clone();
        // What somebody has taken out of service is not wrong.
        let wanted = info.backend_list.iter().filter(|it| it.admin.state == AdminState::Ready);
        let (up, down): (Vec<_>, Vec<_>) = wanted.partition(|it| it.state == BackendState::Up);
        self.tunnels += 1;
        self.backends += up.len() + down.len();
        self.backends_up += up.len();
        self.connections = self.connections.saturating_add(info.status.traffic.connections);
        let is_ready = info.admin_info.state == AdminState::Ready;
        if up.is_empty() {
            self.tunnels_down += 1;
            self.wrong(Condition::Down, Some(&name), "no backend is up".to_owned());
        }
        for backend in down {
            self.wrong(Condition::Degraded, Some(&name), told(backend));
        }
        if !is_ready {
            let state = info.admin_info.state.as_str();
            self.wrong(Condition::Degraded, Some(&name), format!("takes no clients: {state}"));
        }
        self.count_certificates(info, &name);
    }

    fn count_certificates(&mut self, info: &TunnelInfo, name: &str) {
        let shown = info.backend_tls.iter().filter_map(|tls| tls.certificate.as_ref());
        for certificate in info.tls.iter().flat_map(|tls| &tls.certificates).chain(shown) {
            let days = certificate.days_left;
            self.certificate_days = Some(self.certificate_days.map_or(days, |it| it.min(days)));
            let condition = match days {
                days if days < 0 => Condition::Down,
                days if days < CERTIFICATE_DAYS => Condition::Degraded,
                _ => continue,
            };
            let whose = certificate.names.first().unwrap_or(&certificate.subject);
            let message = format!("certificate of {whose}: {}", certificate.left());
            self.wrong(condition, Some(name), message);
        }
        if let Some(refused) = &info.files_refused {
            self.wrong(Condition::Degraded, Some(name), format!("certificate files {refused}"));
        }
    }

    fn wrong(&mut self, condition: Condition, tunnel: Option<&str>, message: String) {
        let tunnel = tunnel.map(str::to_owned);
        let at = self.problems.partition_point(|it| it.condition >= condition);
        self.problems.insert(at, Problem { condition, tunnel, message });
        self.condition = self.condition.max(condition);
    }
}

fn told(backend: &BackendInfo) -> String {
    let cause = backend.cause.as_ref().map(|cause| format!(" ({cause})"));
    format!("{} is {}{}", backend.addr, backend.state.as_str(), cause.unwrap_or_default())
}
