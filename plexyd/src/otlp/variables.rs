//! The environment variables of OpenTelemetry, and what is wrong with them.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use plexy_shared::error::quoted;

use super::signal::Signal;

/// Reads variables, and notes every mistake with the name of its variable.
pub(super) struct Variables<'a> {
    read: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) mistakes: Vec<String>,
}

/// A variable that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

impl<'a> Variables<'a> {
    pub(super) fn new(read: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { read, mistakes: Vec::new() }
    }

    /// A variable; an empty one counts as not set, as OpenTelemetry has it.
    pub(super) fn named(&mut self, name: &str) -> Option<Variable> {
        let value = (self.read)(name).filter(|value| !value.is_empty())?;
        match value.into_string() {
            Ok(value) if value.trim().is_empty() => None,
            Ok(value) => Some(Variable { name: name.to_owned(), value: value.trim().to_owned() }),
            Err(_) => {
                self.mistakes.push(format!("`{name}` is not text in UTF-8"));
                None
            }
        }
    }

    /// A variable of the exporter: the one for a signal counts more than the one for all of them.
    pub(super) fn of_exporter(&mut self, signal: Signal, what: &str) -> Option<Variable> {
        let of_signal = self.named(&format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.variable()));
        of_signal.or_else(|| self.named(&format!("OTEL_EXPORTER_OTLP_{what}")))
    }

    pub(super) fn note(&mut self, variable: &Variable, message: &str) {
        let mistake = format!("`{}`: {message}", variable.name);
        // What is for all signals is read for each.
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    /// Notes where a variable of the exporter asks for what is not possible.
    pub(super) fn expect(&mut self, signal: Signal, what: &str, possible: &[&str]) {
        if let Some(variable) = self.of_exporter(signal, what)
            && !possible.contains(&&*variable.value.to_ascii_lowercase())
        {
            let value = quoted(&variable.value);
            let possible = possible.join(" and ");
            self.note(&variable, &format!("{value} is not possible, only {possible}"));
        }
    }

    /// A number of things, or else the usual one.
    pub(super) fn count(
        &mut self,
        variable: Option<Variable>,
        range: RangeInclusive<usize>,
        usual: usize,
    ) -> usize {
        let Some(variable) = variable else { return usual };
        match variable.value.parse() {
            Ok(count) if range.contains(&count) => count,
            _ => {
                let (least, most) = (range.start(), range.end());
                let value = quoted(&variable.value);
                self.note(&variable, &format!("{value} is no number from {least} to {most}"));
                usual
            }
        }
    }

    /// A time in milliseconds, or else the usual one.
    pub(super) fn millis(
        &mut self,
        variable: Option<Variable>,
        range: RangeInclusive<u64>,
        usual: Duration,
    ) -> Duration {
        let Some(variable) = variable else { return usual };
        match variable.value.parse() {
            Ok(millis) if range.contains(&millis) => Duration::from_millis(millis),
            _ => {
                let (least, most) = (range.start(), range.end());
                let value = quoted(&variable.value);
                let message =
                    format!("{value} is no number of milliseconds from {least} to {most}");
                self.note(&variable, &message);
                usual
            }
        }
    }

    /// The pairs of `name=value,name=value`, whose values may be written with percent signs. What is
    /// wrong is told by its place, since values may be secrets.
    pub(super) fn pairs(&mut self, variable: &Variable, bytes_max: usize) -> Vec<(String, String)> {
        if variable.value.len() > bytes_max {
            self.note(variable, &format!("it is longer than {bytes_max} bytes"));
            return Vec::new();
        }
        let mut pairs = Vec::new();
        for (index, entry) in variable.value.split(',').enumerate() {
            let entry = entry.trim();
            if entry.is_empty() {
                continue;
            }
            let decoded = |text: &str| {
                let text = percent_decode_str(text.trim()).decode_utf8().ok()?;
                Some(text.into_owned())
            };
            let pair = entry.split_once('=');
            let pair = pair.and_then(|(name, value)| Some((decoded(name)?, decoded(value)?)));
            match pair.filter(|(name, _)| !name.is_empty()) {
                Some(pair) => pairs.push(pair),
                None => self.note(variable, &format!("entry {} is no `name=value`", index + 1)),
            }
        }
        pairs
    }
}
