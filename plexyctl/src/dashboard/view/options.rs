//! What a tunnel is asked to be: its options, those first that are not at their default, and what it
//! speaks TLS with.

use plexy_shared::info::{AdminInfo, CertificateInfo, EndedInfo, OptionInfo, TunnelInfo};
use plexy_shared::spec::OPTIONS;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::message::TextDrawn;
use super::super::state::{Looks, State};
use super::super::theme::Role;
use super::glyph::Glyph;
use super::number::precise;
use super::put::{columns, width_of};
use super::scrolled::{self, TextLine};
use crate::output::age;

/// Columns of what is told.
const KEYS: usize = 24;

/// Days before its end at which a certificate is told to be near it, as the daemon does.
const DAYS: i64 = 14;

/// Draws those of the tunnel that somebody looks into, once they were told.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) -> Option<TextDrawn> {
    let lines = lines(&state.tunnel()?.info, &state.looks, area.width.into());
    Some(scrolled::draw(&lines, state.level().scroll, area, buffer))
}

/// All of it, in lines of so many columns.
fn lines(info: &TunnelInfo, looks: &Looks, width: usize) -> Vec<TextLine> {
    let (changed, default) = parted(&info.options);
    let mut lines = Vec::new();
    if let Some(refused) = &info.files_refused {
        let style = looks.style(Role::Bad);
        let sign = Glyph::Down.sign(looks.is_ascii);
        let text = format!(" {sign} certificate files are {}", looks.safe(&refused.to_string()));
        lines.push(vec![(text, style)]);
    }
    title("Options that are not at their default", looks, &mut lines);
    if changed.is_empty() {
        lines.push(vec![(" none".to_owned(), looks.style(Role::Dim))]);
    }
    lines.extend(changed.iter().map(|option| of_option(option, looks, width)));
    of_tls(info, looks, &mut lines);
    title("About it", looks, &mut lines);
    let opened = format!("{}, {} ago", info.origin, age(info.age_seconds));
    for (key, text) in [
        ("specification", info.spec.clone()),
        ("opened by", opened),
        ("admin", admin(&info.admin_info)),
        ("revision", info.revision.to_string()),
        ("ended", reasons(&info.ended, looks)),
        ("rejected", reasons(&info.rejected, looks)),
    ] {
        lines.push(pair(key, looks.safe(&text), Style::new()));
    }
    title("Options at their default", looks, &mut lines);
    lines.extend(default.iter().map(|option| of_option(option, looks, width)));
    lines
}

/// Options as one text in lines of so many columns, those first that are not at their default.
pub(super) fn flowing(info: &TunnelInfo, looks: &Looks, width: u16) -> Vec<TextLine> {
    let (changed, default) = parted(&info.options);
    let mut lines = Vec::new();
    let mut line = TextLine::new();
    let changed = changed.into_iter().map(|option| (option, Style::new()));
    let default = default.into_iter().map(|option| (option, looks.style(Role::Dim)));
    for (option, style) in changed.chain(default) {
        let text = format!("{} {}", looks.safe(&option.key), looks.safe(&option.value));
        if !line.is_empty() && width_of(&line) + columns(&text) > width {
            lines.push(std::mem::take(&mut line));
        }
        line.push((text + "   ", style));
    }
    lines.push(line);
    lines
}

/// Those that are not at their default, and those that are. One that is not known here is told as if it
/// were not.
fn parted(options: &[OptionInfo]) -> (Vec<&OptionInfo>, Vec<&OptionInfo>) {
    let is_default = |option: &&OptionInfo| {
        let row = OPTIONS.iter().find(|row| row.key == option.key);
        row.is_some_and(|row| row.default() == option.value)
    };
    options.iter().partition(|option| !is_default(option))
}

fn of_option(option: &OptionInfo, looks: &Looks, width: usize) -> TextLine {
    let mut line = pair(&looks.safe(&option.key), looks.safe(&option.value), Style::new());
    let meaning = OPTIONS.iter().find(|row| row.key == option.key).map(|row| row.meaning);
    let taken = usize::from(width_of(&line));
    // What it means stands in line with the others, where there is room for a part of it.
    let meant = meaning.filter(|_| width >= 2 * KEYS + 40 && taken < 2 * KEYS);
    line.extend(meant.map(|meaning| {
        let pad = " ".repeat(2 * KEYS - taken);
        (pad + &looks.safe(meaning), looks.style(Role::Dim))
    }));
    line
}

fn of_tls(info: &TunnelInfo, looks: &Looks, lines: &mut Vec<TextLine>) {
    if let Some(tls) = &info.tls {
        title("TLS with clients", looks, lines);
        for certificate in &tls.certificates {
            of_certificate("certificate", certificate, looks, lines);
        }
    }
    if let Some(tls) = &info.backend_tls {
        title("TLS with backends", looks, lines);
        let glyph = if tls.verified { Glyph::Ok } else { Glyph::Down };
        let text = format!("{} {tls}", glyph.sign(looks.is_ascii));
        lines.push(pair("certificates", text, looks.style(glyph.role())));
        if let Some(certificate) = &tls.certificate {
            of_certificate("shown to them", certificate, looks, lines);
        }
    }
}

