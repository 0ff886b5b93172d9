//! On what terms a change is asked for: what every change may be told besides what it is about.

use super::{
    ApplyTunnelsParams, BackendParams, ChangeParams, CloseTunnelParams, DisableParams, DrainParams,
    EnableParams, KillParams, LoadParams, OpenTunnelParams, OpenTunnelsParams, RemoveBackendParams,
    SetBackendParams, SetTunnelParams, SwitchBackendsParams, UndoParams,
};

/// The terms of a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// The revision that the daemon has to be at, if that matters.
    pub expected_revision: Option<u64>,
    /// Whether nothing is to be done: the answer tells what would be.
    pub dry_run: bool,
}

/// Lets the terms of these be asked for and set.
macro_rules! have_terms {
    ($($params:ident),+ $(,)?) => {
        $(impl $params {
            /// On what terms the change is asked for.
            #[must_use]
            pub fn terms(&self) -> Terms {
                Terms { expected_revision: self.expected_revision, dry_run: self.dry_run }
            }

            /// The same change on these terms.
            #[must_use]
            pub fn on(mut self, terms: Terms) -> Self {
                self.expected_revision = terms.expected_revision;
                self.dry_run = terms.dry_run;
                self
            }
        })+
    };
}

have_terms!(
    ApplyTunnelsParams,
    BackendParams,
    ChangeParams,
    CloseTunnelParams,
    DisableParams,
    DrainParams,
    EnableParams,
    KillParams,
    LoadParams,
    OpenTunnelParams,
    OpenTunnelsParams,
    RemoveBackendParams,
    SetBackendParams,
    SetTunnelParams,
    SwitchBackendsParams,
    UndoParams,
);
