//! The sums of one look, in two lines, and what there is to know beside them.

use plexy_shared::overview::{HealthCounts, Overview, Quantiles, RowsReply};

use super::super::super::layout::cut;
use super::super::super::listing::{NOTHING, Side};
use super::super::super::safe::safe;
use super::super::super::screen::Screen;
use super::super::super::units::{age, bytes, micros, per_second, some};

/// Two lines: who it is and how it is, then what goes through it.
pub(super) fn lines(look: &Overview, screen: Screen) -> String {
    let fits = |line: String| match screen.columns {
        Some(columns) => cut(&line, columns, Side::Left, screen.ellipsis()),
        None => line,
    };
    [health(look), traffic(look)].map(|line| fits(line) + "\n").concat()
}

fn health(look: &Overview) -> String {
    let Overview { time, process, sums, .. } = look;
    format!(
        "{} plexyd {} up {}  tunnels {}{}  backends {}/{}",
        safe(&to_the_second(time)),
        safe(&process.version),
        age(process.uptime_seconds),
        sums.tunnels.total(),
        not_ok(&sums.tunnels),
        sums.backends_up,
        sums.backends
    )
}

fn traffic(look: &Overview) -> String {
    let sums = &look.sums;
    format!(
        "conns {}  new/s {}  in {}/s  out {}/s  connect p50 {} p99 {}",
        sums.traffic.connections,
        per_second(sums.rates.new_per_1000s),
        bytes(sums.rates.rate_in),
        bytes(sums.rates.rate_out),
        quantile(&sums.connect, sums.connect.p50_us),
        quantile(&sums.connect, sums.connect.p99_us)
    )
}

/// A time of RFC 3339 without what is less than a second.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, part)) => {
            format!("{whole}{}", part.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => time.to_owned(),
    }
}

/// Those that somebody should look at, the worst first.
fn not_ok(tunnels: &HealthCounts) -> String {
    let HealthCounts { down, degraded, draining, disabled, ok: _ } = *tunnels;
    let all = [(down, "down"), (degraded, "degraded"), (draining, "draining")];
    let all = all.into_iter().chain([(disabled, "disabled")]).filter(|(count, _)| *count > 0);
    let all: Vec<_> = all.map(|(count, word)| format!("{count} {word}")).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}

fn quantile(of: &Quantiles, time: u64) -> String {
    if of.count == 0 { NOTHING.to_owned() } else { micros(time) }
}

/// What the rows do not tell: that there are more, or that tunnels stand still.
pub(in super::super::super) fn note(look: &Overview) -> Option<String> {
    let paused = look.process.tunnels_paused as u64;
    let paused = (paused > 0).then(|| {
        let paused = some(paused, "tunnel", "tunnels");
        format!("{paused} accepting no clients: plexyd has no file descriptors left")
    });
    let part = [
        look.tunnels.as_ref().and_then(|reply| part_of(reply, "tunnel")),
        look.backends.as_ref().and_then(|reply| part_of(reply, "backend")),
        look.connections.as_ref().and_then(|reply| part_of(reply, "connection")),
    ];
    let notes: Vec<_> = part.into_iter().chain([paused]).flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

fn part_of<T>(reply: &RowsReply<T>, what: &str) -> Option<String> {
    let RowsReply { total, matched, rows, .. } = reply;
    match rows.len() as u64 {
        shown if shown < *matched => {
            let others = "`--filter` and `--sort-by` choose which";
            Some(format!("shown {shown} of {matched} {what}s; {others}"))
        }
        0 if *total > 0 => Some(format!("no {what} of {total} is what `--filter` asks for")),
        _ => None,
    }
}
