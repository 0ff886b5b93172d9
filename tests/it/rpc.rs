//! JSON-RPC as a client meets it.

mod changes;
mod events;
mod guard;
mod limits;
mod overview;
mod python;
mod sockets;
mod specification;
mod stats;
