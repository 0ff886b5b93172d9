//! What an event says, in few words.

use plexy_shared::event::{Event, EventKind, Severity};

use super::super::glyph::Glyph;

/// All of it but its tunnel, and who asked for it.
pub(super) fn sentence(event: &Event) -> String {
    let said = match event.kind.known() {
        Some(kind) => words(kind),
        // A newer daemon may know more.
        None => event.kind.as_str(),
    };
    let mut text = match &event.backend {
        Some(backend) => format!("backend {backend} {said}"),
        None => said.to_owned(),
    };
    if let Some(detail) = &event.detail {
        text.push_str(": ");
        text.push_str(detail);
    }
    text
}

/// What has happened to the tunnel, or to the backend that is named before.
fn words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::DaemonReady => "accepts connections",
        EventKind::DaemonEnding => "was told to end",
        EventKind::TunnelOpened => "opened",
        EventKind::TunnelChanged => "changed",
        EventKind::TunnelClosed => "closed",
        EventKind::TunnelDraining | EventKind::BackendDraining => "drains",
        EventKind::TunnelDrained | EventKind::BackendDrained => "has drained",
        EventKind::TunnelEnabled => "listens again",
        EventKind::TunnelsChanged => "tunnels changed",
        EventKind::BackendAdded => "added",
        EventKind::BackendRemoved => "removed",
        EventKind::BackendDisabled => "disabled",
        EventKind::BackendEnabled => "enabled",
        EventKind::BackendUp => "up",
        EventKind::BackendDown => "down",
        EventKind::BackendEjected => "ejected",
        EventKind::BackendResolved => "resolved",
        EventKind::BackendUnresolved => "does not resolve",
        EventKind::DescriptorsLow => "no descriptors are left: no client is accepted",
        EventKind::LimitReached => "limit reached",
        EventKind::ConnectionsRefused => "clients refused",
        EventKind::ConfigReloaded => "configuration read again",
        EventKind::ConfigRefused => "configuration refused",
        EventKind::StateFailed => "state cannot be saved",
        EventKind::StateSaved => "state can be saved again",
        EventKind::LogLevelChanged => "log level changed",
        EventKind::ConnectionsKilled => "connections killed",
        EventKind::CertificateChanged => "certificate files changed",
        EventKind::CertificateRefused => "certificate files refused",
        EventKind::CertificateExpiring => "certificate expires",
    }
}

/// What somebody sees before they read it.
pub(super) fn glyph(event: &Event) -> Glyph {
    match event.kind.known() {
        Some(
            EventKind::BackendDown
            | EventKind::BackendEjected
            | EventKind::BackendUnresolved
            | EventKind::DescriptorsLow
            | EventKind::StateFailed
            | EventKind::ConfigRefused
            | EventKind::CertificateRefused,
        ) => Glyph::Down,
        Some(
            EventKind::TunnelDraining
            | EventKind::TunnelDrained
            | EventKind::BackendDraining
            | EventKind::BackendDrained
            | EventKind::DaemonEnding,
        ) => Glyph::Draining,
        Some(
            EventKind::TunnelClosed
            | EventKind::BackendRemoved
            | EventKind::BackendDisabled
            | EventKind::ConnectionsKilled,
        ) => Glyph::Off,
        _ if event.severity == Severity::Warning => Glyph::Degraded,
        Some(_) => Glyph::Ok,
        None => Glyph::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use plexy_shared::word::Words;

    use super::*;

    fn event(kind: &str, severity: &str) -> Event {
        let json = format!(
            r#"{{"seq": 7, "time": "2026-11-26T12:00:00Z", "severity": "{severity}",
                "kind": "{kind}", "backend": "10.0.0.1:80", "detail": "connection refused"}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn what_a_newer_daemon_has_made_up_is_told_as_it_is() {
        let event = event("backend-tired", "info");
        assert_eq!(sentence(&event), "backend 10.0.0.1:80 backend-tired: connection refused");
        assert_eq!(glyph(&event), Glyph::Unknown);
    }

    #[test]
    fn a_warning_never_looks_as_if_all_were_well() {
        for kind in EventKind::ALL {
            let event = event(kind.as_str(), kind.severity().as_str());
            assert!(kind.severity() == Severity::Info || glyph(&event) != Glyph::Ok, "{kind}");
            assert!(!sentence(&event).contains("  "), "{kind}");
        }
    }
}
