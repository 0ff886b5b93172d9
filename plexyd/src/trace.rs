//! What is noted of a connection on its way, for a span of OpenTelemetry: of those that are sampled.
//!
//! Whether one is, is asked once, when it is accepted. It costs one box then, and a look at its count
//! of bytes after each turn of its relay until the first one has come. At its end the box goes into a
//! bounded queue, and workers go on; who exports takes it out and does all that takes time.

mod queue;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use plexy_shared::info::{Reason, TlsHandshake};

use crate::backend::Backend;
use crate::dial::DialError;
use crate::introduction::Introduction;
use crate::socket::ClientAddr;
use crate::tunnel::Tunnel;
pub(crate) use queue::{Fate, Spans, Traces, Tracing};

/// Attempts of one connection that are noted; `retries` may be 100.
const ATTEMPTS_MAX: usize = 16;

/// What is noted while a connection lives.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) connection: u64,
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) client: ClientAddr,
    /// Where the client has come to, if that has an address.
    pub(crate) local: Option<SocketAddr>,
    pub(crate) accepted: Instant,
    pub(crate) attempts: Vec<Attempt>,
    /// Those that found no room.
    pub(crate) attempts_left_out: u32,
    pub(crate) connected: Option<Instant>,
    /// When the client got the first byte that came from its backend.
    pub(crate) first_byte: Option<Instant>,
}

/// An attempt to reach a backend.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) backend: Arc<Backend>,
    pub(crate) begun: Instant,
    /// What came of it, and after how long; nothing where the client did not wait for that.
    pub(crate) outcome: Option<(Duration, Result<(), DialError>)>,
}

/// A connection that has ended.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) trace: Box<Trace>,
    pub(crate) end: End,
}

/// How it has ended, and what it has moved.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) reason: Reason,
    pub(crate) backend: Option<Arc<Backend>>,
    /// What its client has told of itself.
    pub(crate) introduction: Option<Arc<Introduction>>,
    /// Its handshake, where TLS was terminated.
    pub(crate) handshake: Option<TlsHandshake>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// When, by both clocks: the second one gives the first ones their date.
    pub(crate) at: (Instant, SystemTime),
}

impl Trace {
    fn new(connection: u64, tunnel: Arc<Tunnel>, client: ClientAddr, accepted: Instant) -> Self {
        Self {
            connection,
            tunnel,
            client,
            local: None,
            accepted,
            attempts: Vec::new(),
            attempts_left_out: 0,
            connected: None,
            first_byte: None,
        }
    }

    /// An attempt begins.
    pub(crate) fn attempt(&mut self, backend: &Arc<Backend>, begun: Instant) {
        if self.attempts.len() < ATTEMPTS_MAX {
            let backend = Arc::clone(backend);
            self.attempts.push(Attempt { backend, begun, outcome: None });
        } else {
            self.attempts_left_out += 1;
        }
    }

    /// It is over.
    pub(crate) fn attempted(&mut self, at: Instant, outcome: Result<(), DialError>) {
        if outcome.is_ok() {
            self.connected = Some(at);
        }
        if self.attempts_left_out == 0
            && let Some(attempt) = self.attempts.last_mut()
        {
            attempt.outcome = Some((at.saturating_duration_since(attempt.begun), outcome));
        }
    }
}
