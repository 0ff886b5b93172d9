//! What the dashboard is told, and what it asks to be done: between [`update`](super::update), which
//! decides, and the loop, which does.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, MouseEvent};
use plexy_shared::event::EventsReply;
use plexy_shared::info::HelloReply;
use plexy_shared::overview::{Overview, OverviewParams};
use ratatui::layout::Rect;

use super::action::Action;
use super::order::{Done, Order};
use crate::failure::Failure;

/// Something that has happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// Something was done with the mouse.
    Mouse(MouseEvent),
    /// A text was pasted.
    Paste(String),
    /// The terminal has so many columns and rows now.
    Resized(u16, u16),
    /// The daemon, or the way to it.
    News(Box<News>),
    /// What was asked for is done, or not.
    Done(Box<Done>),
    /// The shell could not begin.
    NoShell(Box<Failure>),
    /// Time has passed.
    Tick,
}

/// What comes from the daemon.
#[derive(Debug)]
pub(crate) enum News {
    /// It answers, there.
    Online(HelloReply, String),
    /// What it shows of what was wanted.
    Overview(Box<OverviewParams>, Box<Overview>),
    /// What has happened.
    Events(EventsReply),
    /// It does not answer.
    Lost {
        /// Why.
        why: String,
        /// What to do about it.
        hint: Option<String>,
        /// When it is tried again; never by itself, where that would not help.
        retry: Option<Duration>,
    },
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A command of the daemon.
    Order(Box<Order>),
    /// This goes to the clipboard of the terminal.
    Copy(String),
    /// The way to the daemon is tried at once.
    Retry,
    /// The daemon tells at once how it is, and not only when the next look is due.
    Look,
    /// All is drawn anew, whatever the terminal shows.
    Redraw,
    /// The mouse is ours, or the terminal's.
    Mouse(bool),
    /// The program stops, until somebody brings it back.
    Suspend,
    /// The shell, until somebody leaves it.
    Shell,
    /// The end.
    Quit,
}

/// What was drawn where, for the mouse, and how many rows had room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// Rows of the main table, or lines of the events.
    pub(crate) height: usize,
    /// The text that has the keys, where one does.
    pub(crate) text: Option<TextDrawn>,
    /// Places that mean something where somebody clicks; the last one that is hit counts.
    pub(crate) targets: Vec<(Rect, Target)>,
}

/// What was drawn of a text that may be longer than the room for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TextDrawn {
    /// Lines that it has.
    pub(crate) lines: usize,
    /// Lines that had room.
    pub(crate) height: usize,
}

impl TextDrawn {
    /// How far it can be scrolled.
    pub(crate) fn scroll_max(self) -> usize {
        self.lines.saturating_sub(self.height)
    }
}

/// What a click means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The row of the main table that is so far below the first that is seen.
    Row(usize),
    /// The head of the column with this number, of those that are sorted by.
    Column(usize),
    /// What a key does.
    Action(Action),
    /// The pane with this number.
    Pane(usize),
    /// In a dialog, what this key does.
    Press(KeyCode),
    /// In a dialog, the choice or the field with this number.
    Item(usize),
}
