//! `set` and `switch`: a tunnel that is open becomes something else in one step.

use std::time::Duration;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Flow, round_trip};
use serde_json::json;

async fn ask(daemon: &Daemon, line: &str) -> String {
    daemon.line().await.ask(line).await
}

#[tokio::test(flavor = "multi_thread")]
async fn options_change_in_one_step_and_the_answer_says_for_whom() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=way,max-conns=7]", echo.addr())).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();

    let answer =
        ask(&daemon, "set way strategy=random idle-timeout=10m max-conns= name=other").await;

    assert_eq!(
        answer,
        "OK: changed\n\tstrategy holds for new connections\n\tidle-timeout holds for live connections too\n\tmax-conns holds for new connections\n\tname holds for live connections too\n"
    );
    let spec = format!("{tunnel}={}[name=other,strategy=random,idle-timeout=10m]", echo.addr());
    assert_eq!(daemon.detail("other").await.spec, spec);
    assert!(flow.stop().await.fault.is_none());
    let unchanged = ask(&daemon, "set other strategy=random").await;
    assert_eq!(unchanged, "OK: unchanged\n");
    let history = ask(&daemon, "history 1").await;
    assert!(history.contains("max-conns=7] → "), "{history}");
    assert_eq!(ask(&daemon, "undo").await, "OK: opened 0, changed 1, closed 0, unchanged 0\n");
    assert!(daemon.detail("way").await.spec.contains("max-conns=7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_changes_nothing() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:1[name=way]").await;
    daemon.open("127.0.0.1:1[name=taken]").await;
    let before = daemon.detail("way").await;
    for (line, sentence) in [
        ("set way retries=2 retires=3", "did you mean `retries`?"),
        ("set way retries=2 name=TAKEN", "taken"),
        ("set way retries=2 strategy=best", "random, round-robin"),
        ("set way 127.0.0.1:2 weight=2", "no backend"),
        ("set way 127.0.0.1:1 weight=0", "1 to 1000"),
        ("set nobody retries=2", "no tunnel"),
        ("switch way to", "backends like"),
        ("switch nobody to 127.0.0.1:1", "no tunnel"),
    ] {
        let refused = ask(&daemon, line).await;
        assert!(refused.starts_with("ERROR: ") && refused.contains(sentence), "{line}: {refused}");
    }
    let own = ask(&daemon, &format!("switch way to {}", before.status.listen)).await;
    assert!(own.contains("itself"), "{own}");
    let after = daemon.detail("way").await;
    assert_eq!((after.spec, after.revision), (before.spec, before.revision));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_time_out_holds_for_live_connections() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=way]", echo.addr())).await;
    let (silent, busy) =
        (Stream::connect(tunnel).await.unwrap(), Flow::start(tunnel, 1).await.unwrap());
    eventually!(echo.live() == 2);

    assert!(ask(&daemon, "set way idle-timeout=200ms").await.starts_with("OK: changed"));

    eventually!(daemon.ended("way", "idle").await == 1);
    assert!(busy.stop().await.fault.is_none());
    drop(silent);

    // And a longer one.
    assert!(ask(&daemon, "set way idle-timeout=1s").await.starts_with("OK: changed"));
    let _silent = Stream::connect(tunnel).await.unwrap();
    eventually!(echo.live() == 1);
    assert!(ask(&daemon, "set way idle-timeout=1h").await.starts_with("OK: changed"));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(daemon.ended("way", "idle").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weight_is_live_and_its_backend_goes_on_counting() {
    let (one, two) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{},{}[name=way]", one.addr(), two.addr())).await;
    for _ in 0..4 {
        round_trip(tunnel, 1_000).await.unwrap();
    }
    let answer = ask(&daemon, &format!("set way {} weight=3", two.addr())).await;
    assert_eq!(answer, "OK: changed\n\tweight holds for new connections\n");
    for _ in 0..8 {
        round_trip(tunnel, 1_000).await.unwrap();
    }
    assert_eq!((one.accepted(), two.accepted()), (2 + 2, 2 + 6));
    eventually!(daemon.backend("way", two.addr()).await.traffic.connections == 0);
    let counted = daemon.backend("way", two.addr()).await;
    assert_eq!((counted.weight, counted.traffic.connections_total), (3, 8));
    assert_eq!(counted.traffic.bytes_in, 8_000);
    // `add` with other attributes than it has is refused, and says what does it.
    let refused = ask(&daemon, &format!("add way {}+weight=5", two.addr())).await;
    assert!(refused.contains("`set`"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_of_backends_is_replaced_in_one_step() {
    let echoes = [Echo::start(), Echo::start(), Echo::start()];
    let daemon = Daemon::start().await;
    let addr = |place: usize| echoes[place].addr();
    let tunnel = daemon.open(&format!("{},{}[name=way]", addr(0), addr(1))).await;
    for _ in 0..4 {
        round_trip(tunnel, 1_000).await.unwrap();
    }

    let backends = [addr(1).to_string(), format!("{}+weight=2", addr(2))];
    let params = json!({"tunnel": "way", "backends": backends});
    let switched = daemon.rpc().call("switchBackends", params).await.unwrap();

    assert_eq!(switched["result"], "changed");
    let expected = format!("{tunnel}={},{}+weight=2[name=way]", addr(1), addr(2));
    assert_eq!(switched["spec"], expected);
    for _ in 0..6 {
        round_trip(tunnel, 1_000).await.unwrap();
    }
    assert_eq!([0, 1, 2].map(|place| echoes[place].accepted()), [2, 4, 4]);
    assert_eq!(daemon.backend("way", addr(1)).await.traffic.connections_total, 4);
}

/// The kernel tells how many may wait at a listener.
#[tokio::test(flavor = "multi_thread")]
async fn the_backlog_of_a_listener_changes_while_it_listens() {
    let daemon = Daemon::start().await;
    let tunnel = daemon.open("127.0.0.1:1[name=way,backlog=100]").await;
    // Of a socket that listens `ss` shows it as what is sent.
    let Some(ss) = plexy_tests::tool::Tool::find("ss", "iproute2") else { return };
    let backlog = async || {
        let shown = ss.run(["-Hltn", "src", &tunnel.to_string()]).output().await;
        let shown = shown.text();
        shown.split_whitespace().nth(2).map(str::to_owned)
    };
    assert_eq!(backlog().await.as_deref(), Some("100"));
    assert!(ask(&daemon, "set way backlog=7").await.starts_with("OK: changed"));
    assert_eq!(backlog().await.as_deref(), Some("7"));
}
