//! `open`: listens and carries.

use plexy_shared::info::OpenReply;
use plexy_shared::spec::TunnelSpec;

use super::{Caller, Service, ServiceError};

impl Service {
    /// Listens and carries. Connecting works when this returns.
    ///
    /// # Errors
    ///
    /// Whatever stands against it; nothing was changed then.
    pub async fn open(
        &self,
        spec: &TunnelSpec,
        caller: &Caller,
    ) -> Result<OpenReply, ServiceError> {
        let all = self.open_all(vec![spec.clone()], caller).await;
        let mut all = all.map_err(|error| error.error)?;
        let reply = all.tunnels.pop().expect("there is one answer for each specification");
        Ok(OpenReply { rehearsal: all.rehearsal, ..reply })
    }
}
