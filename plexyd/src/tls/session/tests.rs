//! The relay over TLS against the plain one, over sockets of the kernel.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fastrand::Rng;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use tokio_util::either::Either;

use super::*;
use crate::relay::{Ended, Held, Outcome, Side, relay};
use crate::socket::reset_on_close;
use crate::socket::tests::{Carried, connected, noise, receive, send, taken};
use crate::stop::Stop;
use crate::tls::endpoint::{Came, Endpoint, Words};
use crate::tls::provider;
use crate::tls::tests::pair;
use crate::traffic::Flow;

/// What the test has of a connection.
type Peer = Either<TcpStream, TlsStream<TcpStream>>;

/// What the relay has of it.
struct Ours {
    socket: Socket,
    secured: Option<Secured>,
}

/// Which sides speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Speaks {
    client: bool,
    backend: bool,
}

const PLAIN: Speaks = Speaks { client: false, backend: false };
const CLIENT: Speaks = Speaks { client: true, ..PLAIN };
const BACKEND: Speaks = Speaks { backend: true, ..PLAIN };
const BOTH: Speaks = Speaks { client: true, backend: true };

/// The configurations of both sides of one version.
fn configs(version: &'static SupportedProtocolVersion) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let certified = pair(&["a.example"]).certified;
    let mut roots = RootCertStore::empty();
    roots.add(certified.cert[0].clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider());
    let client = client.with_protocol_versions(&[version]).unwrap();
    let server = ServerConfig::builder_with_provider(provider());
    let server = server.with_protocol_versions(&[version]).unwrap().with_no_client_auth();
    let resolver = rustls::sign::SingleCertAndKey::from(certified);
    (
        Arc::new(client.with_root_certificates(roots).with_no_client_auth()),
        Arc::new(server.with_cert_resolver(Arc::new(resolver))),
    )
}

fn name() -> ServerName<'static> {
    "a.example".try_into().unwrap()
}

/// Our side of a handshake.
async fn shaken(socket: Socket, tls: Endpoint) -> Ours {
    let mut inner = Inner::new(tls);
    loop {
        std::future::poll_fn(|cx| inner.poll_flushed(&socket, cx)).await.unwrap();
        if !inner.tls.is_handshaking() {
            return Ours { socket, secured: Some(Secured::new(inner)) };
        }
        std::future::poll_fn(|cx| socket.poll_readable(cx)).await.unwrap();
        match inner.step(&socket, 4096) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("{error}"),
            Ok(()) | Err(_) => assert_eq!(inner.failure, None),
        }
    }
}

/// A client that speaks TLS with us, or does not.
async fn client(version: Option<&'static SupportedProtocolVersion>) -> (Peer, Ours) {
    let (peer, socket) = connected().await;
    let Some(version) = version else {
        return (Either::Left(peer), Ours { socket, secured: None });
    };
    let (client, server) = configs(version);
    let ours = Endpoint::Server(UnbufferedServerConnection::new(server).unwrap());
    let connector = TlsConnector::from(client);
    let (peer, ours) = tokio::join!(connector.connect(name(), peer), shaken(socket, ours));
    (Either::Right(peer.unwrap().into()), ours)
}

/// The same of a backend.
async fn backend(version: Option<&'static SupportedProtocolVersion>) -> (Peer, Ours) {
    let (peer, socket) = connected().await;
    let Some(version) = version else {
        return (Either::Left(peer), Ours { socket, secured: None });
    };
    let (client, server) = configs(version);
    let ours = Endpoint::Client(UnbufferedClientConnection::new(client, name()).unwrap());
    let acceptor = TlsAcceptor::from(server);
    let (peer, ours) = tokio::join!(acceptor.accept(peer), shaken(socket, ours));
    (Either::Right(peer.unwrap().into()), ours)
}

/// A relay between two peers of the test.
struct Running {
    client: Peer,
    backend: Peer,
    flow: Arc<Flow>,
    stop: Arc<Stop>,
    pauses: Arc<AtomicUsize>,
    task: JoinHandle<Ended>,
}

async fn run(speaks: Speaks, version: &'static SupportedProtocolVersion) -> Running {
    let (client, of_client) = client(speaks.client.then_some(version)).await;
    let (backend, of_backend) = backend(speaks.backend.then_some(version)).await;
    let (flow, stop) = (Arc::new(Flow::default()), Arc::new(Stop::default()));
    let pauses = Arc::new(AtomicUsize::new(0));
    let task = {
        let (flow, stop, pauses) = (Arc::clone(&flow), Arc::clone(&stop), Arc::clone(&pauses));
        tokio::spawn(async move {
            let watch = Watch { flow: &flow, stop: &stop, pauses: &pauses };
            match (of_client.session(), of_backend.session()) {
                (None, None) => watch.relayed(&of_client.socket, &of_backend.socket).await,
                (Some(client), None) => watch.relayed(&client, &of_backend.socket).await,
                (None, Some(backend)) => watch.relayed(&of_client.socket, &backend).await,
                (Some(client), Some(backend)) => watch.relayed(&client, &backend).await,
            }
        })
    };
    Running { client, backend, flow, stop, pauses, task }
}

