//! A test on a thread of its own that has something of the system for itself.

use std::env;
use std::ffi::OsStr;
use std::panic::resume_unwind;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use rustix::process::geteuid;
use tokio::runtime::Builder;

use crate::tool::REQUIRE;

/// Runs a test on a thread and a runtime of its own, in a namespace of its own; whatever it starts
/// is there, too. `prepare` runs there first.
///
/// Where this user may have none, the reason is printed and the test is skipped; for root it panics
/// where [`REQUIRE`] is `1`.
pub(crate) fn in_own<T: Future<Output = ()>>(
    namespace: (CloneFlags, &'static str),
    prepare: impl FnOnce() + Send + 'static,
    test: impl FnOnce() -> T + Send + 'static,
) {
    let (flags, what) = namespace;
    let alone = thread::spawn(move || {
        if let Err(error) = unshare(flags) {
            let reason = format!("this user may have no {what} namespace: {error}");
            let is_required = env::var_os(REQUIRE).as_deref() == Some(OsStr::new("1"));
            assert!(!(is_required && geteuid().is_root()), "{reason}");
            return eprintln!("skipped: {reason}");
        }
        prepare();
        Builder::new_current_thread().enable_all().build().unwrap().block_on(test());
    });
    if let Err(panic) = alone.join() {
        resume_unwind(panic);
    }
}
