//! What a command has brought, before it is known how it is shown.

mod context;
mod health;
mod waiting;

use plexy_shared::connection::{ConnectionsReply, KillReply};
use plexy_shared::event::EventsReply;
use plexy_shared::explanation::Explanation;
use plexy_shared::history::{ExportReply, HistoryReply, SaveReply, TransitionReply};
use plexy_shared::info::{
    BackendReply, Change, CloseReply, HelloReply, LiveCounts, LogLevelReply, OpenReply,
    StatusReply, TunnelChangeReply, TunnelInfo,
};
use plexy_shared::overview::Overview;
use plexy_shared::plan::ApplyReply;
use plexy_shared::spec::{TunnelRef, TunnelSpec};

use crate::client::Endpoint;
use crate::config::Setting;
pub(crate) use context::{ContextChange, ContextInfo};
pub(crate) use health::{CERTIFICATE_DAYS, Condition, Health, Problem};
pub(crate) use waiting::{Goal, Waiting};

/// One for each verb.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Of `open`.
    Opened {
        /// What was asked for.
        spec: Box<TunnelSpec>,
        /// What happened.
        reply: OpenReply,
    },
    /// Of `close`.
    Closed {
        /// The tunnel, as somebody named it.
        tunnel: TunnelRef,
        /// What happened.
        reply: CloseReply,
    },
    /// Of `status`, in both lengths.
    Status(StatusReply),
    /// Of `detail`.
    Detail(Box<TunnelInfo>),
    /// Of `add`.
    Added(BackendChange),
    /// Of `remove`.
    Removed(BackendChange),
    /// Of `switch`, `set`, `drain`, `disable` and `enable`.
    Changed(TunnelChange),
    /// While it is waited for the end of a change: how far it is.
    Waiting(Waiting),
    /// Of `conns`.
    Conns(ConnectionsReply),
    /// Of `kill`.
    Killed(KillReply),
    /// Of `explain`.
    Explained(Box<Explanation>),
    /// Of `events`.
    Events(EventsReply),
    /// Of `events follow`: the next of them.
    News(EventsReply),
    /// Of `history`.
    History(HistoryReply),
    /// Of `undo`.
    Undone(TransitionReply),
    /// Of `load`.
    Loaded(TransitionReply),
    /// Of `reload`.
    Reloaded(TransitionReply),
    /// Of `save`.
    Saved(SaveReply),
    /// Of `export`.
    Exported(ExportReply),
    /// Of `diff`, and of `apply` that is only tried out.
    Planned(ApplyReply),
    /// Of `apply`.
    Applied(ApplyReply),
    /// Of `log`.
    LogLevel(LogLevelReply),
    /// Of `ping`.
    Pong(String),
    /// Of `version`.
    Version(Option<Daemon>),
    /// Of `context list` and `context show`.
    Contexts(Vec<ContextInfo>),
    /// Of `context add`, `use` and `remove`.
    Context(ContextChange),
    /// Of `config show`.
    Settings {
        /// Each value.
        settings: Vec<Setting>,
        /// Whether it is asked where they come from.
        has_origins: bool,
    },
    /// Of `health`.
    Health(Health),
    /// Of `top`, where it writes lines: one look.
    Overview(Box<Overview>),
}

impl Answer {
    /// The revision of the daemon after a change, or of which it was tried out. To kill is none.
    pub(crate) fn revision(&self) -> Option<u64> {
        match self {
            Self::Opened { reply, .. } => Some(reply.revision),
            Self::Closed { reply, .. } => Some(reply.revision),
            Self::Added(change) | Self::Removed(change) => Some(change.reply.revision),
            Self::Changed(change) => Some(change.reply.revision),
            Self::Undone(reply) | Self::Loaded(reply) | Self::Reloaded(reply) => {
                Some(reply.revision)
            }
            Self::Killed(reply) => reply.revision,
            _ => None,
        }
    }

    /// What a change has come to, one of many tunnels in a word; none where it is told otherwise, or by a
    /// word that is not known here.
    pub(crate) fn change(&self) -> Option<Change> {
        match self {
            Self::Opened { reply, .. } => reply.result.known(),
            Self::Added(change) | Self::Removed(change) => change.reply.result.known(),
            Self::Changed(change) => change.reply.result.known(),
            Self::Undone(reply) | Self::Loaded(reply) | Self::Reloaded(reply) => {
                let is_same = [reply.opened, reply.changed, reply.closed] == [0; 3];
                Some(if is_same { Change::Unchanged } else { Change::Changed })
            }
            _ => None,
        }
    }

    /// Where the tunnel listens that a change was about.
    pub(crate) fn listen(&self) -> Option<&str> {
        match self {
            Self::Opened { reply, .. } => Some(&reply.listen),
            Self::Closed { reply, .. } => Some(&reply.listen),
            Self::Added(change) | Self::Removed(change) => Some(&change.reply.listen),
            Self::Changed(change) => Some(&change.reply.listen),
            _ => None,
        }
    }

    /// How many live connections a change had to do with, or would have.
    pub(crate) fn live(&self) -> Option<u64> {
        let sum = |live: &LiveCounts| live.kept + live.draining + live.ended;
        match self {
            Self::Closed { reply, .. } => Some(sum(&reply.live)),
            Self::Added(change) | Self::Removed(change) => Some(sum(&change.reply.live)),
            Self::Changed(change) => Some(sum(&change.reply.live)),
            Self::Killed(reply) => Some(reply.killed),
            _ => None,
        }
    }
}

/// What became of a backend.
#[derive(Debug)]
pub(crate) struct BackendChange {
    /// The tunnel, as somebody named it.
    pub(crate) tunnel: String,
    /// What happened.
    pub(crate) reply: BackendReply,
}

/// What became of a tunnel.
#[derive(Debug)]
pub(crate) struct TunnelChange {
    /// What its JSON is called.
    pub(crate) schema: &'static str,
    /// The tunnel, as somebody named it.
    pub(crate) tunnel: String,
    /// What happened.
    pub(crate) reply: TunnelChangeReply,
}

/// A daemon that said who it is.
#[derive(Debug)]
pub(crate) struct Daemon {
    /// Where it is.
    pub(crate) endpoint: Endpoint,
    /// What it said.
    pub(crate) hello: HelloReply,
}

/// Whether somebody still listens to answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// They do.
    More,
    /// The reader has gone.
    NoMore,
}

#[cfg(test)]
mod tests {
    use plexy_shared::plan::Rehearsal;

    use super::*;

    #[test]
    fn a_file_that_was_loaded_has_changed_something_where_a_tunnel_was_opened() {
        let loaded = |opened| {
            Answer::Loaded(TransitionReply {
                opened,
                changed: 0,
                closed: 0,
                unchanged: 1,
                certificate_files: 0,
                revision: 41,
                rehearsal: Rehearsal::default(),
            })
        };
        assert_eq!(loaded(0).change(), Some(Change::Unchanged));
        assert_eq!(loaded(2).change(), Some(Change::Changed));
    }
}
