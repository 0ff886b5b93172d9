//! Listening: one way for tunnels and control sockets, TCP and Unix.

mod trial;

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use plexy_shared::spec::BoundAddr;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use thiserror::Error;
use tracing::debug;

pub(crate) use trial::try_out;

/// How often, and after which pauses, the lock on a folder is tried.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Any port does to ask which way a packet would go.
const DISCARD_PORT: u16 = 9;

/// A socket that listens, and where it really does.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) listener: OwnedFd,
    pub(crate) addr: BoundAddr,
    /// Takes the path of a Unix socket away again.
    pub(crate) file: Option<SocketFile>,
}

/// Why an address cannot be listened on.
#[derive(Debug, Error)]
pub(crate) enum BindError {
    /// Another program listens there; on a Unix socket its pid is known.
    #[error("{} on `{addr}`{}", who_listens(*pid), show_pid(*pid))]
    InUse { addr: BoundAddr, pid: Option<i32> },
    /// This user may not.
    #[error("cannot listen on `{addr}`: permission denied{}", privileged_port(addr))]
    Denied { addr: BoundAddr },
    /// The path belongs to something else.
    #[error("cannot listen on `{0}`: there is a file that is not a socket")]
    NotASocket(BoundAddr),
    /// No descriptors are left.
    #[error("cannot listen on `{0}`: no file descriptors are left")]
    OutOfDescriptors(BoundAddr),
    /// Another fault of the operating system.
    #[error("cannot listen on `{addr}`: {error}")]
    Other { addr: BoundAddr, error: io::Error },
}

fn who_listens(pid: Option<i32>) -> &'static str {
    let is_own = pid.is_some_and(|pid| u32::try_from(pid) == Ok(std::process::id()));
    if is_own { "plexyd itself listens" } else { "another program listens" }
}

fn show_pid(pid: Option<i32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

fn privileged_port(addr: &BoundAddr) -> &'static str {
    match addr.port() {
        Some(1..1024) => {
            "; ports below 1024 need CAP_NET_BIND_SERVICE (see man plexyd, PRIVILEGES)"
        }
        _ => "",
    }
}

impl BindError {
    fn new(addr: &BoundAddr, error: io::Error) -> Self {
        let addr = addr.clone();
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { addr, pid: None },
            io::ErrorKind::PermissionDenied => Self::Denied { addr },
            _ if is_out_of_descriptors(&error) => Self::OutOfDescriptors(addr),
            _ => Self::Other { addr, error },
        }
    }
}

/// Whether the process or the system has no descriptors left.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

/// Listens; connecting works when this returns. A Unix socket gets `mode`, if
/// any, before anybody can reach it.
pub(crate) fn bind(addr: &BoundAddr, backlog: u32, mode: Option<u32>) -> Result<Bound, BindError> {
    match addr {
        BoundAddr::Unix(path) => bind_unix(addr, path.as_path(), backlog, mode),
        BoundAddr::Ip(ip) => bind_tcp(addr, *ip, backlog, IpVersions::One),
        BoundAddr::Any(port) => any_of(*port, |ip, versions| bind_tcp(addr, ip, backlog, versions)),
    }
}

/// Takes all interfaces.
fn any_of<T>(
    port: u16,
    take: impl Fn(SocketAddr, IpVersions) -> Result<T, BindError>,
) -> Result<T, BindError> {
    match take((Ipv6Addr::UNSPECIFIED, port).into(), IpVersions::Both) {
        // A machine without IPv6 has all its interfaces in IPv4.
        Err(BindError::Other { error, .. }) if lacks_ipv6(&error) => {
            take((Ipv4Addr::UNSPECIFIED, port).into(), IpVersions::One)
        }
        taken => taken,
    }
}

/// Listens with a socket that does so already. The path of a Unix socket is ours only where `file`
/// says so.
pub(crate) fn adopt(
    listener: OwnedFd,
    addr: &BoundAddr,
    file: Option<SocketFile>,
    backlog: u32,
) -> Result<Bound, BindError> {
    let adopted = || -> io::Result<()> {
        let socket = SockRef::from(&listener);
        socket.set_nonblocking(true)?;
        socket.set_cloexec(true)?;
        if addr.port().is_some() {
            // So that the port can be had again while somebody else has a copy.
            socket.set_reuse_address(true)?;
            socket.set_out_of_band_inline(true)?;
        }
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))
    };
    adopted().map_err(|error| BindError::new(addr, error))?;
    Ok(Bound { listener, addr: addr.clone(), file })
}

fn lacks_ipv6(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(errno, Some(rustix::io::Errno::AFNOSUPPORT | rustix::io::Errno::ADDRNOTAVAIL))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IpVersions {
    One,
    Both,
}

/// A socket that has the address, and does not listen yet.
fn tcp_socket(ip: SocketAddr, versions: IpVersions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(ip), Type::STREAM.nonblocking().cloexec(), None)?;
    // So that a closed tunnel's port can be opened again at once.
    socket.set_reuse_address(true)?;
    if ip.is_ipv6() {
        socket.set_only_v6(versions == IpVersions::One)?;
    }
    socket.bind(&ip.into())?;
    Ok(socket)
}

