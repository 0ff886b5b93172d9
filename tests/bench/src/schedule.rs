//! Who is measured when. Rounds are interleaved: each row goes through all proxies before the next
//! one comes, in an order that rotates, so that a machine that becomes slower is so for all.

use crate::contestant::Contestant;
use crate::cpus::Pin;
use crate::row::Row;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    /// Counted from 1.
    pub(crate) round: u32,
    /// What is measured.
    pub(crate) row: &'a Row,
    /// Where the proxy runs.
    pub(crate) pin: Pin,
    /// Whom.
    pub(crate) contestant: &'a Contestant,
}

/// All steps in their order.
pub(crate) fn steps<'a>(
    rounds: u32,
    rows: &'a [Row],
    pins: &[Pin],
    contestants: &'a [Contestant],
) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for round in 1..=rounds {
        for (number, row) in rows.iter().enumerate() {
            for pin in pins.iter().filter(|pin| row.is_for_pin(**pin, pins)) {
                let first = round as usize + number;
                let order = contestants.iter().cycle().skip(first % contestants.len().max(1));
                let order = order.take(contestants.len()).filter(|it| row.is_for(it));
                steps.extend(order.map(|contestant| Step { round, row, pin: *pin, contestant }));
            }
        }
    }
    steps
}
