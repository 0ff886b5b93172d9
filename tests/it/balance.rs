//! How clients are shared among the backends, seen by the clients.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use plexy_tests::backend::{Backend, BlackHole, Echo, Greeter};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::eventually::in_time;
use plexy_tests::stream::Stream;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

/// A client, and the one letter that its backend greets with.
async fn client(tunnel: SocketAddr) -> (char, Stream) {
    let mut stream = Stream::connect(tunnel).await.unwrap();
    let letter = in_time("a greeting", stream.read_u8()).await.unwrap();
    (letter.into(), stream)
}

/// The letters of so many clients, one after the other; each leaves before the next one comes.
async fn letters(tunnel: SocketAddr, clients: usize) -> String {
    let mut letters = String::new();
    for _ in 0..clients {
        letters.push(client(tunnel).await.0);
    }
    letters
}

fn shares(letters: impl IntoIterator<Item = char>) -> BTreeMap<char, usize> {
    let mut shares = BTreeMap::new();
    for letter in letters {
        *shares.entry(letter).or_default() += 1;
    }
    shares
}

/// Backends that greet with `a`, `b` and so on, and their addresses with these weights.
fn greeters(weights: &[u32]) -> (Vec<Backend<Greeter>>, String) {
    let greeters: Vec<_> =
        ('a'..).take(weights.len()).map(|letter| Greeter::start(letter.to_string())).collect();
    let addrs = greeters.iter().zip(weights);
    let addrs: Vec<_> =
        addrs.map(|(greeter, weight)| format!("{}+weight={weight}", greeter.addr())).collect();
    (greeters, addrs.join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn round_robin_is_exact_and_interleaved() {
    let (_greeters, backends) = greeters(&[5, 1, 1]);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backends).await;

    for round in 0..4 {
        let seven = letters(tunnel, 7).await;
        let expected = BTreeMap::from([('a', 5), ('b', 1), ('c', 1)]);
        assert_eq!(shares(seven.chars()), expected, "{seven} in round {round}");
        assert!(!seven.contains("aaaa"), "{seven} in round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn round_robin_is_exact_for_clients_that_come_at_once() {
    let (_greeters, backends) = greeters(&[1, 1, 1]);
    let daemon = Daemon::start_with(|config| config.workers = NonZeroUsize::new(2).unwrap()).await;
    let tunnel = daemon.open(&backends).await;

    let mut clients = JoinSet::new();
    for _ in 0..60 {
        clients.spawn(client(tunnel));
    }

    let letters = clients.join_all().await.into_iter().map(|(letter, _)| letter);
    assert_eq!(shares(letters), BTreeMap::from([('a', 20), ('b', 20), ('c', 20)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn least_conn_fills_the_emptiest() {
    let (_greeters, backends) = greeters(&[1, 1, 1]);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{backends}[strategy=least-conn]")).await;
    let mut clients = Vec::new();
    for _ in 0..9 {
        clients.push(client(tunnel).await);
    }
    let all = shares(clients.iter().map(|(letter, _)| *letter));
    assert_eq!(all, BTreeMap::from([('a', 3), ('b', 3), ('c', 3)]));

    clients.retain(|(letter, _)| *letter != 'b');
    eventually!(daemon.connections() == 6);

    let mut newcomers = Vec::new();
    for _ in 0..3 {
        newcomers.push(client(tunnel).await);
    }
    assert_eq!(shares(newcomers.iter().map(|(letter, _)| *letter)), BTreeMap::from([('b', 3)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn least_conn_respects_weights() {
    let (_greeters, backends) = greeters(&[4, 2]);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{backends}[strategy=min-open-connections]")).await;

    let mut clients = Vec::new();
    for _ in 0..12 {
        clients.push(client(tunnel).await);
    }

    let all = shares(clients.iter().map(|(letter, _)| *letter));
    assert_eq!(all, BTreeMap::from([('a', 8), ('b', 4)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn least_conn_breaks_ties_evenly() {
    let (_greeters, backends) = greeters(&[1, 1]);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{backends}[strategy=least-conn]")).await;

    let mut all = String::new();
    for _ in 0..100 {
        all.push(client(tunnel).await.0);
        eventually!(daemon.connections() == 0);
    }

    let first = shares(all.chars()).get(&'a').copied().unwrap_or_default();
    assert!((20..=80).contains(&first), "{first} of 100 idle choices went to the first backend");
}

#[tokio::test(flavor = "multi_thread")]
async fn least_conn_counts_connections_that_still_connect() {
    let (hole, echo) = (BlackHole::start(), Echo::start());
    let daemon = Daemon::start().await;
    let options = "strategy=least-conn,connect-timeout=1m";
    let tunnel = daemon.open(&format!("{},{}[{options}]", hole.addr(), echo.addr())).await;

    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(Stream::connect(tunnel).await.unwrap());
    }

    eventually!(daemon.backend(tunnel, hole.addr()).await.traffic.connections == 3);
    eventually!(daemon.backend(tunnel, echo.addr()).await.traffic.connections == 3);
    eventually!(echo.accepted() == 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn random_gives_about_the_share_of_the_weight() {
    let (_greeters, backends) = greeters(&[3, 1]);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{backends}[strategy=random]")).await;

    let all = letters(tunnel, 240).await;

    // 180 on average; the bounds are six standard deviations away.
    let first = shares(all.chars()).get(&'a').copied().unwrap_or_default();
    assert!((140..=220).contains(&first), "{first} of 240 went to the backend of weight 3 of 4");
    assert!(all.contains("ab") && all.contains("ba") && all.contains("aaaa"), "{all}");
}