fn bind_tcp(
    addr: &BoundAddr,
    ip: SocketAddr,
    backlog: u32,
    versions: IpVersions,
) -> Result<Bound, BindError> {
    let listen = || -> io::Result<(OwnedFd, u16)> {
        let socket = tcp_socket(ip, versions)?;
        // Before anybody can be accepted: without it an urgent byte is lost (tcp(7)).
        socket.set_out_of_band_inline(true)?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        let port = socket.local_addr()?.as_socket().map_or(0, |bound| bound.port());
        Ok((socket.into(), port))
    };
    let (listener, port) = listen().map_err(|error| BindError::new(addr, error))?;
    let addr = match addr {
        BoundAddr::Any(_) => BoundAddr::Any(port),
        BoundAddr::Ip(ip) => {
            let mut ip = *ip;
            ip.set_port(port);
            BoundAddr::Ip(ip)
        }
        BoundAddr::Unix(path) => BoundAddr::Unix(path.clone()),
    };
    Ok(Bound { listener, addr, file: None })
}

fn bind_unix(
    addr: &BoundAddr,
    path: &Path,
    backlog: u32,
    mode: Option<u32>,
) -> Result<Bound, BindError> {
    let failed = |error| BindError::new(addr, error);
    // Two daemons that replace the same stale socket at once would both
    // succeed; the lock on the folder lets one after the other.
    let _lock = lock_folder(path);
    remove_stale(addr, path)?;
    let listen = || -> io::Result<(OwnedFd, SocketFile)> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        let file = SocketFile::of(path)?;
        if let Some(mode) = mode {
            // Nobody can connect before `listen`.
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok((socket.into(), file))
    };
    let (listener, file) = listen().map_err(failed)?;
    Ok(Bound { listener, addr: addr.clone(), file: Some(file) })
}

/// Waits its turn for a moment only: in a folder that others can open, such as
/// `/tmp`, anybody can hold the lock.
fn lock_folder(path: &Path) -> Option<OwnedFd> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = open(folder, flags, Mode::empty()).ok()?;
    for _ in 0..LOCK_TRIES {
        if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Some(folder);
        }
        sleep(LOCK_PAUSE);
    }
    None
}

/// Who has a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PathUse {
    /// Nobody.
    Free,
    /// The socket of a program that is gone.
    Stale,
}

/// Takes away the socket of a program that is gone; a live one is left alone.
fn remove_stale(addr: &BoundAddr, path: &Path) -> Result<(), BindError> {
    match use_of(addr, path)? {
        PathUse::Free => Ok(()),
        PathUse::Stale => fs::remove_file(path).map_err(|error| BindError::new(addr, error)),
    }
}

/// Who has it; somebody who lives there, or something else, is an error.
fn use_of(addr: &BoundAddr, path: &Path) -> Result<PathUse, BindError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PathUse::Free),
        Err(error) => return Err(BindError::new(addr, error)),
    };
    if !metadata.file_type().is_socket() {
        return Err(BindError::NotASocket(addr.clone()));
    }
    let connect = || -> io::Result<Socket> {
        // Non-blocking, since a full queue would otherwise hold us up.
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
        socket.connect(&SockAddr::unix(path)?)?;
        Ok(socket)
    };
    match connect() {
        Ok(socket) => {
            let peer = rustix::net::sockopt::socket_peercred(&socket).ok();
            let pid = peer.map(|peer| peer.pid.as_raw_nonzero().get());
            Err(BindError::InUse { addr: addr.clone(), pid })
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(PathUse::Stale),
        // Its queue is full: somebody lives there.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(BindError::InUse { addr: addr.clone(), pid: None })
        }
        Err(error) => Err(BindError::new(addr, error)),
    }
}

/// The path of a Unix socket that is ours; removed on drop, unless somebody
/// has put another one there.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() })
    }
}

impl SocketFile {
    /// The one that was told by [`fmt::Display`].
    pub(crate) fn named(path: &Path, told: &str) -> Option<Self> {
        let (device, inode) = told.split_once('-')?;
        Some(Self {
            path: path.to_owned(),
            device: device.parse().ok()?,
            inode: inode.parse().ok()?,
        })
    }

    /// Whether the path is ours still.
    pub(crate) fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (self.device, self.inode))
    }

    /// Leaves the path to who goes on listening there.
    pub(crate) fn leave(self) {
        std::mem::forget(self);
    }
}

/// Which file it is, whatever its path.
impl fmt::Display for SocketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.device, self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is_there()
            && let Err(error) = fs::remove_file(&self.path)
        {
            debug!(path = %self.path.display(), %error, "cannot remove a socket file");
        }
    }
}

/// Whether an address is one of this machine's: who connects to it does so
/// from it. (That it can be bound to says nothing: `ip_nonlocal_bind`.) No
/// packet is sent.
pub(crate) fn is_own_ip(ip: IpAddr) -> bool {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = || -> io::Result<IpAddr> {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((ip, DISCARD_PORT))?;
        Ok(socket.local_addr()?.ip())
    };
    ip.is_loopback() || source().is_ok_and(|source| source == ip)
}

/// The local address of a connected socket.
pub(crate) fn local_addr(socket: impl AsFd) -> Option<SocketAddr> {
    socket2::SockRef::from(&socket).local_addr().ok()?.as_socket()
}
