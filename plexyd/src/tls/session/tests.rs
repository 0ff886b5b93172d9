//! The relay over TLS against the plain one, over sockets of the kernel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fastrand::Rng;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
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
async fn shaken(socket: Socket, tls: Connection) -> Ours {
    let mut inner = Inner::new(tls);
    loop {
        std::future::poll_fn(|cx| inner.poll_flushed(&socket, cx)).await.unwrap();
        if !inner.tls.is_handshaking() {
            return Ours { socket, secured: Some(Secured::new(inner)) };
        }
        std::future::poll_fn(|cx| socket.poll_readable(cx)).await.unwrap();
        match inner.read(&socket, 4096, Readiness::Unknown, &mut []) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("{error}"),
            Ok(_) | Err(_) => assert_eq!(inner.failure, None),
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
    let ours = Connection::Server(ServerConnection::new(server).unwrap());
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
    let ours = Connection::Client(ClientConnection::new(client, name()).unwrap());
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
