//! Whether an address could be listened on, found out without listening there: no client comes, and
//! nothing is left of it.

use std::path::Path;

use plexy_shared::spec::BoundAddr;
use rustix::fs::{Access, access};
use socket2::SockAddr;

use super::{BindError, IpVersions, any_of, tcp_socket, use_of};

/// Tries it.
///
/// # Errors
///
/// Why it could not be, as far as the operating system tells before somebody listens.
pub(crate) fn try_out(addr: &BoundAddr) -> Result<(), BindError> {
    let socket = |ip, versions| {
        tcp_socket(ip, versions).map(drop).map_err(|error| BindError::new(addr, error))
    };
    match addr {
        BoundAddr::Unix(path) => try_out_path(addr, path.as_path()),
        BoundAddr::Ip(ip) => socket(*ip, IpVersions::One),
        BoundAddr::Any(port) => any_of(*port, socket),
    }
}

/// A path could be taken where nobody lives there and the folder can be written to.
fn try_out_path(addr: &BoundAddr, path: &Path) -> Result<(), BindError> {
    let failed = |error| BindError::new(addr, error);
    SockAddr::unix(path).map_err(failed)?;
    // A stale one would be replaced.
    use_of(addr, path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use plexy_shared::spec::ListenAddr;

    use super::super::bind;
    use super::*;

    fn addr(text: &str) -> BoundAddr {
        text.parse::<ListenAddr>().unwrap().bound().unwrap()
    }

    #[test]
    fn an_address_that_is_taken_is_found_to_be_and_stays_free_otherwise() {
        let taken = bind(&addr("127.0.0.1:0"), 8, None).unwrap();
        assert!(matches!(try_out(&taken.addr), Err(BindError::InUse { .. })));
        let any = BoundAddr::Any(taken.addr.port().unwrap());
        assert!(matches!(try_out(&any), Err(BindError::InUse { .. })));
        let free = taken.addr.clone();
        drop(taken);
        try_out(&free).unwrap();
        try_out(&free).unwrap();
        bind(&free, 8, None).unwrap();
    }

    #[test]
    fn a_path_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let addr_of = |name| addr(&format!("unix:{}", folder.path().join(name).display()));
        let path = folder.path().join("socket");
        try_out(&addr_of("socket")).unwrap();
        assert!(!path.exists());
        let live = UnixListener::bind(&path).unwrap();
        assert!(matches!(try_out(&addr_of("socket")), Err(BindError::InUse { .. })));
        drop(live);
        // Nobody lives there any more; that it is taken away is the matter of who listens there.
        try_out(&addr_of("socket")).unwrap();
        assert!(path.exists());
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(matches!(try_out(&addr_of("file")), Err(BindError::NotASocket(_))));
        assert!(matches!(try_out(&addr_of("no/socket")), Err(BindError::Other { .. })));
    }
}
