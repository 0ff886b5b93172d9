//! `save`: all that is to be kept, on the disk.

use std::sync::Arc;

use plexy_shared::history::SaveReply;

use super::turns::Scope;
use super::{Service, ServiceError};

impl Service {
    /// Where the state is kept, once all of it is there.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it cannot be written.
    pub async fn save(&self) -> Result<SaveReply, ServiceError> {
        // With no change under way.
        let _alone = self.turns.take(Scope::All).await;
        let Some(path) = self.state.path() else { return Err(ServiceError::NoState) };
        let file = path.display().to_string();
        let (state, rows) = (Arc::clone(&self.state), self.rows_to_save());
        self.saved(move || state.save(rows)).await?;
        Ok(SaveReply { file, revision: self.revision() })
    }
}
