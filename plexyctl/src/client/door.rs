//! One door: the stream to it, and the handshakes of TLS and WebSocket.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use jsonrpsee::async_client::{Client as RpcClient, ClientBuilder};
use jsonrpsee::client_transport::ws::{HeaderMap, Url, WsHandshakeError, WsTransportClientBuilder};
use plexy_shared::rpc::BODY_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use url::Host;

use super::owner::Owner;
use super::tls;
use super::{ConnectError, ConnectOptions, Endpoint};

/// Longer than any command is given. One connection may serve several commands, each with a patience of
/// its own, which decides.
const BEYOND: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Longest answer, in bytes: 10 000 tunnels in full, several times over.
const ANSWER_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// What stands in `Host` where there is none; the daemon knows it as its own.
const LOCALHOST: &str = "ws://localhost/";

/// Opens the door. It waits for ever: whoever calls it has the deadline.
pub(super) async fn open(
    endpoint: &Endpoint,
    options: &ConnectOptions,
) -> Result<RpcClient, ConnectError> {
    match endpoint {
        Endpoint::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(|error| unix(error, path))?;
            let url = Url::parse(LOCALHOST).map_err(|error| ConnectError::not_plexyd(&error))?;
            shake_hands(url, stream, options).await
        }
        Endpoint::Tcp(url) => shake_hands(url.clone(), tcp(url).await?, options).await,
        Endpoint::Tls(url) => {
            let (host, stream) = (url.host_str().unwrap_or_default(), tcp(url).await?);
            let stream = tls::shake_hands(host, stream, &options.credentials).await?;
            shake_hands(url.clone(), stream, options).await
        }
    }
}

fn unix(error: io::Error, path: &Path) -> ConnectError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ConnectError::NoSocket,
        io::ErrorKind::PermissionDenied => ConnectError::Denied(Owner::of(path)),
        io::ErrorKind::ConnectionRefused if !is_socket(path) => ConnectError::NotASocket,
        io::ErrorKind::ConnectionRefused => ConnectError::NobodyListens,
        _ => ConnectError::Io(error),
    }
}

fn is_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// Tries every address of a name, and tells of the last one.
async fn tcp(url: &Url) -> Result<TcpStream, ConnectError> {
    let port = url.port_or_known_default().unwrap_or_default();
    let connected = match url.host() {
        Some(Host::Ipv4(ip)) => TcpStream::connect((ip, port)).await,
        Some(Host::Ipv6(ip)) => TcpStream::connect((ip, port)).await,
        Some(Host::Domain(name)) => {
            let addresses = lookup_host((name, port)).await.map_err(ConnectError::NotResolved)?;
            let addresses: Vec<_> = addresses.collect();
            TcpStream::connect(addresses.as_slice()).await
        }
        None => Err(io::ErrorKind::InvalidInput.into()),
    };
    let stream = connected.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::NobodyListens,
        _ => ConnectError::Io(error),
    })?;
    stream.set_nodelay(true).map_err(ConnectError::Io)?;
    Ok(stream)
}

async fn shake_hands<S>(
    url: Url,
    stream: S,
    options: &ConnectOptions,
) -> Result<RpcClient, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // No `Origin` among them: the daemon takes who sends one for a browser.
    let mut headers = HeaderMap::new();
    if let Some(token) = &options.token {
        headers.insert("authorization", token.header());
    }
    let transport = WsTransportClientBuilder::default()
        .set_headers(headers)
        // Never before our own deadline, which says what has happened.
        .connection_timeout(options.patience.given().saturating_mul(2))
        .max_request_size(BODY_BYTES_MAX)
        .max_response_size(ANSWER_BYTES_MAX);
    let (sender, receiver) = transport
        .build_with_stream(url, stream)
        .await
        .map_err(|error| rejected(&error, options.token.is_some()))?;
    // Its own time-out would be a minute.
    let client = ClientBuilder::default().request_timeout(BEYOND);
    Ok(client.build_with_tokio(sender, receiver))
}

fn rejected(error: &WsHandshakeError, has_token: bool) -> ConnectError {
    match error {
        WsHandshakeError::Rejected { status_code: 401 } if has_token => ConnectError::TokenRefused,
        WsHandshakeError::Rejected { status_code: 401 } => ConnectError::TokenMissing,
        // No version of WebSocket is another than ours; this is the other upgrade (RFC 2817).
        WsHandshakeError::Rejected { status_code: 426 } => ConnectError::WantsTls,
        WsHandshakeError::Rejected { status_code: 403 } => ConnectError::Forbidden,
        WsHandshakeError::Rejected { status_code: code @ (429 | 503) } => ConnectError::Busy(*code),
        WsHandshakeError::Rejected { status_code } => {
            ConnectError::NotPlexyd(format!("HTTP {status_code}"))
        }
        _ => tls::failed(error).unwrap_or_else(|| ConnectError::not_plexyd(error)),
    }
}
