//! Ctrl-C: what was measured until then is still shown.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The exit code of who is interrupted.
const EXIT: i32 = 130;

/// From now on the first signal is noticed by [`check`], and the second ends the program; children
/// die with it.
pub(crate) fn watch() -> std::io::Result<()> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        // In this order: the flag is not yet set when the first one asks.
        flag::register_conditional_shutdown(signal, EXIT, Arc::clone(flag))?;
        flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

/// Whether there was a signal.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// An error once there was a signal.
pub(crate) fn check() -> anyhow::Result<()> {
    if is_interrupted() {
        bail!("interrupted");
    }
    Ok(())
}
