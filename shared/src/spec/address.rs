//! Addresses in all their forms: where a tunnel listens ([`ListenAddr`], and
//! [`BoundAddr`] once it is known what that really is) and where a backend is
//! reached ([`BackendAddr`]).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::path::Path;
use std::str::FromStr;

use super::cursor::{Cursor, Piece, ends_bare_word, quote_if_needed};
use super::{AddressError, SpecError, SpecErrorKind};

/// What `sun_path` holds on Linux, less the final zero.
const UNIX_PATH_BYTES_MAX: usize = 107;

/// What stands before the path of a Unix socket, in any case.
const UNIX: &str = "unix:";

/// Longest host name, in bytes (RFC 1035, section 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Longest label of a host name, in bytes (RFC 1035, section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// Where a tunnel shall listen, as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddr {
    /// `*:port`: all interfaces, both IP versions.
    Any(u16),
    /// An IP address and a port; `[::]` is all of IPv6 and nothing else.
    Ip(SocketAddr),
    /// A host name and a port; listens on the name's first IPv4 address.
    Name(HostName, u16),
    /// A Unix socket.
    Unix(UnixPath),
}

/// Where a tunnel really listens: its identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BoundAddr {
    /// All interfaces, both IP versions.
    Any(u16),
    /// An IP address and a port.
    Ip(SocketAddr),
    /// A Unix socket.
    Unix(UnixPath),
}

/// Where a backend is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BackendAddr {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// A host name and a port; the name is resolved while the tunnel lives.
    Name(HostName, u16),
    /// A Unix socket.
    Unix(UnixPath),
}

/// A host name, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName(String);

/// An absolute path of a Unix socket, short enough for a socket address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnixPath(String);

impl HostName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `localhost` or a name below it, which is the loopback
    /// address without asking anybody (RFC 6761, section 6.3).
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        let name = self.0.trim_end_matches('.');
        name == "localhost" || name.ends_with(".localhost")
    }
}

impl UnixPath {
    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl BoundAddr {
    /// The port, where there is one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Any(port) => Some(*port),
            Self::Ip(addr) => Some(addr.port()),
            Self::Unix(_) => None,
        }
    }

    /// Whether a connection to `addr` would arrive here, as far as the two
    /// addresses tell; `is_ours` says whether an IP is one of this machine's.
    #[must_use]
    pub fn receives(&self, addr: SocketAddr, is_ours: impl Fn(IpAddr) -> bool) -> bool {
        if self.port() != Some(addr.port()) {
            return false;
        }
        match self {
            Self::Ip(own) if !own.ip().is_unspecified() => own.ip() == addr.ip(),
            Self::Ip(own) => own.is_ipv4() == addr.is_ipv4() && is_ours(addr.ip()),
            Self::Any(_) => is_ours(addr.ip()),
            Self::Unix(_) => false,
        }
    }

    /// Whether both cannot be listened on at once.
    ///
    /// ```
    /// use plexy_shared::spec::BoundAddr;
    ///
    /// let any = BoundAddr::Any(80);
    /// let one = BoundAddr::Ip("10.0.0.1:80".parse()?);
    /// let v6 = BoundAddr::Ip("[::]:80".parse()?);
    /// assert!(any.overlaps(&one) && any.overlaps(&v6));
    /// assert!(!one.overlaps(&v6));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unix(one), Self::Unix(two)) => one == two,
            _ if self.port().is_none() || self.port() != other.port() => false,
            (Self::Ip(one), Self::Ip(two)) => {
                one.ip() == two.ip()
                    || (one.is_ipv4() == two.is_ipv4()
                        && (one.ip().is_unspecified() || two.ip().is_unspecified()))
            }
            _ => true,
        }
    }
}

