//! As many tunnels as a daemon has.

use plexy_shared::history::HistoryReply;
use plexy_shared::rpc::TUNNELS_MAX;
use plexy_tests::daemon::HttpClient;
use plexy_tests::{descriptors, eventually};
use serde_json::json;

use super::{Home, answer, kill, tunnels};

/// How long the start with all of them may take on a busy machine.
const START: std::time::Duration = std::time::Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_tunnels_are_there_again_in_order_of_opening() {
    let limit = usize::try_from(descriptors::raise_limit()).unwrap_or(usize::MAX);
    let count = TUNNELS_MAX.min(limit.saturating_sub(500));
    let home = Home::new();
    // On sockets that no other test can take while nobody listens.
    let spec = |number| format!("unix:{}=127.0.0.1:1", home.path(&number_of(number)).display());
    let specs: Vec<_> = (0..count).map(spec).collect();
    let process = home.start(&[]).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let opened = rpc.call("openTunnels", json!({ "specs": specs })).await.unwrap();
    assert_eq!(opened["tunnels"].as_array().unwrap().len(), count);
    kill(process).await;

    for _ in 0..2 {
        let process = home.spawn(&[]);
        eventually!(within START, process.says("ready"), "{}", process.log());
        let open = tunnels(&process).await;
        assert_eq!(open.len(), count);
        assert!(open == specs, "they are in order of opening");
        let history: HistoryReply = answer(&process, "history").await;
        let [change] = &history.changes[..] else { panic!("{history:?}") };
        assert_eq!(change.edits.len() + change.edits_more, count);
        kill(process).await;
    }
}

/// Short, since the path of a socket is.
fn number_of(number: usize) -> String {
    format!("{number:x}")
}
