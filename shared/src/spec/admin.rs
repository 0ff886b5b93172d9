//! What an operator wants of a tunnel or a backend, and what the connections get that live.

use crate::word::words;

/// Whether somebody lets clients come: kept apart from what health says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AdminState {
    /// They may come.
    #[default]
    Ready,
    /// No new ones; those that are there end by themselves.
    Drain,
    /// It is out of service: no new ones, no checks.
    Disabled,
}

words!(AdminState { Ready => "ready", Drain => "drain", Disabled => "disabled" });

/// What live connections get whose backend or tunnel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LiveAction {
    /// They go on as if nothing were.
    #[default]
    Keep,
    /// They may end by themselves, until a deadline if there is one.
    Drain,
    /// A reset, now.
    Kill,
}

words!(LiveAction { Keep => "keep", Drain => "drain", Kill => "kill" });
