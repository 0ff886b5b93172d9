//! The clients that a filter means.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::units::ValueError;

/// How clients of Unix sockets are called: they have no address.
const UNIX: &str = "unix";

/// Some clients.
///
/// ```
/// use plexy_shared::filter::ClientPattern;
///
/// let office: ClientPattern = "10.1.0.0/16".parse()?;
/// assert!(office.has(Some("10.1.2.3".parse().unwrap())));
/// assert!(!office.has(Some("10.2.2.3".parse().unwrap())) && !office.has(None));
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPattern {
    /// Those of a network, be it of one address.
    Net(IpNet),
    /// Those of Unix sockets.
    Unix,
}

impl ClientPattern {
    /// Whether a client is one of them; one without an address is of a Unix socket.
    #[must_use]
    pub fn has(self, client: Option<IpAddr>) -> bool {
        match (self, client) {
            (Self::Net(net), Some(client)) => net.contains(&client),
            (Self::Unix, None) => true,
            (Self::Net(_), None) | (Self::Unix, Some(_)) => false,
        }
    }
}

impl FromStr for ClientPattern {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.eq_ignore_ascii_case(UNIX) {
            return Ok(Self::Unix);
        }
        let ip = text.parse::<IpAddr>().map(IpNet::from);
        let net = ip.or_else(|_| text.parse::<IpNet>()).map(|net| net.trunc());
        net.map(Self::Net).map_err(|_| {
            ValueError::malformed(
                text,
                "is not a client: an IP address, a network like `10.0.0.0/8`, or `unix`",
            )
        })
    }
}

impl fmt::Display for ClientPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().fmt(f),
            Self::Net(net) => net.fmt(f),
            Self::Unix => f.write_str(UNIX),
        }
    }
}
