//! A reset of one side reaches the other as a reset, and only after the bytes that came before it.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use plexy_tests::backend::{Backend, Character, Echo, Recorder, Resetter};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, Pattern, reset};
use socket2::Socket;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, split};
use tokio::sync::watch;
use tokio::time::sleep;

/// More than the receive buffer of whoever does not read, and less than what the kernel keeps for
/// it on the way: all of it has left its sender, and has not arrived.
const BODY: usize = 512 * 1024;

fn body(bytes: usize) -> Vec<u8> {
    let mut body = vec![0; bytes];
    Pattern::new(7).fill(&mut body);
    body
}

/// Reads to the end in small steps, with a breath between them.
async fn read_slowly(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(Vec<u8>, Ending)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return Ok((bytes, Ending::Fin)),
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) => return Ok((bytes, Ending::try_from(error)?)),
        }
        sleep(Duration::from_millis(3)).await;
    }
}

/// Begins to read when it is told to, and then reads slowly.
struct Sleeper {
    awake: watch::Sender<bool>,
    heard: Mutex<Option<(Vec<u8>, Ending)>>,
}

impl Sleeper {
    fn start() -> Backend<Self> {
        Backend::start(Self { awake: watch::Sender::new(false), heard: Mutex::default() })
    }
}

impl Character for Sleeper {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let mut awake = self.awake.subscribe();
        awake.wait_for(|awake| *awake).await.map_err(io::Error::other)?;
        let heard = read_slowly(stream).await?;
        *self.heard.lock().unwrap() = Some(heard);
        Ok(())
    }

    fn prepare(&self, socket: &Socket) -> io::Result<()> {
        socket.set_recv_buffer_size(16 * 1024)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_of_the_client_reaches_a_slow_backend_after_the_bytes_before_it() {
    let backend = Sleeper::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let body = body(BODY);
    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(&body).await.unwrap();
    eventually!(daemon.status(tunnel).await.traffic.bytes_in == BODY as u64);

    reset(client);
    backend.character().awake.send_replace(true);

    eventually!(backend.character().heard.lock().unwrap().is_some());
    let (bytes, ending) = backend.character().heard.lock().unwrap().take().unwrap();
    assert_eq!((bytes.len(), ending), (BODY, Ending::Reset));
    assert!(bytes == body, "the bytes are others");
    eventually!(daemon.ended(tunnel, "client-reset").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_of_the_backend_reaches_a_slow_client_after_the_bytes_before_it() {
    let body = body(BODY);
    let backend = Backend::start(Resetter::new().sending(body.clone()).reading(1));
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    eventually!(daemon.status(tunnel).await.traffic.bytes_out == BODY as u64);

    client.write_all(b"!").await.unwrap();
    eventually!(backend.live() == 0);

    let (bytes, ending) = read_slowly(&mut client).await.unwrap();
    assert_eq!((bytes.len(), ending), (BODY, Ending::Reset));
    assert!(bytes == body, "the bytes are others");
    eventually!(daemon.ended(tunnel, "backend-reset").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_of_a_client_reaches_the_backend_as_what_it_was() {
    let backend = Recorder::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    for round in 0..10 {
        let mut clean = Stream::connect(tunnel).await.unwrap();
        clean.write_all(b"clean").await.unwrap();
        drop(clean);
        let mut hard = Stream::connect(tunnel).await.unwrap();
        hard.write_all(b"hard").await.unwrap();
        reset(hard);

        let mut records = backend.ended(2).await;
        records.sort_by_key(|record| record.bytes.len());
        let seen: Vec<_> = records.iter().map(|it| (it.bytes.as_slice(), it.ending)).collect();
        let (hard, clean) =
            ((&b"hard"[..], Some(Ending::Reset)), (&b"clean"[..], Some(Ending::Fin)));
        assert_eq!(seen, [hard, clean], "in round {round}");
    }
    eventually!(daemon.ended(tunnel, "client-reset").await == 10);
    eventually!(daemon.ended(tunnel, "client-fin").await == 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_resets_at_once_is_no_clean_end() {
    let backend = Backend::start(Resetter::new().sending("farewell").reading(4));
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    for round in 0..10 {
        let mut client = Stream::connect(tunnel).await.unwrap();
        client.write_all(b"ping").await.unwrap();
        let end = Ending::of(&mut client).await.unwrap();
        assert_eq!(end, (b"farewell".to_vec(), Ending::Reset), "in round {round}");
    }
    eventually!(daemon.ended(tunnel, "backend-reset").await == 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backend_is_a_reset_for_its_clients() {
    let backend = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(b"x").await.unwrap();
    client.read_u8().await.unwrap();

    backend.kill().await;

    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
}

/// Sends without an end while it reads.
#[derive(Default)]
struct Flood {
    heard: Mutex<Vec<(usize, Ending)>>,
}

impl Character for Flood {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let (mut reader, mut writer) = split(stream);
        let flood = async {
            // Whoever hears of the reset first takes the error away from the other.
            while writer.write_all(&[0; 64 * 1024]).await.is_ok() {}
            Ending::Reset
        };
        let mut heard = 0;
        let read = async {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer).await {
                heard += read;
            }
        };
        let (ending, ()) = tokio::join!(flood, read);
        self.heard.lock().unwrap().push((heard, ending));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_resets_while_it_is_flooded_has_sent_what_it_has_sent() {
    const QUESTION: usize = 24 * 1024;
    let backend = Backend::start(Flood::default());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    for _ in 0..40 {
        let mut client = Stream::connect(tunnel).await.unwrap();
        client.read_exact(&mut vec![0; 100_000]).await.unwrap();
        client.write_all(&body(QUESTION)).await.unwrap();
        reset(client);
    }

    eventually!(backend.character().heard.lock().unwrap().len() == 40);
    assert_eq!(*backend.character().heard.lock().unwrap(), [(QUESTION, Ending::Reset); 40]);
    eventually!(daemon.ended(tunnel, "client-reset").await == 40);
}
