//! A plan is what is done, and is refused where something else would be.

use plexy_tests::daemon::Daemon;
use plexy_tests::port::Port;
use serde_json::{Value, json};

use super::{call, changes, exported, results};

async fn plan(daemon: &Daemon, specs: &[String]) -> Value {
    call(daemon, "planTunnels", json!({ "specs": specs, "prune": true })).await.unwrap()
}

async fn apply_plan(daemon: &Daemon, specs: &[String], plan: &Value) -> Result<Value, Value> {
    let params = json!({ "specs": specs, "prune": true, "plan": plan["plan"] });
    call(daemon, "applyTunnels", params).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_does_nothing_and_is_what_is_done() {
    let daemon = Daemon::start().await;
    let port = Port::reserve();
    let open = daemon.open("4000[name=web]").await;
    daemon.open("4000[name=gone]").await;
    let specs = [format!("{}=4000", port.addr()), format!("{open}=4001[name=web]")];
    let (before, events) = (exported(&daemon).await, all_events(&daemon).await);

    let planned = plan(&daemon, &specs).await;

    assert_eq!(planned["dry_run"], true);
    assert_eq!(results(&planned), ["created", "changed", "removed"]);
    assert_eq!(plan(&daemon, &specs).await, planned, "nobody has changed anything");
    assert_eq!((exported(&daemon).await, changes(&daemon).await), (before, 2));
    assert_eq!(all_events(&daemon).await, events);
    drop(std::net::TcpListener::bind(port.addr()).expect("nobody listens there"));

    let mut done = apply_plan(&daemon, &specs, &planned).await.unwrap();
    done["dry_run"] = json!(true);
    done["revision"] = planned["revision"].clone();
    assert_eq!(done, planned, "what was told was done");
    assert_eq!(changes(&daemon).await, 3);

    let same = plan(&daemon, &specs).await;
    assert_eq!(results(&same), ["unchanged", "unchanged"]);
    // What is to be done no more is not done again.
    let stale = apply_plan(&daemon, &specs, &planned).await.unwrap_err();
    assert_eq!(stale["data"]["code"], "revision-mismatch");
    assert_eq!(results(&apply_plan(&daemon, &specs, &same).await.unwrap()), ["unchanged"; 2]);
    assert_eq!(changes(&daemon).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_holds_as_long_as_the_same_would_be_done() {
    let daemon = Daemon::start().await;
    let (web, other) = (daemon.open("4000[name=web]").await, daemon.open("4000").await);
    let specs = json!([format!("{web}=4001[name=web]")]);
    let planned = call(&daemon, "planTunnels", json!({ "specs": specs })).await.unwrap();
    // Of a tunnel that the plan says nothing of.
    call(&daemon, "setTunnel", json!({ "tunnel": other.to_string(), "settings": ["retries=1"] }))
        .await
        .unwrap();
    let at = |plan: &Value, revision: u64| json!({ "specs": specs, "plan": plan["plan"], "expected_revision": revision });
    // Who wants that nothing at all has changed says so.
    let refused = call(&daemon, "applyTunnels", at(&planned, 2)).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "revision-mismatch");
    call(&daemon, "setTunnel", json!({ "tunnel": "web", "settings": ["retries=1"] }))
        .await
        .unwrap();
    let before = exported(&daemon).await;
    let refused = call(&daemon, "applyTunnels", at(&planned, 4)).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "revision-mismatch");
    assert!(refused["message"].as_str().unwrap().contains("was planned"), "{refused}");
    assert_eq!(exported(&daemon).await, before, "nothing was changed");
    call(&daemon, "setTunnel", json!({ "tunnel": "web", "settings": ["retries="] })).await.unwrap();
    let done = call(&daemon, "applyTunnels", at(&planned, 5)).await.unwrap();
    assert_eq!(results(&done), ["changed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_connections_get_is_part_of_the_plan() {
    let daemon = Daemon::start().await;
    daemon.open("4000").await;
    let specs: [String; 0] = [];
    let kills = plan(&daemon, &specs).await;
    let params = json!({ "specs": specs, "prune": true, "live": "keep", "plan": kills["plan"] });
    let refused = call(&daemon, "applyTunnels", params).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "revision-mismatch");
    let params = json!({ "specs": specs, "live": "keep" });
    let refused = call(&daemon, "planTunnels", params).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "unexpected-argument");
}

async fn all_events(daemon: &Daemon) -> Value {
    call(daemon, "listEvents", json!({})).await.unwrap()
}