impl ListenAddr {
    /// The identity that this address has, if it can be told without asking a
    /// resolver. Port 0 has none before it is bound.
    #[must_use]
    pub fn bound(&self) -> Option<BoundAddr> {
        match self {
            Self::Any(port) => Some(BoundAddr::Any(*port)),
            Self::Ip(addr) => Some(BoundAddr::Ip(*addr)),
            Self::Name(name, port) if name.is_localhost() => {
                Some(BoundAddr::Ip((Ipv4Addr::LOCALHOST, *port).into()))
            }
            Self::Name(..) => None,
            Self::Unix(path) => Some(BoundAddr::Unix(path.clone())),
        }
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SpecError> {
        read_address(cursor, |text| {
            Ok(match Target::parse(text)? {
                Target::Any(port) => Self::Any(port),
                Target::Ip(addr) => Self::Ip(addr),
                Target::Name(name, port) => Self::Name(name, port),
                Target::Unix(path) => Self::Unix(path),
            })
        })
    }
}

impl BackendAddr {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SpecError> {
        cursor.skip_blanks();
        let in_brackets = cursor.rest().strip_prefix('[').and_then(|it| it.split(']').next());
        if in_brackets.is_some_and(|options| options.contains('=') || options.is_empty()) {
            return Err(cursor.expected("a backend"));
        }
        read_address(cursor, |text| {
            let wildcard = || AddressError::WildcardBackend(text.to_owned());
            match Target::parse(text)? {
                Target::Any(_) => Err(wildcard()),
                Target::Ip(addr) if addr.ip().is_unspecified() => Err(wildcard()),
                Target::Ip(addr) if addr.port() == 0 => Err(AddressError::PortZero),
                Target::Name(_, 0) => Err(AddressError::PortZero),
                Target::Ip(addr) => Ok(Self::Ip(addr)),
                Target::Name(name, port) => Ok(Self::Name(name, port)),
                Target::Unix(path) => Ok(Self::Unix(path)),
            }
        })
    }
}

/// An address before it is known what it is for.
enum Target {
    Any(u16),
    Ip(SocketAddr),
    Name(HostName, u16),
    Unix(UnixPath),
}

impl Target {
    fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if let Some(scheme) = text.get(..UNIX.len()).filter(|it| it.eq_ignore_ascii_case(UNIX)) {
            let path = text.get(scheme.len()..).unwrap_or_default();
            return parse_unix_path(path).map(Self::Unix);
        }
        if text.starts_with('[') {
            return parse_ipv6(text).map(Self::Ip);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Ip((Ipv4Addr::LOCALHOST, parse_port(text)?).into()));
        }
        let (host, port) =
            text.rsplit_once(':').ok_or_else(|| AddressError::PortMissing(text.to_owned()))?;
        if host.contains(':') {
            return Err(AddressError::Ipv6WithoutBrackets(text.to_owned()));
        }
        let port = parse_port(port)?;
        match host {
            "" => Err(AddressError::BadHost(host.to_owned())),
            "*" => Ok(Self::Any(port)),
            _ if looks_numeric(host) => match host.parse::<Ipv4Addr>() {
                Ok(ip) => Ok(Self::Ip((ip, port).into())),
                Err(_) => Err(AddressError::BadIpv4(host.to_owned())),
            },
            _ => Ok(Self::Name(parse_host(host)?, port)),
        }
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = if all_digits { text.parse().ok() } else { None };
    port.ok_or_else(|| AddressError::BadPort(text.to_owned()))
}

/// A v4-mapped IPv6 address is the IPv4 address it maps, so that one tunnel
/// has one identity.
fn parse_ipv6(text: &str) -> Result<SocketAddr, AddressError> {
    let Some((host, port)) = text.rsplit_once(']') else {
        return Err(AddressError::BadIpv6(text.to_owned()));
    };
    let port = parse_port(
        port.strip_prefix(':').ok_or_else(|| AddressError::PortMissing(text.to_owned()))?,
    )?;
    // With the port, since std reads a scope (`%2`) only there.
    let addr: SocketAddrV6 =
        format!("{host}]:{port}").parse().map_err(|_| AddressError::BadIpv6(format!("{host}]")))?;
    Ok(match addr.ip().to_ipv4_mapped() {
        Some(ip) => (ip, port).into(),
        None => addr.into(),
    })
}

