#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "this crate is only ever linked into tests, where a panic with a good sentence is the way to fail \
              and standard error is the place to say that a test was skipped"
)]

pub mod backend;
pub mod certificate;
pub mod daemon;
pub mod descriptors;
pub mod disk;
pub mod dns;
pub mod eventually;
pub mod memory;
mod namespace;
pub mod network;
pub mod port;
pub mod server;
pub mod stream;
pub mod systemd;
pub mod terminal;
pub mod thread;
pub mod tool;
pub mod traffic;
