//! The sessions that a backend lets its clients go on with: held of each backend apart, since the
//! ticket of one is worth nothing at another of the same name.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::ClientConfig;
use rustls::client::Resumption;

use super::Originate;

/// Sessions of one backend: as many as rustls holds of one server, which are eight tickets of TLS 1.3,
/// each good for one handshake, and one session of TLS 1.2.
const SESSIONS: usize = 8;

/// The sessions of one backend. They end with what TLS was spoken with: what is believed and shown
/// from then on is looked at anew.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    of: Weak<Originate>,
    config: Arc<ClientConfig>,
}

impl Sessions {
    /// What a handshake is made with that may go on where an earlier one was.
    pub(super) fn config(&self, originate: &Arc<Originate>) -> Arc<ClientConfig> {
        let of = Arc::downgrade(originate);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(kept) if kept.of.ptr_eq(&of) => Arc::clone(&kept.config),
            _ => {
                let mut config = ClientConfig::clone(&originate.config);
                config.resumption = Resumption::in_memory_sessions(SESSIONS);
                let config = Arc::new(config);
                *kept = Some(Kept { of, config: Arc::clone(&config) });
                config
            }
        }
    }
}
