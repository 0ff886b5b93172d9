//! Rows in which clients speak TLS and backends do not: what is asked of a proxy is what the plain
//! rows ask, and what TLS costs.

use super::{Kind, Row};
use crate::figure::Figure;
use crate::load::{Life, Ways};
use crate::target::Target;
use crate::tls::{Handshake, Tls, Version};

/// Handshakes at once.
const HANDSHAKES: usize = 16;

pub(super) fn rows() -> Vec<Row> {
    let small = Kind::Exchange { connections: 64, answer_bytes: 64, life: Life::Long };
    let connection = Target::of_haproxy(Figure::CpuUsPerConnection, 0.55, 0.42);
    let memory = Target::of_haproxy(Figure::KbPerConnection, 0.75, 0.60);
    vec![
        handshake("tls-handshake", "full handshake of TLS 1.3", Tls::FULL).with([connection]),
        handshake(
            "tls-resumed",
            "resumed handshake of TLS 1.3",
            Tls { handshake: Handshake::Resumed, ..Tls::FULL },
        ),
        handshake(
            "tls12-handshake",
            "full handshake of TLS 1.2",
            Tls { version: Version::Tls12, ..Tls::FULL },
        )
        .unusual(),
        bulk("down", "from server to client", Ways::Down, 1),
        bulk("down", "from server to client", Ways::Down, 16),
        bulk("up", "from client to server", Ways::Up, 1),
        bulk("up", "from client to server", Ways::Up, 16),
        Row::new(small, "tls-rr-64B-64", "TLS: 64 bytes asked, 64 answered, on 64 connections")
            .over(Tls::FULL),
        Row::new(Kind::Idle, "tls-idle", "as many idle connections of TLS as descriptors allow")
            .with([memory])
            .over(Tls::FULL),
    ]
}

fn handshake(name: &str, what: &str, tls: Tls) -> Row {
    let kind =
        Kind::Exchange { connections: HANDSHAKES, answer_bytes: 64, life: Life::OneExchange };
    let about = format!("{what}, one exchange of 64 bytes, close; {HANDSHAKES} at a time");
    Row::new(kind, name, about).over(tls)
}

fn bulk(name: &str, which_way: &str, ways: Ways, streams: usize) -> Row {
    let about = format!("TLS: {streams} stream(s) as fast as they go, {which_way}");
    let kind = Kind::Bulk { ways, streams };
    let cpu = Target::of_haproxy(Figure::CpuMsPerGb, 0.60, 0.45);
    Row::new(kind, format!("tls-bulk-{name}-{streams}"), about).with([cpu]).over(Tls::FULL)
}
