//! Sockets that were open before this process: those that systemd listens on
//! for us, by name, and those that it has kept through a restart.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use plexy_shared::spec::{BoundAddr, ListenAddr};
use rustix::net::{Shutdown, shutdown, sockopt};
use socket2::{SockRef, Type};
use tracing::{debug, warn};

use crate::bind::{Bound, SocketFile};
use crate::sys::inherited_sockets;

/// How the kept sockets of tunnels are called: their address follows in hexadecimal digits, since a
/// name may hold no colon, and for a Unix socket which file is its own.
const TUNNEL: &str = "tunnel-";

/// Sockets that nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    /// By where they listen: a restart takes ten thousand of them, one by one.
    sockets: BTreeMap<BoundAddr, Vec<Socket>>,
    /// What is to be told once there is a log.
    complaints: Vec<String>,
}

/// A socket that listens.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) name: String,
    pub(crate) addr: BoundAddr,
    pub(crate) listener: OwnedFd,
    /// The path of a Unix socket that we have made, before the restart.
    pub(crate) file: Option<SocketFile>,
    /// Whether it was ours before the restart; else systemd has made it.
    pub(crate) is_kept: bool,
}

impl Inherited {
    /// Those of the process. To be called first of all: before there are threads and descriptors of
    /// our own.
    pub(crate) fn of_process() -> Self {
        let mut inherited = Self::default();
        let passed = inherited_sockets().unwrap_or_else(|error| {
            let complaint = format!("the sockets that systemd has passed cannot be used: {error}");
            inherited.complaints.push(complaint);
            Vec::new()
        });
        for (listener, name) in passed {
            match Socket::new(listener, name) {
                Ok(socket) => inherited.add(socket),
                Err(complaint) => inherited.complaints.push(complaint),
            }
        }
        inherited
    }

    fn add(&mut self, socket: Socket) {
        self.sockets.entry(socket.addr.clone()).or_default().push(socket);
    }

    /// Logs what was wrong with some.
    pub(crate) fn complain(&mut self) {
        self.complaints.drain(..).for_each(|complaint| warn!("{complaint}"));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.sockets.values().map(Vec::len).sum()
    }

    /// The one that listens there.
    pub(crate) fn take(&mut self, addr: &BoundAddr) -> Option<Socket> {
        // All interfaces are those of IPv4 on a machine without IPv6.
        let in_v4 = match addr {
            BoundAddr::Any(port) => {
                Some(BoundAddr::Ip(SocketAddr::from((Ipv4Addr::UNSPECIFIED, *port))))
            }
            BoundAddr::Ip(_) | BoundAddr::Unix(_) => None,
        };
        let mut on = |addr: &BoundAddr| self.sockets.get_mut(addr)?.pop();
        let socket = on(addr).or_else(|| on(&in_v4?))?;
        Some(Socket { addr: addr.clone(), ..socket })
    }

    /// All of that name.
    pub(crate) fn take_named(&mut self, name: &str) -> Vec<Socket> {
        self.extract(|socket| socket.name == name)
    }

    fn extract(&mut self, which: impl Fn(&Socket) -> bool) -> Vec<Socket> {
        let of_one = |sockets: &mut Vec<Socket>| sockets.extract_if(.., |it| which(it)).collect();
        self.sockets.values_mut().flat_map(|sockets| -> Vec<Socket> { of_one(sockets) }).collect()
    }

    /// Whether one of that name is a Unix socket.
    pub(crate) fn has_unix(&self, name: &str) -> bool {
        let is_unix = |socket: &Socket| matches!(socket.addr, BoundAddr::Unix(_));
        self.sockets.values().flatten().any(|socket| socket.name == name && is_unix(socket))
    }

    /// Those that were kept for tunnels which are no more. What systemd has made is left to it.
    pub(crate) fn take_others(&mut self, wanted: &HashSet<BoundAddr>) -> Vec<Socket> {
        self.extract(|socket| socket.is_kept && !wanted.contains(&socket.addr))
    }

    /// Tells of those that are left.
    pub(crate) fn close_rest(self) {
        for Socket { name, addr, .. } in self.sockets.into_values().flatten() {
            warn!(name, %addr, "a socket was passed, and nothing is there that would use it");
        }
    }
}

