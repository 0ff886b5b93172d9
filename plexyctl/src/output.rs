//! Answers and failures, written. Data goes to standard output, all else to
//! standard error; text of a daemon never acts on a terminal. This module
//! knows nothing of where an answer comes from.

mod caret;
mod json;
mod quiet;
mod safe;
mod sentence;
mod table;
mod units;

use std::io::{self, Write};

use crate::answer::Answer;
use crate::args::{Format, Options};
use crate::commands::Wanted;
use crate::exit::ClientCode;
use crate::failure::Failure;

pub(crate) use sentence::notice;

/// How things are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    is_quiet: bool,
    has_headers: bool,
}

/// An answer as it is written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// What was asked for, with the end of its last line.
    pub(crate) data: String,
    /// A line about it.
    pub(crate) note: Option<String>,
}

impl Written {
    fn line(text: impl AsRef<str>) -> Self {
        Self { data: format!("{}\n", text.as_ref()), note: None }
    }

    fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

impl Output {
    /// As the options ask for.
    pub(crate) fn new(options: &Options) -> Self {
        Self { format: options.output, is_quiet: options.quiet, has_headers: !options.no_headers }
    }

    /// For what went wrong before there are options.
    pub(crate) fn of_errors(format: Format) -> Self {
        Self { format, is_quiet: false, has_headers: true }
    }

    /// An answer as it is written.
    pub(crate) fn written(&self, answer: &Answer) -> Written {
        match (self.is_quiet, self.format) {
            (true, _) => quiet::write(answer),
            (false, Format::Json) => json::answer(answer),
            (false, Format::Table) => sentence::write(answer, self.has_headers),
        }
    }

    /// Writes an answer. A reader that went away has had enough of it.
    pub(crate) fn answer(&self, answer: &Answer) -> Result<Wanted, Failure> {
        let written = self.written(answer);
        let wanted = self.text(&written.data)?;
        if let Some(note) = written.note.filter(|_| wanted == Wanted::More) {
            complain(&format!("{note}\n"));
        }
        Ok(wanted)
    }

    /// Writes what is text already.
    pub(crate) fn text(&self, text: &str) -> Result<Wanted, Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(Wanted::More),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Wanted::NoMore),
            Err(error) => {
                let message = format!("cannot write the answer: {error}");
                Err(Failure::new(ClientCode::OutputFailed, message))
            }
        }
    }

    /// Tells people if client and daemon are not of one version.
    pub(crate) fn warn_of_skew(&self, answer: &Answer) {
        let Answer::Version(Some(daemon)) = answer else { return };
        let (ours, theirs) = (env!("CARGO_PKG_VERSION"), daemon.hello.version.version.as_str());
        if ours != theirs {
            let theirs = safe::safe(theirs);
            complain(&format!("warning: plexyctl is {ours} and plexyd is {theirs}\n"));
        }
    }

    /// Writes what went wrong.
    pub(crate) fn failure(&self, failure: &Failure) {
        complain(&self.written_failure(failure));
    }

    /// What went wrong as it is written.
    pub(crate) fn written_failure(&self, failure: &Failure) -> String {
        match self.format {
            Format::Table => caret::render(failure),
            Format::Json => json::failure(failure),
        }
    }
}

/// Where standard error cannot be written to, there is nobody left to tell.
pub(crate) fn complain(text: &str) {
    io::stderr().lock().write_all(text.as_bytes()).unwrap_or_default();
}
