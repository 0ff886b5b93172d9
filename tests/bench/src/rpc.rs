//! JSON-RPC with plexyd: one connection of HTTP over its Unix socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The largest answer that is taken.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A connection to the daemon.
#[derive(Debug)]
pub(crate) struct Rpc {
    stream: BufReader<UnixStream>,
}

impl Rpc {
    /// Connects.
    pub(crate) fn connect(socket: &Path) -> anyhow::Result<Self> {
        let shown = socket.display();
        let stream =
            UnixStream::connect(socket).with_context(|| format!("cannot connect to `{shown}`"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Calls a method: its result.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.post(&call.to_string()).with_context(|| format!("`{method}`"))?;
        let mut answer: Value = serde_json::from_slice(&answer)?;
        if let Some(error) = answer.get("error") {
            bail!("plexyd refuses `{method}`: {error}");
        }
        Ok(answer.get_mut("result").map(Value::take).unwrap_or_default())
    }

    fn post(&mut self, body: &str) -> anyhow::Result<Vec<u8>> {
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        let request = [head.as_bytes(), body.as_bytes()].concat();
        self.stream.get_mut().write_all(&request)?;
        let length = self.head().context("no answer of HTTP")?;
        ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    /// Reads the head of an answer: how long its body is.
    fn head(&mut self) -> anyhow::Result<usize> {
        let mut length = None;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim_end();
            if line.is_empty() {
                return length.context("an answer without a length");
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
    }
}
