//! Streams that go as fast as they can.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use anyhow::{Context, bail, ensure};
use rustix::net::{Shutdown, shutdown};

use super::client::{LOOK, Load};
use super::poller::{Events, Interest, Poller, Ready};
use super::socket::{self, Discard, Got};
use super::{Sample, Ways};

/// What one call sends; it stays in the cache.
const OUTPUT_BYTES: usize = 256 * 1024;

/// The streams of one client.
pub(super) struct Bulk {
    poller: Poller,
    events: Option<Events>,
    streams: Vec<Stream>,
    discard: Discard,
    output: Vec<u8>,
    bytes: u64,
}

#[derive(Debug)]
struct Stream {
    socket: OwnedFd,
    /// What it may still send, where that is limited.
    left: Option<u64>,
}

impl Bulk {
    pub(super) fn open(targets: &[SocketAddr], ways: Ways, streams: usize) -> anyhow::Result<Self> {
        let poller = Poller::new()?;
        let interest = match ways {
            Ways::Down => Interest::Read,
            Ways::Up | Ways::Both => Interest::Both,
        };
        let targets = targets.iter().cycle().take(streams);
        let streams = targets.enumerate().map(|(who, target)| {
            let socket = socket::open(*target)?;
            poller.add(&socket, who, interest)?;
            Ok(Stream { socket, left: None })
        });
        let streams = streams.collect::<anyhow::Result<_>>().context("cannot connect")?;
        let (events, discard) = (Some(Events::new()), Discard::new());
        let output = (0..OUTPUT_BYTES).map(|at| at.to_le_bytes()[0]).collect();
        Ok(Self { poller, events, streams, discard, output, bytes: 0 })
    }

    fn stream_turn(&mut self, ready: Ready) -> anyhow::Result<()> {
        let Some(stream) = self.streams.get_mut(ready.who) else { return Ok(()) };
        if ready.is_readable {
            match self.discard.read(&stream.socket).context("a stream broke")? {
                Got::Bytes(bytes) => self.bytes += bytes as u64,
                Got::Nothing => {}
                Got::End => bail!("a stream ended"),
            }
        }
        if ready.is_writable && stream.left != Some(0) {
            let sent = stream.send(&self.output).context("a stream broke")?;
            self.bytes += sent;
            if stream.left == Some(0) {
                shutdown(&stream.socket, Shutdown::Write)?;
                self.poller.change(&stream.socket, ready.who, Interest::Read)?;
            }
        }
        Ok(())
    }
}

impl Stream {
    fn send(&mut self, output: &[u8]) -> std::io::Result<u64> {
        let left = self.left.and_then(|left| usize::try_from(left).ok());
        let piece = output.get(..left.unwrap_or(output.len())).unwrap_or(output);
        let sent = socket::write(&self.socket, piece)? as u64;
        self.left = self.left.map(|left| left.saturating_sub(sent));
        Ok(sent)
    }
}

impl Load for Bulk {
    fn turn(&mut self) -> anyhow::Result<()> {
        let mut events = self.events.take().unwrap_or_else(Events::new);
        self.poller.wait(&mut events, Some(LOOK))?;
        for ready in events.iter() {
            self.stream_turn(ready)?;
        }
        self.events = Some(events);
        Ok(())
    }

    fn reset(&mut self) {
        self.bytes = 0;
    }

    /// Only for one stream to a sink, with which it ends.
    fn limit(&mut self, units: u64) -> anyhow::Result<()> {
        ensure!(self.streams.len() == 1, "only one stream can be limited");
        for stream in &mut self.streams {
            stream.left = Some(units);
        }
        Ok(())
    }

    fn units(&self) -> u64 {
        self.bytes
    }

    fn complete(&self, sample: Sample) -> Sample {
        Sample { connections: self.streams.len() as u64, ..sample }
    }
}
