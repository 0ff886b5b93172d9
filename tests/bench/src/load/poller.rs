//! One epoll and the events it reported last.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

/// Most events that are taken at once.
const EVENTS_MAX: usize = 256;

/// What is waited for; a peer that has ended or broken is always reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    Read,
    Write,
    Both,
}

/// What happened to whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    /// The number with which it was added.
    pub(super) who: usize,
    /// Something can be read, were it an end or an error.
    pub(super) is_readable: bool,
    /// Something can be written, were it an error.
    pub(super) is_writable: bool,
}

/// Level-triggered: what is not dealt with is reported again.
#[derive(Debug)]
pub(super) struct Poller {
    epoll: OwnedFd,
}

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)? })
    }

    /// Watches a socket; closing it ends that.
    pub(super) fn add(&self, fd: impl AsFd, who: usize, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, data(who), flags(interest))?)
    }

    /// Watches it for something else.
    pub(super) fn change(&self, fd: impl AsFd, who: usize, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, fd, data(who), flags(interest))?)
    }

    /// Waits until something happens, or the time has passed.
    pub(super) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.0.clear();
        let timeout = timeout.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        match epoll::wait(&self.epoll, spare_capacity(&mut events.0), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The events of one wait.
pub(super) struct Events(Vec<Event>);

impl Events {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(EVENTS_MAX))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Ready> {
        self.0.iter().map(|event| {
            let (flags, data) = (event.flags, event.data);
            let has_broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            Ready {
                who: usize::try_from(data.u64()).unwrap_or(usize::MAX),
                is_readable: has_broken || flags.intersects(EventFlags::IN | EventFlags::RDHUP),
                is_writable: has_broken || flags.contains(EventFlags::OUT),
            }
        })
    }
}

fn data(who: usize) -> EventData {
    EventData::new_u64(who as u64)
}

fn flags(interest: Interest) -> EventFlags {
    match interest {
        Interest::Read => EventFlags::IN,
        Interest::Write => EventFlags::OUT,
        Interest::Both => EventFlags::IN | EventFlags::OUT,
    }
}
