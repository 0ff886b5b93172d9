//! Completion in the editor: from what is known already, and again when more has come.

use std::sync::Arc;

use clap::Command;
use reedline::{Completer as Editors, CompletionResult, CompletionStatus, Span, Suggestion};

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
        let is_of_daemon = completion.is_of_daemon;
        let candidates = first_of(completion.candidates);
        let suggestions: Vec<Suggestion> = candidates.into_iter().map(suggestion).collect();
        // What is known is offered at once, however old: a daemon that is stopped never says more.
        if suggestions.is_empty() && is_of_daemon && is_old && self.live.is_awaited() {
            return CompletionResult::Pending;
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

/// As many as are offered. What all have in common is taken over at once, so the last of them is the one
/// that has least in common with the first.
fn first_of(mut all: Vec<Candidate>) -> Vec<Candidate> {
    let Some(first) = all.first().filter(|_| all.len() > OFFERED_MAX) else { return all };
    let in_common = |other: &Candidate| {
        let pairs = first.text.bytes().zip(other.text.bytes());
        pairs.take_while(|(one, two)| one == two).count()
    };
    let rest = all.iter().enumerate().skip(OFFERED_MAX - 1);
    if let Some((least, _)) = rest.min_by_key(|(_, candidate)| in_common(candidate)) {
        all.swap(OFFERED_MAX - 1, least);
    }
    all.truncate(OFFERED_MAX);
    all
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_over_is_common_to_all_also_to_those_that_are_not_offered() {
        let candidate = |number: usize| Candidate {
            span: 0..0,
            text: format!("web-{number:05}"),
            description: String::new(),
            is_whole: true,
        };
        let offered = first_of((0..10_000).map(candidate).collect());
        assert_eq!((offered.len(), offered[0].text.as_str()), (OFFERED_MAX, "web-00000"));
        assert_eq!(offered[OFFERED_MAX - 1].text, "web-01000");
        assert_eq!(first_of((0..3).map(candidate).collect()).len(), 3);
    }
}
