//! The first lines: the daemon, the way to it, and all that it does.
//!
//! ```text
//!  plexy  local  ● live 1s                       v1.0.0  up 12d 03h  fd 2.1k/1.0M
//!  Tunnels 6: 3 ok, 1 drain, 1 degraded, 1 down     Backends 9/13 up
//!  Conns 1.24k      New  87.0/s ▂▃▃▄▆▅▄▃    Connect p50 1.2ms p99 18ms
//!  In  42.1 MB/s ▁▂▃▅▇▆▅▄▃▃▄▅▆▇▇▆▅▄▃▂       Out 118 MB/s ▂▃▄▄▅▆▇▇▆▅▄▄▃▃▄▅▆▆▅▄
//! ```

mod daemon;
mod sums;

pub(super) use daemon::draw as draw_daemon;
pub(super) use sums::draw as draw_sums;
