//! Backends with character: servers inside the test process that do one thing, count what came, and
//! can be killed.
//!
//! A [`Character`] says what happens on one connection; a [`Backend`] is the listener around it.
//! The two that never serve, [`BlackHole`] and [`Refuser`], stand for themselves.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::Socket;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::eventually::in_time;
use crate::stream::{Stream, Target};

use self::listener::Listener;

mod answerer;
mod black_hole;
mod echo;
mod exchanger;
mod greeter;
mod listener;
mod recorder;
mod refuser;
mod resetter;
mod sink;
mod slow_reader;
mod source;
mod tls_server;

pub use self::answerer::{Answerer, Reply};
pub use self::black_hole::BlackHole;
pub use self::echo::Echo;
pub use self::exchanger::Exchanger;
pub use self::greeter::Greeter;
pub use self::recorder::{Record, Recorder};
pub use self::refuser::Refuser;
pub use self::resetter::Resetter;
pub use self::sink::Sink;
pub use self::slow_reader::{Pace, SlowReader};
pub use self::source::Source;
pub use self::tls_server::{SeenHandshake, TlsServer};

/// The pause after a failed accept (out of descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What a backend does on one connection.
pub trait Character: Send + Sync + 'static {
    /// Serves one connection to its end. When this returns, the stream is closed: with a FIN, or
    /// with a reset where [`Stream::reset_on_close`] was called. An error is an end like any other.
    fn serve(&self, stream: &mut Stream) -> impl Future<Output = io::Result<()>> + Send;

    /// Sets options of the listening socket that its connections inherit.
    fn prepare(&self, _socket: &Socket) -> io::Result<()> {
        Ok(())
    }
}

/// A listening server with the character `C`, on the runtime of the test.
///
/// Dropped, it refuses new connections at once and resets the live ones as soon as the runtime
/// runs.
#[derive(Debug)]
pub struct Backend<C> {
    scene: Arc<Scene<C>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What the handle and the tasks of a backend share.
#[derive(Debug)]
struct Scene<C> {
    character: C,
    listener: Listener,
    accepted: AtomicUsize,
    live: AtomicUsize,
}

impl<C: Character> Backend<C> {
    /// Starts `character` on a free port of 127.0.0.1.
    pub fn start(character: C) -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), character)
    }

    /// Starts `character` on a given address, for example that of a backend that was killed.
    pub fn at(addr: SocketAddr, character: C) -> Self {
        Self::on(&Target::Tcp(addr), character)
    }

    /// Starts `character` on the Unix socket `path`, in place of what is there.
    pub fn unix(path: impl AsRef<Path>, character: C) -> Self {
        Self::on(&Target::from(path.as_ref()), character)
    }

    /// Starts `character` on an address of either kind.
    pub fn on(target: &Target, character: C) -> Self {
        let listener = Listener::bind(target, |socket| character.prepare(socket))
            .unwrap_or_else(|error| panic!("no backend can listen on {target}: {error}"));
        let scene = Arc::new(Scene {
            character,
            listener,
            accepted: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
        });
        let backend = Self { scene, stop: CancellationToken::new(), tasks: TaskTracker::new() };
        backend.tasks.spawn(accept(
            Arc::clone(&backend.scene),
            backend.stop.clone(),
            backend.tasks.clone(),
        ));
        backend
    }

    /// The TCP address it listens on; it panics for one on a Unix path, which has a
    /// [`Backend::target`] only.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        match self.target() {
            Target::Tcp(addr) => *addr,
            Target::Unix(path) => panic!("the backend on {} has no TCP address", path.display()),
        }
    }

    /// The address it listens on; its `Display` is what a tunnel specification takes.
    #[must_use]
    pub fn target(&self) -> &Target {
        self.scene.listener.target()
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.scene.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are being served now.
    #[must_use]
    pub fn live(&self) -> usize {
        self.scene.live.load(Ordering::SeqCst)
    }

    /// What this backend was made of.
    #[must_use]
    pub fn character(&self) -> &C {
        &self.scene.character
    }

    /// Ends it as `kill -9` and a dead machine's reset would: new connections are refused, live
    /// ones are reset.
    ///
    /// When this returns, the address can be listened on again ([`Backend::at`]). As long as the
    /// killed backend is not dropped, the port stays reserved for that, so that no outgoing
    /// connection takes it in between.
    pub async fn kill(&self) {
        self.refuse();
        in_time("the end of a killed backend", self.tasks.wait()).await;
    }
}

impl<C> Backend<C> {
    fn refuse(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.scene.listener.refuse();
    }
}

impl<C> Drop for Backend<C> {
    fn drop(&mut self) {
        self.refuse();
    }
}

/// Accepts until stopped.
async fn accept<C: Character>(scene: Arc<Scene<C>>, stop: CancellationToken, tasks: TaskTracker) {
    while let Some(accepted) = stop.run_until_cancelled(scene.listener.accept()).await {
        match accepted {
            Ok(stream) => {
                // Counted before the task starts: who has seen the connection stand has seen it
                // counted as soon as this loop ran.
                scene.accepted.fetch_add(1, Ordering::SeqCst);
                scene.live.fetch_add(1, Ordering::SeqCst);
                tasks.spawn(serve(Arc::clone(&scene), stop.clone(), stream));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves one connection until it ends, or resets it when the backend is stopped.
async fn serve<C: Character>(scene: Arc<Scene<C>>, stop: CancellationToken, mut stream: Stream) {
    if stop.run_until_cancelled(scene.character.serve(&mut stream)).await.is_none() {
        stream.reset_on_close();
    }
    drop(stream);
    scene.live.fetch_sub(1, Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::traffic::Ending;

    #[tokio::test]
    async fn a_killed_backend_resets_its_connections_and_frees_its_port() {
        let echo = Echo::start();
        let mut client = TcpStream::connect(echo.addr()).await.unwrap();
        client.write_all(b"x").await.unwrap();
        client.read_exact(&mut [0]).await.unwrap();
        assert_eq!((echo.accepted(), echo.live()), (1, 1));

        echo.kill().await;

        assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);
        assert!(TcpStream::connect(echo.addr()).await.is_err());
        assert_eq!(echo.live(), 0);
        let again = Echo::at(echo.addr());
        drop(echo);
        TcpStream::connect(again.addr()).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_backend_refuses_at_once_and_resets() {
        let echo = Echo::start();
        let addr = echo.addr();
        let mut client = TcpStream::connect(addr).await.unwrap();
        drop(echo);
        assert!(TcpStream::connect(addr).await.is_err());
        assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);
    }

    #[tokio::test]
    async fn a_backend_on_a_unix_path_can_be_killed_and_started_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("echo.sock");
        for _ in 0..2 {
            let echo = Echo::unix(&path);
            let mut client = Stream::connect(echo.target()).await.unwrap();
            client.write_all(b"x").await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
            echo.kill().await;
            assert!(Stream::connect(echo.target()).await.is_err());
        }
    }
}
