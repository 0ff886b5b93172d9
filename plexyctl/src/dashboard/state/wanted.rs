//! What each table asks the daemon for.

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::overview::{
    BackendRow, BackendRowsParams, ConnectionRowsParams, TunnelRow, TunnelRowsParams,
};

use super::table::{Part, Table};

impl Table<TunnelRow> {
    /// Tunnels.
    pub(super) fn wanted(&self) -> TunnelRowsParams {
        let Part { find, sort, skip, limit, around } = self.part();
        TunnelRowsParams { find, sort, skip, limit, around }
    }
}

impl Table<BackendRow> {
    /// Backends of this tunnel, or of all.
    pub(super) fn wanted(&self, tunnel: Option<String>) -> BackendRowsParams {
        let Part { find, sort, skip, limit, around } = self.part();
        BackendRowsParams { tunnel, find, sort, skip, limit, around }
    }
}

impl Table<ConnectionInfo> {
    /// Connections of this tunnel, or of all, that pass a filter.
    pub(super) fn wanted(
        &self,
        tunnel: Option<String>,
        filter: Option<String>,
    ) -> ConnectionRowsParams {
        let Part { find, sort, skip, limit, around } = self.part();
        ConnectionRowsParams { tunnel, filter, find, sort, skip, limit, around }
    }
}
