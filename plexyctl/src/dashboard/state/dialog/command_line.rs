//! A command as somebody types it, in the grammar of the shell.

use std::ops::Range;

use plexy_shared::command::Request;
use plexy_shared::error::Refusal;
use tui_input::Input;

use super::offer::{self, Offer};
use crate::complete::Snapshot;
use crate::dashboard::order::Order;
use crate::failure::Failure;

/// It.
#[derive(Debug, Default)]
pub(crate) struct CommandLine {
    /// What is typed.
    pub(crate) input: Input,
    /// What could stand there.
    pub(crate) offer: Option<Offer>,
    /// The part that does not parse, in bytes.
    pub(crate) mistake: Option<Range<usize>>,
    /// Why it was not done.
    pub(crate) failure: Option<Failure>,
    /// What was sent to be tried out, before somebody is asked.
    pub(crate) sent: Option<Order>,
    /// Which of the lines before it is.
    pub(crate) recalled: Option<usize>,
}

impl CommandLine {
    /// One that begins so.
    pub(crate) fn new(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()), ..Self::default() }
    }

    /// It was typed on.
    pub(crate) fn edited(&mut self, snapshot: &Snapshot) {
        (self.offer, self.failure) = (None, None);
        self.mistake = mistake(self.input.value(), snapshot);
    }
}

/// The part that does not parse. What is only not complete yet is not wrong.
fn mistake(line: &str, snapshot: &Snapshot) -> Option<Range<usize>> {
    let error = Request::parse(line).err()?;
    let span = Refusal::from(error).span.filter(|span| !span.is_empty())?;
    (span.end < line.len() || !offer::may_go_on(line, snapshot)).then_some(span)
}
