//! The rows: what is measured, for whom, and what plexyd is to reach.

use crate::contestant::Contestant;
use crate::cpus::Pin;
use crate::figure::{Figure, Figures};
use crate::load::{Life, Ways};
use crate::scene::Scene;
use crate::target::Target;
use crate::tls::Tls;

mod beside;
mod bulk;
mod control;
mod exchange;
mod idle;
mod tls;
mod tunnels;

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its name, which filters select.
    pub(crate) name: String,
    /// What it measures, in a line.
    pub(crate) about: String,
    /// What plexyd is to reach.
    pub(crate) targets: Vec<Target>,
    /// What clients speak; nothing where they are plain.
    pub(crate) tls: Option<Tls>,
    /// Whether it is run when nobody names it.
    pub(crate) is_usual: bool,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bulk { ways: Ways, streams: usize },
    Exchange { connections: usize, answer_bytes: u32, life: Life },
    Idle,
    Tunnels { count: usize },
    BesideBulk,
    BesideTunnels { count: usize },
    Control,
}

impl Row {
    /// Measures it once.
    pub(crate) fn measure(&self, scene: &Scene<'_>) -> anyhow::Result<Figures> {
        match self.kind {
            Kind::Bulk { ways, streams } => bulk::measure(scene, ways, streams),
            Kind::Exchange { connections, answer_bytes, life } => {
                exchange::measure(scene, connections, answer_bytes, life)
            }
            Kind::Idle => idle::measure(scene),
            Kind::Tunnels { count } => tunnels::measure(scene, count),
            Kind::BesideBulk => beside::bulk(scene),
            Kind::BesideTunnels { count } => beside::tunnels(scene, count),
            Kind::Control => control::measure(scene),
        }
    }

    /// Whether this contestant can do it.
    pub(crate) fn is_for(&self, contestant: &Contestant) -> bool {
        self.kind != Kind::Control || contestant.is_plexyd()
    }

    /// Whether it makes a difference where the kernel runs the proxy. What does not is measured
    /// pinned, where that can be had.
    pub(crate) fn is_for_pin(&self, pin: Pin, pins: &[Pin]) -> bool {
        let is_placed = !matches!(self.kind, Kind::Idle | Kind::Tunnels { .. });
        is_placed || pins.first() == Some(&pin)
    }

    fn new(kind: Kind, name: impl Into<String>, about: impl Into<String>) -> Self {
        let (name, about) = (name.into(), about.into());
        Self { name, about, targets: Vec::new(), tls: None, is_usual: true, kind }
    }

    fn with(mut self, targets: impl IntoIterator<Item = Target>) -> Self {
        self.targets.extend(targets);
        self
    }

    fn over(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    fn unusual(mut self) -> Self {
        self.is_usual = false;
        self
    }
}

/// All rows, in the order in which they are run and shown.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = bulk_rows();
    rows.extend(exchange_rows());
    rows.extend(tls::rows());
    rows.extend(other_rows());
    rows
}

fn bulk_rows() -> Vec<Row> {
    let row = |ways, name: &str, streams: usize| {
        let about = match ways {
            Ways::Down => "from server to client",
            Ways::Up => "from client to server",
            Ways::Both => "both ways at once",
        };
        let about = format!("{streams} stream(s) as fast as they go, {about}");
        let kind = Kind::Bulk { ways, streams };
        let cpu = Target::of_haproxy(Figure::CpuMsPerGb, 0.55, 0.40);
        Row::new(kind, format!("bulk-{name}-{streams}"), about).with([cpu])
    };
    let rate = Target::value(Figure::GbPerSecond, 2.0, 3.0);
    vec![
        row(Ways::Down, "down", 1),
        row(Ways::Down, "down", 16),
        row(Ways::Both, "both", 1),
        row(Ways::Both, "both", 16).with([rate]),
        row(Ways::Up, "up", 1).unusual(),
        row(Ways::Up, "up", 16).unusual(),
    ]
}

fn exchange_rows() -> Vec<Row> {
    let row = |size: &str, answer_bytes, connections| {
        let about = format!("64 bytes asked, {size} answered, on {connections} connection(s)");
        let kind = Kind::Exchange { connections, answer_bytes, life: Life::Long };
        Row::new(kind, format!("rr-{size}-{connections}"), about)
    };
    let cpu = |must, aim| Target::of_haproxy(Figure::CpuUsPerRequest, must, aim);
    let p99 = |must, aim| Target::of_haproxy(Figure::P99Us, must, aim);
    let connect = Kind::Exchange { connections: 16, answer_bytes: 64, life: Life::OneExchange };
    vec![
        row("64B", 64, 1),
        row("64B", 64, 64).with([cpu(1.02, 0.96)]),
        row("64B", 64, 512).with([cpu(1.0, 0.9), p99(1.15, 0.95)]),
        row("4K", 4096, 1),
        row("4K", 4096, 64),
        row("4K", 4096, 512),
        row("64K", 65536, 1),
        row("64K", 65536, 16).with([cpu(0.75, 0.62)]),
        row("64K", 65536, 64),
        row("64K", 65536, 512),
        Row::new(connect, "connect", "connect, one exchange of 64 bytes, close; 16 at a time")
            .with([Target::of_haproxy(Figure::CpuUsPerConnection, 1.02, 0.93)]),
    ]
}

fn other_rows() -> Vec<Row> {
    let tunnels = |count| {
        let about =
            format!("opening {count} tunnels: one openTunnels call, or a start from a file");
        Row::new(Kind::Tunnels { count }, format!("tunnels-{count}"), about)
    };
    let busy = Kind::BesideTunnels { count: tunnels::MANY };
    vec![
        Row::new(Kind::Idle, "idle", "as many idle connections as descriptors allow").with([
            Target::of_haproxy(Figure::KbPerConnection, 0.60, 0.35),
            // What `0.0 %` is when it is rounded.
            Target::value(Figure::IdleCpuPercent, 0.05, 0.05),
        ]),
        tunnels(1_000),
        tunnels(tunnels::MANY)
            .with([tunnels::OPENED_IN_TIME, Target::value(Figure::KbPerTunnel, 2.5, 1.5)]),
        Row::new(Kind::BesideBulk, "beside-bulk", "64 connections of 64 B beside 16 bulk streams"),
        Row::new(busy, "beside-tunnels", "64 connections of 64 B, with 9 999 idle tunnels or none")
            .with([Target::value(Figure::CostOfIdleTunnels, 1.05, 1.02)]),
        Row::new(Kind::Control, "control", "answers of JSON-RPC beside 16 bulk streams both ways")
            .with([Target::value(Figure::ControlP99Ms, 50.0, 10.0)]),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let rows = all();
        let names: BTreeSet<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), rows.len());
    }
}
