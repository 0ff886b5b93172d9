//! The asking side as a program: does one task, and says on standard output how it goes.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::bulk::Bulk;
use super::channel::Dialer;
use super::exchange::Exchanges;
use super::{Event, Extent, Life, Sample, Task, Work};
use crate::meter;

/// The longest that a load waits without looking at the clock.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// What a client can do for a time or a number of units.
pub(super) trait Load {
    /// Does something, were it waiting for [`LOOK`].
    fn turn(&mut self) -> anyhow::Result<()>;

    /// Counts from here.
    fn reset(&mut self);

    /// Does so many units more than those counted, and no others.
    fn limit(&mut self, units: u64) -> anyhow::Result<()>;

    /// What was counted.
    fn units(&self) -> u64;

    /// What else is to be told.
    fn complete(&self, sample: Sample) -> Sample;
}

/// Does the task of this JSON.
pub(crate) fn work(task: &str) -> anyhow::Result<()> {
    let task: Task = serde_json::from_str(task)?;
    let dialer = Dialer::new(&task)?;
    match task.work {
        Work::Bulk { ways, streams } => run(Bulk::open(&dialer, ways, streams)?, &task),
        Work::Exchange { connections, answer_bytes, life } => {
            let mut exchanges = Exchanges::open(dialer, connections, answer_bytes)?;
            if life == Life::Idle {
                say(&Event::Idle)?;
                loop {
                    std::thread::park();
                }
            }
            exchanges.begin(life)?;
            run(exchanges, &task)
        }
    }
}

fn run(mut load: impl Load, task: &Task) -> anyhow::Result<()> {
    if let Extent::Time { warm_up, .. } = task.extent {
        last(&mut load, warm_up)?;
    }
    load.reset();
    say(&Event::Counting)?;
    let (began, before) = (Instant::now(), cpu(task)?);
    match task.extent {
        Extent::Time { measured, .. } => last(&mut load, measured)?,
        Extent::Units(units) => {
            load.limit(units)?;
            while load.units() < units {
                load.turn()?;
            }
        }
    }
    let (elapsed, after) = (began.elapsed(), cpu(task)?);
    let mut used = after.iter().zip(&before).map(|(after, before)| after.saturating_sub(*before));
    let sample = Sample {
        elapsed,
        units: load.units(),
        connections: 0,
        own_cpu: used.next().unwrap_or_default(),
        watched_cpu: used.collect(),
        latency: None,
    };
    say(&Event::Done(load.complete(sample)))
}

fn last(load: &mut impl Load, time: Duration) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < time {
        load.turn()?;
    }
    Ok(())
}

/// CPU time of this process, then of those that are watched.
fn cpu(task: &Task) -> io::Result<Vec<Duration>> {
    let own = std::process::id();
    std::iter::once(&own).chain(&task.watched).map(|pid| meter::cpu(*pid)).collect()
}

fn say(event: &Event) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(event)?)?;
    Ok(stdout.flush()?)
}
