//! What live connections get when their backend or their tunnel goes: each choice with fifty of them,
//! whose bytes are counted and compared.

use std::net::SocketAddr;
use std::time::Duration;

use plexy_shared::event::{EventKind, EventRange};
use plexy_shared::info::BackendState;
use plexy_tests::backend::{Answerer, Backend, BlackHole, Echo, Reply};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::{Fault, Flow, round_trip};

const FLOWS: usize = 50;
const PACE: Duration = Duration::from_millis(2);

/// A tunnel whose connections are all at the first of two backends.
struct Scene {
    daemon: Daemon,
    tunnel: SocketAddr,
    goes: Backend<Echo>,
    stays: Backend<Echo>,
    flows: Vec<Flow>,
    others: Vec<Flow>,
}

impl Scene {
    async fn new(options: &str) -> Self {
        let (goes, stays) = (Echo::start(), Echo::start());
        let daemon = Daemon::start().await;
        let tunnel = daemon.open(&format!("{}[name=way{options}]", goes.addr())).await;
        let mut flows = Vec::new();
        for seed in 0..FLOWS as u64 {
            flows.push(Flow::paced(tunnel, seed, PACE).await.unwrap());
        }
        eventually!(goes.live() == FLOWS);
        daemon.add("way", &stays.addr().to_string()).await.unwrap();
        let mut others = Vec::new();
        while others.len() < 5 {
            // Every other one goes to the backend that stays.
            let (one, two) =
                (Flow::paced(tunnel, 1, PACE).await, Flow::paced(tunnel, 2, PACE).await);
            others.push(one.unwrap());
            others.push(two.unwrap());
        }
        eventually!(goes.live() + stays.live() == FLOWS + others.len());
        Self { daemon, tunnel, goes, stays, flows, others }
    }

    async fn ask(&self, line: &str) -> String {
        self.daemon.line().await.ask(line).await
    }

    /// Connections at the backend that goes.
    fn affected(&self) -> usize {
        FLOWS + self.others.len() - self.stays.live()
    }

    /// So many flows are reset, and all others whole.
    async fn ends(self, reset: usize, reason: &str) {
        let Self { daemon, tunnel, flows, others, .. } = self;
        if reset > 0 {
            eventually!(daemon.ended(tunnel, reason).await == reset as u64);
        }
        let mut cut = 0;
        for flow in flows.into_iter().chain(others) {
            match flow.stop().await.fault {
                None => {}
                Some(Fault::Reset { .. }) => cut += 1,
                Some(fault) => panic!("{fault:?}"),
            }
        }
        assert_eq!(cut, reset);
        eventually!(daemon.connections() == 0);
    }
}

/// What is chosen, the option that says the same, and whether connections are reset.
const CHOICES: [(&str, bool); 3] = [("keep", false), ("drain deadline=1h", false), ("kill", true)];

