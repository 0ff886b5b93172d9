//! Answers and failures, written. Data goes to standard output, all else to
//! standard error; text of a daemon never acts on a terminal. This module
//! knows nothing of where an answer comes from.

mod caret;
mod colour;
mod csv;
mod difference;
mod export;
mod health;
mod json;
mod layout;
mod listing;
mod progress;
mod quiet;
mod screen;
mod sentence;
mod table;
mod trial;
mod units;
mod view;

use std::io::{self, Write};

use plexy_shared::command::Request;
use plexy_shared::plan::ApplyReply;

use crate::answer::Answer;
use crate::answer::Wanted;
use crate::args::{ExportFormat, Format, Options};
use crate::exit::ClientCode;
use crate::failure::Failure;
use colour::Tint;
use layout::Layout;
pub(crate) use layout::cut;
pub(crate) use listing::Side;
pub(crate) use screen::Screen;
pub(crate) use table::{CONTEXTS, SETTINGS, keys_of_top};
use view::View;

use crate::safe;
pub(crate) use crate::safe::safe;
pub(crate) use export::toml as exported;
pub(crate) use sentence::notice;
pub(crate) use units::{age, scaled};

/// How things are written.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    view: View,
    is_quiet: bool,
    /// How `export` is written, where that was chosen.
    export: Option<ExportFormat>,
    has_headers: bool,
    /// Where data goes.
    data: Screen,
    /// Where all else goes.
    notes: Screen,
}

/// An answer as it is written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// What was asked for, with the end of its last line.
    pub(crate) data: String,
    /// Lines about it.
    pub(crate) notes: Vec<String>,
}

impl Written {
    /// A text that is written as it is.
    pub(crate) fn new(data: String) -> Self {
        Self { data, notes: Vec::new() }
    }

    fn line(text: impl AsRef<str>) -> Self {
        Self::new(format!("{}\n", text.as_ref()))
    }

    /// With a line about it, where there is one.
    fn noted(self, note: Option<String>) -> Self {
        Self { notes: note.into_iter().collect(), ..self }
    }

    fn with_note(self, note: impl Into<String>) -> Self {
        Self { notes: vec![note.into()], ..self }
    }
}

impl Output {
    /// As the options ask for, to standard output and standard error.
    pub(crate) fn new(options: &Options) -> Self {
        let (data, notes) =
            (Screen::of(&io::stdout(), options.color), Screen::of(&io::stderr(), options.color));
        Self::on(options, data, notes)
    }

    /// The same where it is known what they are.
    pub(crate) fn on(options: &Options, data: Screen, notes: Screen) -> Self {
        let (is_quiet, has_headers) = (options.quiet, !options.no_headers);
        let (view, export) = (View::new(options), options.export);
        Self { view, is_quiet, export, has_headers, data, notes }
    }

