//! What changes while clients are parked: options, backends, what somebody wants of them, and what
//! checks say.

use std::net::{Ipv4Addr, SocketAddr};

use plexy_shared::info::BackendState;
use plexy_tests::backend::{Backend, BlackHole, Greeter};
use plexy_tests::daemon::Daemon;
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::Ending;
use plexyd::NameServers;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{BANNER, clients, from, greeted, leave, parked, rejected};

async fn ask(daemon: &Daemon, line: &str) -> String {
    daemon.line().await.ask(line).await
}

/// A tunnel `way` whose backend is full with one client, and one who waits for it.
struct Scene {
    daemon: Daemon,
    tunnel: SocketAddr,
    one: Backend<Greeter>,
    held: Stream,
    waiting: Stream,
}

impl Scene {
    /// `more` stands behind the first backend.
    async fn new(more: &str) -> Self {
        let one = Greeter::start(BANNER);
        let daemon = Daemon::start().await;
        let tunnel = daemon.open(&format!("{}+max-conns=1{more}", one.addr())).await;
        let mut held = clients(tunnel, 1).await.remove(0);
        greeted(&mut held).await;
        let waiting = clients(tunnel, 1).await.remove(0);
        eventually!(parked(&daemon, tunnel).await == 1);
        Self { daemon, tunnel, one, held, waiting }
    }

