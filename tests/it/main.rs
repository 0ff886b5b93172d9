//! The tests that need more than one crate: a module per behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic with a good sentence is the way a test fails"
)]

// The house.
mod layers;
mod readme;

// The data path.
mod half_close;
mod integrity;
mod resets;
mod slow_reader;

// The doors and the programs.
mod line;
mod sessions;
mod transcript;
