//! A network of a test's own: its ports and settings are nobody else's.

use std::fs;

use nix::sched::CloneFlags;

use crate::namespace::in_own;
use crate::tool::Tool;

/// Runs a test in a network namespace that has a loopback interface and nothing else, on a thread
/// and a runtime of its own; whatever it starts is there, too.
///
/// Where this user may have none, the reason is printed and the test is skipped; for root it panics
/// where [`REQUIRE`](crate::tool::REQUIRE) is `1`.
pub fn in_own_network<T: Future<Output = ()>>(test: impl FnOnce() -> T + Send + 'static) {
    let Some(ip) = Tool::find("ip", "iproute2") else { return };
    let prepare = move || {
        let up = std::process::Command::new(ip.path()).args(["link", "set", "lo", "up"]).status();
        assert!(up.is_ok_and(|status| status.success()), "the loopback interface comes up");
    };
    in_own((CloneFlags::CLONE_NEWNET, "network"), prepare, test);
}

/// Leaves so many local ports to outgoing connections of this network (ip(7),
/// `ip_local_port_range`).
pub fn limit_local_ports(first: u16, count: u16) {
    let range = format!("{first} {}", first + count - 1);
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", range).unwrap();
}
