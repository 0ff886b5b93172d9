//! A sign of life from the data path: a listener on a worker that answers whoever
//! connects. What crosses it has seen the kernel's queue, the worker's poll and
//! its accept loop turn, as a client's connection does.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tracing::{debug, error};

/// The pause after an error of `accept`.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// The listener of one worker.
#[derive(Debug)]
pub(crate) struct Heart {
    /// In the abstract namespace: there is no file, and it goes with the process.
    name: String,
}

impl Heart {
    /// One on this runtime.
    pub(super) fn start(handle: &Handle) -> io::Result<Self> {
        let name = format!("plexy-{}-{:016x}", std::process::id(), fastrand::u64(..));
        let listener = StdListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        listener.set_nonblocking(true)?;
        handle.spawn(async move {
            match UnixListener::from_std(listener) {
                Ok(listener) => answer_all(&listener).await,
                Err(error) => error!(%error, "a worker cannot show that it lives"),
            }
        });
        Ok(Self { name })
    }

    /// Waits until the worker answers. Where it cannot be asked, as without descriptors, nothing is
    /// held against it.
    pub(crate) async fn beat(&self) {
        let answer = async {
            let mut stream = UnixStream::connect(format!("\0{}", self.name)).await?;
            stream.read_u8().await
        };
        if let Err(error) = answer.await {
            debug!(%error, "a worker cannot be asked whether it lives");
        }
    }
}

async fn answer_all(listener: &UnixListener) {
    loop {
        match listener.accept().await {
            Ok((mut stream, _)) => {
                if let Err(error) = stream.write_u8(b'.').await {
                    debug!(%error, "somebody does not want to know whether a worker lives");
                }
            }
            Err(error) => {
                debug!(%error, "a worker cannot show that it lives");
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }
}
