//! A socket of JSON-RPC, as somebody writes it: an address, with TLS or without.

use std::str::FromStr;

use plexy_shared::spec::{ListenAddr, SpecError};
use thiserror::Error;

/// What stands before the address of one with TLS.
const TLS: &str = "tls:";

/// Schemes of URLs, which say the same to clients.
const SCHEMES: [&str; 3] = ["tls://", "wss://", "https://"];

/// Where JSON-RPC is to listen, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RpcSocket {
    Plain(ListenAddr),
    Tls(ListenAddr),
}

/// Why a text is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum RpcSocketError {
    #[error("{0}")]
    BadAddress(SpecError),
    #[error("a socket with TLS is written `tls:host:port`, without slashes")]
    Scheme,
    #[error("a Unix socket needs no TLS: whoever can open its file may use it")]
    Unix,
}

impl FromStr for RpcSocket {
    type Err = RpcSocketError;

    fn from_str(text: &str) -> Result<Self, RpcSocketError> {
        if SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(RpcSocketError::Scheme);
        }
        let (has_tls, address) = text.strip_prefix(TLS).map_or((false, text), |rest| (true, rest));
        match address.parse().map_err(RpcSocketError::BadAddress)? {
            ListenAddr::Unix(_) if has_tls => Err(RpcSocketError::Unix),
            address if has_tls => Ok(Self::Tls(address)),
            address => Ok(Self::Plain(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_stands_before_the_address() {
        let socket = |text: &str| text.parse::<RpcSocket>();
        let address = |text: &str| text.parse::<ListenAddr>().unwrap();
        assert_eq!(socket("9998"), Ok(RpcSocket::Plain(address("9998"))));
        assert_eq!(socket("unix:/a"), Ok(RpcSocket::Plain(address("unix:/a"))));
        for text in ["9998", "*:9998", "[::1]:9998", "proxy.example:9998", "0.0.0.0:0"] {
            assert_eq!(socket(&format!("tls:{text}")), Ok(RpcSocket::Tls(address(text))), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_as_what_it_is() {
        let error = |text: &str| text.parse::<RpcSocket>().unwrap_err().to_string();
        assert!(error("tls:unix:/run/rpc.sock").contains("a Unix socket needs no TLS"));
        for text in ["wss://localhost:9998", "https://localhost:9998", "tls://localhost:9998"] {
            assert!(error(text).contains("`tls:host:port`, without slashes"), "{text}");
        }
        assert_eq!(error("tls:host"), "host".parse::<ListenAddr>().unwrap_err().to_string());
    }
}