#[tokio::test(flavor = "multi_thread")]
async fn remove_does_what_is_chosen_once() {
    for (choice, is_reset) in CHOICES {
        let scene = Scene::new("").await;
        let affected = scene.affected();
        let line = format!("remove way {} {choice}", scene.goes.addr());
        assert_eq!(scene.ask(&line).await, "OK\n");
        for _ in 0..4 {
            round_trip(scene.tunnel, 100).await.unwrap();
        }
        scene.ends(if is_reset { affected } else { 0 }, "backend-removed").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn remove_does_what_the_tunnel_says() {
    for (choice, is_reset) in [("keep", false), ("drain", false), ("kill", true)] {
        let scene = Scene::new(&format!(",on-remove={choice}")).await;
        let affected = scene.affected();
        assert_eq!(scene.ask(&format!("remove way {}", scene.goes.addr())).await, "OK\n");
        scene.ends(if is_reset { affected } else { 0 }, "backend-removed").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_at_the_deadline_of_the_tunnel() {
    let scene = Scene::new(",on-remove=drain,drain-deadline=100ms").await;
    let affected = scene.affected();
    assert_eq!(scene.ask(&format!("remove way {}", scene.goes.addr())).await, "OK\n");
    scene.ends(affected, "drain-deadline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disable_does_what_on_down_says() {
    for (choice, is_reset) in [("keep", false), ("drain", false), ("kill", true)] {
        let scene = Scene::new(&format!(",on-down={choice}")).await;
        let affected = scene.affected();
        let answer = scene.ask(&format!("disable way {}", scene.goes.addr())).await;
        let expected = if is_reset { "reset" } else { "go on" };
        assert_eq!(answer, format!("OK: disabled, {affected} connections {expected}\n"));
        scene.ends(if is_reset { affected } else { 0 }, "backend-down").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn switch_does_it_to_those_that_go_and_to_no_others() {
    for (choice, is_reset) in CHOICES {
        let scene = Scene::new("").await;
        let (affected, new) = (scene.affected(), Echo::start());
        let line = format!("switch way to {},{} {choice}", new.addr(), scene.stays.addr());
        let expected = if is_reset { "reset" } else { "go on" };
        let answer = scene.ask(&line).await;
        assert_eq!(answer, format!("OK: changed, {affected} connections {expected}\n"));
        for _ in 0..4 {
            round_trip(scene.tunnel, 100).await.unwrap();
        }
        assert_eq!(new.accepted(), 2);
        scene.ends(if is_reset { affected } else { 0 }, "backend-removed").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn close_does_what_is_chosen_once() {
    for (choice, is_reset) in CHOICES.into_iter().chain([("", true)]) {
        let scene = Scene::new("").await;
        let all = FLOWS + scene.others.len();
        assert_eq!(scene.ask(&format!("close way {choice}")).await, "OK\n");
        let mut cut = 0;
        for flow in scene.flows.into_iter().chain(scene.others) {
            match flow.stop().await.fault {
                None => {}
                Some(Fault::Reset { .. }) => cut += 1,
                Some(fault) => panic!("{fault:?}"),
            }
        }
        assert_eq!(cut, if is_reset { all } else { 0 }, "{choice}");
        let daemon = &scene.daemon;
        eventually!(daemon.connections() == 0);
        // The last connection of what goes is an event.
        let told = |kind| {
            let events = daemon.service().events(EventRange::default()).events;
            events.into_iter().any(|event| event.kind == kind)
        };
        if !is_reset {
            eventually!(told(EventKind::TunnelDrained));
        }
    }
}

/// Who is still connecting goes where the tunnel goes now.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_connecting_to_a_backend_that_goes_is_served_by_another() {
    for command in ["switch way to {new} kill", "set way {old} admin=drain"] {
        let (old, new) = (BlackHole::start(), Echo::start());
        let daemon = Daemon::start().await;
        let options = "[name=way,connect-timeout=500ms,retries=0]";
        let tunnel = daemon.open(&format!("{},{}+backup{options}", old.addr(), new.addr())).await;
        let client = tokio::spawn(round_trip(tunnel, 1_000));
        eventually!(daemon.backend("way", old.addr()).await.traffic.connections == 1);
        let command = command
            .replace("{old}", &old.addr().to_string())
            .replace("{new}", &new.addr().to_string());
        let answer = daemon.line().await.ask(&command).await;
        assert!(answer.starts_with("OK: changed"), "{answer}");
        client.await.unwrap().unwrap();
        assert_eq!(new.accepted(), 1);
    }
}

/// Who is found down by a check has its connections treated as `on-down` says; it is up again later.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_a_check_finds_down_has_its_connections_treated_as_the_tunnel_says() {
    let health = Answerer::start(Reply::status(200));
    let checks = format!(
        ",check=http,check-port={},check-interval=50ms,fall=1,rise=1",
        health.addr().port()
    );
    for (choice, is_reset) in [("keep", false), ("drain", false), ("kill", true)] {
        health.character().reply(Reply::status(200));
        let scene = Scene::new(&format!("{checks},on-down={choice}")).await;
        let all = FLOWS + scene.others.len();
        let addr = scene.goes.addr();
        eventually!(scene.daemon.backend("way", addr).await.check.is_some());
        // Both are asked at the same port, so both go down.
        health.character().reply(Reply::status(503));
        eventually!(scene.daemon.backend("way", addr).await.state == BackendState::Down);
        if is_reset {
            eventually!(scene.daemon.ended("way", "backend-down").await == all as u64);
        }
        // Who comes where nothing else is left is served.
        round_trip(scene.tunnel, 100).await.unwrap();
        health.character().reply(Reply::status(200));
        eventually!(scene.daemon.backend("way", addr).await.state == BackendState::Up);
        scene.ends(if is_reset { all } else { 0 }, "backend-down").await;
    }
}