impl Ours {
    fn session(&self) -> Option<Session<'_>> {
        self.secured.as_ref().map(|secured| Session { socket: &self.socket, secured })
    }
}

struct Watch<'a> {
    flow: &'a Flow,
    stop: &'a Stop,
    pauses: &'a AtomicUsize,
}

impl Watch<'_> {
    async fn relayed<C: Stream, B: Stream>(&self, client: &C, backend: &B) -> Ended {
        let (half_closed, mut held) = (AtomicBool::new(false), Held::nothing());
        loop {
            match relay(client, backend, self.flow, &half_closed, self.stop, &mut held).await {
                Outcome::Ended(ended) => return ended,
                Outcome::Paused => {
                    self.pauses.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    self.stop.resume();
                }
            }
        }
    }
}

/// Both ways at once, each with an end of its own.
async fn both_ways(running: Running, seed: u64, sizes: [usize; 2], speaks: Speaks) {
    let Running { client, backend, flow, task, .. } = running;
    let what = format!("{speaks:?}");
    Carried { client, backend, flow, task }.both_ways(seed, sizes, &what).await;
}

#[tokio::test]
async fn bytes_and_ends_are_those_of_the_plain_path() {
    for seed in 0..24 {
        for speaks in [PLAIN, CLIENT, BACKEND, BOTH] {
            let version = if seed % 2 == 0 { &TLS13 } else { &TLS12 };
            let mut random = Rng::with_seed(seed);
            let sizes = [0; 2].map(|_| {
                let most = 1 << random.u32(1..22);
                random.usize(0..most)
            });
            both_ways(run(speaks, version).await, seed, sizes, speaks).await;
        }
    }
}

/// How a client goes that does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// Its socket ends, and TLS has not said that it does.
    Fin,
    Reset,
}

fn raw(peer: &Peer) -> &TcpStream {
    match peer {
        Either::Left(stream) => stream,
        Either::Right(tls) => tls.get_ref().0,
    }
}

#[tokio::test]
async fn a_break_comes_after_the_bytes_before_it_and_is_no_clean_end() {
    for seed in 0..16 {
        for (speaks, gone) in [
            (CLIENT, Gone::Fin),
            (CLIENT, Gone::Reset),
            (BACKEND, Gone::Reset),
            (BOTH, Gone::Fin),
            (BOTH, Gone::Reset),
        ] {
            let Running { mut client, mut backend, task, .. } = run(speaks, &TLS13).await;
            let sent = noise(seed, Rng::with_seed(seed).usize(1..2_000_000));
            let sending = async {
                send(&mut client, &sent, seed).await.unwrap();
                client.flush().await.unwrap();
                // What is in the send queue when a connection is reset is lost.
                taken(raw(&client)).await;
                match gone {
                    Gone::Fin => {
                        rustix::net::shutdown(raw(&client), rustix::net::Shutdown::Write).unwrap();
                    }
                    Gone::Reset => reset_on_close(raw(&client)),
                }
                drop(client);
            };
            let ((), (received, was_clean)) = tokio::join!(sending, receive(&mut backend, seed));
            assert!(received == sent && !was_clean, "seed {seed} {speaks:?} {gone:?}");
            let ended = task.await.unwrap();
            assert_eq!(ended, Ended::Broken(Side::Client), "seed {seed} {speaks:?} {gone:?}");
        }
    }
}

#[tokio::test]
async fn keys_may_change_in_the_middle() {
    const PIECES: u64 = 50;
    for speaks in [CLIENT, BOTH] {
        let Running { mut client, mut backend, task, .. } = run(speaks, &TLS13).await;
        let piece = |number: u64| noise(number, 1 + usize::try_from(number * number * 40).unwrap());
        let sending = async {
            for number in 0..PIECES {
                client.write_all(&piece(number)).await.unwrap();
                if let Either::Right(tls) = &mut client {
                    let TlsStream::Client(tls) = tls else { panic!("it is a client") };
                    tls.get_mut().1.refresh_traffic_keys().unwrap();
                }
            }
            client.flush().await.unwrap();
            // The answer to the last one, too.
            let mut answer = [0; 6];
            client.read_exact(&mut answer).await.unwrap();
            client.shutdown().await.unwrap();
            answer
        };
        let receiving = async {
            let mut bytes = vec![0; (0..PIECES).map(|number| piece(number).len()).sum()];
            backend.read_exact(&mut bytes).await.unwrap();
            backend.write_all(b"answer").await.unwrap();
            backend.flush().await.unwrap();
            assert_eq!(backend.read(&mut [0; 1]).await.unwrap(), 0);
            backend.shutdown().await.unwrap();
            bytes
        };
        let (answer, received) = tokio::join!(sending, receiving);
        assert_eq!(&answer, b"answer");
        assert!(received == (0..PIECES).flat_map(piece).collect::<Vec<_>>(), "{speaks:?}");
        assert_eq!(task.await.unwrap(), Ended::Finished(Side::Client));
    }
}

