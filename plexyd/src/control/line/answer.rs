//! Answers as the line protocol writes them: text for people, the same with an
//! end mark for scripts, or one JSON object a line for programs.

use plexy_shared::command::{Mode, Topic, VERBS, Verb};
use plexy_shared::connection::{ConnectionInfo, ConnectionsReply, KillReply};
use plexy_shared::error::Refusal;
use plexy_shared::event::{Event, EventsReply};
use plexy_shared::explanation::Explanation;
use plexy_shared::history::{ChangeInfo, ExportReply, HistoryReply, SaveReply, TransitionReply};
use plexy_shared::info::{
    AdminInfo, AppliedInfo, AppliesTo, BackendInfo, BackendReply, BackendState, CertificateInfo,
    Change, CheckInfo, CloseReply, EjectionInfo, LiveCounts, LogLevelReply, OpenReply, StatusReply,
    Traffic, TunnelChangeReply, TunnelInfo, TunnelStatus, VersionReply,
};
use plexy_shared::spec::{AdminState, grammar};
use serde::Serialize;
use serde_json::{Value, json};

use super::{explanation, help};

/// What a command has brought, before it is known how it is written.
#[derive(Debug)]
pub(super) struct Answer {
    /// The sentence behind `OK`, if there is one.
    headline: Option<String>,
    /// One a line, each behind a tab.
    details: Vec<String>,
    result: Value,
}

impl Answer {
    /// `OK`, and nothing more.
    pub(super) fn ok() -> Self {
        Self { headline: None, details: Vec::new(), result: Value::Null }
    }

    fn new(headline: impl Into<String>, details: Vec<String>, result: &impl Serialize) -> Self {
        let result = serde_json::to_value(result).unwrap_or_default();
        Self { headline: Some(headline.into()), details, result }
    }

    /// `OK` for people, all of it for programs.
    fn silent(result: &impl Serialize) -> Self {
        let result = serde_json::to_value(result).unwrap_or_default();
        Self { headline: None, details: Vec::new(), result }
    }

    pub(super) fn pong() -> Self {
        Self::new("pong", Vec::new(), &json!("pong"))
    }

    /// `asked_for_port_0`: then the address is news.
    pub(super) fn opened(reply: &OpenReply, asked_for_port_0: bool) -> Self {
        if reply.result == Change::Unchanged {
            Self::new("unchanged", Vec::new(), reply)
        } else if asked_for_port_0 {
            Self::new(&reply.listen, Vec::new(), reply)
        } else {
            Self::silent(reply)
        }
    }

    pub(super) fn closed(reply: &CloseReply) -> Self {
        Self::silent(reply)
    }

    pub(super) fn backend(reply: &BackendReply) -> Self {
        if reply.result == Change::Unchanged {
            Self::new("unchanged", Vec::new(), reply)
        } else {
            Self::silent(reply)
        }
    }

    /// What has changed, for whom, and what became of connections that it was about.
    pub(super) fn changed(reply: &TunnelChangeReply) -> Self {
        let mut headline = reply.result.to_string();
        if reply.live != LiveCounts::default() {
            headline.push_str(&format!(", {}", reply.live));
        }
        let applied = |it: &AppliedInfo| match it.to.known() {
            Some(AppliesTo::Live) => format!("{} holds for live connections too", it.key),
            Some(AppliesTo::New) => format!("{} holds for new connections", it.key),
            None => format!("{} holds for {} connections", it.key, it.to),
        };
        let is_change = reply.result != Change::Unchanged;
        let details = reply.applied.iter().filter(|_| is_change).map(applied).collect();
        Self::new(headline, details, reply)
    }

    pub(super) fn version(reply: &VersionReply) -> Self {
        let headline = format!(
            "{} {}, pid {}, up {}s",
            reply.program, reply.version, reply.pid, reply.uptime_seconds
        );
        Self::new(headline, Vec::new(), reply)
    }

    pub(super) fn status(reply: &StatusReply) -> Self {
        let list = reply.tunnel_list.iter().flatten();
        let mut headline = format!("Tunnels: {}", reply.tunnels);
        if reply.tunnels_paused > 0 {
            let paused = reply.tunnels_paused;
            headline.push_str(&format!(
                ", {paused} accepting no clients: no file descriptors are left"
            ));
        }
        Self::new(headline, list.map(status_line).collect(), reply)
    }

