//! Tables for people: columns in line, without boxes, the same on a terminal
//! and in a file.

mod explanation;

use comfy_table::{CellAlignment, Table, TableStyle};
use plexy_shared::connection::ConnectionInfo;
use plexy_shared::history::HistoryReply;
use plexy_shared::info::{
    AdminInfo, BackendInfo, CertificateInfo, EndedInfo, TunnelInfo, TunnelStatus,
};
use plexy_shared::word::Word;

use super::safe::safe;
use super::units::{age, millis, short, wait};
pub(super) use explanation::explained;

/// What stands where there is nothing to say.
const NOTHING: &str = "-";

/// A column: its title, and where its cells stand.
type Column = (&'static str, CellAlignment);

const fn text(title: &'static str) -> Column {
    (title, CellAlignment::Left)
}

const fn number(title: &'static str) -> Column {
    (title, CellAlignment::Right)
}

/// The tunnels, one a line.
pub(super) fn list(tunnels: &[TunnelStatus], has_headers: bool) -> String {
    let columns = [
        text("NAME"),
        text("LISTEN"),
        number("UP"),
        number("CONN"),
        number("TOTAL"),
        number("IN"),
        number("OUT"),
    ];
    let row = |tunnel: &TunnelStatus| {
        let traffic = &tunnel.traffic;
        let up = || format!("{}/{}", tunnel.backends_up, tunnel.backends);
        [
            or_nothing(tunnel.name.as_deref()),
            safe(&tunnel.listen),
            tunnel.admin.as_ref().map_or_else(up, |admin| safe(admin.as_str())),
            short(traffic.connections),
            short(traffic.connections_total),
            short(traffic.bytes_in),
            short(traffic.bytes_out),
        ]
    };
    aligned(columns, tunnels.iter().map(row), has_headers)
}

/// One tunnel: a line for each thing to say, then its backends.
pub(super) fn detail(info: &TunnelInfo, has_headers: bool) -> String {
    let (status, traffic) = (&info.status, &info.status.traffic);
    let connections = (short(traffic.connections), short(traffic.connections_total));
    let parked = match info.parked {
        0 => String::new(),
        parked => format!(", {} parked", short(parked)),
    };
    let options = info.options.iter().map(|it| format!("{}={}", safe(&it.key), safe(&it.value)));
    let mut lines = vec![
        ["name".to_owned(), or_nothing(status.name.as_deref())],
        ["listen".to_owned(), safe(&status.listen)],
        ["spec".to_owned(), safe(&info.spec)],
        [
            "opened by".to_owned(),
            format!("{}, {} ago", safe(info.origin.as_str()), age(info.age_seconds)),
        ],
        ["admin".to_owned(), admin(&info.admin_info)],
        ["revision".to_owned(), info.revision.to_string()],
        [
            "connections".to_owned(),
            format!("{} now, {} in total{parked}", connections.0, connections.1),
        ],
        [
            "bytes".to_owned(),
            format!("{} in, {} out", short(traffic.bytes_in), short(traffic.bytes_out)),
        ],
        ["ended".to_owned(), reasons(&info.ended)],
        ["rejected".to_owned(), reasons(&info.rejected)],
        ["backends".to_owned(), format!("{} of {} up", status.backends_up, status.backends)],
    ];
    let certificates = info.tls.iter().flat_map(|tls| &tls.certificates);
    lines.extend(certificates.map(|it| ["certificate".to_owned(), certificate(it)]));
    if let Some(tls) = &info.backend_tls {
        lines.push(["backend tls".to_owned(), tls.to_string()]);
        let shown = tls.certificate.iter().map(certificate);
        lines.extend(shown.map(|shown| ["shown to backends".to_owned(), shown]));
    }
    let refused = info.files_refused.iter();
    lines.extend(refused.map(|it| ["cert files".to_owned(), safe(&it.to_string())]));
    let titles = std::iter::once("options").chain(std::iter::repeat(""));
    lines.extend(titles.zip(options).map(|(title, option)| [title.to_owned(), option]));
    let summary = aligned([text(""), text("")], lines, false);
    let backends = backends(&info.backend_list, has_headers);
    let health = health(&info.backend_list, has_headers);
    format!("{summary}\n{backends}{}{health}", names(&info.backend_list, has_headers))
}

fn certificate(info: &CertificateInfo) -> String {
    let names: Vec<_> = info.names.iter().map(|name| safe(name)).collect();
    format!(
        "{}, issuer {}, until {} ({}), sha256 {}, {}",
        names.join(" "),
        safe(&info.issuer),
        safe(&info.not_after),
        info.left(),
        safe(&info.fingerprint),
        or_nothing(Some(info.file.as_str()).filter(|file| !file.is_empty()))
    )
}

/// The connections, one a line, and who is behind their TLS where any has some.
pub(super) fn conns(connections: &[ConnectionInfo], has_headers: bool) -> String {
    let has_tls = connections.iter().any(|it| it.tls.is_some());
    let mut columns = vec![
        text("ID"),
        text("TUNNEL"),
        text("CLIENT"),
        text("BACKEND"),
        text("SNI"),
        text("PHASE"),
        number("AGE"),
        number("IDLE"),
        number("IN"),
        number("OUT"),
        number("IN/S"),
        number("OUT/S"),
    ];
    columns.extend(has_tls.then(|| [text("TLS"), text("SUBJECT")]).into_iter().flatten());
    let row = |it: &ConnectionInfo| {
        let tls = has_tls.then(|| {
            let version = it.tls.as_ref().map(Word::as_str);
            [or_nothing(version), or_nothing(it.subject.as_deref())]
        });
        let row = [
            safe(&it.id),
            safe(&it.tunnel),
            safe(&it.client),
            or_nothing(it.backend.as_deref()),
            or_nothing(it.sni.as_deref()),
            safe(it.phase.as_str()),
            age(it.age_ms / 1_000),
            age(it.idle_ms / 1_000),
            short(it.bytes_in),
            short(it.bytes_out),
            short(it.rate_in),
            short(it.rate_out),
        ];
        row.into_iter().chain(tls.into_iter().flatten()).collect()
    };
    aligned_rows(&columns, connections.iter().map(row), has_headers)
}

/// The changes, a line for each tunnel that one has changed.
pub(super) fn history(reply: &HistoryReply, has_headers: bool) -> String {
    let columns = [number("REVISION"), text("TIME"), text("BY"), text("CHANGE")];
    let rows = reply.changes.iter().flat_map(|change| {
        let by = std::iter::once(change.door.as_str()).chain(change.actor.as_deref());
        let by = safe(&by.collect::<Vec<_>>().join(" "));
        let mut whats: Vec<_> = change.edits.iter().map(|it| safe(&it.to_string())).collect();
        if change.edits_more > 0 {
            whats.push(format!("{} more tunnels", change.edits_more));
        }
        let (revision, time) = (change.revision.to_string(), safe(&change.time));
        whats.into_iter().map(move |what| [revision.clone(), time.clone(), by.clone(), what])
    });
    aligned(columns, rows, has_headers)
}

fn backends(backends: &[BackendInfo], has_headers: bool) -> String {
    let columns = [
        text("BACKEND"),
        text("STATE"),
        text("ADMIN"),
        number("FOR"),
        text("CAUSE"),
        number("NEXT"),
        number("WEIGHT"),
        text("BACKUP"),
        number("CONN"),
        number("TOTAL"),
        number("IN"),
        number("OUT"),
        number("FAILED"),
    ];
    let row = |backend: &BackendInfo| {
        let traffic = &backend.traffic;
        [
            safe(&backend.addr),
            safe(backend.state.as_str()),
            administered(&backend.admin),
            age(backend.state_seconds),
            or_nothing(backend.cause.as_deref()),
            backend.next_ms.map_or_else(|| NOTHING.to_owned(), wait),
            weight(backend),
            if backend.backup { "yes" } else { NOTHING }.to_owned(),
            match backend.max_conns {
                None => short(traffic.connections),
                Some(max) => format!("{}/{}", short(traffic.connections), short(max.into())),
            },
            short(traffic.connections_total),
            short(traffic.bytes_in),
            short(traffic.bytes_out),
            short(backend.attempts_failed),
        ]
    };
    aligned(columns, backends.iter().map(row), has_headers)
}

/// What somebody wants, since when, and what comes next.
fn admin(admin: &AdminInfo) -> String {
    let mut text = safe(admin.state.as_str());
    if let Some(by) = &admin.by {
        text.push_str(&format!(" for {} by {}", age(admin.seconds), safe(by)));
    }
    if let Some(deadline) = admin.deadline_ms {
        text.push_str(&format!(", reset in {}", wait(deadline)));
    }
    text
}

/// The same in a column.
fn administered(admin: &AdminInfo) -> String {
    let state = safe(admin.state.as_str());
    admin.deadline_ms.map_or(state.clone(), |left| format!("{state}, {} left", wait(left)))
}

/// All of it, behind what of it counts for now.
fn weight(backend: &BackendInfo) -> String {
    let now = backend.effective_weight.map(|weight| format!("{weight} of "));
    format!("{}{}", now.unwrap_or_default(), backend.weight)
}

/// The names by which clients come to the backends, where these decide.
fn names(backends: &[BackendInfo], has_headers: bool) -> String {
    if backends.iter().all(|backend| backend.sni.is_empty()) {
        return String::new();
    }
    let names = |backend: &BackendInfo| match backend.sni.is_empty() {
        true => "all others".to_owned(),
        false => safe(&backend.sni.join(" ")),
    };
    let row = |backend: &BackendInfo| [safe(&backend.addr), names(backend)];
    let columns = [text("BACKEND"), text("SNI")];
    format!("\n{}", aligned(columns, backends.iter().map(row), has_headers))
}

/// What each part says of the backends, where there is something to say.
fn health(backends: &[BackendInfo], has_headers: bool) -> String {
    if backends.iter().all(|backend| backend.check.is_none() && backend.ejection.is_none()) {
        return String::new();
    }
    let columns = [
        text("BACKEND"),
        text("CHECK"),
        number("FOR"),
        text("RESULT"),
        number("TOOK"),
        number("NEXT"),
        text("EJECTED"),
        text("CAUSE"),
        number("PROBE"),
    ];
    let row = |backend: &BackendInfo| {
        let (check, ejection) = (backend.check.as_ref(), backend.ejection.as_ref());
        let took = check.and_then(|check| check.took_us);
        let result = check.zip(took).map(|(it, _)| it.failure.as_deref().unwrap_or("passed"));
        [
            safe(&backend.addr),
            check.map_or_else(|| "none".to_owned(), |check| safe(&check.to_string())),
            check.map_or_else(nothing, |check| age(check.state_seconds)),
            or_nothing(result),
            took.map_or_else(nothing, millis),
            check.map_or_else(nothing, |check| wait(check.next_ms)),
            ejection.map_or_else(|| "no".to_owned(), |ejection| age(ejection.seconds)),
            or_nothing(ejection.map(|ejection| ejection.cause.as_str())),
            ejection.and_then(|ejection| ejection.probe_ms).map_or_else(nothing, wait),
        ]
    };
    format!("\n{}", aligned(columns, backends.iter().map(row), has_headers))
}

fn reasons(ended: &[EndedInfo]) -> String {
    let of = |it: &EndedInfo| format!("{} {}", safe(it.reason.as_str()), short(it.connections));
    let all = ended.iter().map(of).collect::<Vec<_>>().join(", ");
    if all.is_empty() { NOTHING.to_owned() } else { all }
}

fn nothing() -> String {
    NOTHING.to_owned()
}

fn or_nothing(text: Option<&str>) -> String {
    text.map_or_else(|| NOTHING.to_owned(), safe)
}

fn aligned<const N: usize>(
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
    has_headers: bool,
) -> String {
    aligned_rows(&columns, rows.into_iter().map(Vec::from), has_headers)
}

/// The same where how many columns there are is not known before.
fn aligned_rows(
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<String>>,
    has_headers: bool,
) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    if has_headers {
        table.set_header(columns.iter().map(|(title, _)| title));
    }
    for row in rows {
        table.add_row(row);
    }
    for (column, (_, alignment)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        column.set_cell_alignment(*alignment);
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests;
