//! JSON-RPC: the one table of methods. Daemon and client are generic over it,
//! and `rpc.discover` is printed from it.
//!
//! A new method is one row in [`METHODS`] (made by the macro below), its
//! parameters in a file of `rpc/params/`, and its reply in [`info`](crate::info).

mod error;
mod method;
mod openrpc;
mod params;

pub use error::{CallError, ErrorData};
pub use method::{METHODS, Method, MethodRow, Subscription, methods::*};
pub use openrpc::openrpc;
pub use params::*;
pub(crate) use params::{bad_value, interval, number_of, parse};

/// Longest body of a request, in bytes: 10 000 long specifications.
pub const BODY_BYTES_MAX: u32 = 10 * 1024 * 1024;

/// Most calls in one batch.
pub const BATCH_MAX: u32 = 1_000;

/// Most tunnels of one `openTunnels`, `planTunnels` or `applyTunnels`.
pub const TUNNELS_MAX: usize = 10_000;

/// What a daemon can do that a client may want to know before it asks.
pub const FEATURES: &[&str] = &[
    "apply-tunnels",
    "connections",
    "dry-run",
    "events",
    "expected-revision",
    "explain",
    "history",
    "log-level",
    "open-tunnels",
    "overview",
    "subscribe-stats",
];
