//! What somebody has asked for, as long as it matters.

use plexy_shared::info::TunnelStatus;
use plexy_shared::overview::Overview;

use super::dialog::Confirm;
use super::level::{Level, TunnelName};
use super::seen::Seen;
use super::{State, Told};
use crate::complete::{KnownConnection, Snapshot};

/// Lines that are kept to be typed again.
const LINES: usize = 100;

/// It.
#[derive(Debug, Default)]
pub(crate) struct Acting {
    /// What was typed, the newest last.
    pub(crate) lines: Vec<String>,
    /// What somebody has said yes to, until it is known what became of it.
    pub(crate) agreed: Option<Box<Confirm>>,
    /// What was told last when the daemon has said that it is further than that: nobody knows what it is
    /// like until another look is told.
    pub(crate) outdated: Option<Seen>,
}

impl Acting {
    /// Keeps what was typed.
    pub(crate) fn remember(&mut self, line: &str) {
        if self.lines.last().is_none_or(|last| last != line) {
            self.lines.push(line.to_owned());
        }
        let excess = self.lines.len().saturating_sub(LINES);
        self.lines.drain(..excess);
    }
}

impl State {
    /// The newest that was told, also while something older is shown.
    pub(crate) fn newest(&self) -> Option<&Overview> {
        self.told_last().map(|told| told.overview.as_ref())
    }

    /// The same, with what was asked for.
    pub(crate) fn told_last(&self) -> Option<&Told> {
        self.held.as_ref().or(self.told.as_ref())
    }

    /// The revision at which a change may be made by whoever has seen the daemon at this one: none where
    /// that daemon is no more, or has said that it is further.
    pub(crate) fn expected(&self, seen: &Seen) -> Option<u64> {
        let is_of_it = self.newest()?.instance == seen.instance;
        let is_outdated = self.acting.outdated.as_ref() == Some(seen);
        (is_of_it && !is_outdated).then_some(seen.revision)
    }

    /// Why nothing can be changed now, where that is so.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        match () {
            () if self.place.is_read_only => Some("read-only: nothing can be changed from here"),
            () if !self.can_act() => Some("plexyd does not answer: nothing can be changed now"),
            () => None,
        }
    }

    /// What is known of the daemon, for who completes a word.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut statuses: Vec<TunnelStatus> = Vec::new();
        let full = self.newest().and_then(|newest| newest.tunnel.as_ref());
        let rows = self.levels.iter().flat_map(|level| level.tunnels.rows());
        let rows = rows.filter(|listed| listed.gone.is_none()).map(|listed| &listed.row);
        for row in full.map(|full| &full.row).into_iter().chain(rows) {
            if !statuses.iter().any(|status| status.listen == row.status.listen) {
                statuses.push(row.status.clone());
            }
        }
        let specs: Vec<String> = full.map(|full| full.info.spec.clone()).into_iter().collect();
        let mut snapshot = Snapshot::of(&statuses, &specs);
        self.levels.iter().for_each(|level| learn(&mut snapshot, level));
        snapshot
    }

    /// The tunnel that a command calls so, by what was told last.
    pub(crate) fn tunnel_told(&self, word: &str) -> Option<TunnelName> {
        let newest = self.newest()?;
        let full = newest.tunnel.iter().map(|full| &full.row);
        let rows = newest.tunnels.iter().flat_map(|it| &it.rows);
        let backends = newest.backends.iter().flat_map(|it| &it.rows);
        let mut tunnels =
            full.chain(rows).map(TunnelName::of).chain(backends.map(TunnelName::of_backend));
        tunnels.find(|tunnel| tunnel.is_called(word))
    }

    /// The same as far as it is known: by what was told before, where nothing was told of it last.
    pub(crate) fn tunnel_called(&self, word: &str) -> Option<TunnelName> {
        let known = || {
            let mut tunnels = self.levels.iter().rev().flat_map(Level::tunnel_names);
            tunnels.find(|tunnel| tunnel.is_called(word))
        };
        self.tunnel_told(word).or_else(known)
    }
}

fn learn(snapshot: &mut Snapshot, level: &Level) {
    for listed in level.backends.rows().iter().filter(|listed| listed.gone.is_none()) {
        let row = &listed.row;
        let tunnel = snapshot.tunnels.iter_mut().find(|tunnel| tunnel.listen == row.listen);
        if let Some(tunnel) = tunnel.filter(|it| !it.backends.contains(&row.info.addr)) {
            tunnel.backends.push(row.info.addr.clone());
        }
    }
    let rows = level.connections.rows().iter().filter(|listed| listed.gone.is_none());
    snapshot.connections.extend(rows.map(|listed| KnownConnection::from(&listed.row)));
}
