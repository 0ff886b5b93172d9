//! A command that failed: the one shape in which each layer's errors reach
//! whoever shows them. This module knows nothing of how that is done.

use clap::error::{ContextKind, ContextValue};
use plexy_shared::error::{Code, Refusal, Span};
use plexy_shared::rpc::CallError;
use plexy_shared::word::Words;
use serde::Serialize;
use serde_json::Value;

use crate::client::{
    ClientError, ConnectError, CredentialsError, Distrust, Endpoint, Impatience, Silence,
    TokenError, Unreached,
};
use crate::exit::{ClientCode, Exit};

/// What to do where client and daemon do not understand each other.
const VERSIONS: &str = "`plexyctl version` tells whether client and daemon fit";

/// What went wrong, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For programs: of the daemon's codes, or of the client's.
    pub(crate) code: String,
    /// One sentence, lower case, without a full stop; maybe text of the daemon.
    pub(crate) message: String,
    /// Where the command stands, in a script.
    pub(crate) origin: Option<Box<Origin>>,
    /// What it is about.
    pub(crate) place: Option<Place>,
    /// What was probably meant.
    pub(crate) suggestion: Option<String>,
    /// What would have been accepted.
    pub(crate) valid: Vec<String>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// More sentences, one a line.
    pub(crate) details: Vec<String>,
}

/// A part of a text that somebody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The whole text.
    pub(crate) text: String,
    /// Which bytes of it.
    pub(crate) span: Span,
}

/// A place in a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Origin {
    /// What the script is called.
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

impl Place {
    /// In the line if the parameter stands there as it was sent, else in the
    /// parameter itself.
    fn of(span: Span, parameter: &str, line: &str) -> Self {
        let at = if parameter.is_empty() { None } else { line.rfind(parameter) };
        match at {
            Some(at) => {
                let span = span.start.saturating_add(at)..span.end.saturating_add(at);
                Self { text: line.to_owned(), span }
            }
            None => Self { text: parameter.to_owned(), span },
        }
    }
}

impl Failure {
    /// One that only a client knows.
    pub(crate) fn new(code: ClientCode, message: impl Into<String>) -> Self {
        Self::of(code, message)
    }

    /// A command line that is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ClientCode::Usage, message)
    }

    /// Words of a command line that are wrong.
    pub(crate) fn of_args(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let sentence = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        Self { suggestion: suggested(error), ..Self::usage(sentence) }
    }

    /// One of a code of the daemon's, or of the client's.
    pub(crate) fn of(code: impl Words, message: impl Into<String>) -> Self {
        Self {
            code: code.word().to_owned(),
            message: message.into(),
            origin: None,
            place: None,
            suggestion: None,
            valid: Vec::new(),
            hint: None,
            details: Vec::new(),
        }
    }

    /// Says what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A line that is no command.
    pub(crate) fn in_line(error: impl Into<Refusal>, line: &str) -> Self {
        let refusal = error.into();
        let place = refusal.span.map(|span| Place { text: line.to_owned(), span });
        Self {
            place,
            suggestion: refusal.suggestion,
            valid: refusal.valid,
            hint: refusal.hint,
            ..Self::of(refusal.code, refusal.message)
        }
    }

    /// A call that the daemon did not do, or did not say so. A span of it
    /// points into one of `parameters`; `look` is the command that tells
    /// whether a change has happened.
    pub(crate) fn of_call(error: ClientError, line: &str, parameters: &Value, look: &str) -> Self {
        match error {
            ClientError::Refused(refusal) => Self::refused(*refusal, line, parameters),
            ClientError::UnknownMethod(method) => {
                let message = format!("this plexyd does not know the method `{method}`");
                Self::of(Code::UnknownMethod, message).with_hint(VERSIONS)
            }
            ClientError::BadAnswer { method, cause } => {
                let message = format!("the answer to `{method}` is not understood: {cause}");
                Self::new(ClientCode::BadAnswer, message).with_hint(VERSIONS)
            }
            ClientError::Unanswered { silence, is_change: false } => {
                Self::new(code_of(&silence, ClientCode::ConnectionLost), silence.to_string())
            }
            ClientError::Unanswered { silence, is_change: true } => {
                let code = code_of(&silence, ClientCode::OutcomeUnknown);
                Self::new(code, format!("{silence} after the command was sent: outcome unknown"))
                    .with_hint(format!("`{look}` tells whether it happened"))
            }
        }
    }

    fn refused(refusal: CallError, line: &str, parameters: &Value) -> Self {
        let data = refusal.data;
        let parameter = data.parameter.and_then(|name| parameters.get(name)?.as_str());
        let place = data.span.zip(parameter);
        Self {
            code: data.code.as_str().to_owned(),
            message: refusal.message,
            origin: None,
            place: place.map(|((start, end), parameter)| Place::of(start..end, parameter, line)),
            suggestion: data.suggestion,
            valid: data.valid,
            hint: data.hint,
            details: Vec::new(),
        }
    }

    /// Whether the same daemon, or the next one in its place, may answer all the same.
    pub(crate) fn is_passing(&self) -> bool {
        let is_of_ending = [Code::ShuttingDown, Code::Overloaded].map(Words::word);
        matches!(self.exit(), Exit::Unreachable | Exit::Deadline)
            || is_of_ending.contains(&self.code.as_str())
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        Exit::of(&self.code)
    }
}

/// What clap thinks was meant.
fn suggested(error: &clap::Error) -> Option<String> {
    let kinds =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(one) => Some(one.clone()),
        ContextValue::Strings(several) => several.first().cloned(),
        _ => None,
    })
}

