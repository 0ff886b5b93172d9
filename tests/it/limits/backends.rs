//! `max-conns` of backends: another one takes those beyond it, or they are parked.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use plexy_tests::backend::{Backend, Character, Greeter};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::round_trip;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::{BANNER, clients, greeted, leave, parked};
use crate::client::is_reset;

/// An echo that knows how many clients it has had at once.
#[derive(Debug, Default)]
struct Crowd {
    live: AtomicUsize,
    most: AtomicUsize,
}

impl Character for Crowd {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let live = self.live.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(live, Ordering::SeqCst);
        let mut buffer = vec![0; 4096];
        let read = loop {
            match stream.read(&mut buffer).await {
                Ok(read @ 1..) => stream.write_all(&buffer[..read]).await?,
                ended => break ended,
            }
        };
        // Before its end is heard of, which makes room for another one.
        self.live.fetch_sub(1, Ordering::SeqCst);
        read?;
        stream.shutdown().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_backend_ever_has_more_than_it_may_whoever_comes() {
    const CLIENTS: usize = 500;
    let (large, small) = (Backend::start(Crowd::default()), Backend::start(Crowd::default()));
    let daemon = Daemon::start_with(|config| {
        config.workers = std::num::NonZeroUsize::new(2).unwrap();
    })
    .await;
    let backends = format!("{}+max-conns=5,{}+max-conns=3", large.addr(), small.addr());
    let options = format!("strategy=least-conn,max-conns={CLIENTS},queue-timeout=5m");
    let tunnel = daemon.open(&format!("{backends}[{options}]")).await;

    let mut trips = JoinSet::new();
    (0..CLIENTS).for_each(|_| {
        trips.spawn(async move { round_trip(tunnel, 1_000).await.unwrap() });
    });
    trips.join_all().await;

    let most = [&large, &small].map(|it| it.character().most.load(Ordering::SeqCst));
    assert!(most[0] <= 5 && most[1] <= 3, "{most:?}");
    assert!(most[0] > 1 && most[1] > 1, "{most:?}");
    assert_eq!(large.accepted() + small.accepted(), CLIENTS);
    eventually!(daemon.connections() == 0);
    let detail = daemon.detail(tunnel).await;
    assert_eq!((detail.parked, detail.status.traffic.connections), (0, 0));
    assert_eq!(detail.status.traffic.connections_total, CLIENTS as u64);
    assert!(detail.rejected.is_empty(), "{:?}", detail.rejected);
    let live = |it: &plexy_shared::info::BackendInfo| it.traffic.connections;
    assert_eq!(detail.backend_list.iter().map(live).sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_full_is_passed_over_and_when_all_are_clients_are_parked() {
    let (first, backup) = (Greeter::start(BANNER), Greeter::start(BANNER));
    let daemon = Daemon::start().await;
    let rest = format!("{}+max-conns=1,{}+backup+max-conns=1", first.addr(), backup.addr());
    let tunnel = daemon.open(&format!("{rest}[queue-timeout=1m]")).await;
    let mut held = clients(tunnel, 1).await;
    greeted(&mut held[0]).await;
    assert_eq!((first.accepted(), backup.accepted()), (1, 0));
    held.extend(clients(tunnel, 1).await);
    greeted(&mut held[1]).await;
    assert_eq!((first.accepted(), backup.accepted()), (1, 1));

    // As many are parked as they may have connections.
    let mut waiting = clients(tunnel, 2).await;
    eventually!(parked(&daemon, tunnel).await == 2);
    // They are no connections, of the tunnel or of a backend.
    assert_eq!(daemon.status(tunnel).await.traffic.connections, 2);
    is_reset(tunnel).await;
    assert_eq!(daemon.backend(tunnel, first.addr()).await.max_conns, Some(1));

    leave(held.remove(0)).await;
    greeted(&mut waiting[0]).await;
    assert_eq!((first.accepted(), backup.accepted()), (2, 1));
    leave(held.remove(0)).await;
    greeted(&mut waiting[1]).await;
    assert_eq!((first.accepted(), backup.accepted()), (2, 2));
    let events = daemon.line().await.ask("events").await;
    assert!(events.contains("`max-conns` of its backends is reached"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_comes_takes_those_who_are_parked() {
    let (one, other) = (Greeter::start(BANNER), Greeter::start(BANNER));
    let daemon = Daemon::start().await;
    let rest = format!("{}+max-conns=1[queue-timeout=1m]", one.addr());
    let tunnel = daemon.open(&rest).await;
    let mut all = clients(tunnel, 2).await;
    greeted(&mut all[0]).await;
    eventually!(parked(&daemon, tunnel).await == 1);

    daemon.add(tunnel, &format!("{}+max-conns=1", other.addr())).await.unwrap();

    greeted(&mut all[1]).await;
    assert_eq!((one.live(), other.live()), (1, 1));
    assert_eq!(parked(&daemon, tunnel).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_up_again_takes_those_who_are_parked() {
    let (one, other) = (Greeter::start(BANNER), Greeter::start(BANNER));
    let daemon = Daemon::start().await;
    let rest = format!("{}+max-conns=1,{}+max-conns=1", one.addr(), other.addr());
    let options = "queue-timeout=1m,check-interval=50ms";
    let tunnel = daemon.open(&format!("{rest}[{options}]")).await;
    let addr = other.addr();
    other.kill().await;
    let mut all = clients(tunnel, 1).await;
    greeted(&mut all[0]).await;
    // It fails on the dead one, and waits for the one that is left.
    all.extend(clients(tunnel, 1).await);
    eventually!(parked(&daemon, tunnel).await == 1);
    assert_eq!(daemon.backend(tunnel, addr).await.state.as_str(), "ejected");

    let again = Greeter::at(addr, BANNER);
    greeted(&mut all[1]).await;
    eventually!(again.live() == 1);
    assert_eq!(daemon.status(tunnel).await.traffic.connections, 2);
}
