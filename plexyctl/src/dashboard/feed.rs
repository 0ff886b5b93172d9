//! What comes from the daemon: a task with a connection of its own, which goes on asking where the
//! connection was lost. Nobody waits for it.

mod task;

use std::any::Any;
use std::sync::Arc;

use plexy_shared::overview::OverviewParams;
use tokio::sync::mpsc::Sender;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::message::News;
use crate::link::Link;
use task::Task;

/// It, for whoever looks. It ends with this.
#[derive(Debug)]
pub(super) struct Feed {
    wanted: watch::Sender<OverviewParams>,
    retry: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Feed {
    /// Begins to ask for this.
    pub(super) fn start(link: Link, wanted: OverviewParams, told: Sender<News>) -> Self {
        let (wanted, asked) = watch::channel(wanted);
        let retry = Arc::new(Notify::new());
        let task = Task::new(link, asked, Arc::clone(&retry), told);
        Self { wanted, retry, task: tokio::spawn(task.run()) }
    }

    /// Asks for this from now on.
    pub(super) fn want(&self, params: OverviewParams) {
        self.wanted.send_if_modified(|wanted| {
            let is_other = *wanted != params;
            *wanted = params;
            is_other
        });
    }

    /// Asks for the same once more over the same connection: the daemon answers that at once, however
    /// seldom it is looked at.
    pub(super) fn look(&self) {
        self.wanted.send_modify(|_| {});
    }

    /// Tries at once, where the connection is lost; else begins another one. While one is tried, that is
    /// the one, and another one follows at once where it fails.
    pub(super) fn retry(&self) {
        self.retry.notify_one();
    }

    /// Until it panics, if it does, and with what.
    pub(super) async fn panicked(&mut self) -> Box<dyn Any + Send> {
        match (&mut self.task).await.map_err(tokio::task::JoinError::try_into_panic) {
            Err(Ok(panic)) => panic,
            // It ends by itself only once nobody listens.
            Ok(()) | Err(Err(_)) => std::future::pending().await,
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}
