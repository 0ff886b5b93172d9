//! One check of a backend: connect as a client's attempt does, perhaps to
//! another port, its TLS included where the check asks for that, say something,
//! and look at the answer.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::info::{Attempt, CheckOutcome};
use plexy_shared::spec::{BackendAddr, Check, CheckKind, Question, ServerName};
use plexy_shared::units::show_duration;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use super::answer::{ANSWER_BYTES_MAX, Fault, fault_of, judge, shown};
use crate::backend::Backend;
use crate::dial::{DialError, Manner, Reached, describe, dial};
use crate::hops::Hops;
use crate::relay::{Readiness, Stream};
use crate::tls::{HandshakeFault, Originate, Over, Session};
use crate::tunnel::Route;

/// How much is read at once.
const READ_BYTES: usize = 1024;

/// Who asks.
const USER_AGENT: &str = concat!("plexyd/", env!("CARGO_PKG_VERSION"));

/// Why a check has failed.
#[derive(Debug, Error)]
pub(super) enum CheckError {
    #[error(transparent)]
    Dial(DialError),
    #[error("{}", describe(.0))]
    Broken(io::Error),
    /// With what has come until then.
    #[error("no answer within {}{}", show_duration(*.0), .1)]
    TimedOut(Duration, String),
    #[error(transparent)]
    Answer(#[from] Fault),
}

impl CheckError {
    /// What it counts as.
    pub(super) fn outcome(&self) -> CheckOutcome {
        match self {
            Self::Dial(error) => match error.outcome() {
                Attempt::Success => CheckOutcome::Success,
                Attempt::Failure => CheckOutcome::Failure,
                Attempt::Timeout => CheckOutcome::Timeout,
                Attempt::Local => CheckOutcome::Local,
            },
            Self::Broken(_) | Self::Answer(Fault::Nothing) => CheckOutcome::Failure,
            Self::TimedOut(..) => CheckOutcome::Timeout,
            Self::Answer(_) => CheckOutcome::WrongAnswer,
        }
    }
}

/// Checks a backend once.
pub(super) async fn check(
    backend: &Backend,
    check: &Check,
    route: &Route,
    hops: &Arc<Hops>,
) -> Result<(), CheckError> {
    let timeout = route.options.check_timeout();
    let deadline = Instant::now() + timeout;
    let of_clients = route.originate();
    let over = over(backend, check, route, of_clients.as_ref());
    let manner = Manner { timeout, user_timeout: None, hops: 0, port: check.port, over };
    let reached = dial(backend, manner, hops).await.map_err(CheckError::Dial)?;
    let question = check.question();
    let words = words_of(question, &backend.addr, check.port);
    let mut answer = Vec::new();
    let asked = ask(&reached, &words, question, &mut answer);
    match timeout_at(deadline, asked).await {
        Ok(result) => result,
        // What was wanted has come.
        Err(_) if matches!(judge(question, &answer, 0), Some(Ok(()))) => Ok(()),
        Err(_) if answer.is_empty() => Err(CheckError::TimedOut(timeout, String::new())),
        Err(_) => Err(CheckError::TimedOut(timeout, format!(", only {}", shown(&answer)))),
    }
}

/// How TLS is spoken for it: as with clients, where they get it, and always in full, so that the
/// certificate is looked at. Whether a backend speaks it can be asked where clients do that themselves,
/// too: then it is asked for a name that its clients ask for, and its certificate is their matter.
fn over<'a>(
    backend: &Backend,
    check: &Check,
    route: &'a Route,
    of_clients: Option<&'a Arc<Originate>>,
) -> Option<Over<'a>> {
    let of_clients = of_clients.map(Over::full);
    let whole_name = |name: &&ServerName| name.parent().is_none();
    let name = || route.backend(&backend.addr)?.options.sni.iter().find(whole_name);
    match check.kind {
        CheckKind::None | CheckKind::Tcp => None,
        CheckKind::Tls => {
            let unverified = || Over { name: name(), ..Over::full(Originate::unverified()) };
            of_clients.or_else(|| Some(unverified()))
        }
        CheckKind::SendExpect | CheckKind::Http => of_clients,
    }
}

/// Asks over TLS or without.
async fn ask(
    reached: &Reached,
    words: &[u8],
    question: Question<'_>,
    answer: &mut Vec<u8>,
) -> Result<(), CheckError> {
    let socket = &reached.dialled.socket;
    let Some(secured) = reached.secured() else {
        return exchange(socket, words, question, answer).await;
    };
    let session = Session { socket, secured };
    let exchanged = Box::pin(exchange(&session, words, question, answer)).await;
    match (exchanged, secured.failure()) {
        (Err(CheckError::Broken(_)), Some(failure)) => {
            let fault = HandshakeFault::broken(failure);
            return Err(CheckError::Dial(DialError::Tls(fault)));
        }
        (exchanged, _) => exchanged?,
    }
    reached.part().await.map_err(CheckError::Dial)
}

/// What is said to a backend.
fn words_of(question: Question<'_>, addr: &BackendAddr, port: Option<u16>) -> Vec<u8> {
    match question {
        Question::Connect => Vec::new(),
        Question::SendExpect { send, .. } => send.to_vec(),
        Question::Http { path, .. } => {
            let host = match addr {
                BackendAddr::Ip(addr) => {
                    let mut addr = *addr;
                    addr.set_port(port.unwrap_or(addr.port()));
                    addr.to_string()
                }
                BackendAddr::Name(name, own) => format!("{name}:{}", port.unwrap_or(*own)),
                BackendAddr::Unix(_) => "localhost".to_owned(),
            };
            format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\n\
                 Accept: */*\r\nConnection: close\r\n\r\n"
            )
            .into_bytes()
        }
    }
}

/// Says it, and reads until the answer is known to be good or not.
async fn exchange(
    stream: &impl Stream,
    mut words: &[u8],
    question: Question<'_>,
    answer: &mut Vec<u8>,
) -> Result<(), CheckError> {
    while !words.is_empty() {
        let written = write(stream, words).await.map_err(CheckError::Broken)?;
        words = words.get(written..).unwrap_or_default();
    }
    let (mut known, mut buffer) = (0, [0; READ_BYTES]);
    loop {
        if let Some(judged) = judge(question, answer, known) {
            return Ok(judged?);
        }
        known = answer.len();
        if known >= ANSWER_BYTES_MAX {
            return Err(fault_of(question, answer).into());
        }
        match read(stream, &mut buffer).await.map_err(CheckError::Broken)? {
            0 => return Err(fault_of(question, answer).into()),
            read => answer.extend_from_slice(buffer.get(..read).unwrap_or_default()),
        }
    }
}

async fn read(stream: &impl Stream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        poll_fn(|cx| stream.poll_readable(cx)).await?;
        match stream.try_read(buffer, Readiness::Told) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // An end without the word for it, which matters to nobody who has what came before.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
            read => return read,
        }
    }
}

async fn write(stream: &impl Stream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        poll_fn(|cx| stream.poll_writable(cx)).await?;
        match stream.try_write(bytes, Readiness::Told) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            written => return written,
        }
    }
}
