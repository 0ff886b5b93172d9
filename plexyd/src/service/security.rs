//! What tunnels speak TLS with: read from files before anything is touched.

use std::sync::Arc;

use plexy_shared::spec::{TunnelOptions, TunnelSpec};
use tracing::{error, warn};

use super::ServiceError;
use super::error::OpenError;
use crate::tls::{Live, OriginateError, Reading, Security, TerminateError};
use crate::tunnel::Route;

/// What a tunnel is to speak TLS with: its place in the call, and its specification.
#[derive(Debug)]
struct Wanted {
    index: usize,
    label: String,
    options: TunnelOptions,
}

/// What each of these speaks TLS with, in their order, or what is wrong with a file of one. What is
/// doubtful about one is said in the log.
pub(super) async fn load_all(
    specs: impl Iterator<Item = (usize, &TunnelSpec)>,
) -> Result<Vec<Option<Arc<Security>>>, OpenError> {
    read_all(specs, warn_of).await
}

/// Whether all of it could be loaded, of which nothing is used: the log says nothing.
pub(super) async fn try_all(
    specs: impl Iterator<Item = (usize, &TunnelSpec)>,
) -> Result<(), OpenError> {
    read_all(specs, |_, _| {}).await.map(drop)
}

/// Files are no matter of the control threads: a disk may be slow.
async fn read_all(
    specs: impl Iterator<Item = (usize, &TunnelSpec)>,
    tell: fn(&str, &Security),
) -> Result<Vec<Option<Arc<Security>>>, OpenError> {
    let specs: Vec<_> = specs.collect();
    if !specs.iter().any(|(_, spec)| speaks_tls(&spec.options)) {
        return Ok(specs.iter().map(|_| None).collect());
    }
    let wanted = |(index, spec): &(usize, &TunnelSpec)| Wanted {
        index: *index,
        label: label_of(spec),
        options: spec.options.clone(),
    };
    let wanted: Vec<_> = specs.iter().map(wanted).collect();
    let load_all = move || {
        let mut reading = Reading::default();
        reading.fetch(wanted.iter().flat_map(|wanted| Security::files(&wanted.options)));
        wanted.iter().map(|wanted| load(wanted, &mut reading, tell)).collect()
    };
    tokio::task::spawn_blocking(load_all).await.unwrap_or_else(|error| {
        error!(%error, "reading certificates has failed");
        Err(ServiceError::ShuttingDown.into())
    })
}

/// Whether it has anything to do with TLS.
pub(super) fn speaks_tls(options: &TunnelOptions) -> bool {
    options.tls.is_some() || options.backend_tls.is_some()
}

fn load(
    wanted: &Wanted,
    reading: &mut Reading,
    tell: fn(&str, &Security),
) -> Result<Option<Arc<Security>>, OpenError> {
    let Wanted { index, label, options } = wanted;
    if !speaks_tls(options) {
        return Ok(None);
    }
    let terminate =
        options.tls.as_deref().map(|tls| Live::load(tls.clone(), reading).map(Arc::new));
    let terminate = terminate.transpose();
    let terminate = terminate.map_err(|error: TerminateError| OpenError::of(*index, error))?;
    let backend_tls = options.backend_tls.as_deref();
    let originate = backend_tls.map(|tls| Live::load(tls.clone(), reading).map(Arc::new));
    let originate = originate.transpose();
    let originate = originate.map_err(|error: OriginateError| OpenError::of(*index, error))?;
    let security = Security { terminate, originate };
    tell(label, &security);
    Ok(Some(Arc::new(security)))
}

fn warn_of(label: &str, security: &Security) {
    for live in security.live() {
        live.visit(&mut |shown| {
            shown.warnings.iter().for_each(|warning| warn!(tunnel = label, "{warning}"));
        });
    }
}

/// What there is already, where its options say the same: it is kept as its files say.
pub(super) fn unchanged(before: &Route, options: &TunnelOptions) -> Option<Arc<Security>> {
    let TunnelOptions { tls, backend_tls, .. } = &before.options;
    let is_same = *tls == options.tls && *backend_tls == options.backend_tls;
    before.security.clone().filter(|_| is_same)
}

/// Says loudly that the backends of a tunnel may be anybody, whenever it is opened or changed.
pub(super) fn warn_if_unverified(label: &str, route: &Route) {
    if route.originate().is_some_and(|it| !it.is_verified()) {
        warn!(
            tunnel = label,
            "certificates of backends are NOT VERIFIED (backend-verify=off): whoever is between can read and change everything"
        );
    }
}

fn label_of(spec: &TunnelSpec) -> String {
    spec.options.name.as_ref().map_or(spec.listen.to_string(), ToString::to_string)
}
