//! Instructions of a proxy per unit of work, counted by valgrind: a figure that does not depend on
//! how busy or fast the machine is. What the kernel does is not in it.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Context;
use comfy_table::{CellAlignment, Table, TableStyle};

use crate::contestant::{Contestant, find};
use crate::cpus::{Cpus, Layout, Pin};
use crate::effort::Effort;
use crate::interrupt;
use crate::load::{Extent, Life, Services, Task, Ways, Work};
use crate::progress::Progress;
use crate::scene::Scene;
use crate::tls::{Handshake, Tls};

/// A proxy under valgrind is some fifty times slower.
const PATIENCE: Duration = Duration::from_secs(120);

/// The line in which callgrind tells what it has counted.
const COUNTED: &str = "Collected :";

/// Something that is done twice, less and more of it, so that the start and the end of the proxy
/// fall out of the difference.
#[derive(Debug, Clone, Copy)]
struct Measured {
    name: &'static str,
    unit: &'static str,
    work: Work,
    /// What clients speak; nothing where they are plain.
    tls: Option<Tls>,
    service: fn(&Services) -> std::net::SocketAddr,
    less: u64,
    more: u64,
    /// Units of the work in one unit of the figure.
    per: u64,
}

const COPY: Measured = Measured {
    name: "copy",
    unit: "MiB of one stream",
    work: Work::Bulk { ways: Ways::Up, streams: 1 },
    tls: None,
    service: |services| services.sink,
    less: 64 << 20,
    more: 320 << 20,
    per: 1 << 20,
};

const EXCHANGE: Measured = Measured {
    name: "exchange",
    unit: "request and answer of 64 bytes",
    work: Work::Exchange { connections: 16, answer_bytes: 64, life: Life::Long },
    tls: None,
    service: |services| services.respond,
    less: 2_000,
    more: 10_000,
    per: 1,
};

const CONNECT: Measured = Measured {
    name: "connect",
    unit: "connection with one exchange",
    work: Work::Exchange { connections: 16, answer_bytes: 64, life: Life::OneExchange },
    tls: None,
    service: |services| services.respond,
    less: 500,
    more: 2_500,
    per: 1,
};

const MEASURED: [Measured; 7] = [
    COPY,
    EXCHANGE,
    CONNECT,
    Measured { name: "tls-copy", tls: Some(Tls::FULL), ..COPY },
    Measured { name: "tls-exchange", tls: Some(Tls::FULL), ..EXCHANGE },
    Measured { name: "tls-handshake", tls: Some(Tls::FULL), less: 300, more: 900, ..CONNECT },
    Measured {
        name: "tls-resumed",
        tls: Some(Tls { handshake: Handshake::Resumed, ..Tls::FULL }),
        less: 300,
        more: 900,
        ..CONNECT
    },
];

/// Counts, and prints a table.
pub(crate) fn run(contestants: &[Contestant], cpus: &Cpus, effort: Effort) -> anyhow::Result<()> {
    let valgrind = find("valgrind", "valgrind")?;
    let Some(layout) = Layout::new(Pin::Unpinned, cpus) else { return Ok(()) };
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    let header = ["INSTRUCTIONS", "PER"].map(str::to_owned).into_iter();
    table.set_header(header.chain(contestants.iter().map(|it| it.label.clone())));
    let mut progress = Progress::new(MEASURED.len() * contestants.len());
    for measured in MEASURED {
        let mut line = vec![measured.name.to_owned(), measured.unit.to_owned()];
        for contestant in contestants {
            interrupt::check()?;
            progress.step(format_args!("{} with {}", measured.name, contestant.label));
            let words = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
            let watched = contestant.clone().under(&valgrind, &words);
            let count = |units| {
                let scene = Scene::new(&watched, effort, measured.tls, Pin::Unpinned, &layout)?;
                measured.count(&scene, units).with_context(|| contestant.label.clone())
            };
            let (less, more) =
                (measured.less / effort.units_divisor, measured.more / effort.units_divisor);
            let instructions = count(more)?.saturating_sub(count(less)?);
            let units = (more - less) / measured.per;
            line.push((instructions / units).to_string());
        }
        table.add_row(line);
    }
    drop(progress);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if at >= 2 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(io::stdout(), "{}", table.trim_fmt())?;
    Ok(())
}

impl Measured {
    /// Instructions of a proxy's whole life in which it did so many units.
    fn count(&self, scene: &Scene<'_>, units: u64) -> anyhow::Result<u64> {
        let backend = scene.backend()?;
        let mut proxy = scene.proxy(&[(self.service)(backend.services())])?;
        let task = Task {
            targets: vec![proxy.addr()],
            tls: scene.tls,
            work: self.work,
            extent: Extent::Units(units),
            watched: Vec::new(),
        };
        scene.client(&task)?.done(PATIENCE)?;
        proxy.child().terminate(PATIENCE)?;
        let log = proxy.child().log();
        let counted = log.lines().rev().find_map(|line| line.split_once(COUNTED));
        let (_, counted) = counted.with_context(|| format!("callgrind tells nothing: {log}"))?;
        counted.trim().parse().with_context(|| format!("callgrind counts `{counted}`"))
    }
}
