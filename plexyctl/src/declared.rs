//! Tunnels that shall be, as files declare them. Every mistake is found, with its place, before a daemon
//! is asked. This module knows nothing of daemons.

mod json;
mod lines;
mod reader;
mod source;
mod toml;

use std::path::Path;

use plexy_shared::rpc::TUNNELS_MAX;
use plexy_shared::spec::TunnelSpec;

use crate::failure::{Failure, Origin, Place};
use reader::{Places, Reader};
use source::Source;

/// How many mistakes are told.
const MISTAKES_MAX: usize = 100;

/// All that was declared.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// The tunnels, in the order in which they stand.
    pub(crate) specs: Vec<TunnelSpec>,
    /// Where each of them stands.
    pub(crate) origins: Vec<Origin>,
    /// What was read over.
    pub(crate) notes: Vec<String>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mistake {
    origin: Origin,
    /// The line, and which part of it.
    place: Place,
    message: String,
    suggestion: Option<String>,
}

impl Declared {
    /// Reads a file, every file of a folder, or standard input, which is `-`.
    ///
    /// # Errors
    ///
    /// What cannot be read, or every mistake; that there is nothing at all is one: who makes a file by a
    /// program that has failed does not mean that no tunnel shall be.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let sources = source::read(path)?;
        let (mut places, mut declared, mut mistakes) =
            (Places::default(), Self::default(), Vec::new());
        let mut is_said = false;
        for source in &sources {
            let mut reader = Reader::new(source, &mut places);
            read_one(&mut reader, source);
            is_said |= reader.is_said;
            declared.specs.append(&mut reader.specs);
            declared.origins.append(&mut reader.origins);
            declared.notes.append(&mut reader.notes);
            mistakes.append(&mut reader.mistakes);
        }
        if !mistakes.is_empty() {
            return Err(told(mistakes));
        }
        if !is_said {
            let failure = Failure::usage(format!("`{}` declares no tunnels", path.display()));
            return Err(failure.with_hint("`tunnels = []` says that none shall be"));
        }
        if declared.specs.len() > TUNNELS_MAX {
            let message = format!("{} tunnels; {TUNNELS_MAX} are the most", declared.specs.len());
            return Err(Failure::usage(message));
        }
        Ok(declared)
    }
}

fn read_one(reader: &mut Reader<'_>, source: &Source) {
    match source.format() {
        source::Format::Toml => toml::read(reader, &source.text),
        source::Format::Json => json::read(reader, &source.text),
        source::Format::Lines => lines::read(reader, &source.text),
    }
}

/// One is shown as what it is, several as a list.
fn told(mut mistakes: Vec<Mistake>) -> Failure {
    if let [Mistake { origin, place, message, suggestion }] = mistakes.as_mut_slice() {
        return Failure {
            origin: Some(Box::new(origin.clone())),
            place: Some(place.clone()),
            suggestion: suggestion.take(),
            ..Failure::usage(std::mem::take(message))
        };
    }
    let count = mistakes.len();
    let detail = |Mistake { origin, message, suggestion, .. }: &Mistake| {
        let meant = suggestion.as_ref().map(|it| format!("; did you mean `{it}`?"));
        let Origin { file, line, column } = origin;
        format!("{file}:{line}:{column}: {message}{}", meant.unwrap_or_default())
    };
    let further = count.saturating_sub(MISTAKES_MAX);
    let further = (further > 0).then(|| format!("and {further} more"));
    let details = mistakes.iter().take(MISTAKES_MAX).map(detail).chain(further).collect();
    Failure {
        details,
        ..Failure::usage(format!("{count} mistakes, so nothing was asked of plexyd"))
    }
}

#[cfg(test)]
mod tests;
