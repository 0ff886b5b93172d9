//! Where somebody is: in the whole daemon, in a tunnel, or in a backend of it.

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::overview::{BackendRow, Overview, OverviewParams, TunnelRow};

use super::table::Table;
use crate::complete::is_called;

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

    /// Whether a command may mean it.
    pub(super) fn is_called(&self, word: &str) -> bool {
        is_called(Some(&self.label), &self.listen, word)
    }

    /// Whether that is the same tunnel, whatever it is called.
    pub(crate) fn is_same_tunnel(&self, other: &Self) -> bool {
        (self.id, &self.listen) == (other.id, &other.listen)
    }

    /// Takes the name that it has now, where that is told: whether it is another one.
    pub(super) fn learn(&mut self, overview: &Overview) -> bool {
        let now = Self::at(&self.listen, overview);
        let renamed = now.filter(|now| self.is_same_tunnel(now) && now != self);
        renamed.map(|now| *self = now).is_some()
    }

    /// That of the tunnel that listens there, where it is told.
    fn at(listen: &str, overview: &Overview) -> Option<Self> {
        let full = overview.tunnel.iter().map(|full| &full.row);
        let rows = overview.tunnels.iter().flat_map(|it| &it.rows);
        let row = full.chain(rows).find(|row| row.status.listen == listen);
        let mut backends = overview.backends.iter().flat_map(|it| &it.rows);
        let mut backend = || backends.find(|row| row.listen == listen);
        row.map(Self::of).or_else(|| backend().map(Self::of_backend))
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
    /// Whether that was told by a daemon that is no more: what listens there now has another number.
    is_of_another: bool,
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
            is_of_another: false,
            pane,
            tunnels: Table::default(),
            backends: Table::default(),
            connections: Table::default(),
            scroll: 0,
        }
    }

    /// Another daemon is there.
    pub(super) fn restart(&mut self) {
        self.is_of_another = true;
        self.tunnels.restart();
        self.backends.restart();
        self.connections.restart();
    }

    /// Calls the tunnel that is looked into what it is called now: whether that is another name.
    pub(super) fn learn_name(&mut self, overview: &Overview) -> bool {
        let Some(tunnel) = self.scope.tunnel_mut() else { return false };
        if !self.is_of_another {
            return tunnel.learn(overview);
        }
        let Some(now) = TunnelName::at(&tunnel.listen, overview) else { return false };
        (*tunnel, self.is_of_another) = (now, false);
        true
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

    /// Whether nobody has told yet which rows there are, where rows are seen.
    pub(crate) fn is_waiting(&self) -> bool {
        match self.pane {
            Pane::Tunnels => self.tunnels.is_waiting(),
            Pane::Latency if self.scope == Scope::All => self.tunnels.is_waiting(),
            Pane::Backends => self.backends.is_waiting(),
            Pane::Connections => self.connections.is_waiting(),
            Pane::Events | Pane::Options | Pane::Latency => false,
        }
    }

    /// The tunnels that are known here, as they were called when that was told.
    pub(super) fn tunnel_names(&self) -> impl Iterator<Item = TunnelName> {
        let scope = self.scope.tunnel().filter(|_| !self.is_of_another).cloned();
        let tunnels = self.tunnels.rows().iter().filter(|listed| listed.gone.is_none());
        let backends = self.backends.rows().iter().filter(|listed| listed.gone.is_none());
        let rows = tunnels.map(|listed| TunnelName::of(&listed.row));
        scope.into_iter().chain(rows).chain(backends.map(|it| TunnelName::of_backend(&it.row)))
    }

    /// How many rows its tables have.
    pub(super) fn rows(&self) -> usize {
        self.tunnels.rows().len() + self.backends.rows().len() + self.connections.rows().len()
    }
}
