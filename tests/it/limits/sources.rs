//! `max-conns-per-source`: each IP address has its own count.

use std::net::Ipv4Addr;

use plexy_tests::backend::Greeter;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;

use super::{BANNER, clients, from, greeted, leave, rejected};
use crate::client::is_reset;

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_has_all_its_connections_gets_no_more_and_others_do() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[max-conns-per-source=2]", greeter.addr())).await;
    let (busy, other) = (Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3));
    let first = from(busy, tunnel).await.expect("one may come");
    let _second = from(busy, tunnel).await.expect("and another one");

    assert!(from(busy, tunnel).await.is_none());
    assert_eq!(rejected(&daemon, tunnel, "limit").await, 1);
    let _third = from(other, tunnel).await.expect("another source has its own count");

    leave(first).await;
    eventually!(daemon.connections() == 2);
    // Its source has one less a moment after it has left.
    let mut fourth = None;
    eventually!({
        fourth = from(busy, tunnel).await;
        fourth.is_some()
    });
    assert!(from(busy, tunnel).await.is_none());
    let events = daemon.line().await.ask("events").await;
    assert!(events.contains(": `max-conns-per-source` is reached"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_unix_socket_are_one_source_and_the_parked_count() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("listen.sock");
    let options = "max-conns=1,max-conns-per-source=2,queue-timeout=1m";
    let spec = format!("unix:{}={}[name=local,{options}]", path.display(), greeter.addr());
    daemon.try_open(&spec).await.unwrap();
    let mut all = clients(&*path, 1).await;
    greeted(&mut all[0]).await;
    all.extend(clients(&*path, 1).await);
    eventually!(daemon.detail("local").await.parked == 1);

    // There is no reset on a Unix socket.
    let mut third = clients(&*path, 1).await;
    let (bytes, _) = plexy_tests::traffic::Ending::of(&mut third[0]).await.unwrap();
    assert!(bytes.is_empty());
    assert_eq!(daemon.rejected("local").await, 1);

    // One that is parked and leaves makes room for another one.
    drop(all.pop());
    eventually!(daemon.connections() == 1);
    all.extend(clients(&*path, 1).await);
    eventually!(daemon.detail("local").await.parked == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_for_another_limit_is_not_counted() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let options = "max-conns=1,queue-timeout=0,max-conns-per-source=2";
    let tunnel = daemon.open(&format!("{}[{options}]", greeter.addr())).await;
    let mut held = clients(tunnel, 1).await;
    greeted(&mut held[0]).await;
    for _ in 0..5 {
        is_reset(tunnel).await;
    }
    leave(held.remove(0)).await;
    eventually!(daemon.connections() == 0);

    let mut again = clients(tunnel, 1).await;
    greeted(&mut again[0]).await;
    let events = daemon.line().await.ask("events").await;
    assert!(!events.contains("`max-conns-per-source` is reached"), "{events}");
}
