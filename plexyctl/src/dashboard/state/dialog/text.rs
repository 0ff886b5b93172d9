//! A text that is too long for a line.

use plexy_shared::history::ExportReply;
use plexy_shared::overview::{Overview, OverviewParams};

use super::super::level::TunnelName;
use super::subject::Subject;
use crate::output::exported;

/// It.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// What it is.
    pub(crate) title: String,
    /// The text.
    pub(crate) text: String,
    /// So many lines are scrolled over.
    pub(crate) scroll: usize,
    /// The tunnel whose specification it is, while nobody has told that.
    pub(crate) export: Option<TunnelName>,
}

impl Text {
    /// This.
    pub(crate) fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), ..Self::default() }
    }

    /// A tunnel as it is written in a file, once it is told.
    pub(crate) fn export(tunnel: TunnelName) -> Self {
        let title = format!("{} in a file for `load`", tunnel.label);
        Self { export: Some(tunnel), ..Self::new(title, "") }
    }

    /// Takes what the daemon has told.
    pub(crate) fn told(&mut self, asked: &OverviewParams, overview: &Overview) {
        let Some(tunnel) = &self.export else { return };
        let subject = Subject::Tunnel(tunnel.clone());
        if let Some(why) = subject.now(overview, asked).otherwise(&subject) {
            (self.text, self.export) = (why, None);
            return;
        }
        let full = overview.tunnel.as_ref().filter(|it| it.row.id == tunnel.id);
        if let Some(full) = full {
            self.text = exported(&ExportReply {
                revision: overview.revision,
                tunnels: vec![full.info.spec.clone()],
            });
            self.export = None;
        }
    }
}