/// A client of ours and a server in memory that has sent its tickets: both, and the tickets, each in several
/// records.
fn with_tickets() -> (Endpoint, ServerConnection, Vec<u8>) {
    let (client, mut server) = configs(&TLS13);
    Arc::make_mut(&mut server).max_fragment_size = Some(40);
    let mut ours = Endpoint::Client(UnbufferedClientConnection::new(client, name()).unwrap());
    let mut server = ServerConnection::new(server).unwrap();
    let (mut said, mut answer) = (Vec::new(), Vec::new());
    ours.speak(&mut said);
    while ours.is_handshaking() || server.is_handshaking() {
        hear(&mut server, &std::mem::take(&mut said));
        while server.wants_write() {
            server.write_tls(&mut answer).unwrap();
        }
        if ours.is_handshaking() {
            let (done, came) = ours.receive(&mut answer, |_| (), &mut said);
            assert_eq!((done, came), (answer.len(), Ok(Came::Whole)));
            answer.clear();
        }
    }
    (ours, server, answer)
}

fn hear(server: &mut ServerConnection, mut raw: &[u8]) {
    while !raw.is_empty() {
        server.read_tls(&mut raw).unwrap();
        server.process_new_packets().unwrap();
    }
}

#[test]
fn words_may_be_said_wherever_a_message_of_the_peer_is_cut() {
    let cuts = with_tickets().2.len();
    assert!(cuts > 100, "{cuts}");
    for cut in (0..cuts).step_by(3) {
        let (mut ours, mut server, tickets) = with_tickets();
        let (come, coming) = tickets.split_at(cut.min(tickets.len()));
        let mut received = come.to_vec();
        let (done, came) = ours.receive(&mut received, |_| panic!("no words"), &mut Vec::new());
        assert_eq!(came, Ok(Came::Whole));
        received.drain(..done);

        let mut encrypted = [0; 128];
        let length = ours.encrypt(&mut received, Words::Plain(b"said"), &mut encrypted).unwrap();
        hear(&mut server, &encrypted[..length]);
        let mut heard = [0; 4];
        server.reader().read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"said");

        server.writer().write_all(b"answered").unwrap();
        received.extend_from_slice(coming);
        while server.wants_write() {
            server.write_tls(&mut received).unwrap();
        }
        let mut plain = Vec::new();
        let give = |bytes: &[u8]| plain.extend_from_slice(bytes);
        let (done, came) = ours.receive(&mut received, give, &mut Vec::new());
        assert_eq!((done, came), (received.len(), Ok(Came::Whole)));
        assert_eq!(plain, b"answered", "cut at {cut}");
    }
}

#[tokio::test]
async fn nothing_is_said_behind_the_alert_that_what_came_is_no_good() {
    for version in [&TLS12, &TLS13] {
        let (mut peer, ours) = client(Some(version)).await;
        let session = ours.session().unwrap();
        let Either::Right(TlsStream::Client(tls)) = &mut peer else { panic!("it is a client") };
        // A record of application data that nobody has encrypted.
        let forged = [[23, 3, 3, 0, 32].as_slice(), &[0; 32]].concat();
        tls.get_mut().0.write_all(&forged).await.unwrap();

        let mut buffer = [0; 64];
        let error = loop {
            std::future::poll_fn(|cx| session.poll_readable(cx)).await.unwrap();
            match session.try_read(&mut buffer, Readiness::Told) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => break read.unwrap_err(),
            }
        };
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(ours.secured.as_ref().unwrap().failure(), Some(TlsFailure::Protocol));
        let written = session.try_write(b"more", Readiness::Told);
        assert_eq!(written.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let heard = tls.read(&mut buffer).await.unwrap_err().to_string();
        assert!(heard.contains("BadRecordMac"), "{heard}");
    }
}

#[tokio::test]
async fn pauses_at_random_instants_cost_no_byte() {
    let mut pauses = 0;
    for (seed, speaks) in (0..8).flat_map(|seed| [CLIENT, BACKEND, BOTH].map(|it| (seed, it))) {
        let running = run(speaks, &TLS13).await;
        let (stop, count) = (Arc::clone(&running.stop), Arc::clone(&running.pauses));
        let pausing = tokio::spawn(async move {
            let mut random = Rng::with_seed(seed);
            loop {
                for _ in 0..random.u32(0..6) {
                    tokio::task::yield_now().await;
                }
                stop.pause();
            }
        });
        both_ways(running, seed, [1_500_000, 1_000_000], speaks).await;
        pausing.abort();
        pauses += count.load(Ordering::Relaxed);
    }
    assert!(pauses > 100, "{pauses}");
}
