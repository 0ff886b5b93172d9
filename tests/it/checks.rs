//! Backends are asked whether they work, and clients go where that is so.

mod answers;
mod changes;
mod doors;
mod many;
mod servers;
mod states;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use plexy_shared::event::{Event, EventKind, EventRange};
use plexy_shared::info::{CheckInfo, CheckState};
use plexy_tests::daemon::Daemon;
use plexy_tests::port::Port;

/// What the checks of a backend say.
async fn checked(daemon: &Daemon, tunnel: SocketAddr, backend: impl ToString) -> CheckInfo {
    daemon.backend(tunnel, backend).await.check.expect("it is checked")
}

/// Whether they say this, and are as many in a row as decide.
async fn says(
    daemon: &Daemon,
    tunnel: SocketAddr,
    backend: impl ToString,
    state: CheckState,
) -> bool {
    let check = checked(daemon, tunnel, backend).await;
    check.state == state && check.streak == check.streak_of
}

/// The events of a kind.
fn told(daemon: &Daemon, kind: EventKind) -> Vec<Event> {
    let mut events = daemon.service().events(EventRange::default()).events;
    events.retain(|event| event.kind == kind);
    events
}

/// How many checks of all backends have ended so.
async fn count(daemon: &Daemon, outcome: &str) -> u64 {
    let scrape = daemon.monitor().get("/metrics").await.body;
    let is_of = |line: &&str| {
        line.starts_with("plexy_backend_checks_total{")
            && line.contains(&format!("outcome=\"{outcome}\""))
    };
    let values = scrape.lines().filter(is_of).filter_map(|line| line.rsplit_once(' '));
    values.map(|(_, value)| value.parse::<u64>().unwrap()).sum()
}

/// The second machine of a pair. No other test has a socket there: the ports that a test has of
/// 127.0.0.1 are free.
const SECOND: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 6));

/// A port of 127.0.0.1, and the same one of [`SECOND`]: the two machines of a pair.
fn pair() -> (Port, [SocketAddr; 2]) {
    let port = Port::reserve();
    let second = SocketAddr::new(SECOND, port.addr().port());
    let addrs = [port.addr(), second];
    (port, addrs)
}
