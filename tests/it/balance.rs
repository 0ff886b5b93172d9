//! How clients are shared among the backends, seen by the clients.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;

use plexy_tests::backend::{Backend, BlackHole, Echo, Greeter, Refuser};
use plexy_tests::daemon::Daemon;
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexy_tests::eventually::in_time;
use plexy_tests::stream::Stream;
use plexyd::NameServers;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

/// Where nobody answers. No other test has a socket there: the ports that a test has of 127.0.0.1 are
/// free.
const DEAD: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 5);

/// A client, and the one letter that its backend greets with.
async fn client(tunnel: SocketAddr) -> (char, Stream) {
    let mut stream = Stream::connect(tunnel).await.unwrap();
    let letter = in_time("a greeting", stream.read_u8()).await.unwrap();
    (letter.into(), stream)
}

/// The letter that the backend of a client with this address greets with.
async fn letter_from(source: IpAddr, tunnel: SocketAddr) -> char {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source, 0)).unwrap();
    let mut stream = socket.connect(tunnel).await.unwrap();
    in_time("a greeting", stream.read_u8()).await.unwrap().into()
}

/// The letters of clients with 60 addresses, in their order; each is gone before the next one comes,
/// so that none is in the way of another.
async fn homes(daemon: &Daemon, tunnel: SocketAddr) -> Vec<char> {
    let mut homes = Vec::new();
    for last in 1..=60 {
        homes.push(letter_from(IpAddr::V4(Ipv4Addr::new(127, 0, 1, last)), tunnel).await);
        eventually!(daemon.connections() == 0);
    }
    homes
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

#[tokio::test(flavor = "multi_thread")]
async fn two_choices_takes_the_emptier_one_by_weight() {
    let (_greeters, backends) = greeters(&[4, 2]);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{backends}[strategy=two-choices]")).await;

    let mut clients = Vec::new();
    for _ in 0..12 {
        clients.push(client(tunnel).await);
    }

    // Of two backends, both are always drawn.
    let all = shares(clients.iter().map(|(letter, _)| *letter));
    assert_eq!(all, BTreeMap::from([('a', 8), ('b', 4)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn least_time_tries_a_backend_that_does_not_answer_with_one_client_alone() {
    let (hole, echo) = (BlackHole::start(), Echo::start());
    let daemon = Daemon::start().await;
    let options = "strategy=least-time,connect-timeout=1m";
    let tunnel = daemon.open(&format!("{},{}[{options}]", hole.addr(), echo.addr())).await;

    let mut clients = Vec::new();
    for count in 1..=6 {
        clients.push(Stream::connect(tunnel).await.unwrap());
        eventually!({
            let waiting = daemon.backend(tunnel, hole.addr()).await.traffic.connections;
            let connected = daemon.backend(tunnel, echo.addr()).await.traffic.connections_total;
            waiting + connected == count
        });
    }

    assert_eq!(daemon.backend(tunnel, hole.addr()).await.traffic.connections, 1);
    eventually!(echo.accepted() == 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn least_time_leaves_a_backend_that_is_slow_to_connect_to() {
    let (slow, quick) = (Greeter::start("s"), Greeter::start("q"));
    let port = slow.addr().port();
    // The first of its addresses is tried for half of the time-out.
    let _hole = BlackHole::at((DEAD, port).into());
    let dns = Dns::start().await;
    dns.set("slow.test", [DEAD.into(), Ipv4Addr::LOCALHOST.into()], 60);
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    let options = "strategy=least-time,connect-timeout=3s";
    let tunnel = daemon.open(&format!("slow.test:{port},{}[{options}]", quick.addr())).await;
    eventually!(daemon.status(tunnel).await.backends_up == 2);

    let tried = letters(tunnel, 2).await;
    let then = letters(tunnel, 20).await;

    assert_eq!(shares(tried.chars()), BTreeMap::from([('q', 1), ('s', 1)]), "each is tried");
    assert_eq!(then, "q".repeat(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn least_time_knows_how_slow_a_backend_is_that_a_probe_has_brought_back() {
    let (refuser, quick) = (Refuser::start(), Greeter::start("q"));
    let port = refuser.addr().port();
    let _hole = BlackHole::at((DEAD, port).into());
    let dns = Dns::start().await;
    dns.set("slow.test", [DEAD.into(), Ipv4Addr::LOCALHOST.into()], 60);
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    let options = "strategy=least-time,connect-timeout=3s,check-interval=50ms";
    let tunnel = daemon.open(&format!("slow.test:{port},{}[{options}]", quick.addr())).await;
    eventually!(daemon.status(tunnel).await.backends_up == 2);
    assert_eq!(letters(tunnel, 2).await, "qq");
    assert_eq!(daemon.status(tunnel).await.backends_up, 1, "it was tried, and ejected");

    let _slow = Greeter::at(refuser.addr(), "s");
    eventually!(daemon.status(tunnel).await.backends_up == 2);

    assert_eq!(letters(tunnel, 10).await, "q".repeat(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn source_hash_is_the_same_in_every_daemon_and_every_time() {
    let (_greeters, backends) = greeters(&[1, 2, 1]);
    let turned: Vec<_> = backends.rsplit(',').collect();
    let (here, there) = (Daemon::start().await, Daemon::start().await);
    let tunnel = here.open(&format!("{backends}[strategy=source-hash]")).await;
    let other = there.open(&format!("{}[strategy=source-hash]", turned.join(","))).await;

    let first = homes(&here, tunnel).await;

    assert_eq!(shares(first.iter().copied()).len(), 3, "{first:?}");
    assert_eq!(homes(&here, tunnel).await, first);
    assert_eq!(homes(&there, other).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn source_hash_moves_few_clients_when_a_backend_comes_and_they_return_when_it_leaves() {
    let (greeters, backends) = greeters(&[1, 1, 1, 1]);
    let (three, fourth) = backends.rsplit_once(',').unwrap();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{three}[strategy=source-hash]")).await;
    let before = homes(&daemon, tunnel).await;

    daemon.add(tunnel, fourth).await.unwrap();
    let after = homes(&daemon, tunnel).await;

    let moved = || before.iter().zip(&after).filter(|(before, after)| before != after);
    // A quarter has to; besides, a few in a thousand may.
    assert!((1..=40).contains(&moved().count()), "{before:?} {after:?}");
    let elsewhere = moved().filter(|(_, after)| **after != 'd').count();
    assert!(elsewhere <= 5, "{elsewhere} of {before:?} went to one of the old three: {after:?}");
    daemon.remove(tunnel, &greeters[3].addr().to_string()).await.unwrap();
    assert_eq!(homes(&daemon, tunnel).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn source_hash_takes_the_clients_of_a_dead_backend_elsewhere_and_back() {
    let (greeters, backends) = greeters(&[1, 1, 1]);
    let daemon = Daemon::start().await;
    let options = "strategy=source-hash,check-interval=50ms";
    let tunnel = daemon.open(&format!("{backends}[{options}]")).await;
    let before = homes(&daemon, tunnel).await;

    greeters[1].kill().await;
    let meanwhile = homes(&daemon, tunnel).await;

    for (before, meanwhile) in before.iter().zip(&meanwhile) {
        assert!(if *before == 'b' { *meanwhile != 'b' } else { before == meanwhile });
    }
    let _b = Greeter::at(greeters[1].addr(), "b");
    eventually!(daemon.status(tunnel).await.backends_up == 3);
    assert_eq!(homes(&daemon, tunnel).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn source_hash_lets_no_single_client_flood_a_backend() {
    let (_greeters, backends) = greeters(&[1, 1]);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{backends}[strategy=source-hash]")).await;

    let mut clients = Vec::new();
    for _ in 0..40 {
        clients.push(client(tunnel).await);
    }

    let home = clients[0].0;
    assert!(clients.iter().take(8).all(|(letter, _)| *letter == home), "few stay together");
    // 1.25 times the half of 40.
    let all = shares(clients.iter().map(|(letter, _)| *letter));
    assert_eq!(all.get(&home), Some(&25), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn source_hash_takes_all_clients_of_a_unix_socket_to_one_backend() {
    let (_greeters, backends) = greeters(&[1, 1, 1]);
    let daemon = Daemon::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    let spec = format!("unix:{}={backends}[strategy=source-hash]", path.display());
    daemon.try_open(&spec).await.unwrap();

    let mut letters = Vec::new();
    for _ in 0..10 {
        let mut stream = Stream::connect(path.as_path()).await.unwrap();
        letters.push(in_time("a greeting", stream.read_u8()).await.unwrap());
    }

    assert!(letters.iter().all(|letter| *letter == letters[0]), "{letters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn first_keeps_to_the_order_of_the_specification() {
    let (greeters, backends) = greeters(&[1, 5, 1]);
    let daemon = Daemon::start().await;
    let options = "strategy=first,check-interval=50ms";
    let tunnel = daemon.open(&format!("{backends}[{options}]")).await;
    assert_eq!(letters(tunnel, 5).await, "aaaaa");

    greeters[0].kill().await;
    assert_eq!(letters(tunnel, 5).await, "bbbbb");
    greeters[1].kill().await;
    assert_eq!(letters(tunnel, 5).await, "ccccc");

    let _a = Greeter::at(greeters[0].addr(), "a");
    eventually!(daemon.status(tunnel).await.backends_up == 2);
    assert_eq!(letters(tunnel, 5).await, "aaaaa");
}

/// So long that what is measured at its begin is as it was then.
const SLOWLY: &str = "slow-start=1h,check-interval=50ms";

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_joins_gets_a_tenth_of_its_share_at_first_and_every_door_says_so() {
    let (greeters, backends) = greeters(&[1, 1]);
    let (first, second) = backends.split_once(',').unwrap();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{first}[{SLOWLY},name=slow]")).await;
    daemon.add(tunnel, second).await.unwrap();

    // One in eleven of them, and a little more as time goes.
    let joined = shares(letters(tunnel, 110).await.chars()).get(&'b').copied().unwrap_or_default();
    assert!((9..=12).contains(&joined), "{joined} of 110");

    let [old, new] = [&greeters[0], &greeters[1]].map(|greeter| greeter.addr());
    assert_eq!(daemon.backend(tunnel, old).await.effective_weight, None);
    let weight = daemon.backend(tunnel, new).await.effective_weight.unwrap().thousandths();
    assert!((100..200).contains(&weight), "{weight}");
    let detail = daemon.line().await.ask("detail slow").await;
    assert!(detail.contains("\toption slow-start = 1h\n"), "{detail}");
    assert!(detail.contains(", weight 1, "), "{detail}");
    assert!(detail.contains(", weight 1 (0.1"), "{detail}");
    let answer = daemon.rpc().call("backends", json!({ "tunnel": "slow" })).await.unwrap();
    let told = &answer["backend_list"];
    assert!(told[0].get("effective_weight").is_none(), "{answer}");
    assert!(told[1]["effective_weight"].as_f64().is_some_and(|it| it < 0.2), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_comes_back_starts_slowly_and_a_set_that_is_new_does_not() {
    let (greeters, backends) = greeters(&[1, 1]);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{backends}[{SLOWLY}]")).await;
    let all = shares(letters(tunnel, 20).await.chars());
    assert_eq!(all, BTreeMap::from([('a', 10), ('b', 10)]));

    greeters[1].kill().await;
    letters(tunnel, 2).await;
    let _b = Greeter::at(greeters[1].addr(), "b");
    eventually!(daemon.status(tunnel).await.backends_up == 2);

    let all = shares(letters(tunnel, 110).await.chars());
    let back = all.get(&'b').copied().unwrap_or_default();
    assert!((9..=12).contains(&back), "{back} of 110");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_is_replaced_starts_slowly_where_it_is_new_and_not_where_a_weight_is() {
    let daemon = Daemon::start().await;
    let mut line = daemon.line().await;
    let tunnel = daemon.open(&format!("4001,4002+weight=2[{SLOWLY}]")).await;
    assert_eq!(line.ask(&format!("close {tunnel}")).await, "OK\n");
    assert_eq!(line.ask(&format!("open {tunnel}=4002+weight=3[{SLOWLY}]")).await, "OK\n");

    line.ask("undo 2").await;

    let new = daemon.backend(tunnel, "127.0.0.1:4001").await;
    assert!(new.effective_weight.is_some_and(|it| it.thousandths() < 200), "{new:?}");
    let known = daemon.backend(tunnel, "127.0.0.1:4002").await;
    assert_eq!((known.weight, known.effective_weight), (2, None));
}
