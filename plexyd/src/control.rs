//! The doors. Each knows its own framing and nobody else's; all of them ask
//! the [`service`](crate::service) and nothing else.

pub(crate) mod line;
pub(crate) mod token;
