//! The doors. Each knows its own framing and nobody else's; all of them ask
//! the [`service`](crate::service) and nothing else.

pub(crate) mod entrance;
mod guarded;
mod guests;
mod http1;
pub(crate) mod line;
pub(crate) mod monitor;
pub(crate) mod rpc;
pub(crate) mod tls;
pub(crate) mod token;
