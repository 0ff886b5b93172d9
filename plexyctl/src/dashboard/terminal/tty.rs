//! A terminal as a file: opened anew, so that nothing waits for it and whoever shares it with us notices
//! nothing of that.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, write};
use rustix::process::{getpgrp, getsid};
use rustix::termios::{
    LocalModes, QueueSelector, tcflush, tcgetattr, tcgetpgrp, tcgetsid, ttyname,
};
use tokio::net::unix::pipe::{Receiver, Sender};

/// Its name for whoever is in its session.
const OWN: &str = "/dev/tty";

/// One that is open.
#[derive(Debug, Clone)]
pub(super) struct Tty(Arc<OwnedFd>);

impl Tty {
    /// The one behind a stream.
    pub(super) fn of(stream: &impl AsFd) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let named = ttyname(stream, Vec::new()).and_then(|name| open(name, flags, Mode::empty()));
        let is_ours = || matches!((tcgetsid(stream), getsid(None)), (Ok(its), Ok(us)) if its == us);
        // By its own name it may be another user's, as behind `sudo`, or have none here.
        let opened = named.or_else(|error| match is_ours() {
            true => open(OWN, flags, Mode::empty()),
            false => Err(error),
        });
        Ok(Self(Arc::new(opened?)))
    }

    /// To be written to. It is no pipe, but nothing of a pipe is needed for it.
    pub(super) fn sender(&self) -> io::Result<Sender> {
        Sender::from_owned_fd_unchecked(self.0.try_clone()?)
    }

    /// To be read from.
    pub(super) fn receiver(&self) -> io::Result<Receiver> {
        Receiver::from_owned_fd_unchecked(self.0.try_clone()?)
    }

    /// Whether nobody is behind it any more.
    pub(super) fn is_gone(&self) -> bool {
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        self.polled(PollFlags::empty(), Duration::ZERO).intersects(gone)
    }

    /// Whether its keys and modes are for us now, and not for a shell that has us in the background.
    pub(super) fn is_for_us(&self) -> bool {
        tcgetpgrp(&self.0).map_or(true, |group| group == getpgrp())
    }

    /// Whether writing to it does not stop us: `stty tostop` has those stopped that write in the
    /// background.
    pub(super) fn takes_writes(&self) -> bool {
        let stops =
            || tcgetattr(&self.0).is_ok_and(|it| it.local_modes.contains(LocalModes::TOSTOP));
        self.is_for_us() || !stops()
    }

    /// Writes all of it, if it is taken within that time.
    pub(super) fn write_all(&self, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        while !bytes.is_empty() {
            match write(&self.0, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if self.polled(PollFlags::OUT, left).is_empty() {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Throws away what was written and not yet taken.
    pub(super) fn discard(&self) {
        tcflush(&self.0, QueueSelector::OFlush).unwrap_or_default();
    }

    fn polled(&self, wanted: PollFlags, patience: Duration) -> PollFlags {
        let mut asked = [PollFd::new(&self.0, wanted)];
        let patience = Timespec::try_from(patience).ok();
        poll(&mut asked, patience.as_ref()).map(drop).unwrap_or_default();
        let [asked] = asked;
        asked.revents()
    }
}
