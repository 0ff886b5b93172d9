//! The tests that need more than one crate: a module per behaviour.

mod half_close;
