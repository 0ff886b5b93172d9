//! Colours of the line that somebody types. What is wrong with it is found by the parser that the daemon
//! reads it with.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use clap::Command;
use nu_ansi_term::{Color, Style};
use plexy_shared::command::{CommandError, Request, Slot, Verb, word_spans};
use plexy_shared::error::Refusal;
use reedline::{Highlighter as Editors, StyledText};

use super::live::Live;
use super::setting::Setting;
use super::typed::Typed;
use crate::args::{self, Asking, Options};
use crate::complete::complete;

/// It, and what it knows.
pub(super) struct Highlighter {
    live: Arc<Live>,
    commands: Command,
    session: Options,
    has_colour: bool,
}

impl Highlighter {
    pub(super) fn new(live: &Arc<Live>, session: &Options, has_colour: bool) -> Self {
        let session = session.clone();
        Self { live: Arc::clone(live), commands: args::command(), session, has_colour }
    }

    /// The styles of a line, each for some bytes of it; where two meet, the later one holds.
    fn styles(&self, line: &str) -> Vec<(Range<usize>, Style)> {
        let spans = word_spans(line);
        let word = |at: usize| spans.get(at).and_then(|span| line.get(span.clone()));
        let Some(first) = word(0) else { return Vec::new() };
        if first.starts_with('#') {
            return vec![(0..line.len(), Style::new().dimmed())];
        }
        let mut styles = Vec::new();
        let verb = Verb::named(first);
        if verb.is_some() || self.commands.find_subcommand(first).is_some() {
            styles.push((spans.first().cloned().unwrap_or_default(), Style::new().bold()));
        }
        let mut before = Vec::new();
        for span in spans.iter().skip(1) {
            let Some(word) = line.get(span.clone()) else { continue };
            let slots = verb.map(|verb| verb.slots(&before)).unwrap_or_default();
            styles.extend(self.word(word, span, &slots));
            before.push(word);
        }
        styles
            .extend(self.mistake(line).map(|span| (span, Style::new().fg(Color::Red).underline())));
        styles
    }

    fn word(&self, word: &str, span: &Range<usize>, slots: &[Slot]) -> Vec<(Range<usize>, Style)> {
        let snapshot = self.live.snapshot();
        let is_known = slots.contains(&Slot::Tunnel) && snapshot.tunnel(word).is_some();
        if is_known {
            return vec![(span.clone(), Style::new().fg(Color::Green))];
        }
        let is_keyword =
            |slot: &Slot| matches!(slot, Slot::Word(known) if known.eq_ignore_ascii_case(word));
        if slots.iter().any(is_keyword) {
            return vec![(span.clone(), Style::new().bold())];
        }
        keys(word)
            .map(|key| (span.start + key.start..span.start + key.end, Style::new().fg(Color::Cyan)))
            .collect()
    }

    /// The part that does not parse. What is only not complete yet is not wrong.
    fn mistake(&self, line: &str) -> Option<Range<usize>> {
        if Setting::read(line).is_some() {
            return None;
        }
        let typed = Typed::read(line);
        // With options the words are no longer where they were typed.
        let Ok((Asking::Line(Cow::Borrowed(words)), _)) =
            args::read_line(typed.command, &self.session)
        else {
            return None;
        };
        let error: CommandError = Request::parse(words).err()?;
        let span = Refusal::from(error).span.filter(|span| !span.is_empty())?;
        let may_go_on = || {
            let completion = complete(line, line.len(), &self.live.snapshot(), &self.commands);
            completion.candidates.iter().any(|it| it.text.len() > it.span.len())
        };
        (span.end < line.len() || !may_go_on()).then_some(span)
    }
}

/// The `key=` in a word, of which a specification has many.
fn keys(word: &str) -> impl Iterator<Item = Range<usize>> {
    word.match_indices('=').filter_map(|(end, _)| {
        let before = word.get(..end)?;
        let start = before.rfind(['[', ',', '+']).map_or(0, |at| at + 1);
        let key = before.get(start..)?;
        let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        is_key.then_some(start..end)
    })
}

impl Editors for Highlighter {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let mut text = StyledText::new();
        text.push((Style::new(), line.to_owned()));
        if self.has_colour {
            for (span, style) in self.styles(line) {
                text.style_range(span.start, span.end, style);
            }
        }
        text
    }
}