impl Socket {
    fn new(listener: OwnedFd, name: String) -> Result<Self, String> {
        let is_listening = sockopt::socket_acceptconn(&listener).unwrap_or(false);
        if !is_listening || SockRef::from(&listener).r#type().ok() != Some(Type::STREAM) {
            return Err(format!("`{name}` was passed, and is no socket that listens for streams"));
        }
        if let Some((addr, file)) = kept(&name) {
            return Ok(Self { name, addr, listener, file, is_kept: true });
        }
        match addr_of(&listener) {
            Some(addr) => Ok(Self { name, addr, listener, file: None, is_kept: false }),
            None => Err(format!("`{name}` was passed, and it cannot be said where it listens")),
        }
    }

    /// Whether somebody who connects to its address comes to it: a path may be another's now.
    pub(crate) fn is_reachable(&self) -> bool {
        match (&self.addr, &self.file) {
            (BoundAddr::Unix(_), Some(file)) => file.is_there(),
            _ => true,
        }
    }

    /// Nobody is to come any more, also where systemd has a copy.
    pub(crate) fn end(self) {
        if let Err(error) = shutdown(&self.listener, Shutdown::Both) {
            debug!(addr = %self.addr, %error, "a kept socket cannot be shut down");
        }
    }
}

/// The name under which the socket of a tunnel is kept.
pub(super) fn name_of(bound: &Bound) -> String {
    let mut name = TUNNEL.to_owned();
    for byte in bound.addr.to_string().bytes() {
        write!(name, "{byte:02x}").expect("a string takes whatever is written");
    }
    if let Some(file) = &bound.file {
        write!(name, "-{file}").expect("a string takes whatever is written");
    }
    name
}

/// The address and the file that such a name tells.
fn kept(name: &str) -> Option<(BoundAddr, Option<SocketFile>)> {
    let (digits, file) = match name.strip_prefix(TUNNEL)?.split_once('-') {
        Some((digits, file)) => (digits, Some(file)),
        None => (name.strip_prefix(TUNNEL)?, None),
    };
    let pairs = (0..digits.len()).step_by(2).map(|at| digits.get(at..at + 2));
    let bytes = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<_>>>()?;
    let addr = String::from_utf8(bytes).ok()?.parse::<ListenAddr>().ok()?.bound()?;
    let file = match (&addr, file) {
        (BoundAddr::Unix(path), Some(file)) => Some(SocketFile::named(path.as_path(), file)?),
        (BoundAddr::Any(_) | BoundAddr::Ip(_), None) => None,
        _ => return None,
    };
    Some((addr, file))
}

/// Where a socket listens.
fn addr_of(listener: &OwnedFd) -> Option<BoundAddr> {
    let addr = SockRef::from(listener).local_addr().ok()?;
    if let Some(path) = addr.as_pathname() {
        let text = format!("\"unix:{}\"", path.to_str()?);
        return text.parse::<ListenAddr>().ok()?.bound();
    }
    Some(match addr.as_socket()? {
        SocketAddr::V6(ip) if ip.ip().is_unspecified() && is_dual(listener) => {
            BoundAddr::Any(ip.port())
        }
        ip => BoundAddr::Ip(ip),
    })
}

fn is_dual(listener: &OwnedFd) -> bool {
    SockRef::from(listener).only_v6().is_ok_and(|only| !only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::bind;

    #[test]
    fn the_name_of_a_kept_socket_tells_where_it_listens() {
        let folder = tempfile::tempdir().unwrap();
        let unix = format!("\"unix:{}/a b=c\"", folder.path().display());
        for text in ["127.0.0.1:0", "*:0", "[::1]:0", &unix] {
            let addr = text.parse::<ListenAddr>().unwrap().bound().unwrap();
            let bound = bind(&addr, 1, None).unwrap();
            let name = name_of(&bound);
            assert!(name.len() < 256 && !name.contains(':'), "{name}");
            let (found, file) = kept(&name).unwrap();
            assert_eq!(found, bound.addr);
            assert_eq!(file.as_ref().map(SocketFile::is_there), bound.file.as_ref().map(|_| true));
            // There is one that takes it away.
            file.into_iter().for_each(SocketFile::leave);
        }
        for other in ["tunnel-web", "tunnel-", "tunnel-ff", "rpc", "tunnel-3a-1-2"] {
            assert!(kept(other).is_none(), "{other}");
        }
    }

    #[test]
    fn all_interfaces_are_those_of_ipv4_where_there_is_nothing_else() {
        let v4 =
            bind(&"0.0.0.0:0".parse::<ListenAddr>().unwrap().bound().unwrap(), 1, None).unwrap();
        let port = v4.addr.port().unwrap();
        let socket = Socket::new(v4.listener, "tunnel-web".to_owned()).unwrap();
        let mut inherited = Inherited::default();
        inherited.add(socket);
        assert!(inherited.take(&BoundAddr::Any(port + 1)).is_none());
        assert_eq!(inherited.take(&BoundAddr::Any(port)).unwrap().addr, BoundAddr::Any(port));
    }
}
