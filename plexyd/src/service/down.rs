//! What live connections get whose backend a check finds down: what `on-down` of the tunnel says.

use std::sync::Arc;

use plexy_shared::command::LiveChoice;
use plexy_shared::info::Reason;
use plexy_shared::spec::LiveAction;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::Service;
use super::live::{Holder, settled};
use crate::backend::Backend;
use crate::backend::checked::Turn;
use crate::health::Turned;

/// A drain that ends when its backend is up again.
type UnderWay = (Arc<Backend>, CancellationToken);

impl Service {
    /// Does it whenever checks turn, until the daemon ends.
    pub(crate) fn heed(self: &Arc<Self>, mut turned: UnboundedReceiver<Turned>) {
        let service = Arc::clone(self);
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            let mut drains: Vec<UnderWay> = Vec::new();
            loop {
                let turned = tokio::select! {
                    () = stopping.cancelled() => return,
                    turned = turned.recv() => turned,
                };
                let Some(Turned { tunnel, backend, turn }) = turned else { return };
                drains.retain(|(other, over)| {
                    let is_it = Arc::ptr_eq(other, &backend);
                    if is_it {
                        over.cancel();
                    }
                    !is_it && other.totals.live() > 0
                });
                if turn == Turn::Down {
                    let options = &tunnel.route().options;
                    let choice = settled(options.on_down.into(), options);
                    let holder = Holder::Backend(tunnel, Arc::clone(&backend));
                    drains.extend(service.went_down(holder, choice).map(|over| (backend, over)));
                }
            }
        });
    }

    /// Clients who come later are none of these: they come where nothing else is left to try.
    fn went_down(&self, holder: Holder, choice: LiveChoice) -> Option<CancellationToken> {
        match choice.action {
            LiveAction::Keep => None,
            LiveAction::Kill => {
                self.engine.workers.order(Reason::BackendDown, |of, entry| holder.has(of, entry));
                None
            }
            LiveAction::Drain => {
                let over = CancellationToken::new();
                let deadline = choice.deadline.map(|it| std::time::Instant::now() + it);
                let live = holder.live();
                self.follow(holder, live, deadline, over.clone());
                Some(over)
            }
        }
    }
}
