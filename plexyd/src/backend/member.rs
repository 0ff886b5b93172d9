//! A backend as one of a set: with what is said of it there, which may change while it goes on counting.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plexy_shared::spec::{AdminState, BackendOptions, BackendSpec};
use plexy_shared::weight::Weight;

use super::{Backend, Lease};

/// One of the backends of a tunnel.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) backend: Arc<Backend>,
    pub(crate) options: BackendOptions,
}

impl Member {
    /// One that nothing has come to yet.
    pub(crate) fn new(spec: BackendSpec) -> Self {
        Self { backend: Arc::new(Backend::new(spec.addr)), options: spec.options }
    }

    /// One that comes to a tunnel whose others are there already: it begins with a part of its weight,
    /// where there is a slow start.
    pub(crate) fn joining(spec: BackendSpec) -> Self {
        Self { backend: Arc::new(Backend::joining(spec.addr)), options: spec.options }
    }

    /// The specification that would make it what it is.
    pub(crate) fn spec(&self) -> BackendSpec {
        BackendSpec { addr: self.backend.addr.clone(), options: self.options.clone() }
    }

    /// The same backend in a set whose names have been looked at.
    pub(crate) fn without_names(&self) -> Self {
        let options = BackendOptions { sni: Vec::new(), ..self.options.clone() };
        Self { backend: Arc::clone(&self.backend), options }
    }

    /// Whether somebody lets clients come to it, and it is known where it is.
    pub(crate) fn is_offered(&self) -> bool {
        self.options.admin == AdminState::Ready && self.backend.is_resolved()
    }

    /// Whether clients are sent to it while another one is.
    pub(crate) fn is_usable(&self) -> bool {
        self.options.admin == AdminState::Ready && self.backend.is_usable()
    }

    /// Whether it may have one more connection.
    pub(crate) fn has_room(&self) -> bool {
        self.backend.totals.has_room(self.options.max_conns)
    }

    /// A connection that is to go to it, if it may have one more.
    pub(crate) fn lease(&self) -> Option<Lease> {
        self.backend.lease(self.options.max_conns)
    }

    /// What its weight counts now.
    pub(crate) fn weight(&self, slow_start: Option<Duration>, now: Instant) -> Weight {
        self.backend.weight(self.options.weight, slow_start, now)
    }

    /// Whether it is the same backend, whatever is said of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backend, &other.backend)
    }
}

impl Deref for Member {
    type Target = Arc<Backend>;

    fn deref(&self) -> &Arc<Backend> {
        &self.backend
    }
}
