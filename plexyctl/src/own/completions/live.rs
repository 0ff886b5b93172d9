//! What the daemon has, for who presses Tab: they do not want to wait.

use std::time::Duration;

use plexy_shared::rpc::{Export, ListTunnels, NoParams};
use tokio::time::timeout;

use super::typed::Typed;
use crate::client::Patience;
use crate::complete::Snapshot;
use crate::link::Link;

/// So long is waited for the daemon: longer is felt.
const PATIENCE: Duration = Duration::from_millis(150);

/// What it has, or nothing where it does not answer at once.
pub(super) async fn snapshot(typed: &Typed) -> Snapshot {
    if !typed.has_command() {
        return Snapshot::default();
    }
    timeout(PATIENCE, asked(typed)).await.ok().flatten().unwrap_or_default()
}

async fn asked(typed: &Typed) -> Option<Snapshot> {
    let mut link = Link::new(&typed.options()?).ok()?;
    let found = link.daemon(Patience::new(PATIENCE)).await.ok()?;
    let status = found.client.call::<ListTunnels>(&NoParams {}).await.ok()?;
    let export = found.client.call::<Export>(&NoParams {}).await.ok()?;
    Some(Snapshot::of(&status.tunnel_list.unwrap_or_default(), &export.tunnels))
}
