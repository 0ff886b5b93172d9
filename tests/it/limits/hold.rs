//! Clients that are parked while no backend is up.

use plexy_tests::backend::Greeter;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::Ending;

use super::{BANNER, clients, greeted, parked, rejected};

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_while_all_backends_are_drained_goes_on_with_the_one_that_replaces_them() {
    let (before, after) = (Greeter::start(BANNER), Greeter::start(BANNER));
    let daemon = Daemon::start().await;
    let options = "name=db,on-all-down=hold,queue-timeout=1m";
    let tunnel = daemon.open(&format!("{}[{options}]", before.addr())).await;
    let mut live = clients(tunnel, 1).await.remove(0);
    greeted(&mut live).await;
    let mut line = daemon.line().await;
    assert!(line.ask(&format!("drain db {}", before.addr())).await.starts_with("OK"));
    let mut waiting = clients(tunnel, 20).await;
    eventually!(parked(&daemon, tunnel).await == 20);
    assert_eq!(daemon.detail(tunnel).await.status.traffic.connections, 1);

    assert!(line.ask(&format!("switch db to {}", after.addr())).await.starts_with("OK"));

    for client in &mut waiting {
        greeted(client).await;
    }
    assert_eq!((before.accepted(), after.accepted()), (1, 20));
    let reached = line.ask("events").await;
    assert!(reached.contains("limit-reached, tunnel db, no backend is up"), "{reached}");
    drop((live, waiting));
    eventually!(daemon.connections() == 0);
    eventually!(parked(&daemon, tunnel).await == 0);
    assert_eq!(daemon.rejected(tunnel).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_goes_on_once_a_check_finds_a_backend_up() {
    let (greeter, role) = (Greeter::start(BANNER), Port::reserve());
    let daemon = Daemon::start().await;
    let check =
        format!("check=tcp,check-port={},check-interval=50ms,fall=1,rise=1", role.addr().port());
    let options = format!("{check},on-all-down=hold,queue-timeout=1m");
    let tunnel = daemon.open(&format!("{}[{options}]", greeter.addr())).await;
    eventually!(daemon.detail(tunnel).await.status.backends_up == 0);
    let mut waiting = clients(tunnel, 3).await;
    eventually!(parked(&daemon, tunnel).await == 3);

    let _primary = Greeter::at(role.addr(), BANNER);

    for client in &mut waiting {
        greeted(client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_the_last_backend_dead_waits_until_a_probe_has_found_it_alive() {
    let port = Port::reserve();
    let daemon = Daemon::start().await;
    let options = "check-interval=50ms,on-all-down=hold,queue-timeout=1m";
    let tunnel = daemon.open(&format!("{}[{options}]", port.addr())).await;
    let mut waiting = clients(tunnel, 3).await;
    eventually!(parked(&daemon, tunnel).await == 3);

    let greeter = Greeter::at(port.addr(), BANNER);

    for client in &mut waiting {
        greeted(client).await;
    }
    assert_eq!((greeter.live(), daemon.rejected(tunnel).await), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_waited_in_vain_is_reset_for_want_of_a_backend() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let options = "name=db,on-all-down=hold,queue-timeout=100ms";
    let tunnel = daemon.open(&format!("{}+admin=drain[{options}]", greeter.addr())).await;
    let mut client = clients(tunnel, 1).await.remove(0);
    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
    eventually!(rejected(&daemon, tunnel, "connect-failed").await == 1);

    // And at once, where nobody is to wait any more.
    let mut line = daemon.line().await;
    assert!(line.ask("set db queue-timeout=1h").await.starts_with("OK"));
    let client = clients(tunnel, 1).await.remove(0);
    eventually!(parked(&daemon, tunnel).await == 1);
    assert!(line.ask("set db on-all-down=refuse").await.starts_with("OK"));
    eventually!(rejected(&daemon, tunnel, "connect-failed").await == 2);
    drop(client);
}
