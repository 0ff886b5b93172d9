//! The serving side: one thread, one epoll, five services on ports of their own.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::net::{Shutdown, shutdown};
use slab::Slab;

use super::poller::{Events, Interest, Poller, Ready};
use super::socket::{self, Discard, Got};
use super::{REQUEST_BYTES, Services};

/// What is sent is cut from this many bytes: enough for one call to be worth it, few enough to
/// stay in the cache.
const OUTPUT_BYTES: usize = 256 * 1024;

/// Most that an echo holds before it reads no further.
const ECHO_BYTES_MAX: usize = 256 * 1024;

/// Clients that are accepted before the others get their turn.
const ACCEPTED_MAX: usize = 64;

/// What a connection gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Sink,
    Source,
    Both,
    Respond,
    Echo,
}

#[derive(Debug)]
enum Entry {
    Listener(OwnedFd, Service),
    Connection(Box<Connection>),
}

#[derive(Debug)]
struct Connection {
    socket: OwnedFd,
    service: Service,
    interest: Interest,
    /// Of the request that is arriving.
    request: Vec<u8>,
    /// Bytes of answers that are still to be sent.
    owed: usize,
    /// What an echo has yet to send.
    echo: Vec<u8>,
    echoed: u64,
    has_ended: bool,
}

/// Whether a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    GoesOn,
    Over,
}

/// Serves until it is killed, having told its addresses on standard output.
pub(crate) fn serve() -> anyhow::Result<()> {
    let mut backend = Backend::new()?;
    let mut listen = |service| backend.listen(service);
    let mut responders = [socket::NOWHERE; 8];
    for responder in &mut responders {
        *responder = listen(Service::Respond)?;
    }
    let services = Services {
        sink: listen(Service::Sink)?,
        source: listen(Service::Source)?,
        both: listen(Service::Both)?,
        respond: listen(Service::Respond)?,
        responders,
        echo: listen(Service::Echo)?,
    };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(&services)?)?;
    stdout.flush()?;
    let mut events = Events::new();
    loop {
        backend.poller.wait(&mut events, None)?;
        for ready in events.iter() {
            backend.turn(ready)?;
        }
    }
}

struct Backend {
    poller: Poller,
    entries: Slab<Entry>,
    discard: Discard,
    output: Vec<u8>,
}

impl Backend {
    fn new() -> io::Result<Self> {
        let output = (0..OUTPUT_BYTES).map(|at| at.to_le_bytes()[0]).collect();
        let (poller, discard) = (Poller::new()?, Discard::new());
        Ok(Self { poller, entries: Slab::new(), discard, output })
    }

    fn listen(&mut self, service: Service) -> io::Result<std::net::SocketAddr> {
        let (listener, addr) = socket::listener()?;
        let entry = self.entries.vacant_entry();
        self.poller.add(&listener, entry.key(), Interest::Read)?;
        entry.insert(Entry::Listener(listener, service));
        Ok(addr)
    }

    fn turn(&mut self, ready: Ready) -> io::Result<()> {
        match self.entries.get_mut(ready.who) {
            // Two events of one wait can be about the same connection's end.
            None => Ok(()),
            Some(Entry::Listener(..)) => self.accept(ready.who),
            Some(Entry::Connection(connection)) => {
                let outcome = connection.turn(ready, &mut self.discard, &self.output);
                // Clients break their connections when they have seen enough.
                if outcome.unwrap_or(Outcome::Over) == Outcome::Over {
                    self.entries.remove(ready.who);
                    return Ok(());
                }
                connection.watch(&self.poller, ready.who)
            }
        }
    }

    fn accept(&mut self, who: usize) -> io::Result<()> {
        for _ in 0..ACCEPTED_MAX {
            let Some(Entry::Listener(listener, service)) = self.entries.get(who) else { break };
            let service = *service;
            let Some(socket) = socket::accept(listener)? else { break };
            let interest = match service {
                Service::Source | Service::Both => Interest::Both,
                Service::Sink | Service::Respond | Service::Echo => Interest::Read,
            };
            let entry = self.entries.vacant_entry();
            self.poller.add(&socket, entry.key(), interest)?;
            let connection = Connection::new(socket, service, interest);
            entry.insert(Entry::Connection(Box::new(connection)));
        }
        Ok(())
    }
}