fn code_of(silence: &Silence, lost: ClientCode) -> ClientCode {
    match silence {
        Silence::Lost => lost,
        Silence::TooLong => ClientCode::BadAnswer,
        Silence::GaveUp(impatience) => code_of_impatience(*impatience),
    }
}

pub(crate) fn code_of_impatience(impatience: Impatience) -> ClientCode {
    match impatience {
        Impatience::DeadlinePassed(_) => ClientCode::DeadlinePassed,
        Impatience::Interrupted => ClientCode::Interrupted,
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::new(ClientCode::Usage, error.to_string())
    }
}

impl From<Unreached> for Failure {
    /// The place where somebody was decides: a socket that may not be used
    /// says more than one that is not there.
    fn from(Unreached(tried): Unreached) -> Self {
        let telling = tried.iter().rfind(|(_, error)| error.is_somebody()).or(tried.first());
        let Some((endpoint, error)) = telling else {
            return Self::new(ClientCode::Unreachable, "there is no place to look for plexyd");
        };
        let failure = match tried.as_slice() {
            [_] => unreached(error, format!("cannot reach plexyd at {endpoint}: {error}")),
            _ => unreached(error, "cannot reach plexyd".to_owned()),
        };
        let detail = |(endpoint, error): &(Endpoint, ConnectError)| format!("{endpoint}: {error}");
        let details =
            if tried.len() == 1 { Vec::new() } else { tried.iter().map(detail).collect() };
        Self { details, hint: hint(error), ..failure }
    }
}

fn unreached(error: &ConnectError, message: String) -> Failure {
    match error {
        ConnectError::Denied(_) => Failure::of(Code::PermissionDenied, message),
        ConnectError::TokenRefused
        | ConnectError::TokenMissing
        | ConnectError::CertificateMissing
        | ConnectError::CertificateRefused(_) => Failure::of(Code::Unauthorized, message),
        ConnectError::Credentials(_) => Failure::of(ClientCode::Usage, message),
        ConnectError::Distrusted(_) => Failure::of(ClientCode::Untrusted, message),
        ConnectError::Forbidden => Failure::of(Code::Forbidden, message),
        ConnectError::Busy(_) => Failure::of(Code::Overloaded, message),
        ConnectError::GaveUp(impatience) => Failure::of(code_of_impatience(*impatience), message),
        ConnectError::NoSocket
        | ConnectError::NotASocket
        | ConnectError::UnsafeFolder(_)
        | ConnectError::NobodyListens
        | ConnectError::NotResolved(_)
        | ConnectError::NotTls
        | ConnectError::WantsTls
        | ConnectError::CutInHandshake
        | ConnectError::HandshakeFailed(_)
        | ConnectError::Io(_)
        | ConnectError::NotPlexyd(_) => Failure::of(ClientCode::Unreachable, message),
    }
}

fn hint(error: &ConnectError) -> Option<String> {
    match error {
        ConnectError::NoSocket | ConnectError::NotASocket | ConnectError::NobodyListens => {
            Some("is plexyd running? `--endpoint URL` says where it is".to_owned())
        }
        ConnectError::Denied(owner) => owner
            .group()
            .map(|group| format!("members of the group `{group}` may: `usermod -aG {group} USER`")),
        ConnectError::NotTls => Some("without TLS an endpoint is `ws://host:port`".to_owned()),
        ConnectError::WantsTls => Some("with TLS an endpoint is `wss://host:port`".to_owned()),
        ConnectError::Credentials(error) => credentials_hint(error),
        ConnectError::Distrusted(distrust) => distrust_hint(distrust),
        ConnectError::CertificateMissing => {
            Some("`--cert FILE` and `--key FILE` show it one".to_owned())
        }
        ConnectError::CertificateRefused(_) => {
            Some("it has to be of the CA that plexyd was given as `--rpc-tls-client-ca`".to_owned())
        }
        ConnectError::TokenMissing => Some("`--token-file FILE` shows it one".to_owned()),
        ConnectError::TokenRefused => Some("is it the file that plexyd was given?".to_owned()),
        ConnectError::Forbidden => Some("plexyd knows more names with `--rpc-host`".to_owned()),
        ConnectError::Busy(_) => Some("try again in a moment".to_owned()),
        ConnectError::UnsafeFolder(_)
        | ConnectError::NotResolved(_)
        | ConnectError::CutInHandshake
        | ConnectError::HandshakeFailed(_)
        | ConnectError::Io(_)
        | ConnectError::NotPlexyd(_)
        | ConnectError::GaveUp(_) => None,
    }
}

fn credentials_hint(error: &CredentialsError) -> Option<String> {
    match error {
        CredentialsError::NoKey(_) => Some("`--key FILE` names the file that has it".to_owned()),
        CredentialsError::KeyAlone => Some("`--cert FILE` names the certificate".to_owned()),
        CredentialsError::EncryptedKey(_) => {
            Some("`openssl pkey -in FILE -out PLAIN` takes the passphrase away".to_owned())
        }
        CredentialsError::NoSystemCa(_) => Some("`--ca FILE` names those to trust".to_owned()),
        _ => None,
    }
}

fn distrust_hint(distrust: &Distrust) -> Option<String> {
    match distrust {
        Distrust::UnknownIssuer => {
            Some("`--ca FILE` names the CA; is that the one of this plexyd?".to_owned())
        }
        Distrust::OtherName { .. } => {
            Some("`--server-name NAME` says by which name it is known".to_owned())
        }
        Distrust::Expired(_) => {
            Some("plexyd reads a new one with `reload`, or at SIGHUP".to_owned())
        }
        Distrust::NotValidYet(_) | Distrust::Other(_) => None,
    }
}

#[cfg(test)]
mod tests;
