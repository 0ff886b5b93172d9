//! Bad input has a clear answer and no effect on any tunnel.

mod addresses;
mod backends;
mod scene;
mod specs;
