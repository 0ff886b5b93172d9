//! A client of HTTP that sends what it is told and nothing else, over TCP or a Unix socket.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// How long an answer may take: one for 10 000 tunnels takes seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server of HTTP listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpClient {
    /// On a TCP address.
    Tcp(SocketAddr),
    /// On a Unix socket.
    Unix(PathBuf),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The number of its status.
    pub status: u16,
    /// Its head, with the status line.
    pub head: String,
    /// Its body.
    pub body: String,
}

/// A stream of either kind.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Io for T {}

impl HttpClient {
    /// Connects, and sends nothing.
    pub async fn connect(&self) -> Box<dyn Io> {
        match self {
            Self::Tcp(addr) => Box::new(TcpStream::connect(addr).await.expect("it accepts")),
            Self::Unix(path) => Box::new(UnixStream::connect(path).await.expect("it accepts")),
        }
    }

    /// Asks for a path.
    pub async fn get(&self, path: &str) -> HttpAnswer {
        self.send("GET", path, &["Host: localhost"], b"").await
    }

    /// Posts a body as JSON.
    pub async fn post(&self, body: &str) -> HttpAnswer {
        self.post_with(&["Host: localhost"], body).await
    }

    /// Posts a body as JSON with these headers, `Host` among them or not.
    pub async fn post_with(&self, headers: &[&str], body: &str) -> HttpAnswer {
        let headers = [headers, &["Content-Type: application/json"]].concat();
        self.send("POST", "/", &headers, body.as_bytes()).await
    }

    /// Sends a request, and reads to the end of the connection.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> HttpAnswer {
        let mut stream = self.connect().await;
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut answer = Vec::new();
        // A server that has heard enough answers before it has read all.
        let (mut reader, mut writer) = tokio::io::split(&mut stream);
        let write = async {
            if writer.write_all(head.as_bytes()).await.is_ok() {
                writer.write_all(body).await.ok();
            }
        };
        let both = async { tokio::join!(write, reader.read_to_end(&mut answer)) };
        let answered = tokio::time::timeout(PATIENCE, both).await;
        answered.expect("there is an answer of HTTP in time").1.ok();
        HttpAnswer::read(&answer)
    }

    /// Calls a method of JSON-RPC: its result, or its error.
    ///
    /// # Errors
    ///
    /// The `error` of the answer.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.post(&call.to_string()).await.json();
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }
}

impl HttpAnswer {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let body = if is_chunked { unchunked(body) } else { body.to_owned() };
        Self { status: status.unwrap_or_default(), head: head.to_owned(), body }
    }

    /// Its body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A chunked body put together (RFC 9112, section 7.1).
fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let Ok(length) = usize::from_str_radix(length, 16) else { break };
        let Some(chunk) = after.get(..length).filter(|_| length > 0) else { break };
        body.push_str(chunk);
        rest = after.get(length + 2..).unwrap_or_default();
    }
    body
}
