use plexy_shared::overview::Overview;
use serde_json::{Value, json};

use super::super::super::layout::Layout;
use super::super::super::screen::Screen;
use super::super::super::view::View;
use super::*;
use crate::args::Format;

const VIEW: View = View { format: Format::Table, columns: None, order: None };

fn rates(new: u64, bytes: [u64; 2], failed: u64) -> Value {
    json!({
        "rate_in": bytes[0], "rate_out": bytes[1], "new_per_1000s": new, "failed_per_1000s": failed,
        "rejected_per_1000s": 0,
    })
}

fn traffic(connections: u64) -> Value {
    json!({
        "connections": connections, "connections_total": 31_000, "bytes_in": 42_100_000,
        "bytes_out": 7,
    })
}

fn quantiles(count: u64) -> Value {
    let of = |micros: u64| if count == 0 { 0 } else { micros };
    json!({
        "count": count, "p50_us": of(1_200), "p90_us": of(9_000), "p99_us": of(18_000),
        "max_us": of(20_000),
    })
}

fn merged(parts: &[Value]) -> Value {
    let all = parts.iter().flat_map(|part| part.as_object().unwrap().clone());
    Value::Object(all.collect())
}

fn tunnel(name: Option<&str>, health: &str, up: u64, conns: u64, rates: Value) -> Value {
    let row = json!({
        "id": 7, "name": name, "listen": "127.0.0.1:5432", "backends": 2, "backends_up": up,
        "health": health, "attempts_failed": 37, "rejected": 3, "connect": quantiles(conns),
        "lifetime": quantiles(0), "strategy": "least-conn", "certificate_seconds": -5,
    });
    merged(&[row, traffic(conns), rates])
}

fn backend(health: &str) -> Value {
    let row = json!({
        "tunnel_id": 7, "tunnel": "db", "listen": "127.0.0.1:5432", "health": health,
        "addr": "10.0.0.1:5432", "admin": {"state": "ready", "seconds": 7}, "state": health,
        "state_seconds": 252, "cause": "refused\x1b[2J", "weight": 1, "backup": false,
        "attempts_failed": 37, "connect": quantiles(0), "lifetime": quantiles(0),
    });
    merged(&[row, traffic(3), rates(0, [0, 0], 0)])
}

/// A look with these rows, of so many that match and so many that there are.
fn look(kind: &str, rows: &[Value], matched: usize, total: usize) -> Overview {
    let sums = json!({
        "connections_peak": 2_400, "parked": 0, "backends": 13, "backends_up": 9,
        "tunnels": {"down": 1, "degraded": 1, "draining": 0, "disabled": 0, "ok": 4},
        "connect": quantiles(1), "lifetime": quantiles(0),
    });
    let look = json!({
        "instance": "a", "monotonic_ms": 9_000, "time": "2026-11-23T14:02:07.123Z", "over_ms": 1_000,
        "revision": 7,
        "process": {
            "version": "1.0.0\x1b[2J", "pid": 8_121, "uptime_seconds": 1_047_600, "cpu_ms": 1,
            "resident_bytes": 1, "descriptors": 61,
        },
        "sums": merged(&[sums, traffic(1_238), rates(87_000, [42_100_000, 118_000_000], 0)]),
        kind: {"total": total, "matched": matched, "skipped": 0, "rows": rows},
    });
    serde_json::from_value(look).unwrap()
}

fn two_tunnels() -> Overview {
    let web = rates(62_000, [31_200_000, 98_400_000], 300);
    let rows = [
        tunnel(Some("db-ro"), "down", 0, 0, rates(0, [0, 0], 12_000)),
        tunnel(None, "napping", 2, 1_108, web),
    ];
    look("tunnels", &rows, 2, 6)
}

fn shown(look: &Overview, view: &View, has_headers: bool, columns: Option<usize>) -> String {
    let screen = Screen { columns, ..Screen::PIPE };
    lines(look, &Layout::new(view, has_headers, screen))
}

