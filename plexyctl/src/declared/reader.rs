//! Takes specifications as they come out of a text, and notes all that is wrong with them, each with its
//! line and column.

use std::collections::HashMap;
use std::ops::Range;

use plexy_shared::error::{Refusal, nearest, quoted};
use plexy_shared::spec::TunnelSpec;

use super::Mistake;
use super::source::Source;
use crate::failure::{Origin, Place};

/// The key of the tunnels.
pub(super) const TUNNELS: &str = "tunnels";

/// What is of no interest here: what `export -o json` says besides.
const KNOWN: [&str; 2] = ["schema", "revision"];

/// Who listens where, and who has which name, over all texts.
#[derive(Debug, Default)]
pub(super) struct Places {
    listening: HashMap<String, Origin>,
    named: HashMap<String, Origin>,
}

/// Reads one text.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
    places: &'a mut Places,
    /// Whether it says anything of tunnels, be it that there are none.
    pub(super) is_said: bool,
    pub(super) specs: Vec<TunnelSpec>,
    pub(super) origins: Vec<Origin>,
    pub(super) notes: Vec<String>,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source, places: &'a mut Places) -> Self {
        let ends = source.text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            name: &source.name,
            text: &source.text,
            starts: std::iter::once(0).chain(ends).collect(),
            places,
            is_said: false,
            specs: Vec::new(),
            origins: Vec::new(),
            notes: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// Takes a specification that stands there, perhaps in quotes and with escapes.
    pub(super) fn spec(&mut self, text: &str, span: Range<usize>) {
        self.is_said = true;
        match text.parse::<TunnelSpec>() {
            Ok(spec) => self.take(spec, span),
            Err(error) => {
                let within = self.within(&span, text, error.span.clone());
                let refusal = Refusal::from(error).without_column();
                let suggestion = refusal.suggestion;
                self.mistake(within.unwrap_or(span), refusal.message, suggestion);
            }
        }
    }

    /// Two on one address, or of one name, are a mistake. Addresses that only overlap, or that are to be
    /// resolved first, the daemon tells apart.
    fn take(&mut self, spec: TunnelSpec, span: Range<usize>) {
        let origin = self.origin(span.start);
        let listen = spec.listen.bound().filter(|listen| listen.port() != Some(0));
        let listen = listen.map(|listen| listen.to_string());
        let name = spec.options.name.as_ref().map(|name| name.as_str().to_ascii_lowercase());
        let listening = listen.as_ref().and_then(|listen| self.places.listening.get(listen));
        let named = name.as_ref().and_then(|name| self.places.named.get(name));
        let at = |Origin { file, line, .. }: &Origin| format!("{file}:{line}");
        if let Some(first) = listening.map(at) {
            self.mistake(span, format!("the tunnel of {first} listens there already"), None);
        } else if let Some(first) = named.map(at) {
            self.mistake(span, format!("the tunnel of {first} has that name already"), None);
        } else {
            self.places.listening.extend(listen.map(|listen| (listen, origin.clone())));
            self.places.named.extend(name.map(|name| (name, origin.clone())));
            self.specs.push(spec);
            self.origins.push(origin);
        }
    }

    /// A key that is not that of the tunnels: a setting of plexyd, which is read over, or a slip.
    pub(super) fn key(&mut self, key: &str, span: Range<usize>) {
        if KNOWN.contains(&key) {
            return;
        }
        match nearest(key, [TUNNELS]) {
            Some(meant) => {
                self.mistake(span, format!("unknown key {}", quoted(key)), Some(meant.to_owned()));
            }
            None => self.notes.push(format!(
                "{}: {} is none of a tunnel's, so it is read over",
                self.name,
                quoted(key)
            )),
        }
    }

    /// Notes what is wrong with a part of the text.
    pub(super) fn mistake(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) {
        let origin = self.origin(span.start);
        let begin = self.begin_of(span.start);
        let line = self.text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let end = span.end.saturating_sub(begin).min(line.len());
        let place = Place { text: line.to_owned(), span: span.start.saturating_sub(begin)..end };
        self.mistakes.push(Mistake { origin, place, message: message.into(), suggestion });
    }

    /// A part of a string that stands between quotes, where it is written as it is.
    fn within(&self, whole: &Range<usize>, text: &str, part: Range<usize>) -> Option<Range<usize>> {
        let starts = [whole.start, whole.start + 1];
        let start = starts.into_iter().find(|start| {
            self.text.get(*start..start + text.len()).is_some_and(|written| written == text)
        })?;
        Some(start + part.start..start + part.end)
    }

    /// The byte at which a line and a column are, both from 1.
    pub(super) fn at(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        start + column.saturating_sub(1)
    }

    fn begin_of(&self, at: usize) -> usize {
        let after = self.starts.partition_point(|start| *start <= at);
        self.starts.get(after.saturating_sub(1)).copied().unwrap_or_default()
    }

    fn origin(&self, at: usize) -> Origin {
        let (line, begin) = (self.starts.partition_point(|start| *start <= at), self.begin_of(at));
        let column = self.text.get(begin..at).unwrap_or_default().chars().count() + 1;
        Origin { file: self.name.to_owned(), line, column }
    }
}
