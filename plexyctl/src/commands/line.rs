//! What one line says where commands come one after the other.

use std::borrow::Cow;

use clap::error::ErrorKind;
use plexy_shared::command::{Request, Topic};

use super::Command;
use crate::args::{Asking, Options, Own, read_line};
use crate::exit::ClientCode;
use crate::failure::Failure;

/// A line of a script, or of the shell.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// What it says.
    pub(crate) words: Words<'a>,
    /// The options that hold for it.
    pub(crate) options: Cow<'a, Options>,
}

/// What a line says.
#[derive(Debug)]
pub(crate) enum Words<'a> {
    /// Nothing, or a note.
    Nothing,
    /// That it is the last one.
    End,
    /// That somebody wants to know what there is, or more of one thing.
    Help(Option<Topic>),
    /// That somebody wants to read this.
    Text(String),
    /// That something is to be done.
    Command(Command<'a>),
    /// That the client is to do something.
    Own(Own),
}

impl<'a> Line<'a> {
    /// Reads it; where it has no options of its own, these hold.
    pub(crate) fn read(line: &'a str, session: &'a Options) -> Result<Self, Failure> {
        let (asking, options) = match read_line(line, session) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::DisplayHelp => {
                let words = Words::Text(error.render().to_string());
                return Ok(Self { words, options: Cow::Borrowed(session) });
            }
            Err(error) => return Err(Failure::of_args(&error)),
        };
        let words = match asking {
            Asking::Line(line) => Words::read(line)?,
            Asking::Own(own) => Words::Own(own),
        };
        Ok(Self { words, options })
    }
}

impl<'a> Words<'a> {
    fn read(line: Cow<'a, str>) -> Result<Self, Failure> {
        let request = Request::parse(&line).map_err(|error| Failure::in_line(error, &line))?;
        match request {
            None => Ok(Self::Nothing),
            Some(Request::Exit) => Ok(Self::End),
            Some(Request::Help(topic)) => Ok(Self::Help(topic)),
            Some(Request::Mode(_)) => {
                let failure = Failure::usage("`mode` is for a session of the line protocol only");
                Err(failure.with_hint("`-o json` is how answers are written for programs"))
            }
            Some(Request::Auth(_)) => {
                let failure = Failure::usage("`auth` is for a session of the line protocol only");
                Err(failure.with_hint("`--token-file FILE` has the token"))
            }
            Some(request) => Ok(Self::Command(Command { line, request, revision: None })),
        }
    }
}

impl<'a> Command<'a> {
    /// Reads one that stands alone.
    pub(crate) fn read(line: &'a str) -> Result<Self, Failure> {
        match Words::read(Cow::Borrowed(line))? {
            Words::Command(command) => Ok(command),
            Words::Nothing | Words::End | Words::Help(_) | Words::Text(_) | Words::Own(_) => {
                let message = "this is for a session of the line protocol, or a script, only";
                Err(Failure::new(ClientCode::Usage, message))
            }
        }
    }
}
