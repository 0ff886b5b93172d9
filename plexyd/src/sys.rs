//! The few calls that need `unsafe`, each behind a safe function.
#![allow(unsafe_code, reason = "the one place for it; each use says why it is sound")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use rustix::ioctl::{Getter, Opcode, ioctl};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdRegisterError};

/// `SIOCOUTQ` of `linux/sockios.h`.
const SIOCOUTQ: Opcode = 0x5411;

/// Bytes that were written to a socket and that its peer has not taken yet
/// (tcp(7), unix(7): `SIOCOUTQ`).
pub(crate) fn unsent_bytes(socket: impl AsFd) -> io::Result<usize> {
    // SAFETY: the kernel writes one `int` for this opcode.
    let getter = unsafe { Getter::<SIOCOUTQ, std::ffi::c_int>::new() };
    // SAFETY: `SIOCOUTQ` only reads a number from the socket.
    let bytes = unsafe { ioctl(socket, getter) }?;
    Ok(usize::try_from(bytes).unwrap_or_default())
}

/// What owns one descriptor, the same from its begin to its end.
pub(crate) trait Watchable: AsRawFd {}

impl Watchable for OwnedFd {}

impl Watchable for Arc<OwnedFd> {}

/// Watches a descriptor, on the runtime that calls; gives it back where that cannot be done.
pub(crate) fn watch<T: Watchable>(
    descriptor: T,
    interest: Interest,
) -> Result<AsyncFd<T>, (T, io::Error)> {
    // SAFETY: the descriptor of an `OwnedFd` is the same for as long as it
    // lives, shared or not, and `AsyncFd` has it until it is deregistered.
    let watched = unsafe { AsyncFd::register_with_interest(descriptor, interest) };
    watched.map_err(AsyncFdRegisterError::into_parts)
}

/// Decides which memory goes back to the system when it is freed (mallopt(3)).
///
/// What is large does (`M_MMAP_THRESHOLD`): by itself glibc moves its limit for that up to the largest
/// piece it has seen, and a call that opens 10 000 tunnels would leave its tables as holes between them,
/// 0.7 KB for each. What is free at the end of a heap stays up to a bound (`M_TRIM_THRESHOLD`): a worker
/// that encrypts a whole buffer has and frees more than the 128 KiB of glibc each time, and would get
/// them again cleared, with 100 000 page faults for a gigabyte.
pub(crate) fn tune_allocator() {
    #[cfg(target_env = "gnu")]
    {
        const LARGE_BYTES: libc::c_int = 128 * 1024;
        const FREE_BYTES_MAX: libc::c_int = 2 * 1024 * 1024;
        // SAFETY: these set numbers of the allocator; where they do not, nothing changes.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
            libc::mallopt(libc::M_TRIM_THRESHOLD, FREE_BYTES_MAX);
        }
    }
}

/// The sockets that the service manager has passed, each with its name; they are ours from now on.
/// To be called first of all, before there are other descriptors.
pub(crate) fn inherited_sockets() -> io::Result<Vec<(OwnedFd, String)>> {
    let passed = sd_notify::listen_fds_with_names()?;
    // SAFETY: by the protocol (sd_listen_fds(3)) these descriptors are open, and nobody else's.
    Ok(passed.map(|(fd, name)| (unsafe { OwnedFd::from_raw_fd(fd) }, name)).collect())
}
