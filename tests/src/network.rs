//! A network of a test's own: its ports and settings are nobody else's.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::panic::resume_unwind;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use rustix::process::geteuid;
use tokio::runtime::Builder;

use crate::tool::{REQUIRE, Tool};

/// Runs a test in a network namespace that has a loopback interface and nothing else, on a thread
/// and a runtime of its own; whatever it starts is there, too.
///
/// Where this user may have none, the reason is printed and the test is skipped; for root it panics
/// where [`REQUIRE`] is `1`.
pub fn in_own_network<T: Future<Output = ()>>(test: impl FnOnce() -> T + Send + 'static) {
    let Some(ip) = Tool::find("ip", "iproute2") else { return };
    let alone = thread::spawn(move || {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
            let reason = format!("this user may have no network namespace: {error}");
            let is_required = env::var_os(REQUIRE).as_deref() == Some(OsStr::new("1"));
            assert!(!(is_required && geteuid().is_root()), "{reason}");
            return eprintln!("skipped: {reason}");
        }
        let up = std::process::Command::new(ip.path()).args(["link", "set", "lo", "up"]).status();
        assert!(up.is_ok_and(|status| status.success()), "the loopback interface comes up");
        Builder::new_current_thread().enable_all().build().unwrap().block_on(test());
    });
    if let Err(panic) = alone.join() {
        resume_unwind(panic);
    }
}

/// Leaves so many local ports to outgoing connections of this network (ip(7),
/// `ip_local_port_range`).
pub fn limit_local_ports(first: u16, count: u16) {
    let range = format!("{first} {}", first + count - 1);
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", range).unwrap();
}
