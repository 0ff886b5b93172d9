//! What stands before the line that somebody types.

use std::borrow::Cow;
use std::sync::Arc;

use reedline::{
    Color, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus, PromptViMode,
};

use super::live::{LinkState, Live};

/// A terminal that is at least so wide has room for something at the right.
const WIDE: u16 = 100;

/// It, as it is for one line.
#[derive(Debug, Clone)]
pub(super) struct Prompt {
    /// What the way to the daemon is called.
    pub(super) context: String,
    /// Whether a change there should be thought over twice.
    pub(super) is_protected: bool,
    /// Whether nothing is changed there.
    pub(super) is_read_only: bool,
    /// Whether the command before has failed.
    pub(super) has_failed: bool,
    /// Whether the terminal shows nothing but ASCII.
    pub(super) is_ascii: bool,
    /// What is known of the daemon, also of what changes while somebody types.
    pub(super) live: Arc<Live>,
}

impl Prompt {
    /// All that stands before the line.
    pub(super) fn left(&self) -> String {
        let failed = match (self.has_failed, self.is_ascii) {
            (false, _) => "",
            (true, false) => "✖ ",
            (true, true) => "! ",
        };
        let protected = if self.is_protected { "!" } else { "" };
        let read_only = if self.is_read_only { " (read-only)" } else { "" };
        let offline = if self.live.link() == LinkState::Offline { " (offline)" } else { "" };
        format!("{failed}plexy:{}{protected}{read_only}{offline}", self.context)
    }

    /// How many tunnels there are, and how many of them have no backend.
    fn right(&self) -> String {
        let is_wide = crossterm::terminal::size().is_ok_and(|(columns, _)| columns >= WIDE);
        let tunnels = &self.live.snapshot().tunnels;
        if !is_wide || !matches!(self.live.link(), LinkState::Online(_)) {
            return String::new();
        }
        let down = tunnels.iter().filter(|tunnel| tunnel.is_down).count();
        match (tunnels.len(), down) {
            (1, 0) => "1 tunnel".to_owned(),
            (all, 0) => format!("{all} tunnels"),
            (1, _) => "1 tunnel, down".to_owned(),
            (all, down) => format!("{all} tunnels, {down} down"),
        }
    }
}

impl reedline::Prompt for Prompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Owned(self.left())
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Owned(self.right())
    }

    fn render_prompt_indicator(&self, mode: PromptEditMode) -> Cow<'_, str> {
        match mode {
            PromptEditMode::Vi(PromptViMode::Normal) => Cow::Borrowed(": "),
            _ => Cow::Borrowed("> "),
        }
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ... ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failed = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing has ",
        };
        Cow::Owned(format!("({failed}`{}`) ", search.term))
    }

    // What the terminal has for text: colours here would be a light or a dark one's alone.
    fn get_prompt_color(&self) -> Color {
        Color::Default
    }

    fn get_prompt_multiline_color(&self) -> Color {
        Color::Default
    }

    fn get_indicator_color(&self) -> Color {
        Color::Default
    }

    fn get_prompt_right_color(&self) -> Color {
        Color::Default
    }
}