impl Connection {
    fn new(socket: OwnedFd, service: Service, interest: Interest) -> Self {
        let (request, echo) = (Vec::new(), Vec::new());
        let (owed, echoed, has_ended) = (0, 0, false);
        Self { socket, service, interest, request, owed, echo, echoed, has_ended }
    }

    fn turn(&mut self, ready: Ready, discard: &mut Discard, output: &[u8]) -> io::Result<Outcome> {
        match self.service {
            Service::Sink | Service::Source | Service::Both => {
                if ready.is_writable && self.service != Service::Sink {
                    socket::write(&self.socket, output)?;
                }
                let has_ended = ready.is_readable && discard.read(&self.socket)? == Got::End;
                Ok(if has_ended { Outcome::Over } else { Outcome::GoesOn })
            }
            Service::Respond => self.respond(ready, output),
            Service::Echo => self.echo(ready),
        }
    }

    fn respond(&mut self, ready: Ready, output: &[u8]) -> io::Result<Outcome> {
        if ready.is_readable {
            let mut buffer = [0; 4 * REQUEST_BYTES];
            match socket::read(&self.socket, &mut buffer)? {
                Got::Bytes(bytes) => self.take(buffer.get(..bytes).unwrap_or_default()),
                Got::Nothing => {}
                Got::End => return Ok(Outcome::Over),
            }
        }
        while self.owed > 0 {
            let piece = output.get(..self.owed.min(output.len())).unwrap_or_default();
            let sent = socket::write(&self.socket, piece)?;
            if sent == 0 {
                break;
            }
            self.owed -= sent;
        }
        Ok(Outcome::GoesOn)
    }

    /// Takes requests, whole or in pieces.
    fn take(&mut self, bytes: &[u8]) {
        self.request.extend_from_slice(bytes);
        let whole = self.request.len() / REQUEST_BYTES * REQUEST_BYTES;
        for request in self.request.drain(..whole).as_slice().chunks_exact(REQUEST_BYTES) {
            let size = request.first_chunk().copied().map(u32::from_be_bytes).unwrap_or_default();
            self.owed += size as usize;
        }
    }

    fn echo(&mut self, ready: Ready) -> io::Result<Outcome> {
        if ready.is_readable && !self.has_ended && self.echo.len() < ECHO_BYTES_MAX {
            let mut buffer = vec![0; 64 * 1024];
            match socket::read(&self.socket, &mut buffer)? {
                Got::Bytes(bytes) => {
                    self.echo.extend_from_slice(buffer.get(..bytes).unwrap_or_default());
                    self.echoed += bytes as u64;
                }
                Got::Nothing => {}
                Got::End => {
                    self.has_ended = true;
                    self.echo.extend_from_slice(&self.echoed.to_be_bytes());
                }
            }
        }
        let sent = socket::write(&self.socket, &self.echo)?;
        self.echo.drain(..sent);
        if self.has_ended && self.echo.is_empty() {
            shutdown(&self.socket, Shutdown::Write)?;
            return Ok(Outcome::Over);
        }
        Ok(Outcome::GoesOn)
    }

    /// Waits for what it needs next.
    fn watch(&mut self, poller: &Poller, who: usize) -> io::Result<()> {
        let wanted = match self.service {
            Service::Sink | Service::Source | Service::Both => self.interest,
            Service::Respond if self.owed > 0 => Interest::Both,
            Service::Respond => Interest::Read,
            Service::Echo if self.has_ended || self.echo.len() >= ECHO_BYTES_MAX => Interest::Write,
            Service::Echo if self.echo.is_empty() => Interest::Read,
            Service::Echo => Interest::Both,
        };
        if wanted != self.interest {
            poller.change(&self.socket, who, wanted)?;
            self.interest = wanted;
        }
        Ok(())
    }
}
