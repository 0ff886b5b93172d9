//! What most backends never have: all of it is one box that they do not have.

use super::handshakes::Handshakes;
use crate::fold::Fold;

/// That which is made when it is needed first.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    /// Messages about failed attempts, folded.
    pub(super) failures: Fold,
    /// What came of TLS with it, where that is spoken.
    pub(super) handshakes: Handshakes,
}
