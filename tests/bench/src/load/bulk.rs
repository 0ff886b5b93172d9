//! Streams that go as fast as they can.

use anyhow::{Context, bail, ensure};

use super::channel::{Channel, Dialer};
use super::client::{LOOK, Load};
use super::poller::{Events, Interest, Poller, Ready};
use super::socket::{Discard, Got};
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
    channel: Channel,
    interest: Interest,
    /// What it may still send, where that is limited.
    left: Option<u64>,
}

impl Bulk {
    pub(super) fn open(dialer: &Dialer, ways: Ways, streams: usize) -> anyhow::Result<Self> {
        let poller = Poller::new()?;
        let left = match ways {
            Ways::Down => Some(0),
            Ways::Up | Ways::Both => None,
        };
        let streams = (0..streams).map(|who| {
            let channel = dialer.dial(who)?;
            let interest = channel.interest(left.is_none());
            poller.add(&channel, who, interest)?;
            Ok(Stream { channel, interest, left })
        });
        let streams = streams.collect::<anyhow::Result<_>>().context("cannot connect")?;
        let (events, discard) = (Some(Events::new()), Discard::new());
        let output = (0..OUTPUT_BYTES).map(|at| at.to_le_bytes()[0]).collect();
        Ok(Self { poller, events, streams, discard, output, bytes: 0 })
    }

    fn stream_turn(&mut self, ready: Ready) -> anyhow::Result<()> {
        let Some(stream) = self.streams.get_mut(ready.who) else { return Ok(()) };
        if ready.is_readable {
            match stream.channel.discard(&mut self.discard).context("a stream broke")? {
                Got::Bytes(bytes) => self.bytes += bytes as u64,
                Got::Nothing => {}
                Got::End => bail!("a stream ended"),
            }
        }
        let was_over = stream.left == Some(0);
        // Where it did not wait to write, it was for the peer's part of a handshake.
        if ready.is_writable || stream.interest == Interest::Read {
            self.bytes += stream.send(&self.output).context("a stream broke")?;
        }
        if stream.left == Some(0) && !was_over {
            stream.channel.end()?;
        }
        Ok(stream.watch(&self.poller, ready.who)?)
    }
}

impl Stream {
    fn send(&mut self, output: &[u8]) -> std::io::Result<u64> {
        let left = self.left.and_then(|left| usize::try_from(left).ok());
        let piece = output.get(..left.unwrap_or(output.len())).unwrap_or(output);
        let sent = self.channel.write(piece)? as u64;
        self.left = self.left.map(|left| left.saturating_sub(sent));
        Ok(sent)
    }

    /// Waits for what it needs next.
    fn watch(&mut self, poller: &Poller, who: usize) -> std::io::Result<()> {
        let wanted = self.channel.interest(self.left != Some(0));
        if wanted != self.interest {
            poller.change(&self.channel, who, wanted)?;
            self.interest = wanted;
        }
        Ok(())
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
