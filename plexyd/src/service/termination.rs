//! What tunnels terminate TLS with: read from files before anything is touched.

use std::sync::Arc;

use plexy_shared::spec::{TunnelOptions, TunnelSpec};
use tracing::{error, warn};

use super::ServiceError;
use super::error::OpenError;
use crate::tls::Terminate;
use crate::tunnel::Route;

/// What a tunnel is to terminate TLS with: its place in the call, and its specification.
#[derive(Debug)]
struct Wanted {
    index: usize,
    label: String,
    options: TunnelOptions,
}

/// What each of these terminates TLS with, in their order, or what is wrong with a file of one.
///
/// Files are no matter of the control threads: a disk may be slow.
pub(super) async fn load_all(
    specs: impl Iterator<Item = (usize, &TunnelSpec)>,
) -> Result<Vec<Option<Arc<Terminate>>>, OpenError> {
    let specs: Vec<_> = specs.collect();
    if specs.iter().all(|(_, spec)| spec.options.tls.is_none()) {
        return Ok(specs.iter().map(|_| None).collect());
    }
    let wanted = |(index, spec): &(usize, &TunnelSpec)| Wanted {
        index: *index,
        label: spec.options.name.as_ref().map_or(spec.listen.to_string(), ToString::to_string),
        options: spec.options.clone(),
    };
    let wanted: Vec<_> = specs.iter().map(wanted).collect();
    let load_all = move || wanted.iter().map(load).collect();
    tokio::task::spawn_blocking(load_all).await.unwrap_or_else(|error| {
        error!(%error, "reading certificates has failed");
        Err(ServiceError::ShuttingDown.into())
    })
}

fn load(wanted: &Wanted) -> Result<Option<Arc<Terminate>>, OpenError> {
    let Some(tls) = &wanted.options.tls else { return Ok(None) };
    let terminate = Terminate::load(tls).map_err(|error| OpenError::of(wanted.index, error))?;
    for warning in terminate.pairs().iter().flat_map(|pair| &pair.warnings) {
        warn!(tunnel = wanted.label, "{warning}");
    }
    Ok(Some(Arc::new(terminate)))
}

/// What there is already, where its options say the same: the files were read when they were given.
pub(super) fn unchanged(before: &Route, options: &TunnelOptions) -> Option<Arc<Terminate>> {
    before.tls.clone().filter(|_| before.options.tls == options.tls)
}
