//! `load`: the tunnels of a file.

use std::path::PathBuf;
use std::sync::Arc;

use plexy_shared::history::TransitionReply;
use plexy_shared::info::{Change, OpenReply};

use super::{Caller, OpenError, Service, ServiceError};

impl Service {
    /// Opens the tunnels of a file, all of them or none.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the file, or stands against one of its tunnels.
    pub async fn load(&self, file: &str, caller: &Caller) -> Result<TransitionReply, OpenError> {
        let (files, path) = (Arc::clone(&self.files), PathBuf::from(file));
        let read = tokio::task::spawn_blocking(move || files.read(&path)).await;
        let specs = match read {
            Ok(read) => read,
            Err(error) => Err(vec![error.to_string()]),
        };
        let specs = specs.map_err(ServiceError::BadFile)?;
        let opened = self.open_all(specs, caller).await?;
        let is_unchanged = |result: &&OpenReply| result.result == Change::Unchanged;
        let unchanged = opened.tunnels.iter().filter(is_unchanged).count();
        Ok(TransitionReply {
            opened: opened.tunnels.len() - unchanged,
            changed: 0,
            closed: 0,
            unchanged,
            certificate_files: 0,
            revision: opened.revision,
            rehearsal: opened.rehearsal,
        })
    }
}
