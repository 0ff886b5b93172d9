//! Servers as people run them, with their own clients and benchmarks, while the tunnel changes
//! under them.

mod nginx;
mod postgres;
mod redis;
