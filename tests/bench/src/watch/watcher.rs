//! Somebody who watches: a WebSocket that subscribes to an overview, and reads what comes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

/// How long the next message may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One watcher.
#[derive(Debug)]
pub(super) struct Watcher {
    stream: UnixStream,
    /// How many messages have come.
    reader: JoinHandle<anyhow::Result<u64>>,
}

impl Watcher {
    /// Subscribes, once a second.
    pub(super) fn start(socket: &Path, query: &Value) -> anyhow::Result<Self> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            ensure!(reader.read_line(&mut head)? > 0, "no WebSocket: {head}");
        }
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": "subscribeOverview", "params": query,
        });
        stream.write_all(&frame(call.to_string().as_bytes())?)?;
        let answer = message(&mut reader)?.context("no answer")?;
        ensure!(!contains(&answer, b"\"error\""), "{}", String::from_utf8_lossy(&answer));
        let reader = thread::spawn(move || {
            let mut count = 0;
            while message(&mut reader)?.is_some() {
                count += 1;
            }
            Ok(count)
        });
        Ok(Self { stream, reader })
    }

    /// Leaves, if it has been told anything.
    pub(super) fn end(self) -> anyhow::Result<()> {
        self.stream.shutdown(Shutdown::Both)?;
        let Ok(count) = self.reader.join() else { bail!("the watcher has failed") };
        ensure!(count? > 0, "the watcher was told nothing");
        Ok(())
    }
}

/// One text frame with a mask of zeros (RFC 6455, section 5.2), up to 64 KiB.
fn frame(text: &[u8]) -> anyhow::Result<Vec<u8>> {
    let length = u16::try_from(text.len())?.to_be_bytes();
    Ok([&[0x81, 0x80 | 126], &length[..], &[0; 4], text].concat())
}

/// The next message of the server, whatever it is; none once the connection has ended.
fn message(reader: &mut impl Read) -> anyhow::Result<Option<Vec<u8>>> {
    let mut head = [0; 2];
    if reader.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let [_, length] = head;
    let length = match length {
        126 => u16::from_be_bytes(bytes(reader)?).into(),
        127 => u64::from_be_bytes(bytes(reader)?),
        length => length.into(),
    };
    let mut message = Vec::new();
    reader.take(length).read_to_end(&mut message)?;
    Ok((message.len() as u64 == length).then_some(message))
}

fn bytes<const N: usize>(reader: &mut impl Read) -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|it| it == part)
}
