//! The authorities that this machine believes, held once for all who use them: those of a whole system
//! take a tenth of a megabyte.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::RootCertStore;

use super::Authorities;

/// Those that were read last, as long as somebody uses them.
static IN_USE: Mutex<Weak<RootCertStore>> = Mutex::new(Weak::new());

/// What the machine believes during one change of tunnels: read once, where it is asked for.
#[derive(Debug, Default)]
pub(crate) struct SystemRoots(OnceCell<Result<Authorities, String>>);

impl SystemRoots {
    /// Those authorities.
    ///
    /// # Errors
    ///
    /// If there are none: why.
    pub(super) fn authorities(&self) -> Result<Authorities, String> {
        self.0.get_or_init(|| Authorities::of_system().map(shared)).clone()
    }
}

/// The same as those that are in use, if they are the same.
fn shared(read: Authorities) -> Authorities {
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    match in_use.upgrade() {
        Some(roots) if roots.roots == read.roots.roots => Authorities { roots },
        _ => {
            *in_use = Arc::downgrade(&read.roots);
            read
        }
    }
}
