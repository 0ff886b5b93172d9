//! The end of one direction is passed on, and the other direction lives.

use std::io;

use plexy_tests::backend::{Backend, Character, Pace, Recorder, SlowReader, Source};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::eventually::in_time;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, reset, send, verify_to_end};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};

/// Hears the client out, says nothing, and waits until the connection breaks.
struct Mute;

impl Character for Mute {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        stream.read_to_end(&mut Vec::new()).await?;
        broken(stream).await
    }
}

/// Ends its direction at once, takes one byte, and resets.
struct FinishesAndResets;

impl Character for FinishesAndResets {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        stream.shutdown().await?;
        stream.read_u8().await?;
        stream.reset_on_close();
        Ok(())
    }
}

/// Waits for a reset of the peer, also where the peer's direction has ended before.
async fn broken(stream: &Stream) -> io::Result<()> {
    match stream {
        Stream::Tcp(stream) => stream.ready(Interest::ERROR).await.map(drop),
        Stream::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_finished_sending_still_gets_the_reply() {
    let backend = Backend::start(Recorder::new().replying(b"all of it"));
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;

    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();

    let (reply, ending) = Ending::of(&mut client).await.unwrap();
    assert_eq!((reply.as_slice(), ending), (b"all of it".as_slice(), Ending::Fin));
    assert_eq!(backend.ended(1).await[0].bytes, b"question");
    eventually!(daemon.ended(tunnel, "client-fin").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_goes_on_sending_after_the_backend_has_finished() {
    let backend = Source::start(1, 500_000);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    assert_eq!(verify_to_end(&mut client, 1).await.unwrap(), 500_000);

    send(&mut client, 2, 700_000).await.unwrap();
    client.shutdown().await.unwrap();

    eventually!(daemon.ended(tunnel, "backend-fin").await == 1);
    let traffic = daemon.status(tunnel).await.traffic;
    assert_eq!((traffic.bytes_in, traffic.bytes_out), (700_000, 500_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_sends_after_the_end_of_the_backend_arrives_whole() {
    let backend = Backend::start(LastWord::default());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    assert_eq!(Ending::of(&mut client).await.unwrap(), (b"bye".to_vec(), Ending::Fin));

    client.write_all(b"one more thing").await.unwrap();
    client.shutdown().await.unwrap();

    eventually!(backend.character().heard() == b"one more thing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_closed_connection_that_is_silent_is_reset() {
    let backend = SlowReader::start(Pace::Stopped);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[half-close-timeout=100ms]", backend.addr())).await;
    let mut whole = Stream::connect(tunnel).await.unwrap();
    whole.write_all(b"whole").await.unwrap();
    let mut half = Stream::connect(tunnel).await.unwrap();
    half.write_all(b"half").await.unwrap();

    half.shutdown().await.unwrap();

    assert_eq!(Ending::of(&mut half).await.unwrap(), (Vec::new(), Ending::Reset));
    eventually!(daemon.ended(tunnel, "idle").await == 1);
    eventually!(daemon.connections() == 1);
    whole.write_all(b"the whole connection has an hour").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reset_of_a_client_that_has_finished_sending_reaches_the_backend() {
    let backend = Backend::start(Mute);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    eventually!(daemon.status(tunnel).await.traffic.bytes_in == 8);
    assert_eq!(backend.live(), 1);

    reset(client);

    eventually!(backend.live() == 0);
    eventually!(daemon.ended(tunnel, "client-reset").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reset_of_a_backend_that_has_finished_sending_reaches_the_client() {
    let backend = Backend::start(FinishesAndResets);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);

    client.write_all(b"!").await.unwrap();

    in_time("the reset", broken(&client)).await.unwrap();
    eventually!(daemon.ended(tunnel, "backend-reset").await == 1);
}

/// Says goodbye, ends its direction, and listens to the end.
#[derive(Default)]
struct LastWord {
    heard: std::sync::Mutex<Vec<u8>>,
}

impl LastWord {
    fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }
}

impl Character for LastWord {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        stream.write_all(b"bye").await?;
        stream.shutdown().await?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await?;
        *self.heard.lock().unwrap() = heard;
        Ok(())
    }
}
