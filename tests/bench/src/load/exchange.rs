//! Connections that ask and wait for the answer, again and again or once.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;

use super::channel::{Channel, Dialer};
use super::client::{LOOK, Load};
use super::poller::{Events, Interest, Poller, Ready};
use super::socket::{Discard, Got};
use super::{Latency, Life, REQUEST_BYTES, Sample};

/// Connections that are opened at once, so that no backlog overflows.
const OPENING_MAX: usize = 128;

/// Digits of a latency that are right.
const DIGITS: u8 = 3;

/// The connections of one client.
pub(super) struct Exchanges {
    poller: Poller,
    events: Option<Events>,
    dialer: Dialer,
    connections: Vec<Connection>,
    /// Those that have had their answer and not asked again.
    resting: Vec<usize>,
    request: [u8; REQUEST_BYTES],
    answer_bytes: usize,
    discard: Discard,
    life: Life,
    /// Exchanges that may still begin, where that is limited.
    left: Option<u64>,
    done: u64,
    opened: u64,
    latency: Histogram<u64>,
}

#[derive(Debug)]
struct Connection {
    channel: Channel,
    interest: Interest,
    /// When the exchange began, or the connection where each has its own.
    began: Instant,
    /// What of the request is sent, and of the answer received.
    sent: usize,
    received: usize,
}

impl Exchanges {
    /// Opens the connections, a few at a time, with one exchange on each; then all rest.
    pub(super) fn open(
        dialer: Dialer,
        connections: usize,
        answer_bytes: u32,
    ) -> anyhow::Result<Self> {
        let mut request = [0x2e; REQUEST_BYTES];
        if let Some(size) = request.first_chunk_mut() {
            *size = answer_bytes.to_be_bytes();
        }
        let mut exchanges = Self {
            poller: Poller::new()?,
            events: Some(Events::new()),
            dialer,
            connections: Vec::with_capacity(connections),
            resting: Vec::new(),
            request,
            answer_bytes: answer_bytes as usize,
            discard: Discard::new(),
            life: Life::Idle,
            left: None,
            done: 0,
            opened: 0,
            latency: Histogram::new(DIGITS)?,
        };
        while exchanges.resting.len() < connections {
            let opening = exchanges.connections.len() - exchanges.resting.len();
            if opening < OPENING_MAX && exchanges.connections.len() < connections {
                let who = exchanges.connections.len();
                let connection = exchanges.connect(who)?;
                exchanges.connections.push(connection);
                exchanges.ask(who)?;
            } else {
                exchanges.turn()?;
            }
        }
        Ok(exchanges)
    }

    /// Lets all of them ask again, and go on so.
    pub(super) fn begin(&mut self, life: Life) -> anyhow::Result<()> {
        self.life = life;
        for who in std::mem::take(&mut self.resting) {
            self.next(who)?;
        }
        Ok(())
    }

    /// The next exchange of a connection that has had its answer.
    fn next(&mut self, who: usize) -> anyhow::Result<()> {
        if self.life == Life::Idle || self.left == Some(0) {
            self.resting.push(who);
            return Ok(());
        }
        self.left = self.left.map(|left| left - 1);
        if self.life == Life::OneExchange {
            let connection = self.connect(who)?;
            if let Some(place) = self.connections.get_mut(who) {
                std::mem::replace(place, connection).channel.close();
            }
        }
        self.ask(who)
    }

    fn connect(&mut self, who: usize) -> anyhow::Result<Connection> {
        let began = Instant::now();
        let channel = self.dialer.dial(who)?;
        let interest = Interest::Read;
        self.poller.add(&channel, who, interest)?;
        self.opened += 1;
        Ok(Connection { channel, interest, began, sent: REQUEST_BYTES, received: 0 })
    }

    fn ask(&mut self, who: usize) -> anyhow::Result<()> {
        let Some(connection) = self.connections.get_mut(who) else { return Ok(()) };
        if self.life != Life::OneExchange {
            connection.began = Instant::now();
        }
        (connection.sent, connection.received) = (0, 0);
        connection.send(&self.poller, who, &self.request).context("cannot send a request")
    }

    fn connection_turn(&mut self, ready: Ready) -> anyhow::Result<()> {
        let Some(connection) = self.connections.get_mut(ready.who) else { return Ok(()) };
        if ready.is_readable {
            match connection.channel.discard(&mut self.discard).context("a connection broke")? {
                Got::Bytes(bytes) => connection.received += bytes,
                Got::Nothing => {}
                Got::End => bail!("a connection ended before its answer"),
            }
        }
        if connection.sent < REQUEST_BYTES {
            let sent = connection.send(&self.poller, ready.who, &self.request);
            sent.context("cannot send a request")?;
        }
        if connection.received < self.answer_bytes {
            return Ok(());
        }
        if self.life == Life::OneExchange {
            self.dialer.check(&connection.channel)?;
        }
        ensure!(connection.received == self.answer_bytes, "an answer is longer than was asked for");
        self.latency.record(nanos(connection.began.elapsed()))?;
        self.done += 1;
        self.next(ready.who)
    }
}

impl Connection {
    fn send(&mut self, poller: &Poller, who: usize, request: &[u8]) -> std::io::Result<()> {
        self.sent += self.channel.write(request.get(self.sent..).unwrap_or_default())?;
        let wanted = self.channel.interest(self.sent < request.len());
        if wanted != self.interest {
            poller.change(&self.channel, who, wanted)?;
            self.interest = wanted;
        }
        Ok(())
    }
}

impl Load for Exchanges {
    fn turn(&mut self) -> anyhow::Result<()> {
        let mut events = self.events.take().unwrap_or_else(Events::new);
        self.poller.wait(&mut events, Some(LOOK))?;
        for ready in events.iter() {
            self.connection_turn(ready)?;
        }
        self.events = Some(events);
        Ok(())
    }

    fn reset(&mut self) {
        self.done = 0;
        self.latency.reset();
    }

    fn limit(&mut self, units: u64) -> anyhow::Result<()> {
        let under_way = (self.connections.len() - self.resting.len()) as u64;
        ensure!(units >= under_way, "{under_way} exchanges are under way already");
        self.left = Some(units - under_way);
        Ok(())
    }

    fn units(&self) -> u64 {
        self.done
    }

    fn complete(&self, sample: Sample) -> Sample {
        let at = |quantile| Duration::from_nanos(self.latency.value_at_quantile(quantile));
        let latency = Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
        Sample { connections: self.opened, latency: Some(latency), ..sample }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
