//! The daemon at a glance: its sums, and rows that are found, sorted and cut where they are.

mod health;
mod latency;
mod many;
mod parameters;
mod rates;
mod rows;

use plexy_shared::overview::{BackendRow, Overview, TunnelRow};
use plexy_tests::daemon::{Daemon, HttpClient};
use serde_json::{Value, json};

/// What the daemon shows to who asks for this.
async fn seen(rpc: &HttpClient, params: Value) -> Overview {
    let overview = rpc.call("overview", params).await.unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_value(overview).unwrap()
}

async fn overview(daemon: &Daemon, params: Value) -> Overview {
    seen(&daemon.rpc(), params).await
}

/// All tunnels, by what they are called.
async fn tunnels(daemon: &Daemon) -> Vec<TunnelRow> {
    overview(daemon, json!({ "tunnels": { "sort": "name" } })).await.tunnels.unwrap().rows
}

/// One of them, by its name.
async fn tunnel(daemon: &Daemon, name: &str) -> TunnelRow {
    let rows = tunnels(daemon).await;
    let found = rows.into_iter().find(|row| row.status.name.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("there is no {name}"))
}

/// All backends, by tunnel and address.
async fn backends(daemon: &Daemon) -> Vec<BackendRow> {
    overview(daemon, json!({ "backends": { "sort": "tunnel" } })).await.backends.unwrap().rows
}

fn name(row: &TunnelRow) -> &str {
    row.status.name.as_deref().unwrap_or(&row.status.listen)
}
