//! `export`: every tunnel as the specification that opens it.

use plexy_shared::history::ExportReply;

use super::Service;

impl Service {
    /// Every tunnel, in order of opening.
    #[must_use]
    pub fn export(&self) -> ExportReply {
        // The revision first, as in `status`.
        let revision = self.revision();
        let tunnels = self.registry().tunnels().map(|tunnel| tunnel.spec().to_string()).collect();
        ExportReply { revision, tunnels }
    }
}