#[test]
fn two_lines_of_sums_stand_before_the_tunnels() {
    let expected = "\
2026-11-23T14:02:07Z plexyd 1.0.0\\u{1b}[2J up 12d03h  tunnels 6 (1 down, 1 degraded)  backends 9/13
conns 1238  new/s 87.0  in 42.1MB/s  out 118MB/s  connect p50 1.2ms p99 18.0ms
NAME   LISTEN          STATE     UP  CONNS  NEW/S    IN/S   OUT/S  ERR/S
db-ro  127.0.0.1:5432  down     0/2      0    0.0      0B      0B   12.0
-      127.0.0.1:5432  napping  2/2  1.11k   62.0  31.2MB  98.4MB    0.3
";
    assert_eq!(shown(&two_tunnels(), &VIEW, true, None), expected);
    // Who wants no titles wants rows alone.
    let rows = shown(&two_tunnels(), &VIEW, false, None);
    assert!(rows.starts_with("db-ro") && rows.lines().count() == 2, "{rows}");
}

#[test]
fn no_line_is_longer_than_a_terminal() {
    let text = shown(&two_tunnels(), &VIEW, true, Some(60));
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    // Errors are of the least weight; what a tunnel is, and carries, stays.
    let titles = text.lines().nth(2).unwrap();
    assert!(titles.contains("STATE") && titles.contains("CONNS"), "{titles}");
    assert!(!titles.contains("ERR/S"), "{titles}");
}

#[test]
fn programs_get_numbers_as_they_are_and_when_it_was() {
    let view = View { format: Format::Csv, ..VIEW };
    let listing = overview(&two_tunnels()).unwrap().viewed(&view);
    let csv = super::super::super::csv::write(&listing, true);
    let expected = "\
time,name,listen,health,for,up,backends,conns,limit,parked,new,in,out,errors,rejects,p50,p99,strategy,tls,\
certificate,deadline,total,bytes_in,bytes_out,failed,rejected,id
2026-11-23T14:02:07.123Z,db-ro,127.0.0.1:5432,down,,0,2,0,,0,0,0,0,12,0,,,least-conn,,-5,,31000,42100000,7,37,3,7
2026-11-23T14:02:07.123Z,,127.0.0.1:5432,napping,,2,2,1108,,0,62,31200000,98400000,0.3,0,0.0012,0.018,least-conn,,\
-5,,31000,42100000,7,37,3,7
";
    assert_eq!(csv, expected);
}

#[test]
fn backends_and_connections_have_columns_of_their_own() {
    let look = look("backends", &[backend("down")], 1, 1);
    let text = shown(&look, &VIEW, true, None);
    let expected = "\
BACKEND        TUNNEL  STATE    FOR  CONNS  NEW/S  IN/S  OUT/S  P99  ERRORS  CAUSE
10.0.0.1:5432  db      down   4m12s      3    0.0    0B     0B    -      37  refused\\u{1b}[2J
";
    assert!(text.ends_with(expected), "{text}");
    for view in [TopView::Tunnels, TopView::Backends, TopView::Connections] {
        let keys = keys(view);
        assert_eq!(keys.first(), Some(&"time"));
        for (at, key) in keys.iter().enumerate() {
            assert!(key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_059".contains(&byte)));
            assert!(!keys[..at].contains(key), "{key} twice");
        }
    }
}

#[test]
fn rows_that_are_not_shown_are_told_of() {
    let note = |rows: &[Value], matched, total| note(&look("backends", rows, matched, total));
    assert_eq!(note(&[backend("up")], 1, 9), None);
    let part = "shown 1 of 700 backends; `--filter` and `--sort-by` choose which";
    assert_eq!(note(&[backend("up")], 700, 900).as_deref(), Some(part));
    let none = "no backend of 9 is what `--filter` asks for";
    assert_eq!(note(&[], 0, 9).as_deref(), Some(none));
    assert_eq!(note(&[], 0, 0), None);
}