    /// Whether what a request will be answered with can be written as the options ask for.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Failure> {
        if !matches!(request, Request::Events { follow: true, .. }) {
            self.view.check_once()?;
        }
        self.check_keys(table::keys(request).as_deref())
    }

    /// The same where a list has these columns; none where there will be no list.
    pub(crate) fn check_keys(&self, keys: Option<&[&str]>) -> Result<(), Failure> {
        self.view.check(keys)
    }

    /// Whether an answer of the client's own that comes once can be written so.
    pub(crate) fn check_once(&self) -> Result<(), Failure> {
        self.view.check_once()
    }

    /// The same for rows that come in the order that was asked for.
    pub(crate) fn unsorted(&self) -> Self {
        Self { view: View { order: None, ..self.view.clone() }, ..self.clone() }
    }

    /// The same for an answer behind another one of its kind, and what stands between the two.
    pub(crate) fn behind_another(&self) -> (Self, &'static str) {
        let is_for_people =
            matches!(self.view.format, Format::Table | Format::Wide | Format::Vertical);
        match self.view.format {
            Format::Csv => (Self { has_headers: false, ..self.clone() }, ""),
            _ if is_for_people && !self.is_quiet => (self.clone(), "\n"),
            _ => (self.clone(), ""),
        }
    }

    /// An answer as it is written.
    pub(crate) fn written(&self, answer: &Answer) -> Written {
        let layout = Layout::new(&self.view, self.has_headers, self.data);
        let written = self.laid_out(answer, &layout);
        Written { notes: [written.notes, layout.note().into_iter().collect()].concat(), ..written }
    }

    /// Whether an answer only says how far something has come: it is written then, over the one before.
    pub(crate) fn is_progress(&self, answer: &Answer) -> bool {
        let Answer::Waiting(waiting) = answer else { return false };
        let is_told = !self.is_quiet
            && !matches!(self.view.format, Format::Json | Format::Ndjson | Format::Name);
        let told = progress::written(waiting, self.notes).filter(|_| is_told);
        complain(&told.unwrap_or_default());
        true
    }

    /// Writes an answer. A reader that went away has had enough of it.
    pub(crate) fn answer(&self, answer: &Answer) -> Result<Wanted, Failure> {
        if self.is_progress(answer) {
            return Ok(Wanted::More);
        }
        let written = self.written(answer);
        let wanted = self.text(&written.data)?;
        for note in written.notes.iter().filter(|_| wanted == Wanted::More) {
            complain(&format!("{note}\n"));
        }
        Ok(wanted)
    }

    fn laid_out(&self, answer: &Answer, layout: &Layout<'_>) -> Written {
        if let (Answer::Exported(reply), Some(format)) = (answer, self.export) {
            return Written::new(export::write(reply, format));
        }
        if self.is_quiet {
            return quiet::write(answer);
        }
        match (self.view.format, table::listing(answer)) {
            (Format::Json, _) => json::answer(answer),
            (Format::Ndjson, _) => json::in_a_line(answer),
            (Format::Csv, Some(listing)) => {
                let data = csv::write(&listing.viewed(&self.view), self.has_headers);
                Written::new(data).noted(sentence::note(answer))
            }
            (Format::Name, Some(listing)) => {
                let rows = listing.viewed(&self.view).rows;
                let data = rows.into_iter().map(|row| row.name + "\n").collect();
                Written::new(data).noted(sentence::note(answer))
            }
            (Format::Name, None) => quiet::write(answer),
            (Format::Table | Format::Wide, Some(listing))
                if self.view.columns.is_some() && !matches!(answer, Answer::Overview(_)) =>
            {
                Written::new(layout.table(listing)).noted(sentence::note(answer))
            }
            (Format::Vertical, Some(listing)) => {
                let data = layout.vertical(&listing.viewed(&self.view));
                Written::new(data).noted(sentence::note(answer))
            }
            (Format::Table | Format::Wide | Format::Vertical | Format::Csv, _) => {
                sentence::write(answer, layout)
            }
        }
    }

    /// Shows what would be done, to whoever is about to be asked.
    pub(crate) fn preview(&self, planned: &ApplyReply) {
        complain(&difference::lines(&planned.tunnels, self.notes));
    }

    /// Asks something; the answer is read elsewhere.
    pub(crate) fn ask(&self, question: &str) {
        complain(question);
    }

    /// Writes a line about what was read, or done.
    pub(crate) fn note(&self, note: &str) {
        if !self.is_quiet {
            complain(&format!("{}\n", safe::safe(note)));
        }
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
            self.warn(&format!("plexyctl is {ours} and plexyd is {theirs}"));
        }
    }

    /// Tells people of something that is not as it should be, and does not end anything.
    pub(crate) fn warn(&self, what: &str) {
        let warning = Tint::Doubtful.paint("warning:", self.notes.has_colour);
        complain(&format!("{warning} {}\n", safe::safe(what)));
    }

    /// Writes what went wrong.
    pub(crate) fn failure(&self, failure: &Failure) {
        complain(&self.written_failure(failure));
    }

    /// What went wrong as it is written.
    pub(crate) fn written_failure(&self, failure: &Failure) -> String {
        match self.view.format {
            Format::Json => json::failure(failure),
            Format::Ndjson => json::failure_in_a_line(failure),
            _ => caret::render(failure, self.notes),
        }
    }
}

/// What went wrong as people read it on that screen.
pub(crate) fn explained(failure: &Failure, screen: Screen) -> String {
    caret::render(failure, screen)
}

/// Writes what went wrong before there are options, as JSON.
pub(crate) fn failure_as_json(failure: &Failure, is_line: bool) {
    complain(&if is_line { json::failure_in_a_line(failure) } else { json::failure(failure) });
}

/// Where standard error cannot be written to, there is nobody left to tell.
pub(crate) fn complain(text: &str) {
    io::stderr().lock().write_all(text.as_bytes()).unwrap_or_default();
}
