//! Workers: one thread with one runtime per CPU, for the data path and nothing
//! else, so that a flood of data never makes the console slow.

mod heart;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use plexy_shared::info::Reason;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

pub(crate) use heart::Heart;

use crate::access_log::AccessLog;
use crate::relay::Pipes;
use crate::table::{Entry, Frozen, Table};
use crate::trace::Traces;
use crate::tunnel::TunnelId;

/// Tasks that run between two looks at what the kernel has for us. Bulk streams
/// do not count on it: they give way to such a look by themselves.
const EVENT_INTERVAL: u32 = 256;

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) handle: Handle,
    pub(crate) table: Arc<Table>,
    pub(crate) tasks: TaskTracker,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Workers {
    workers: Box<[Arc<Worker>]>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
    next: AtomicUsize,
}

impl Workers {
    /// Starts `count` workers, whose connections are told to these.
    ///
    /// # Errors
    ///
    /// Where the system has no thread or descriptor left for one.
    pub(crate) fn start(count: usize, access_log: &AccessLog, traces: &Traces) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let (mut workers, mut threads) = (Vec::new(), Vec::new());
        for number in 0..count.max(1) {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .event_interval(EVENT_INTERVAL)
                .build()?;
            let table = Arc::new(Table::new(access_log.clone(), traces.clone()));
            workers.push(Arc::new(Worker {
                handle: runtime.handle().clone(),
                table: Arc::clone(&table),
                tasks: TaskTracker::new(),
            }));
            let stop = stop.clone();
            let run = move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = table.keep_sweeping() => {}
                    }
                });
            };
            threads.push(thread::Builder::new().name(format!("worker-{number}")).spawn(run)?);
        }
        Ok(Self {
            workers: workers.into(),
            threads: Mutex::new(threads),
            stop,
            next: AtomicUsize::new(0),
        })
    }

    /// Lets the workers move bytes through these pipes; before, and without, they copy them.
    pub(crate) fn serve_pipes(&self, pipes: &Arc<Pipes>) {
        for worker in &self.workers {
            let pipes = Arc::clone(pipes);
            worker.handle.spawn(async move { pipes.serve_thread() });
        }
    }

    /// The worker with the fewest connections.
    pub(crate) fn least_loaded(&self) -> &Arc<Worker> {
        let least = self.workers.iter().min_by_key(|worker| worker.tasks.len());
        least.expect("there is at least one worker")
    }

    /// One worker after the other.
    pub(crate) fn next(&self) -> &Arc<Worker> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.workers.len();
        self.workers.get(turn).expect("the turn is below the number of workers")
    }

    /// Holds all tables still for one consistent look at every connection.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&mut [Frozen<'_>]) -> R) -> R {
        let mut frozen: Vec<_> = self.workers.iter().map(|worker| worker.table.freeze()).collect();
        look(&mut frozen)
    }

    /// The tables, to look at one after the other.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.workers.iter().map(|worker| &worker.table)
    }

    /// Tells the connections that `which` picks to end, and how many it told. It is asked with the tunnel of
    /// each, which is near at hand where the rest is not.
    pub(crate) fn order(&self, reason: Reason, which: impl Fn(TunnelId, &Entry) -> bool) -> u64 {
        let mut ordered = 0;
        for worker in &self.workers {
            worker.table.visit(|tunnel, entry| {
                if which(tunnel, entry) {
                    entry.stop.order(reason);
                    ordered += 1;
                }
            });
        }
        ordered
    }

    /// The time-outs of a tunnel have changed, for its live connections too.
    pub(crate) fn retime(&self, tunnel: TunnelId) {
        self.workers.iter().for_each(|worker| worker.table.retime(tunnel));
    }

    /// Connections that live.
    pub(crate) fn connections(&self) -> usize {
        self.workers.iter().map(|worker| worker.table.len()).sum()
    }

    /// Tasks that live.
    pub(crate) fn tasks(&self) -> u64 {
        let alive = |worker: &Arc<Worker>| worker.handle.metrics().num_alive_tasks();
        self.workers.iter().map(alive).sum::<usize>() as u64
    }

    /// How many of them do not come to a new task within that time.
    pub(crate) async fn stuck(&self, within: Duration) -> usize {
        let turns: Vec<_> =
            self.workers.iter().map(|worker| worker.handle.spawn(async {})).collect();
        let mut stuck = 0;
        let deadline = tokio::time::Instant::now() + within;
        for turn in turns {
            let turned = tokio::time::timeout_at(deadline, turn).await;
            stuck += usize::from(!matches!(turned, Ok(Ok(()))));
        }
        stuck
    }

    /// A sign of life from each of them.
    pub(crate) fn hearts(&self) -> io::Result<Vec<Heart>> {
        self.workers.iter().map(|worker| Heart::start(&worker.handle)).collect()
    }

    /// Ends the workers and all that still runs on them.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                error!("a worker has panicked");
            }
        }
    }

    /// Waits until every connection has ended.
    pub(crate) async fn drained(&self) {
        for worker in &self.workers {
            worker.tasks.close();
            worker.tasks.wait().await;
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Not joined here: the last one to drop them may be a worker itself.
        self.stop.cancel();
    }
}
