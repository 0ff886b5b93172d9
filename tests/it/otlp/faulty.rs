//! A collector that misbehaves in every way that a test can think of.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing wrong.
    None,
    /// It accepts, and neither reads nor answers.
    Hang,
    /// It answers with this status, and what else belongs into the head.
    Status(&'static str),
    /// It resets the connection once the request has begun to come.
    Reset,
    /// What it answers is no HTTP.
    Garbage,
    /// It answers 200 and then bytes without end.
    Endless,
    /// It answers with a head without end.
    EndlessHead,
    /// It answers a byte now and then.
    Drip,
}

/// It goes on until it is dropped.
#[derive(Debug)]
pub(super) struct Faulty {
    pub(super) port: u16,
    state: Arc<State>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct State {
    fault: Mutex<Fault>,
    /// When requests began to come.
    asked: Mutex<Vec<Instant>>,
    taken: AtomicUsize,
}

impl Faulty {
    pub(super) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            fault: Mutex::new(fault),
            asked: Mutex::default(),
            taken: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                connections.spawn(async move { state.serve(stream).await.ok() });
            }
        });
        Self { port, state, _task: AbortOnDropHandle::new(task) }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn become_good(&self) {
        *self.state.fault.lock().unwrap() = Fault::None;
    }

    /// When it was asked.
    pub(super) fn asked(&self) -> Vec<Instant> {
        self.state.asked.lock().unwrap().clone()
    }

    /// How many requests it has taken as they are meant.
    pub(super) fn taken(&self) -> usize {
        self.state.taken.load(Ordering::Relaxed)
    }
}

impl State {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            // Only then it is asked: a connection may wait for its next request.
            if stream.peek(&mut [0]).await? == 0 {
                return Ok(());
            }
            let fault = *self.fault.lock().unwrap();
            self.asked.lock().unwrap().push(Instant::now());
            match fault {
                Fault::Hang => std::future::pending().await,
                Fault::Reset => {
                    stream.read_u8().await?;
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                    return Ok(());
                }
                _ => read_request(&mut stream).await?,
            }
            match fault {
                Fault::None => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
                    self.taken.fetch_add(1, Ordering::Relaxed);
                }
                Fault::Status(status) => {
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await?;
                }
                Fault::Garbage => {
                    return stream.write_all(&[0xff; 1000]).await;
                }
                Fault::Endless => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                    endless(&mut stream, "garbage").await?;
                }
                Fault::EndlessHead => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
                    endless(&mut stream, "x: garbage\r\n").await?;
                }
                Fault::Drip => {
                    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" {
                        stream.write_all(&[*byte]).await?;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                Fault::Hang | Fault::Reset => return Ok(()),
            }
        }
    }
}

/// Writes this as long as it is taken.
async fn endless(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    let text = text.repeat(10_000);
    loop {
        stream.write_all(text.as_bytes()).await?;
    }
}

/// Reads a head and the body that it announces.
async fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map(drop)
}
