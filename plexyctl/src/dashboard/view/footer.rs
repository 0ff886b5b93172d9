//! The last line: what keys can be pressed now, or what was just done.
//!
//! ```text
//!  ↑↓ move  ⏎ open  a actions  / filter  s sort  p pause  : cmd  ? help  q quit
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::action::{Action, Binding, bindings_here};
use super::super::message::Target;
use super::super::state::{Mood, State};
use super::super::theme::Role;
use super::put::{columns, put};

/// What has a place before all else, where not all have one.
const FIRST: [Action; 10] = [
    Action::Help,
    Action::Quit,
    Action::Back,
    Action::Open,
    Action::Menu,
    Action::Kill,
    Action::Find,
    Action::Sort,
    Action::Pause,
    Action::Line,
];

/// Draws it.
pub(super) fn draw(
    state: &State,
    area: Rect,
    buffer: &mut Buffer,
    targets: &mut Vec<(Rect, Target)>,
) {
    if let Some(toast) = &state.toast {
        let (sign, role) = match toast.mood {
            Mood::Done => (state.looks.sign("✔", "+"), Role::Ok),
            Mood::Note => (state.looks.sign("•", "*"), Role::Accent),
            Mood::Failed => (state.looks.sign("✖", "X"), Role::Bad),
        };
        let style = state.looks.style(role);
        let at = put(buffer, area, (1, 0), sign, style);
        put(buffer, area, (at + 1, 0), &state.looks.safe(&toast.text), style);
        return;
    }
    let mut at = 1;
    for entry in shown(state, area.width) {
        let begin = at;
        at = put(buffer, area, (at, 0), &entry.keys, state.looks.style(Role::Key));
        at = put(buffer, area, (at + 1, 0), entry.word, Style::new());
        if let Some(action) = entry.action {
            let place = Rect { x: area.x + begin, width: at.saturating_sub(begin), ..area };
            targets.push((place.intersection(area), Target::Action(action)));
        }
        at += 2;
    }
}

/// Keys, and what they do in a word.
struct Entry {
    keys: String,
    word: &'static str,
    action: Option<Action>,
}

impl Entry {
    /// Both arrows.
    fn moving(state: &State) -> Self {
        let [up, down] = ["↑", "↓"].map(|key| state.looks.key(key));
        let keys =
            if state.looks.is_ascii { format!("{up}/{down}") } else { format!("{up}{down}") };
        Self { keys, word: "move", action: None }
    }

    fn of(binding: &Binding, state: &State) -> Option<Self> {
        let key = binding.keys.first().filter(|_| !binding.word.is_empty())?;
        let keys = state.looks.key(key).to_owned();
        Some(Self { keys, word: binding.word, action: Some(binding.action) })
    }

    fn width(&self) -> u16 {
        columns(&self.keys) + 1 + columns(self.word)
    }
}

/// What has room, in the order of the table of keys.
fn shown(state: &State, width: u16) -> Vec<Entry> {
    let moving = (!state.level().is_empty()).then(|| Entry::moving(state));
    let all: Vec<_> = moving
        .into_iter()
        .chain(bindings_here(state).filter_map(|binding| Entry::of(binding, state)))
        .collect();
    let place = |entry: &Entry| FIRST.iter().position(|action| Some(*action) == entry.action);
    let mut by_rank: Vec<_> = (0..all.len()).collect();
    by_rank.sort_by_key(|at| {
        all.get(*at).map(|entry| match entry.action {
            None => 0,
            Some(_) => place(entry).map_or(FIRST.len() + 1, |place| place + 1),
        })
    });
    let mut left = width;
    let mut has_room = vec![false; all.len()];
    for at in by_rank {
        let Some(entry) = all.get(at) else { continue };
        let needed = entry.width() + 2;
        if let (Some(less), Some(has)) = (left.checked_sub(needed), has_room.get_mut(at)) {
            (left, *has) = (less, true);
        }
    }
    all.into_iter().zip(has_room).filter(|(_, has)| *has).map(|(entry, _)| entry).collect()
}
