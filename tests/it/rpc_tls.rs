//! JSON-RPC over TLS: who is let in, what is told to those who are not, and what becomes of new
//! certificates.

pub(crate) mod authority;
mod bad_files;
mod clients;
mod handshakes;
mod plexyctl;
mod reload;
mod scene;
