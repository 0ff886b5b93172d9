//! Where somebody is: in the whole daemon, in a tunnel, or in a backend of it.

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::overview::{BackendRow, OverviewParams, TunnelRow};

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
