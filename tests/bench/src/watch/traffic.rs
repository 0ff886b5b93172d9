//! A little traffic, so that there is something to see: some connections that ask now and then, and
//! some that come and go.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;

use crate::load::REQUEST_BYTES;

/// Connections that ask again and again.
const CONNECTIONS: usize = 50;

/// The pause after all of them have asked once, and one has come and gone.
const PAUSE: Duration = Duration::from_millis(200);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Traffic {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    /// Begins, through these tunnels.
    pub(super) fn start(tunnels: &[SocketAddr]) -> anyhow::Result<Self> {
        let streams = tunnels.iter().cycle().take(CONNECTIONS).map(connect);
        let mut streams = streams.collect::<anyhow::Result<Vec<_>>>()?;
        let newcomers = *tunnels.last().context("no tunnels")?;
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let asked = streams.iter_mut().try_for_each(exchange);
                let came = connect(&newcomers).and_then(|mut stream| exchange(&mut stream));
                if asked.and(came).is_err() {
                    return;
                }
                thread::sleep(PAUSE);
            }
        });
        Ok(Self { over, thread: Some(thread) })
    }
}

fn connect(tunnel: &SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(tunnel)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Asks for a short answer, and gets it.
fn exchange(stream: &mut TcpStream) -> anyhow::Result<()> {
    let mut request = [0; REQUEST_BYTES];
    let size = u32::try_from(REQUEST_BYTES)?;
    if let Some(asked) = request.first_chunk_mut() {
        *asked = size.to_be_bytes();
    }
    stream.write_all(&request)?;
    Ok(stream.read_exact(&mut [0; REQUEST_BYTES])?)
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}
