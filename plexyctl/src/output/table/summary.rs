//! One tunnel for people: a line for each thing to say, then its backends.

use plexy_shared::info::{AdminInfo, CertificateInfo, EndedInfo, TunnelInfo};

use super::super::layout::Layout;
use super::super::listing::NOTHING;
use super::super::safe::safe;
use super::super::units::{age, short, wait};
use super::backends;

pub(in super::super) fn detail(info: &TunnelInfo, layout: &Layout<'_>) -> String {
    let (status, traffic) = (&info.status, &info.status.traffic);
    let connections = (short(traffic.connections), short(traffic.connections_total));
    let parked = match info.parked {
        0 => String::new(),
        parked => format!(", {} parked", short(parked)),
    };
    let options = info.options.iter().map(|it| format!("{}={}", safe(&it.key), safe(&it.value)));
    let mut lines = vec![
        ("name", or_nothing(status.name.as_deref())),
        ("listen", safe(&status.listen)),
        ("spec", safe(&info.spec)),
        ("opened by", format!("{}, {} ago", safe(info.origin.as_str()), age(info.age_seconds))),
        ("admin", admin(&info.admin_info)),
        ("revision", info.revision.to_string()),
        ("connections", format!("{} now, {} in total{parked}", connections.0, connections.1)),
        ("bytes", format!("{} in, {} out", short(traffic.bytes_in), short(traffic.bytes_out))),
        ("ended", reasons(&info.ended)),
        ("rejected", reasons(&info.rejected)),
        ("backends", format!("{} of {} up", status.backends_up, status.backends)),
    ];
    let certificates = info.tls.iter().flat_map(|tls| &tls.certificates);
    lines.extend(certificates.map(|it| ("certificate", certificate(it))));
    if let Some(tls) = &info.backend_tls {
        lines.push(("backend tls", tls.to_string()));
        let shown = tls.certificate.iter().map(certificate);
        lines.extend(shown.map(|shown| ("shown to backends", shown)));
    }
    let refused = info.files_refused.iter();
    lines.extend(refused.map(|it| ("cert files", safe(&it.to_string()))));
    lines.extend(std::iter::once("options").chain(std::iter::repeat("")).zip(options));
    format!("{}\n{}", Layout::pairs(&lines), backends::tables(&info.backend_list, layout))
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

fn reasons(ended: &[EndedInfo]) -> String {
    let of = |it: &EndedInfo| format!("{} {}", safe(it.reason.as_str()), short(it.connections));
    let all = ended.iter().map(of).collect::<Vec<_>>().join(", ");
    if all.is_empty() { NOTHING.to_owned() } else { all }
}

fn or_nothing(text: Option<&str>) -> String {
    text.map_or_else(|| NOTHING.to_owned(), safe)
}
