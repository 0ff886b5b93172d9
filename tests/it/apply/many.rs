//! Ten thousand tunnels in one call.

use plexy_tests::daemon::HttpClient;
use plexy_tests::daemon::Process;
use plexy_tests::descriptors;
use serde_json::{Value, json};

use super::results;
use crate::process::PLEXYD;

const TUNNELS: usize = 10_000;

/// Descriptors that everything else takes.
const OTHERS: usize = 500;

/// An address that no other test listens on.
const HOST: &str = "127.77.0.3";

async fn apply(rpc: &HttpClient, specs: &[String]) -> Value {
    let params = json!({ "specs": specs, "prune": true });
    rpc.call("applyTunnels", params).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_tunnels_are_opened_changed_and_closed_by_one_call_each() {
    let limit = usize::try_from(descriptors::raise_limit()).unwrap_or(usize::MAX);
    let count = TUNNELS.min(limit.saturating_sub(OTHERS));
    let process = Process::start(PLEXYD, &[]).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let spec = |port: usize, rest: &str| format!("{HOST}:{port}=127.0.0.1:1[name=t{port}{rest}]");
    let ports = 10_000..10_000 + count;
    let specs: Vec<_> = ports.clone().map(|port| spec(port, "")).collect();

    let opened = apply(&rpc, &specs).await;
    assert_eq!((&opened["created"], &opened["revision"]), (&json!(count), &json!(1)));
    assert_eq!(results(&opened).len(), count);

    let exported = rpc.call("export", json!({})).await.unwrap();
    let exported: Vec<String> = serde_json::from_value(exported["tunnels"].clone()).unwrap();
    assert_eq!(apply(&rpc, &exported).await["unchanged"], count);

    // Half of them are others, and a quarter is no more.
    let some: Vec<_> = ports
        .filter(|port| port % 4 != 3)
        .map(|port| spec(port, if port % 2 == 0 { ",retries=7" } else { "" }))
        .collect();
    let changed = apply(&rpc, &some).await;
    let kept = some.len();
    let others = some.iter().filter(|spec| spec.contains("retries")).count();
    let counts = ["changed", "unchanged", "removed"].map(|key| changed[key].clone());
    assert_eq!(counts, [json!(others), json!(kept - others), json!(count - kept)]);

    let undone = rpc.call("undo", json!({})).await.unwrap();
    assert_eq!((&undone["opened"], &undone["changed"]), (&json!(count - kept), &json!(others)));
    assert_eq!(apply(&rpc, &specs).await["unchanged"], count);
}
