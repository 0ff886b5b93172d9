//! What one line says where commands come one after the other.

use plexy_shared::command::{Request, Verb};

use super::Command;
use crate::exit::ClientCode;
use crate::failure::Failure;

/// A line of a script.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    /// Nothing, or a note.
    Nothing,
    /// That it is the last one.
    End,
    /// That somebody wants to know all verbs, or one of them.
    Help(Option<&'static Verb>),
    /// That something is to be done.
    Command(Command<'a>),
}

impl<'a> Line<'a> {
    /// Reads it.
    pub(crate) fn read(line: &'a str) -> Result<Self, Failure> {
        let request = Request::parse(line).map_err(|error| Failure::in_line(error, line))?;
        match request {
            None => Ok(Self::Nothing),
            Some(Request::Exit) => Ok(Self::End),
            Some(Request::Help(verb)) => Ok(Self::Help(verb)),
            Some(Request::Mode(_)) => {
                let failure = Failure::usage("`mode` is for a session of the line protocol only");
                Err(failure.with_hint("`-o json` is how answers are written for programs"))
            }
            Some(Request::Auth(_)) => {
                let failure = Failure::usage("`auth` is for a session of the line protocol only");
                Err(failure.with_hint("`--token-file FILE` has the token"))
            }
            Some(request) => Ok(Self::Command(Command { line, request })),
        }
    }
}

impl<'a> Command<'a> {
    /// Reads one that stands alone.
    pub(crate) fn read(line: &'a str) -> Result<Self, Failure> {
        match Line::read(line)? {
            Line::Command(command) => Ok(command),
            Line::Nothing | Line::End | Line::Help(_) => {
                let message = "this is for a session of the line protocol, or a script, only";
                Err(Failure::new(ClientCode::Usage, message))
            }
        }
    }
}
