//! The tests that need more than one crate: a module per behaviour.

// The house.
mod layers;
mod readme;

// The data path.
mod half_close;
mod integrity;
mod resets;
mod slow_reader;

// The doors and the programs.
mod transcript;
