//! The tests that need more than one crate: a module per behaviour.

// The house.
mod layers;

// The data path.
mod half_close;

// The doors and the programs.
mod transcript;