fn of_certificate(
    key: &str,
    certificate: &CertificateInfo,
    looks: &Looks,
    lines: &mut Vec<TextLine>,
) {
    let glyph = match certificate.days_left {
        ..0 => Glyph::Down,
        0..=DAYS => Glyph::Degraded,
        _ => Glyph::Ok,
    };
    let sign = glyph.sign(looks.is_ascii);
    let until = format!("{sign} {} ({})", looks.safe(&certificate.not_after), certificate.left());
    lines.push(pair(key, looks.safe(&certificate.names.join(" ")), Style::new()));
    lines.push(pair("  until", until, looks.style(glyph.role())));
    lines.push(pair("  issuer", looks.safe(&certificate.issuer), Style::new()));
    lines.push(pair("  sha256", looks.safe(&certificate.fingerprint), Style::new()));
    if !certificate.file.is_empty() {
        lines.push(pair("  file", looks.safe(&certificate.file), Style::new()));
    }
}

/// What somebody wants of it, since when, and what comes of it.
fn admin(admin: &AdminInfo) -> String {
    let mut text = admin.state.to_string();
    if let Some(by) = &admin.by {
        text.push_str(&format!(" for {} by {by}", age(admin.seconds)));
    }
    if let Some(deadline) = admin.deadline_ms {
        text.push_str(&format!(", reset in {}", age(deadline.div_ceil(1_000))));
    }
    text
}

fn reasons(ended: &[EndedInfo], looks: &Looks) -> String {
    let of = |it: &EndedInfo| format!("{} {}", it.reason, precise(it.connections));
    let all = ended.iter().map(of).collect::<Vec<_>>().join(", ");
    if all.is_empty() { looks.nothing().to_owned() } else { all }
}

fn title(text: &str, looks: &Looks, lines: &mut Vec<TextLine>) {
    if !lines.is_empty() {
        lines.push(Vec::new());
    }
    lines.push(vec![(format!(" {text}"), looks.style(Role::Head))]);
}

fn pair(key: &str, text: String, style: Style) -> TextLine {
    vec![(format!(" {key:width$}", width = KEYS - 1), Style::new()), (text, style)]
}

#[cfg(test)]
mod tests {
    use plexy_shared::info::{BackendTlsInfo, RefusedInfo, TlsInfo};

    use super::super::super::fixture;
    use super::*;

    fn certificate(days_left: i64) -> CertificateInfo {
        CertificateInfo {
            file: "a.pem".to_owned(),
            names: vec!["web.example".to_owned(), "*.web.example".to_owned()],
            subject: "CN=web.example".to_owned(),
            issuer: "CN=Some authority".to_owned(),
            serial: "01".to_owned(),
            not_before: "2026-01-01T00:00:00Z".to_owned(),
            not_after: "2026-12-01T00:00:00Z".to_owned(),
            days_left,
            fingerprint: "ab12".to_owned(),
        }
    }

    /// The options of a tunnel, after something was changed.
    fn shown(change: impl FnOnce(&mut TunnelInfo)) -> String {
        let state = fixture::drilled();
        let mut info = state.tunnel().unwrap().info.clone();
        change(&mut info);
        let line = |line: &TextLine| line.iter().map(|(text, _)| text.as_str()).collect::<String>();
        lines(&info, &state.looks, 80).iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    fn has(text: &str, part: &str) {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }

    #[test]
    fn a_certificate_warns_within_two_weeks() {
        for (days, said) in [
            (15, "● 2026-12-01T00:00:00Z (15 days left)"),
            (14, "▲ 2026-12-01T00:00:00Z (14 days left)"),
            (-1, "✖ 2026-12-01T00:00:00Z (expired)"),
        ] {
            let certificates = vec![certificate(days)];
            let text = shown(|info| info.tls = Some(TlsInfo { certificates }));
            has(&text, said);
            has(&text, "web.example *.web.example");
            has(&text, "CN=Some authority");
            has(&text, "ab12");
        }
    }

    #[test]
    fn what_is_not_verified_and_what_is_refused_is_seen() {
        let text = shown(|info| {
            info.backend_tls = Some(BackendTlsInfo { verified: false, certificate: None });
            info.files_refused = Some(RefusedInfo { seconds: 12, why: "it is empty".to_owned() });
        });
        has(&text, "✖ NOT VERIFIED");
        has(&text, "✖ certificate files are bad for 12s: it is empty");
        let verified = BackendTlsInfo { verified: true, certificate: Some(certificate(90)) };
        let text = shown(|info| info.backend_tls = Some(verified));
        has(&text, "● verified");
        has(&text, "shown to them");
    }

    #[test]
    fn what_a_newer_daemon_has_made_up_is_told_as_if_it_were_changed() {
        let option = OptionInfo { key: "flavour".to_owned(), value: "sweet\x1b[2J".to_owned() };
        let text = shown(|info| info.options.insert(0, option));
        has(&text, "flavour                sweet\\u{1b}[2J\n");
        assert!(text.find("flavour") < text.find("About it"), "{text}");
    }
}
