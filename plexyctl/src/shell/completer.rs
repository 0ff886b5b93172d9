//! Completion in the editor: from what is known already, and again when more has come.

use std::sync::Arc;

use clap::Command;
use reedline::{
    Completer as Editors, CompletionOrigin, CompletionResult, CompletionStatus, Span, Suggestion,
};

use super::live::{Ask, Awaited, Live};
use super::setting;
use crate::args;
use crate::complete::{Candidate, complete};

/// Most that a menu offers: nobody looks through more.
const OFFERED_MAX: usize = 500;

/// It, and what it knows.
pub(super) struct Completer {
    live: Arc<Live>,
    commands: Command,
}

impl Completer {
    pub(super) fn new(live: &Arc<Live>) -> Self {
        Self { live: Arc::clone(live), commands: args::command() }
    }
}

impl Editors for Completer {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        let snapshot = self.live.snapshot();
        let mut completion = complete(line, position, &snapshot, &self.commands);
        completion.candidates.extend(setting::candidates(line, position));
        let ask = if completion.is_connection { Ask::Connections } else { Ask::Tunnels };
        let is_old = self.live.refresh(ask);
        let candidates = completion.candidates.into_iter().take(OFFERED_MAX);
        let suggestions: Vec<Suggestion> = candidates.map(suggestion).collect();
        if is_old && self.live.is_awaited() {
            let origin = CompletionOrigin::new(line, position);
            return CompletionResult::stale_or_pending(suggestions.into(), origin);
        }
        CompletionResult::fresh(suggestions)
    }

    fn poll_completion(&mut self) -> CompletionStatus {
        match self.live.awaited() {
            Awaited::Nothing => CompletionStatus::Idle,
            Awaited::Something => CompletionStatus::Pending,
            Awaited::News => CompletionStatus::Ready,
        }
    }
}

fn suggestion(candidate: Candidate) -> Suggestion {
    let Candidate { span, text, description, is_whole } = candidate;
    Suggestion {
        value: text,
        description: Some(description).filter(|it| !it.is_empty()),
        span: Span { start: span.start, end: span.end },
        append_whitespace: is_whole,
        ..Suggestion::default()
    }
}
