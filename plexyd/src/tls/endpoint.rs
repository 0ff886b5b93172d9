//! rustls without buffers of its own: what comes is decrypted where it lies, and what goes is encrypted
//! into one piece. It knows nothing of sockets.
//!
//! Against rustls with buffers that saves two copies of each record one way, and a vector for each the
//! other way: a sixth of what TLS costs on top of the system calls.

use std::io::{self, ErrorKind};
use std::ops::Deref;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};
use rustls::{CommonState, Error};

/// Our end of a TLS connection.
pub(super) enum Endpoint {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// How far raw bytes have led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// To where more of them are needed.
    Whole,
    /// To the end that the peer has told; what comes behind that means nothing.
    End,
}

/// What is to be told to the peer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Words<'a> {
    Plain(&'a [u8]),
    /// That nothing more will be sent.
    End,
}

impl Endpoint {
    /// Decrypts whole records in place, gives what they say, and adds what is to be answered. Says how
    /// many bytes are done with, also where something is wrong; those behind them are to be given again
    /// as they are now, with more at their end. Answers have an alert, then.
    pub(super) fn receive(
        &mut self,
        raw: &mut [u8],
        mut give: impl FnMut(&[u8]),
        answers: &mut Vec<u8>,
    ) -> (usize, Result<Came, Error>) {
        let mut done = 0;
        let came = loop {
            let rest = raw.get_mut(done..).unwrap_or_default();
            let (discard, step) = self.step(rest, &mut give, answers);
            done += discard;
            match step {
                Ok(Step::Again) => {}
                Ok(Step::Came(came)) => break Ok(came),
                Err(error) => break Err(error),
            }
        };
        self.speak(answers);
        (done, came)
    }

    /// Adds what it has to say by itself: how a handshake begins, alerts, tickets.
    pub(super) fn speak(&mut self, said: &mut Vec<u8>) {
        while self.wants_write() {
            // That comes before it looks at what was received, which need not be here.
            let (_, step) = self.step(&mut [], &mut |_| (), said);
            if !matches!(step, Ok(Step::Again)) {
                break;
            }
        }
    }

    /// Encrypts all of it, and says how much has come of it. `received` is what was given to
    /// [`receive`](Self::receive) last and was not done with, and that has not failed.
    ///
    /// # Errors
    ///
    /// Where there is no room for it, where its keys are used up and there are no others, as in TLS 1.2,
    /// or where it has ended.
    pub(super) fn encrypt(
        &mut self,
        received: &mut [u8],
        words: Words<'_>,
        encrypted: &mut [u8],
    ) -> io::Result<usize> {
        loop {
            let length = match self {
                Self::Client(tls) => encrypt(tls.process_tls_records(received), words, encrypted),
                Self::Server(tls) => encrypt(tls.process_tls_records(received), words, encrypted),
            };
            if let Some(length) = length? {
                return Ok(length);
            }
        }
    }

    fn step(
        &mut self,
        raw: &mut [u8],
        give: &mut impl FnMut(&[u8]),
        answers: &mut Vec<u8>,
    ) -> (usize, Result<Step, Error>) {
        match self {
            Self::Client(tls) => settle(tls.process_tls_records(raw), give, answers),
            Self::Server(tls) => settle(tls.process_tls_records(raw), give, answers),
        }
    }
}

impl Deref for Endpoint {
    type Target = CommonState;

    fn deref(&self) -> &CommonState {
        match self {
            Self::Client(tls) => tls,
            Self::Server(tls) => tls,
        }
    }
}

/// What one step of rustls has come to.
enum Step {
    Again,
    Came(Came),
}

/// Does what rustls asks for, but for what it lets be done.
fn settle<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    give: &mut impl FnMut(&[u8]),
    answers: &mut Vec<u8>,
) -> (usize, Result<Step, Error>) {
    let UnbufferedStatus { discard, state } = status;
    let step = state.and_then(|state| match state {
        ConnectionState::ReadTraffic(mut traffic) => {
            while let Some(record) = traffic.next_record() {
                give(record?.payload);
            }
            Ok(Step::Again)
        }
        ConnectionState::EncodeTlsData(message) => {
            encode(message, answers);
            Ok(Step::Again)
        }
        ConnectionState::TransmitTlsData(messages) => {
            // Who has the answers sees to that.
            messages.done();
            Ok(Step::Again)
        }
        ConnectionState::PeerClosed => Ok(Step::Came(Came::End)),
        // More may come, or something may be sent, or neither. Early data are refused.
        _ => Ok(Step::Came(Came::Whole)),
    });
    (discard, step)
}

fn encode<Data>(mut message: EncodeTlsData<'_, Data>, answers: &mut Vec<u8>) {
    // It says how long it is where it has no room.
    if let Err(EncodeError::InsufficientSize(short)) = message.encode(&mut []) {
        let length = answers.len();
        answers.resize(length + short.required_size, 0);
        let encoded = message.encode(answers.get_mut(length..).unwrap_or_default());
        debug_assert!(encoded.is_ok(), "it has the room that it has asked for");
    }
}

/// Encrypts, if nothing is to be done before.
fn encrypt<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    words: Words<'_>,
    encrypted: &mut [u8],
) -> io::Result<Option<usize>> {
    let length = match status.state {
        Ok(ConnectionState::WriteTraffic(mut traffic)) => match words {
            Words::Plain(plain) => traffic.encrypt(plain, encrypted),
            Words::End => traffic.queue_close_notify(encrypted),
        },
        Ok(ConnectionState::TransmitTlsData(messages)) => {
            messages.done();
            return Ok(None);
        }
        Ok(_) | Err(_) => return Err(ErrorKind::BrokenPipe.into()),
    };
    length.map(Some).map_err(|_| ErrorKind::BrokenPipe.into())
}
