//! The line protocol, for `nc` and telnet: one command a line.
//!
//! This module listens and counts sessions; [`session`] talks, [`framing`]
//! cuts bytes into lines, [`answer`] writes what comes back.

mod answer;
mod explanation;
mod framing;
mod help;
mod session;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::entrance::{Entrance, Stream};
use super::guests::Guests;
use crate::control::token::Token;
use crate::fold::Fold;
use crate::service::{Actor, Door, Peer, Service};
use session::{Leaving, Session};

/// Sessions at once; one more ends the one that has been idle longest.
pub(crate) const SESSIONS_MAX: usize = 64;

/// All sessions of all control sockets.
#[derive(Debug)]
pub(crate) struct Line {
    service: Arc<Service>,
    token: Option<Token>,
    guests: Arc<Guests>,
    /// Messages about sessions that were refused, folded.
    refused: Fold,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Line {
    pub(crate) fn new(service: Arc<Service>, token: Option<Token>) -> Self {
        Self {
            service,
            token,
            guests: Arc::new(Guests::new(SESSIONS_MAX)),
            refused: Fold::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Begins to serve a control socket.
    pub(crate) fn serve(self: &Arc<Self>, entrance: Entrance) {
        let socket = &entrance.addr;
        if entrance.is_tcp() && self.token.is_none() {
            warn!(%socket, "every user of this machine can control plexyd here; --token-file closes it");
        }
        info!(%socket, "control socket open");
        let line = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = line.stop.cancelled() => {}
                () = entrance.accept_all(|stream, peer| line.begin(stream, peer)) => {}
            }
        });
    }

    fn begin(self: &Arc<Self>, stream: Stream, peer: Peer) {
        let line = Arc::clone(self);
        let token = match peer {
            Peer::Tcp(_) | Peer::Tls { .. } => self.token.clone(),
            // Whoever can open the file may: that is what its mode is for.
            Peer::Unix { .. } => None,
        };
        let stay = self.guests.enter(token.is_none());
        self.tasks.spawn(async move {
            let guest = Arc::clone(&stay.guest);
            let leaving = Leaving { stop: line.stop.clone(), evicted: guest.evicted.clone() };
            let actor = Actor::Peer(Door::Line, peer);
            Session::new(line, guest, actor, token).run(stream, &leaving).await;
            drop(stay);
        });
    }

    /// Whether a refusal is logged, or only counted: whoever reaches a socket can be refused at will.
    fn is_news(&self) -> bool {
        self.refused.admits(|| "refused sessions".to_owned())
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Ends every session and every control socket.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
