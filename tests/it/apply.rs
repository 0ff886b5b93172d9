//! A whole set of tunnels that shall be: planned, and made so by one call.

mod exported;
mod many;
mod plans;

use std::net::SocketAddr;
use std::time::Duration;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::{Flow, round_trip};
use serde_json::{Value, json};

async fn call(daemon: &Daemon, method: &str, params: Value) -> Result<Value, Value> {
    daemon.rpc().call(method, params).await
}

async fn apply(daemon: &Daemon, specs: &[String], prune: bool) -> Result<Value, Value> {
    call(daemon, "applyTunnels", json!({ "specs": specs, "prune": prune })).await
}

/// The word of each tunnel, in the order of the answer.
fn results(reply: &Value) -> Vec<&str> {
    let tunnels = reply["tunnels"].as_array().unwrap();
    tunnels.iter().map(|tunnel| tunnel["result"].as_str().unwrap()).collect()
}

async fn exported(daemon: &Daemon) -> Value {
    call(daemon, "export", json!({})).await.unwrap()
}

/// How many changes are known.
async fn changes(daemon: &Daemon) -> usize {
    let history = call(daemon, "history", json!({ "last": 1000 })).await.unwrap();
    history["changes"].as_array().unwrap().len()
}

async fn is_free(addr: SocketAddr) {
    eventually!(std::net::TcpListener::bind(addr).is_ok(), "{addr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_done_by_one_change_and_told_of_each_tunnel() {
    let daemon = Daemon::start().await;
    let (echo, port) = (Echo::start(), Port::reserve());
    let stays = daemon.open(&format!("{}[name=stays]", echo.addr())).await;
    let changes_too = daemon.open(&format!("{}[name=changes]", echo.addr())).await;
    let goes = daemon.open(&format!("{}[name=goes]", echo.addr())).await;
    let (live, cut) =
        (Flow::start(changes_too, 1).await.unwrap(), Flow::start(goes, 2).await.unwrap());
    eventually!(daemon.connections() == 2);
    let specs = [
        format!("{}={}[name=comes]", port.addr(), echo.addr()),
        format!("{changes_too}=127.0.0.1:1,{}[name=changed,retries=5]", echo.addr()),
        format!("localhost:{}={}[name=stays]", stays.port(), echo.addr()),
    ];

    let reply = apply(&daemon, &specs, true).await.unwrap();

    assert_eq!(results(&reply), ["created", "changed", "unchanged", "removed"]);
    let counts = ["created", "changed", "unchanged", "removed"].map(|key| reply[key].clone());
    assert_eq!(counts, [1, 1, 1, 1]);
    assert_eq!((&reply["revision"], changes(&daemon).await), (&json!(4), 4));
    let tunnels = &reply["tunnels"];
    assert_eq!(tunnels[0]["after"], specs[0]);
    assert_eq!(tunnels[1]["name"], "changed");
    let options = json!([
        { "key": "name", "before": "changes", "after": "changed" },
        { "key": "retries", "before": "3", "after": "5" },
    ]);
    assert_eq!(tunnels[1]["options"], options);
    assert_eq!(tunnels[1]["backends"], json!([{ "after": "127.0.0.1:1" }]));
    assert_eq!(tunnels[3]["listen"], goes.to_string());
    assert_eq!(tunnels[3]["ended"], 1);
    assert!(cut.cut().await.fault.is_some(), "a tunnel that is closed resets its connections");
    is_free(goes).await;
    round_trip(port.addr(), 1_000).await.unwrap();
    assert!(live.is_running() && live.stop().await.fault.is_none());

    // One change, so it is taken back as one.
    call(&daemon, "undo", json!({})).await.unwrap();
    let names: Vec<_> = daemon.statuses().into_iter().filter_map(|it| it.name).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    round_trip(goes, 1_000).await.unwrap();
    assert_eq!(daemon.detail("changes").await.backend_list.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_for_stays_unless_somebody_says_otherwise() {
    let daemon = Daemon::start().await;
    let echo = Echo::start();
    let other = daemon.open(&format!("{}", echo.addr())).await;
    let flow = Flow::start(other, 1).await.unwrap();
    let spec = [format!("0={}[name=one]", echo.addr())];

    let reply = apply(&daemon, &spec, false).await.unwrap();
    assert_eq!(results(&reply), ["created"]);
    // A port that may be any is the one that the tunnel of that name has.
    let again = apply(&daemon, &spec, false).await.unwrap();
    assert_eq!(results(&again), ["unchanged"]);
    assert_eq!(again["tunnels"][0]["listen"], reply["tunnels"][0]["listen"]);
    let after = reply["tunnels"][0]["after"].as_str().unwrap();
    assert!(after.starts_with(reply["tunnels"][0]["listen"].as_str().unwrap()), "{reply}");

    let params = json!({ "specs": spec, "prune": true, "live": "keep" });
    let pruned = call(&daemon, "applyTunnels", params).await.unwrap();
    assert_eq!(results(&pruned), ["unchanged", "removed"]);
    assert_eq!(
        (&pruned["tunnels"][1]["kept"], &pruned["tunnels"][1]["ended"]),
        (&json!(1), &json!(0))
    );
    assert!(flow.is_running() && flow.stop().await.fault.is_none());
    assert_eq!(results(&apply(&daemon, &[], true).await.unwrap()), ["removed"]);
    assert!(daemon.statuses().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_go_from_one_tunnel_to_another_in_the_same_call() {
    let daemon = Daemon::start().await;
    let (a, b) = (daemon.open("4000[name=a]").await, daemon.open("4000[name=b]").await);
    let swapped = [format!("{a}=4000[name=b]"), format!("{b}=4000[name=a]")];
    assert_eq!(results(&apply(&daemon, &swapped, false).await.unwrap()), ["changed", "changed"]);
    assert_eq!(daemon.detail("a").await.status.listen, b.to_string());

    // A name that comes to another address leaves with the tunnel that had it, or not at all.
    let moved = ["0=4000[name=a]".to_owned(), format!("{a}=4000[name=b]")];
    let port = Port::reserve();
    let moved =
        moved.map(|spec| spec.replace("0=4000[name=a]", &format!("{}=4000[name=a]", port.addr())));
    let refused = apply(&daemon, &moved, false).await.unwrap_err();
    assert_eq!(
        (&refused["data"]["code"], &refused["data"]["index"]),
        (&json!("name-in-use"), &json!(0))
    );
    assert_eq!(
        results(&apply(&daemon, &moved, true).await.unwrap()),
        ["created", "unchanged", "removed"]
    );
    assert_eq!(daemon.detail("a").await.status.listen, port.addr().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_leaves_all_as_they_were() {
    let daemon = Daemon::start().await;
    let open = daemon.open("4000[name=web]").await;
    let gone = daemon.open("4000[name=gone]").await;
    let (free, taken) = (Port::reserve(), Port::reserve());
    let _other = std::net::TcpListener::bind(taken.addr()).unwrap();
    let (free, before) = (free.addr(), exported(&daemon).await);
    for (last, code) in [
        ("3000=4000[stratgy=x]".to_owned(), "unknown-option"),
        (format!("{free}=4001"), "address-in-use"),
        (format!("*:{}=4001", free.port()), "address-in-use"),
        (format!("{open}=4001"), "address-in-use"),
        (format!("*:{}=4001", gone.port()), "address-in-use"),
        ("0=4000[name=ONE]".to_owned(), "name-in-use"),
        (format!("{}=4000", taken.addr()), "address-in-use"),
        (format!("{0}={0}", "127.0.0.1:2999"), "own-backend"),
        ("192.0.2.1:2999=4000".to_owned(), "cannot-listen"),
        ("nosuch.invalid:2999=4000".to_owned(), "name-not-resolved"),
        ("2999=4000[tls-cert=/nosuch.pem]".to_owned(), "bad-certificate"),
    ] {
        let specs = [format!("{free}=4000[name=one]"), format!("{open}=4002"), last.clone()];
        for (method, prune) in
            [("planTunnels", false), ("applyTunnels", false), ("applyTunnels", true)]
        {
            let params = json!({ "specs": specs, "prune": prune });
            let refused = call(&daemon, method, params).await.unwrap_err();
            assert_eq!(refused["data"]["code"], code, "{method} {last}: {refused}");
            assert_eq!(refused["data"]["index"], 2, "{method} {last}: {refused}");
        }
        assert_eq!(exported(&daemon).await, before, "{last}");
        is_free(free).await;
    }
    let many = vec!["0=1".to_owned(); 10_001];
    assert_eq!(apply(&daemon, &many, false).await.unwrap_err()["data"]["code"], "too-many-tunnels");
    daemon.end(Duration::ZERO).await;
}