    pub(super) fn detail(info: &TunnelInfo) -> Self {
        let mut lines = vec![
            format!("spec {}", info.spec),
            format!(
                "origin {}, revision {}, open for {}s",
                info.origin, info.revision, info.age_seconds
            ),
            traffic_line(&info.status.traffic),
        ];
        if info.admin_info.by.is_some() || info.status.admin.is_some() {
            lines.push(admin_line(&info.admin_info));
        }
        if info.parked > 0 {
            lines.push(format!("parked {}", info.parked));
        }
        lines.extend(info.tls.iter().flat_map(|tls| &tls.certificates).map(certificate_line));
        if let Some(tls) = &info.backend_tls {
            lines.push(format!("backend-tls {tls}"));
            let shown = tls.certificate.iter().map(certificate_line);
            lines.extend(shown.map(|certificate| format!("backend-tls shows {certificate}")));
        }
        let refused = info.files_refused.iter();
        lines.extend(refused.map(|refused| format!("certificate files {refused}")));
        for ended in &info.ended {
            lines.push(format!("ended {} = {}", ended.reason, ended.connections));
        }
        for rejected in &info.rejected {
            lines.push(format!("rejected {} = {}", rejected.reason, rejected.connections));
        }
        for option in &info.options {
            lines.push(format!("option {} = {}", option.key, option.value));
        }
        lines.extend(info.backend_list.iter().map(backend_line));
        Self::new(&info.status.listen, lines, info)
    }

    pub(super) fn conns(reply: &ConnectionsReply) -> Self {
        let (matched, shown) = (reply.matched, reply.connections.len());
        let mut headline = format!("Connections: {matched}");
        if matched > shown as u64 {
            headline.push_str(&format!(", shown {shown}"));
        }
        Self::new(headline, reply.connections.iter().map(connection_line).collect(), reply)
    }

    pub(super) fn killed(reply: &KillReply) -> Self {
        let KillReply { killed, ids, gone, .. } = reply;
        let mut headline = format!("killed {killed}");
        if !gone.is_empty() {
            headline.push_str(&format!(", gone before {}", gone.len()));
        }
        let killed = ids.iter().map(|id| format!("killed {id}"));
        let gone = gone.iter().map(|id| format!("gone {id}"));
        Self::new(headline, killed.chain(gone).collect(), reply)
    }

    pub(super) fn explained(reply: &Explanation) -> Self {
        Self::new(reply.to_string(), explanation::lines(reply), reply)
    }

    pub(super) fn events(reply: &EventsReply) -> Self {
        let mut headline = format!("Events: {}", reply.events.len());
        if reply.missed > 0 {
            headline.push_str(&format!(", {} missed", reply.missed));
        }
        Self::new(headline, reply.events.iter().map(event_line).collect(), reply)
    }

    pub(super) fn history(reply: &HistoryReply) -> Self {
        let lines = reply.changes.iter().flat_map(change_lines).collect();
        Self::new(format!("Changes: {}", reply.changes.len()), lines, reply)
    }

    pub(super) fn transition(reply: &TransitionReply) -> Self {
        Self::new(reply.to_string(), Vec::new(), reply)
    }

    pub(super) fn saved(reply: &SaveReply) -> Self {
        Self::new(&reply.file, Vec::new(), reply)
    }

    pub(super) fn exported(reply: &ExportReply) -> Self {
        Self::new(format!("Tunnels: {}", reply.tunnels.len()), reply.tunnels.clone(), reply)
    }

    pub(super) fn log_level(reply: &LogLevelReply) -> Self {
        Self::new(reply.to_string(), Vec::new(), reply)
    }

    pub(super) fn help(topic: Option<Topic>) -> Self {
        match topic {
            None => {
                let lines: Vec<_> = VERBS.iter().map(help_line).collect();
                let names: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
                Self::new("commands", lines, &names)
            }
            Some(Topic::Verb(verb)) => {
                Self::new(help::headline(verb), help::lines(verb), &help::result(verb))
            }
            Some(Topic::Tunnel) => {
                let text = grammar();
                let lines = text.lines().filter(|line| !line.is_empty()).map(str::to_owned);
                Self::new("the grammar of a tunnel", lines.collect(), &text)
            }
            Some(Topic::Examples) => {
                let examples: Vec<_> = VERBS.iter().flat_map(|verb| verb.examples).collect();
                let lines = examples.iter().copied().map(str::to_owned).collect();
                Self::new("examples", lines, &examples)
            }
        }
    }

