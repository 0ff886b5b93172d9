//! What could stand where somebody types, while they choose from it.

use std::sync::LazyLock;

use tui_input::Input;

use crate::complete::{Candidate, Snapshot, complete};

/// A command line without options and without what only the client has: neither is asked for here.
static COMMANDS: LazyLock<clap::Command> = LazyLock::new(|| clap::Command::new("plexyctl"));

/// The most that are offered.
const OFFERED_MAX: usize = 200;

/// It.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// What could stand there.
    pub(crate) candidates: Vec<Candidate>,
    /// Which of it is selected.
    pub(crate) at: usize,
    /// Where in the line that begins which is typed.
    pub(crate) begin: usize,
}

impl Offer {
    /// What could stand at that byte of a line.
    pub(crate) fn of(line: &str, position: usize, snapshot: &Snapshot) -> Self {
        let mut candidates = complete(line, position, snapshot, &COMMANDS).candidates;
        candidates.truncate(OFFERED_MAX);
        Self { candidates, at: 0, begin: 0 }
    }

    /// The same for a part of a line, which begins there: what says more than what stands there.
    pub(crate) fn of_part(line: &str, begin: usize, snapshot: &Snapshot) -> Self {
        let mut offer = Self { begin, ..Self::of(line, line.len(), snapshot) };
        offer.candidates.retain(|it| it.span.start >= begin && it.text.len() > it.span.len());
        offer
    }

    /// The selected one.
    pub(crate) fn selected(&self) -> Option<&Candidate> {
        self.candidates.get(self.at)
    }

    /// Selects another one, around the end.
    pub(crate) fn select_by(&mut self, step: isize) {
        let count = self.candidates.len().max(1);
        let next = self.at.wrapping_add_signed(step);
        self.at = if step < 0 && self.at == 0 { count - 1 } else { next % count };
    }

    /// What can be taken over without a choice: the only one, or what all begin with, where that is
    /// more than what stands there.
    pub(crate) fn certain(&self) -> Option<Candidate> {
        let (first, rest) = self.candidates.split_first()?;
        if rest.is_empty() {
            return Some(first.clone());
        }
        if rest.iter().any(|other| other.span != first.span) {
            return None;
        }
        let mut common = first.text.as_str();
        for other in rest {
            let pairs = common.char_indices().zip(other.text.chars());
            let end = pairs.take_while(|((_, one), two)| one == two).last();
            let end = end.map_or(0, |((at, letter), _)| at + letter.len_utf8());
            common = common.get(..end).unwrap_or_default();
        }
        let is_more = common.len() > first.span.len();
        is_more.then(|| Candidate { text: common.to_owned(), is_whole: false, ..first.clone() })
    }
}

/// Whether more could be typed at the end of a line, so that it is no mistake but not complete.
pub(crate) fn may_go_on(line: &str, snapshot: &Snapshot) -> bool {
    let offer = Offer::of(line, line.len(), snapshot);
    offer.candidates.iter().any(|it| it.text.len() > it.span.len())
}

/// The byte of a text that its cursor stands at.
pub(crate) fn position(input: &Input) -> usize {
    let value = input.value();
    value.char_indices().nth(input.cursor()).map_or(value.len(), |(at, _)| at)
}

/// Writes a candidate into the part of the line that begins there.
pub(crate) fn take(input: &Input, candidate: &Candidate, begin: usize) -> Input {
    let value = input.value();
    let at = |place: usize| place.saturating_sub(begin).min(value.len());
    let (start, end) = (at(candidate.span.start), at(candidate.span.end));
    let before = value.get(..start).unwrap_or_default();
    let after = value.get(end..).unwrap_or_default();
    let blank = if candidate.is_whole && !after.starts_with(' ') { " " } else { "" };
    let taken = format!("{before}{}{blank}", candidate.text);
    let cursor = taken.chars().count();
    Input::new(taken + after).with_cursor(cursor)
}
