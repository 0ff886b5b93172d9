//! Where somebody is: in the whole daemon, in a tunnel, or in a backend of it.

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::overview::{BackendRow, Overview, OverviewParams, TunnelRow};

use super::table::Table;

/// What is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it.
    All,
    /// A tunnel.
    Tunnel(TunnelName),
    /// A backend of a tunnel, by its address there.
    Backend(TunnelName, String),
}

/// A tunnel, as it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TunnelName {
    /// Its number: another tunnel at the same address is another tunnel.
    pub(crate) id: u64,
    /// Its name, or else where it listens: what a command calls it.
    pub(crate) label: String,
    /// Where it listens.
    pub(crate) listen: String,
}

impl TunnelName {
    /// That of a row.
    pub(crate) fn of(row: &TunnelRow) -> Self {
        let listen = row.status.listen.clone();
        let label = row.status.name.clone().unwrap_or_else(|| listen.clone());
        Self { id: row.id, label, listen }
    }

    /// That of the tunnel of a backend.
    pub(crate) fn of_backend(row: &BackendRow) -> Self {
        Self { id: row.tunnel_id, label: row.tunnel.clone(), listen: row.listen.clone() }
    }

    /// Whether that is the same tunnel, whatever it is called.
    pub(crate) fn is_same_tunnel(&self, other: &Self) -> bool {
        (self.id, &self.listen) == (other.id, &other.listen)
    }

    /// Takes the name that it has now, where that is told: whether it is another one.
    pub(super) fn learn(&mut self, overview: &Overview) -> bool {
        let is_it = |id: u64, listen: &str| (id, listen) == (self.id, self.listen.as_str());
        let full = overview.tunnel.iter().map(|full| &full.row);
        let rows = overview.tunnels.iter().flat_map(|it| &it.rows);
        let row = full.chain(rows).find(|row| is_it(row.id, &row.status.listen));
        let mut backends = overview.backends.iter().flat_map(|it| &it.rows);
        let mut backend = || backends.find(|row| is_it(row.tunnel_id, &row.listen));
        let now = row.map(Self::of).or_else(|| backend().map(Self::of_backend));
        let renamed = now.filter(|now| now != self);
        renamed.map(|now| *self = now).is_some()
    }
}

/// What is seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Pane {
    /// The tunnels.
    Tunnels,
    /// The backends.
    Backends,
    /// The live connections.
    Connections,
    /// What has happened.
    Events,
    /// Histograms of times.
    Latency,
    /// The options of a tunnel.
    Options,
}

impl Pane {
    /// What it is called.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Tunnels => "Tunnels",
            Self::Backends => "Backends",
            Self::Connections => "Connections",
            Self::Events => "Events",
            Self::Latency => "Latency",
            Self::Options => "Options",
        }
    }
}

impl Scope {
    /// What can be seen of it, in the order of the keys.
    pub(crate) fn panes(&self) -> &'static [Pane] {
        match self {
            Self::All => {
                &[Pane::Tunnels, Pane::Backends, Pane::Connections, Pane::Events, Pane::Latency]
            }
            Self::Tunnel(_) => {
                &[Pane::Backends, Pane::Connections, Pane::Latency, Pane::Options, Pane::Events]
            }
            Self::Backend(..) => &[Pane::Connections, Pane::Events],
        }
    }

    /// The tunnel, where it is in one.
    pub(crate) fn tunnel(&self) -> Option<&TunnelName> {
        match self {
            Self::All => None,
            Self::Tunnel(tunnel) | Self::Backend(tunnel, _) => Some(tunnel),
        }
    }

    /// The same, to call it as it is called now.
    pub(super) fn tunnel_mut(&mut self) -> Option<&mut TunnelName> {
        match self {
            Self::All => None,
            Self::Tunnel(tunnel) | Self::Backend(tunnel, _) => Some(tunnel),
        }
    }

    /// The backend, where it is in one.
    pub(crate) fn backend(&self) -> Option<&str> {
        match self {
            Self::Backend(_, backend) => Some(backend),
            Self::All | Self::Tunnel(_) => None,
        }
    }
}

/// One place, with what is selected there.
#[derive(Debug)]
pub(crate) struct Level {
    /// What is looked into.
    pub(crate) scope: Scope,
    /// What is seen of it.
    pub(crate) pane: Pane,
    /// Its tunnels.
    pub(crate) tunnels: Table<TunnelRow>,
    /// Its backends.
    pub(crate) backends: Table<BackendRow>,
    /// Its connections.
    pub(crate) connections: Table<ConnectionInfo>,
    /// How far texts are scrolled: options, events, latency.
    pub(crate) scroll: usize,
}

impl Level {
    /// Where somebody has just come in.
    pub(crate) fn new(scope: Scope) -> Self {
        let pane = scope.panes().first().copied().unwrap_or(Pane::Tunnels);
        Self {
            scope,
            pane,
            tunnels: Table::default(),
            backends: Table::default(),
            connections: Table::default(),
            scroll: 0,
        }
    }

    /// Shows the rows that somebody has asked for in the first place.
    pub(crate) fn show_first(&mut self, first: &OverviewParams) {
        let OverviewParams { tunnels, backends, connections, .. } = first;
        if let Some(rows) = tunnels {
            self.pane = Pane::Tunnels;
            self.tunnels.begin(rows.find.as_deref(), rows.sort.as_deref());
        } else if let Some(rows) = backends {
            self.pane = Pane::Backends;
            self.backends.begin(rows.find.as_deref(), rows.sort.as_deref());
        } else if let Some(rows) = connections {
            self.pane = Pane::Connections;
            self.connections.begin(rows.find.as_deref(), rows.sort.as_deref());
        }
    }

    /// Whether there is no row where rows are seen.
    pub(crate) fn is_empty(&self) -> bool {
        match self.pane {
            Pane::Tunnels => self.tunnels.rows().is_empty(),
            Pane::Latency if self.scope == Scope::All => self.tunnels.rows().is_empty(),
            Pane::Backends => self.backends.rows().is_empty(),
            Pane::Connections => self.connections.rows().is_empty(),
            Pane::Events | Pane::Options | Pane::Latency => false,
        }
    }

    /// How many rows its tables have.
    pub(super) fn rows(&self) -> usize {
        self.tunnels.rows().len() + self.backends.rows().len() + self.connections.rows().len()
    }
}
