//! Exit codes: which class of outcome a program sees without reading a word.

use std::process::ExitCode;

use plexy_shared::error::Code;
use plexy_shared::word::Words;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It is done.
    Done = 0,
    /// It was refused, or it failed.
    Refused = 1,
    /// The command, or a specification in it, is wrong.
    Usage = 2,
    /// There is no such tunnel, backend or connection.
    NotFound = 3,
    /// Something stands in the way that exists already.
    Conflict = 4,
    /// This user, or this token, may not.
    Permission = 5,
    /// No daemon was reached, or it went away.
    Unreachable = 6,
    /// `--timeout` passed.
    Deadline = 7,
    /// Something was changed, where that was asked for by `--exit-code`.
    Changed = 10,
    /// Ctrl-C.
    Interrupted = 130,
}

/// What only a client has to say: codes that no daemon sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientCode {
    /// The command line is wrong.
    Usage,
    /// No daemon answers.
    Unreachable,
    /// What answers does not prove that it is the daemon that was meant.
    Untrusted,
    /// The connection broke while something was looked at.
    ConnectionLost,
    /// The connection broke after a change was sent: it may have happened.
    OutcomeUnknown,
    /// The answer is none that this client understands.
    BadAnswer,
    /// `--timeout` passed.
    DeadlinePassed,
    /// Ctrl-C.
    Interrupted,
    /// The answer could not be written.
    OutputFailed,
    /// Somebody was asked, and has not said yes.
    Declined,
}

impl Words for ClientCode {
    const NAME: &'static str = "ClientCode";

    const ALL: &'static [Self] = &[
        Self::Usage,
        Self::Unreachable,
        Self::Untrusted,
        Self::ConnectionLost,
        Self::OutcomeUnknown,
        Self::BadAnswer,
        Self::DeadlinePassed,
        Self::Interrupted,
        Self::OutputFailed,
        Self::Declined,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Unreachable => "unreachable",
            Self::Untrusted => "untrusted",
            Self::ConnectionLost => "connection-lost",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::BadAnswer => "bad-answer",
            Self::DeadlinePassed => "deadline-passed",
            Self::Interrupted => "interrupted",
            Self::OutputFailed => "output-failed",
            Self::Declined => "declined",
        }
    }
}

impl Exit {
    /// The one that a code stands for. A code that a newer daemon has and this
    /// client does not know is a refusal like any other.
    pub(crate) fn of(word: &str) -> Self {
        if let Some(code) = Code::named(word) {
            return Self::of_refusal(code);
        }
        match ClientCode::named(word) {
            None
            | Some(ClientCode::BadAnswer | ClientCode::OutputFailed | ClientCode::Declined) => {
                Self::Refused
            }
            // Not 6: a script may try again what did not reach anybody, and
            // this may have.
            Some(ClientCode::OutcomeUnknown) => Self::Refused,
            Some(ClientCode::Usage) => Self::Usage,
            Some(ClientCode::Unreachable | ClientCode::Untrusted | ClientCode::ConnectionLost) => {
                Self::Unreachable
            }
            Some(ClientCode::DeadlinePassed) => Self::Deadline,
            Some(ClientCode::Interrupted) => Self::Interrupted,
        }
    }

    /// Without a wildcard, so that whoever adds a code decides.
    fn of_refusal(code: Code) -> Self {
        match code {
            Code::InvalidSyntax
            | Code::InvalidAddress
            | Code::UnknownOption
            | Code::Repeated
            | Code::InvalidValue
            | Code::OutOfRange
            | Code::UnknownVerb
            | Code::MissingArgument
            | Code::UnexpectedArgument
            | Code::LineTooLong
            | Code::NotUtf8 => Self::Usage,
            Code::TunnelNotFound | Code::BackendNotFound | Code::ConnectionNotFound => {
                Self::NotFound
            }
            Code::AddressInUse | Code::NameInUse | Code::BackendExists | Code::RevisionMismatch => {
                Self::Conflict
            }
            Code::PermissionDenied | Code::Unauthorized | Code::Forbidden => Self::Permission,
            Code::LastBackend
            | Code::TooManyBackends
            | Code::CannotListen
            | Code::NameNotResolved
            | Code::OwnBackend
            | Code::OutOfDescriptors
            | Code::SessionEnded
            | Code::ShuttingDown
            | Code::Overloaded
            | Code::BodyTooLarge
            | Code::BodyTooSlow
            | Code::TooManyTunnels
            | Code::UnknownMethod
            | Code::InvalidParams
            | Code::ParseError
            | Code::InvalidRequest
            | Code::BatchTooLarge
            | Code::AnswerTooLarge
            | Code::NeedsWebSocket
            | Code::InternalError
            | Code::NotSaved
            | Code::NoState
            | Code::NoConfig
            | Code::BadCertificate
            | Code::BadFile
            | Code::NothingToUndo => Self::Refused,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(exit: Exit, words: &[&str]) {
        for word in words {
            assert_eq!(Exit::of(word), exit, "{word}");
        }
    }

    #[test]
    fn every_code_has_the_exit_code_of_its_class() {
        let usage = [
            "invalid-syntax",
            "invalid-address",
            "unknown-option",
            "repeated",
            "invalid-value",
            "out-of-range",
            "unknown-verb",
            "missing-argument",
            "unexpected-argument",
            "line-too-long",
            "not-utf8",
        ];
        let not_found = ["tunnel-not-found", "backend-not-found", "connection-not-found"];
        let conflict = ["address-in-use", "name-in-use", "backend-exists", "revision-mismatch"];
        let permission = ["permission-denied", "unauthorized", "forbidden"];
        check(Exit::Usage, &usage);
        check(Exit::NotFound, &not_found);
        check(Exit::Conflict, &conflict);
        check(Exit::Permission, &permission);
        let others = [usage.as_slice(), &not_found, &conflict, &permission].concat();
        for code in Code::ALL.iter().filter(|code| !others.contains(&code.word())) {
            check(Exit::Refused, &[code.word()]);
        }
    }

    #[test]
    fn what_only_a_client_says_has_an_exit_code_too() {
        check(Exit::Usage, &["usage"]);
        check(Exit::Unreachable, &["unreachable", "untrusted", "connection-lost"]);
        check(Exit::Deadline, &["deadline-passed"]);
        check(Exit::Interrupted, &["interrupted"]);
        check(Exit::Refused, &["outcome-unknown", "bad-answer", "output-failed", "declined"]);
    }

    #[test]
    fn an_unknown_code_is_a_refusal() {
        check(Exit::Refused, &["", "out-of-cheese", "TUNNEL-NOT-FOUND", "rpc-error"]);
    }

    #[test]
    fn no_code_of_the_client_is_one_of_the_daemons() {
        assert!(ClientCode::ALL.iter().all(|code| Code::named(code.word()).is_none()));
    }

    #[test]
    fn the_numbers_are_those_of_the_documents() {
        let exits = [
            (Exit::Done, 0),
            (Exit::Refused, 1),
            (Exit::Usage, 2),
            (Exit::NotFound, 3),
            (Exit::Conflict, 4),
            (Exit::Permission, 5),
            (Exit::Unreachable, 6),
            (Exit::Deadline, 7),
            (Exit::Changed, 10),
            (Exit::Interrupted, 130),
        ];
        assert!(exits.iter().all(|(exit, number)| *exit as u8 == *number));
    }
}