    /// As it goes over the wire, with its end.
    pub(super) fn write(&self, mode: Mode) -> String {
        self.write_open(mode) + end_mark(mode)
    }

    /// The same without its end, since there is more to come.
    pub(super) fn write_open(&self, mode: Mode) -> String {
        if mode == Mode::Json {
            let line = match &self.result {
                Value::Null => json!({"ok": true}),
                result => json!({"ok": true, "result": result}),
            };
            return format!("{line}\n");
        }
        let mut text = String::from("OK");
        if let Some(headline) = &self.headline {
            text.push_str(&format!(": {headline}"));
        }
        text.push('\n');
        for detail in &self.details {
            text.push_str(&format!("\t{detail}\n"));
        }
        text
    }
}

/// What has happened, for somebody who follows.
pub(super) fn write_news(reply: &EventsReply, mode: Mode) -> String {
    let mut text = String::new();
    let mut line = |shown: String, value: Value| match mode {
        Mode::Json => text.push_str(&format!("{value}\n")),
        Mode::Text | Mode::Script => text.push_str(&format!("\t{shown}\n")),
    };
    if reply.missed > 0 {
        line(format!("{} events missed", reply.missed), json!({"missed": reply.missed}));
    }
    for event in &reply.events {
        line(event_line(event), json!({"event": event}));
    }
    text
}

/// A no, as it goes over the wire.
pub(super) fn write_refusal(refusal: &Refusal, mode: Mode) -> String {
    match mode {
        Mode::Json => format!("{}\n", json!({"ok": false, "error": refusal})),
        Mode::Text | Mode::Script => format!("ERROR: {refusal}\n{}", end_mark(mode)),
    }
}

/// The answer to `exit`: an empty line for people, as the contract has it.
pub(super) fn write_farewell(mode: Mode) -> String {
    match mode {
        Mode::Text => "\n".to_owned(),
        Mode::Script | Mode::Json => Answer::ok().write(mode),
    }
}

/// What stands behind an answer.
pub(super) fn end_mark(mode: Mode) -> &'static str {
    if mode == Mode::Script { ".\n" } else { "" }
}

fn event_line(event: &Event) -> String {
    format!("{} {} {} {event}", event.seq, event.time, event.severity)
}