/// A name whose last label is a number is never a host (RFC 3696, section 2),
/// so it was meant as an IPv4 address.
fn looks_numeric(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    last.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_host(text: &str) -> Result<HostName, AddressError> {
    let labels = text.strip_suffix('.').unwrap_or(text);
    // Underscores are not in RFC 1123, but containers and Windows use them.
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if labels.len() <= HOST_BYTES_MAX && labels.split('.').all(is_label) {
        Ok(HostName(text.to_ascii_lowercase()))
    } else {
        Err(AddressError::BadHost(text.to_owned()))
    }
}

fn parse_unix_path(path: &str) -> Result<UnixPath, AddressError> {
    if !path.starts_with('/') {
        return Err(AddressError::RelativePath(path.to_owned()));
    }
    if matches!(path.rsplit('/').next(), Some("" | "." | "..")) {
        return Err(AddressError::PathOfFolder(path.to_owned()));
    }
    // One spelling for one socket, as far as that can be told without looking:
    // `..` stays, since a link may stand before it.
    let parts = path.split('/');
    let plain: String =
        parts.filter(|part| !matches!(*part, "" | ".")).flat_map(|part| ["/", part]).collect();
    if plain.len() > UNIX_PATH_BYTES_MAX {
        let (bytes, bytes_max) = (plain.len(), UNIX_PATH_BYTES_MAX);
        return Err(AddressError::PathTooLong { bytes, bytes_max });
    }
    Ok(UnixPath(plain))
}

fn ends_address(character: char) -> bool {
    ends_bare_word(character) || character == '='
}

/// Takes the text of an address: quoted, or `[v6]:port`, or a bare word.
fn read_address<A>(
    cursor: &mut Cursor<'_>,
    parse: impl Fn(&str) -> Result<A, AddressError>,
) -> Result<A, SpecError> {
    cursor.skip_blanks();
    let piece = if cursor.peek() == Some('[') {
        let start = cursor.position();
        cursor.bare(|c| c == ']');
        cursor.eat(']');
        cursor.bare(ends_address);
        let span = start..cursor.position();
        Piece { text: cursor.input().get(span.clone()).unwrap_or_default().into(), span }
    } else {
        cursor.text(ends_address)?
    };
    parse(&piece.text)
        .map_err(|error| SpecError::new(SpecErrorKind::Address(error), piece.span, cursor.input()))
}

fn read_whole<A>(
    text: &str,
    read: impl Fn(&mut Cursor<'_>) -> Result<A, SpecError>,
) -> Result<A, SpecError> {
    let mut cursor = Cursor::new(text)?;
    let addr = read(&mut cursor)?;
    cursor.end("the end of the address")?;
    Ok(addr)
}

impl FromStr for ListenAddr {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        read_whole(text, Self::read)
    }
}

impl FromStr for BackendAddr {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        read_whole(text, Self::read)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UnixPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote_if_needed(&format!("unix:{}", self.0), ends_address))
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(port) => write!(f, "*:{port}"),
            Self::Ip(addr) => addr.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Unix(path) => path.fmt(f),
        }
    }
}

impl fmt::Display for BoundAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ListenAddr::from(self.clone()).fmt(f)
    }
}

impl fmt::Display for BackendAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Unix(path) => path.fmt(f),
        }
    }
}

impl From<BoundAddr> for ListenAddr {
    fn from(bound: BoundAddr) -> Self {
        match bound {
            BoundAddr::Any(port) => Self::Any(port),
            BoundAddr::Ip(addr) => Self::Ip(addr),
            BoundAddr::Unix(path) => Self::Unix(path),
        }
    }
}
