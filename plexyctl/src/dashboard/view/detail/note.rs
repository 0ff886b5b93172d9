//! What there is to say of one backend: how it is and why, and what comes next.

use plexy_shared::info::{BackendInfo, BackendState};
use plexy_shared::overview::BackendRow;
use plexy_shared::spec::AdminState;
use plexy_shared::units::counted;

use super::super::super::state::Looks;
use super::super::super::theme::Role;
use super::super::glyph::Glyph;
use super::super::number::round;
use crate::output::age;

/// How it is, and since when: what somebody wants of it before its health.
pub(super) fn how(backend: &BackendInfo) -> (Glyph, String, Option<u64>) {
    let admin = &backend.admin;
    let glyph = match admin.state.known() {
        Some(AdminState::Ready) => match backend.state.known() {
            Some(BackendState::Up) => Glyph::Ok,
            Some(_) => Glyph::Down,
            None => Glyph::Unknown,
        },
        Some(AdminState::Drain) => Glyph::Draining,
        Some(_) => Glyph::Off,
        None => Glyph::Unknown,
    };
    if admin.state == AdminState::Ready {
        (glyph, backend.state.to_string(), Some(backend.state_seconds))
    } else {
        (glyph, admin.state.to_string(), Some(admin.seconds))
    }
}

/// The line below a selected one: `connect timeout after 5s; next try in 6s; 37 attempts failed`.
pub(in super::super) fn note(row: &BackendRow, looks: &Looks) -> Option<(String, Role)> {
    let backend = &row.info;
    let mut parts = Vec::new();
    let admin = &backend.admin;
    let by = admin.by.as_ref().filter(|_| admin.state != AdminState::Ready);
    parts.extend(by.map(|by| format!("{} by {by}", admin.state)));
    parts.extend(admin.deadline_ms.map(|ms| format!("reset in {}", wait(ms))));
    parts.extend(backend.cause.clone());
    parts.extend(backend.next_ms.map(|ms| format!("next try in {}", wait(ms))));
    let check = backend.check.as_ref().filter(|_| backend.cause.is_none());
    parts.extend(check.map(|check| format!("check {check}")));
    if backend.attempts_failed > 0 {
        parts.push(format!("{} failed", counted(backend.attempts_failed, "attempt")));
    }
    parts.extend(backend.effective_weight.map(|weight| format!("weight {weight} for now")));
    parts.extend(backend.max_conns.map(|max| format!("at most {} connections", round(max.into()))));
    if backend.backup {
        parts.push("backup".to_owned());
    }
    if !backend.sni.is_empty() {
        parts.push(format!("for {}", backend.sni.join(" ")));
    }
    if !backend.addresses.is_empty() {
        parts.push(format!("is {}", backend.addresses.join(" ")));
    }
    let (glyph, ..) = how(backend);
    let role = if glyph == Glyph::Ok { Role::Dim } else { glyph.role() };
    (!parts.is_empty()).then(|| (looks.safe(&parts.join("; ")), role))
}

/// It is not over before.
fn wait(ms: u64) -> String {
    age(ms.div_ceil(1_000))
}
