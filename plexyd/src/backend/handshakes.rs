//! What there is of TLS with a backend: nothing of most.

use plexy_shared::info::{TlsFailure, TlsHandshake};

use crate::fold::Fold;
use crate::tally::Tally;
use crate::tls::Sessions;

/// What came of its handshakes with clients' connections, and what the next ones may go on with.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    pub(crate) done: Tally<TlsHandshake>,
    /// Those that failed, and TLS that broke later.
    pub(crate) failures: Tally<TlsFailure>,
    /// Messages about what broke later, folded.
    pub(crate) warnings: Fold,
    pub(crate) sessions: Sessions,
}