/// Keys as in the access log, and as there what has no backend has no key for it.
fn connection_line(connection: &ConnectionInfo) -> String {
    let ConnectionInfo { id, tunnel, listen, client, backend, phase, .. } = connection;
    let mut line = format!("id={id} tunnel={tunnel} listen={listen} client={client}");
    if let Some(backend) = backend {
        line.push_str(&format!(" backend={backend}"));
    }
    if let Some(name) = &connection.sni {
        line.push_str(&format!(" sni={name}"));
    }
    if let (Some(version), Some(is_resumed)) = (&connection.tls, connection.tls_resumed) {
        line.push_str(&format!(" tls={version} tls_resumed={is_resumed}"));
    }
    if let (Some(subject), Some(fingerprint)) = (&connection.subject, &connection.fingerprint) {
        // Between quotes as in the access log: most have blanks.
        let subject = subject.replace('\\', r"\\").replace('"', r#"\""#);
        line.push_str(&format!(" subject=\"{subject}\" fingerprint={fingerprint}"));
    }
    let ConnectionInfo { age_ms, idle_ms, bytes_in, bytes_out, .. } = connection;
    let ConnectionInfo { rate_in, rate_out, rate_over_ms, .. } = connection;
    line + &format!(
        " phase={phase} age_ms={age_ms} idle_ms={idle_ms} bytes_in={bytes_in} \
         bytes_out={bytes_out} rate_in={rate_in} rate_out={rate_out} rate_over_ms={rate_over_ms}"
    )
}

/// Who has made it, and what it did to each tunnel.
fn change_lines(change: &ChangeInfo) -> Vec<String> {
    let ChangeInfo { revision, time, door, actor, edits, edits_more } = change;
    let by = actor.as_ref().map_or_else(|| door.clone(), |actor| format!("{door} {actor}"));
    let line = |what: &dyn std::fmt::Display| format!("{revision} {time} by {by}: {what}");
    let mut lines: Vec<_> = edits.iter().map(|edit| line(edit)).collect();
    if *edits_more > 0 {
        lines.push(line(&format_args!("{edits_more} more tunnels")));
    }
    lines
}

fn help_line(verb: &Verb) -> String {
    format!("{} {}", verb.name.to_uppercase(), verb.arguments).trim_end().to_owned()
}

fn traffic_line(traffic: &Traffic) -> String {
    format!(
        "open conns {}, total {}, bytes sent {}, received {}",
        traffic.connections, traffic.connections_total, traffic.bytes_in, traffic.bytes_out
    )
}

/// The contract's fields, and behind them what is worth a word.
fn status_line(status: &TunnelStatus) -> String {
    let mut line = format!("{} = {}", status.listen, traffic_line(&status.traffic));
    if let Some(name) = &status.name {
        line.push_str(&format!(", name {name}"));
    }
    if let Some(admin) = &status.admin {
        line.push_str(&format!(", admin {admin}"));
    }
    if status.backends_up < status.backends {
        line.push_str(&format!(", backends up {} of {}", status.backends_up, status.backends));
    }
    line
}

fn certificate_line(info: &CertificateInfo) -> String {
    format!(
        "certificate for {}, issuer {}, serial {}, good from {} to {} ({}), sha256 {}, file {}",
        info.names.join(" "),
        info.issuer,
        info.serial,
        info.not_before,
        info.not_after,
        info.left(),
        info.fingerprint,
        info.file
    )
}

/// What somebody wants, since when, and what comes next.
fn admin_line(admin: &AdminInfo) -> String {
    let mut line = format!("admin {}", admin.state);
    if let Some(by) = &admin.by {
        line.push_str(&format!(" for {}s by {by}", admin.seconds));
    }
    if let Some(deadline) = admin.deadline_ms {
        line.push_str(&format!(", reset in {}.{}s", deadline / 1000, deadline % 1000 / 100));
    }
    line
}

fn backend_line(backend: &BackendInfo) -> String {
    let mut line =
        format!("backend {} = {} for {}s", backend.addr, backend.state, backend.state_seconds);
    if let Some(cause) = backend.cause.as_ref().filter(|_| backend.state != BackendState::Up) {
        line.push_str(&format!(" ({cause})"));
    }
    if let Some(next) = backend.next_ms {
        line.push_str(&format!(", tried again in {}", seconds(next)));
    }
    if backend.admin.by.is_some() || backend.admin.state != AdminState::Ready {
        line.push_str(&format!(", {}", admin_line(&backend.admin)));
    }
    line.push_str(&format!(", weight {}", backend.weight));
    if let Some(weight) = backend.effective_weight {
        line.push_str(&format!(" ({weight} for now)"));
    }
    if backend.backup {
        line.push_str(", backup");
    }
    if let Some(max) = backend.max_conns {
        line.push_str(&format!(", max conns {max}"));
    }
    if !backend.sni.is_empty() {
        line.push_str(&format!(", sni {}", backend.sni.join(" ")));
    }
    line.push_str(&format!(", {}", traffic_line(&backend.traffic)));
    line.push_str(&format!(", failed attempts {}", backend.attempts_failed));
    if !backend.addresses.is_empty() {
        line.push_str(&format!(", addresses {}", backend.addresses.join(" ")));
    }
    line.push_str(&format!(", check {}", check_words(backend.check.as_ref())));
    line.push_str(&format!(", ejection {}", ejection_words(backend.ejection.as_ref())));
    line
}

/// What its checks say, whatever its state comes from.
fn check_words(check: Option<&CheckInfo>) -> String {
    let Some(check) = check else { return "none".to_owned() };
    let mut words = format!("{check} for {}s", check.state_seconds);
    if let Some(failure) = &check.failure {
        words.push_str(&format!(" ({failure})"));
    }
    if let Some(micros) = check.took_us {
        words.push_str(&format!(", took {}.{}ms", micros / 1000, micros % 1000 / 100));
    }
    words + &format!(", next in {}", seconds(check.next_ms))
}

/// Its ejection, whatever its state comes from.
fn ejection_words(ejection: Option<&EjectionInfo>) -> String {
    let Some(ejection) = ejection else { return "no".to_owned() };
    let mut words = format!("for {}s ({})", ejection.seconds, ejection.cause);
    if let Some(probe) = ejection.probe_ms {
        words.push_str(&format!(", probe in {}", seconds(probe)));
    }
    if let Some(ends) = ejection.ends_ms {
        words.push_str(&format!(", ends in {}", seconds(ends)));
    }
    words
}

/// With a tenth of a second.
fn seconds(ms: u64) -> String {
    format!("{}.{}s", ms / 1000, ms % 1000 / 100)
}