    /// Who waits is reset, since there is no backend for it; who was let in goes on.
    async fn gives_up(mut self) {
        assert_eq!(Ending::of(&mut self.waiting).await.unwrap(), (Vec::new(), Ending::Reset));
        eventually!(rejected(&self.daemon, self.tunnel, "connect-failed").await == 1);
        assert_eq!((self.one.live(), self.one.accepted()), (1, 1));
        leave(self.held).await;
        eventually!(parked(&self.daemon, self.tunnel).await == 0);
        eventually!(self.daemon.connections() == 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_set_anew_lets_them_go_on_at_once() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let rest = format!("{}[name=way,max-conns=1,queue-timeout=1m]", greeter.addr());
    let tunnel = daemon.open(&rest).await;
    let mut all = clients(tunnel, 1).await;
    greeted(&mut all[0]).await;
    all.extend(clients(tunnel, 1).await);
    eventually!(parked(&daemon, tunnel).await == 1);

    let answer = ask(&daemon, "set way max-conns=2").await;
    assert_eq!(answer, "OK: changed\n\tmax-conns holds for new connections\n");
    greeted(&mut all[1]).await;

    all.extend(clients(tunnel, 1).await);
    eventually!(parked(&daemon, tunnel).await == 1);
    ask(&daemon, "set way max-conns=").await;
    greeted(&mut all[2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_a_backend_that_is_set_anew_is_taken_at_once() {
    let mut scene = Scene::new("[name=way,queue-timeout=1m]").await;
    ask(&scene.daemon, &format!("set way {} max-conns=2", scene.one.addr())).await;
    greeted(&mut scene.waiting).await;
    assert_eq!(scene.one.live(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_goes_the_way_that_a_switch_sets() {
    let other = Greeter::start(BANNER);
    let mut scene = Scene::new("[name=way,queue-timeout=1m]").await;
    ask(&scene.daemon, &format!("switch way to {}+max-conns=1", other.addr())).await;
    greeted(&mut scene.waiting).await;
    assert_eq!((scene.one.live(), other.live()), (1, 1));
    assert_eq!(scene.one.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_does_not_wait_for_the_name_of_a_backend_that_has_gone_again() {
    let dns = Dns::start().await;
    dns.silent(true);
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    let (one, other) = (Greeter::start(BANNER), Greeter::start(BANNER));
    let options = "name=way,queue-timeout=1h,connect-timeout=1h";
    let tunnel = daemon.open(&format!("{}+max-conns=1[{options}]", one.addr())).await;
    let mut held = clients(tunnel, 1).await.remove(0);
    greeted(&mut held).await;
    let mut waiting = clients(tunnel, 1).await.remove(0);
    eventually!(parked(&daemon, tunnel).await == 1);

    ask(&daemon, "switch way to slow.test:4000+max-conns=1").await;
    eventually!(dns.asked("slow.test") > 0);
    assert_eq!(parked(&daemon, tunnel).await, 1);
    ask(&daemon, &format!("switch way to {}+max-conns=1", other.addr())).await;

    greeted(&mut waiting).await;
    assert_eq!((one.live(), other.live()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_still_when_its_tunnel_is_switched_is_parked_for_the_new_backend() {
    let (hole, greeter) = (BlackHole::start(), Greeter::start(BANNER));
    let daemon = Daemon::start().await;
    let options = "name=way,connect-timeout=2s,retries=0,queue-timeout=1m";
    let tunnel = daemon.open(&format!("{}[{options}]", hole.addr())).await;
    let mut slow = clients(tunnel, 1).await.remove(0);
    eventually!(daemon.connections() == 1);

    ask(&daemon, &format!("switch way to {}+max-conns=1", greeter.addr())).await;
    let mut fast = clients(tunnel, 1).await.remove(0);
    greeted(&mut fast).await;

    // It has no retry left for the old way, and begins anew.
    eventually!(parked(&daemon, tunnel).await == 1);
    leave(fast).await;
    greeted(&mut slow).await;
    assert_eq!(greeter.accepted(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_backend_that_is_drained() {
    let scene = Scene::new("[name=way,queue-timeout=1m]").await;
    ask(&scene.daemon, &format!("drain way {}", scene.one.addr())).await;
    scene.gives_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_enabled_takes_those_who_are_parked() {
    let other = Greeter::start(BANNER);
    let more = format!(",{}+max-conns=1+admin=disabled", other.addr());
    let mut scene = Scene::new(&format!("{more}[name=way,queue-timeout=1m,on-down=kill]")).await;
    ask(&scene.daemon, &format!("enable way {}", other.addr())).await;
    greeted(&mut scene.waiting).await;
    assert_eq!((scene.one.live(), other.live()), (1, 1));

    ask(&scene.daemon, &format!("disable way {}", other.addr())).await;
    assert_eq!(Ending::of(&mut scene.waiting).await.unwrap().1, Ending::Reset);
    let mut again = clients(scene.tunnel, 1).await.remove(0);
    eventually!(parked(&scene.daemon, scene.tunnel).await == 1);
    ask(&scene.daemon, &format!("enable way {}", other.addr())).await;
    greeted(&mut again).await;
    // What its connections got when it went out of service is not for this one.
    again.write_all(BANNER).await.unwrap();
    greeted(&mut again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_drains_keeps_those_who_are_parked() {
    let mut scene = Scene::new("[name=way,queue-timeout=1m]").await;
    let answer = ask(&scene.daemon, "drain way").await;
    assert!(answer.starts_with("OK: draining"), "{answer}");
    let events = ask(&scene.daemon, "events").await;
    assert!(events.contains("2 connections go on"), "{events}");
    leave(scene.held).await;
    greeted(&mut scene.waiting).await;
    leave(scene.waiting).await;
    eventually!(ask(&scene.daemon, "events").await.contains("tunnel-drained"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_its_checks_find_up_takes_those_who_are_parked() {
    let other = Greeter::start(BANNER);
    let addr = other.addr();
    other.kill().await;
    let options = "name=way,queue-timeout=1m,check=tcp,check-interval=50ms,rise=1,retries=0";
    let daemon = Daemon::start().await;
    let one = Greeter::start(BANNER);
    let rest = format!("{}+max-conns=1,{addr}+max-conns=1[{options}]", one.addr());
    let tunnel = daemon.open(&rest).await;
    eventually!(daemon.backend(tunnel, addr).await.state == BackendState::Down);
    eventually!(daemon.backend(tunnel, one.addr()).await.state == BackendState::Up);
    let mut all = clients(tunnel, 1).await;
    greeted(&mut all[0]).await;
    all.extend(clients(tunnel, 1).await);
    eventually!(parked(&daemon, tunnel).await == 1);

    let _again = Greeter::at(addr, BANNER);

    greeted(&mut all[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_one_that_is_down_where_clients_are_refused_then() {
    let port = Greeter::start(BANNER);
    let options = format!(
        "name=way,queue-timeout=1m,check=tcp,check-port={},check-interval=50ms,fall=1,on-all-down=refuse",
        port.addr().port()
    );
    let scene = Scene::new(&format!("[{options}]")).await;
    port.kill().await;
    scene.gives_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_is_let_in_by_lists_that_are_set_anew() {
    const THERE: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 2);
    const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let options = "name=way,deny=10.0.0.0/8,deny=127.1.0.0/16";
    let tunnel = daemon.open(&format!("{}[{options}]", greeter.addr())).await;
    let held = from(HERE, tunnel).await.expect("it is on no list");
    assert!(from(THERE, tunnel).await.is_none());

    let both = ask(&daemon, "set way allow=127.1.0.0/16").await;
    assert!(both.starts_with("ERROR: ") && both.contains("allowed and denied"), "{both}");
    assert!(from(THERE, tunnel).await.is_none());

    let answer = ask(&daemon, "set way deny=127.0.0.0/8 allow=127.1.0.0/16 allow=::1/128").await;
    let told = "OK: changed\n\tdeny holds for new connections\n\tallow holds for new connections\n";
    assert_eq!(answer, told);
    assert!(from(THERE, tunnel).await.is_some());
    assert!(from(HERE, tunnel).await.is_none());
    let options = "[name=way,allow=127.1.0.0/16,allow=::1/128,deny=127.0.0.0/8]";
    assert!(daemon.detail("way").await.spec.ends_with(options));

    // The same through another door, and nothing is left.
    let settings = json!({"tunnel": "way", "settings": ["allow=", "deny=none"]});
    daemon.rpc().call("setTunnel", settings).await.unwrap();
    assert!(from(HERE, tunnel).await.is_some());
    assert!(daemon.detail("way").await.spec.ends_with("[name=way]"));
    // Who was let in before felt nothing of it.
    leave(held).await;
}
