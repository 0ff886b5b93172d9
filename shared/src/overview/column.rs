//! The columns of an overview, by which its rows are sorted and found.

use crate::word::{Words, words};

/// A column of rows.
pub trait Column: Words {
    /// Whether its largest value is what somebody wants to see first.
    fn is_largest_first(self) -> bool;

    /// Whether what it shows is text, and a row can be found by it where no column is named.
    fn is_text(self) -> bool;
}

/// A column of tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TunnelColumn {
    /// How it is, the worst first; of those that are equal, by name.
    Health,
    /// Its name, or else where it listens.
    Name,
    /// Where it listens.
    Listen,
    /// Backends that take connections.
    Up,
    /// Connections that live.
    Conns,
    /// Connections that it may have.
    Limit,
    /// New connections per second.
    New,
    /// Bytes per second from clients.
    In,
    /// Bytes per second to clients.
    Out,
    /// Failed attempts per second.
    Errors,
    /// The 99th percentile of the time to connect.
    P99,
    /// How it chooses.
    Strategy,
    /// What it does of TLS.
    Tls,
    /// When it was opened.
    Opened,
}

words!(TunnelColumn {
    Health => "health",
    Name => "name",
    Listen => "listen",
    Up => "up",
    Conns => "conns",
    Limit => "limit",
    New => "new",
    In => "in",
    Out => "out",
    Errors => "errors",
    P99 => "p99",
    Strategy => "strategy",
    Tls => "tls",
    Opened => "opened",
});

impl Column for TunnelColumn {
    fn is_largest_first(self) -> bool {
        matches!(
            self,
            Self::Conns | Self::Limit | Self::New | Self::In | Self::Out | Self::Errors | Self::P99
        )
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Name | Self::Listen | Self::Strategy | Self::Tls)
    }
}

/// A column of backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackendColumn {
    /// How it is, the worst first; of those that are equal, by tunnel and address.
    Health,
    /// Its tunnel.
    Tunnel,
    /// Its address.
    Backend,
    /// How long it is in its state.
    For,
    /// Connections that live.
    Conns,
    /// Its share.
    Weight,
    /// New connections per second.
    New,
    /// Bytes per second from clients.
    In,
    /// Bytes per second to clients.
    Out,
    /// The median of the time to connect.
    P50,
    /// The 99th percentile of the time to connect.
    P99,
    /// Attempts that failed.
    Errors,
    /// Why it is in its state.
    Cause,
}

words!(BackendColumn {
    Health => "health",
    Tunnel => "tunnel",
    Backend => "backend",
    For => "for",
    Conns => "conns",
    Weight => "weight",
    New => "new",
    In => "in",
    Out => "out",
    P50 => "p50",
    P99 => "p99",
    Errors => "errors",
    Cause => "cause",
});

impl Column for BackendColumn {
    fn is_largest_first(self) -> bool {
        matches!(
            self,
            Self::Conns
                | Self::Weight
                | Self::New
                | Self::In
                | Self::Out
                | Self::P50
                | Self::P99
                | Self::Errors
        )
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Tunnel | Self::Backend | Self::Cause)
    }
}
