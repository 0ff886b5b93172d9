//! One session: reads lines, does what they ask, answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::command::{Detail, LINE_BYTES_MAX, Mode, Request};
use plexy_shared::error::{Code, Refusal, quoted};
use plexy_shared::event::EventRange;
use plexy_shared::spec::{ListenAddr, TunnelSpec};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Line;
use super::answer::{Answer, end_mark, write_farewell, write_news, write_refusal};
use super::framing::{Framed, Framing};
use crate::control::guarded::WRITE_TIMEOUT;
use crate::control::guests::Guest;
use crate::control::token::Token;
use crate::service::{Actor, Caller, Service};

/// How long a session may be silent.
const IDLE_MAX: Duration = Duration::from_secs(600);

/// How long a client may take no parting line, or go on after the end.
const PARTING_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1024;

/// How lines begin that a browser sends when it is made to post here.
const HTTP: [&str; 10] = [
    "GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ",
    "HOST:",
];

/// One client of the line protocol.
pub(super) struct Session {
    line: Arc<Line>,
    guest: Arc<Guest>,
    caller: Caller,
    /// What it has yet to give.
    token: Option<Token>,
    mode: Mode,
    /// The last event that was told, while the client follows.
    following: Option<u64>,
}

/// Why a session has to end although its client goes on.
#[derive(Debug)]
pub(super) struct Leaving {
    /// The daemon ends.
    pub(super) stop: CancellationToken,
    /// Another session needs the room.
    pub(super) evicted: CancellationToken,
}

impl Leaving {
    async fn told(&self) -> &'static str {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => "plexyd is shutting down",
            () = self.evicted.cancelled() => "too many sessions, and this one was idle longest",
        }
    }
}

/// What becomes of a session after a line.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    GoOn(String),
    End(String),
}

impl Session {
    pub(super) fn new(
        line: Arc<Line>,
        guest: Arc<Guest>,
        actor: Actor,
        token: Option<Token>,
    ) -> Self {
        Self { line, guest, caller: actor.into(), token, mode: Mode::default(), following: None }
    }

    /// Talks until either side has enough.
    pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        mut self,
        mut stream: S,
        leaving: &Leaving,
    ) {
        debug!(actor = %self.caller.actor, "session begun");
        let parted = match self.talk(&mut stream, leaving).await {
            Ok(Some(why)) => {
                let refusal = Refusal::new(Code::SessionEnded, format!("{why}, session ended"));
                // Who follows is told the last of it, that the daemon ends.
                let news = self.following.map(|_| self.news()).unwrap_or_default();
                let parting = news + &write_refusal(&refusal, self.mode);
                write(&mut stream, &parting, PARTING_TIMEOUT).await
            }
            Ok(None) => linger(&mut stream, leaving).await,
            Err(error) => Err(error),
        };
        let ended = match parted {
            Ok(()) => stream.shutdown().await,
            Err(error) => Err(error),
        };
        debug!(actor = %self.caller.actor, error = ended.err().map(tracing::field::display), "session ended");
    }

    /// Answers lines until the client ends, or there is a reason to. It is
    /// interrupted only while it waits for a line, or for a client that takes
    /// no answer: a change that was begun is brought to its end.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        leaving: &Leaving,
    ) -> io::Result<Option<&'static str>> {
        let mut framing = Framing::default();
        let mut buffer = vec![0; READ_BYTES];
        // Who has said all may still follow what happens.
        let mut is_over = false;
        loop {
            let line = Arc::clone(&self.line);
            let told = self.following.unwrap_or(u64::MAX);
            let is_idle = self.following.is_none() || is_over;
            let read = tokio::select! {
                biased;
                why = leaving.told() => return Ok(Some(why)),
                read = stream.read(&mut buffer), if !is_over => read?,
                () = line.service().event_behind(told) => {
                    let news = self.news();
                    reply(stream, &news, leaving).await?;
                    continue;
                }
                () = tokio::time::sleep(IDLE_MAX), if is_idle => {
                    return Ok(Some("idle for 10 minutes"));
                }
            };
            let mut lines = framing.push(buffer.get(..read).unwrap_or_default());
            if read == 0 {
                lines.extend(framing.finish());
                is_over = true;
            }
            // Several lines that came at once are answered at once.
            let mut answers = String::new();
            for framed in lines {
                self.guest.touch();
                answers.push_str(self.end_following());
                match self.answer(framed).await {
                    Next::GoOn(answer) => answers.push_str(&answer),
                    Next::End(answer) => {
                        answers.push_str(&answer);
                        reply(stream, &answers, leaving).await?;
                        return Ok(None);
                    }
                }
                if answers.len() > READ_BYTES {
                    reply(stream, &std::mem::take(&mut answers), leaving).await?;
                }
            }
            reply(stream, &answers, leaving).await?;
            if is_over && self.following.is_none() {
                return Ok(None);
            }
        }
    }

    async fn answer(&mut self, framed: Framed) -> Next {
        let line = match framed {
            Framed::Line(line) => line,
            Framed::TooLong => {
                let message = format!("line longer than {LINE_BYTES_MAX} bytes");
                return self.refuse(Refusal::new(Code::LineTooLong, message));
            }
            Framed::NotUtf8(place) => {
                let message = format!("the line is not UTF-8 at byte {}", place + 1);
                return self.refuse(Refusal::new(Code::NotUtf8, message));
            }
        };
        if is_http(&line) {
            if self.line.is_news() {
                warn!(actor = %self.caller.actor, line = quoted(&line), "an HTTP request on a control socket; session ended");
            }
            let message = "this is the line protocol of plexyd, not HTTP; session ended";
            return Next::End(write_refusal(
                &Refusal::new(Code::InvalidSyntax, message),
                self.mode,
            ));
        }
        let request = Request::parse(&line);
        if self.token.is_some() {
            return self.authenticate(request.ok().flatten());
        }
        match request {
            Ok(None) => Next::GoOn(String::new()),
            Ok(Some(request)) => self.perform(request).await,
            Err(error) => self.refuse(error.into()),
        }
    }

    /// The first line has to be the right token.
    fn authenticate(&mut self, request: Option<Request>) -> Next {
        let is_right = match (&request, &self.token) {
            (Some(Request::Auth(given)), Some(token)) => token.matches(given),
            _ => false,
        };
        if is_right {
            self.token = None;
            self.guest.trust();
            return Next::GoOn(Answer::ok().write(self.mode));
        }
        if self.line.is_news() {
            warn!(actor = %self.caller.actor, "a session without the right token; ended");
        }
        let message = match request {
            Some(Request::Auth(_)) => "wrong token, session ended",
            _ => "the first line must be `auth TOKEN`, session ended",
        };
        Next::End(write_refusal(&Refusal::new(Code::Unauthorized, message), self.mode))
    }

    async fn perform(&mut self, request: Request) -> Next {
        match request {
            Request::Exit => return Next::End(write_farewell(self.mode)),
            Request::Mode(mode) => self.mode = mode,
            _ => {}
        }
        match self.done(request).await {
            Ok(answer) if self.following.is_some() => Next::GoOn(answer.write_open(self.mode)),
            Ok(answer) => Next::GoOn(answer.write(self.mode)),
            Err(refusal) => self.refuse(refusal),
        }
    }

    async fn done(&mut self, request: Request) -> Result<Answer, Refusal> {
        let (service, caller) = (self.line.service(), &self.caller);
        Ok(match request {
            // The first two are done already; nothing is wanted of the third, or it was given before.
            Request::Exit | Request::Mode(_) | Request::Auth(_) => Answer::ok(),
            Request::Ping => Answer::pong(),
            Request::Version => Answer::version(&service.version()),
            Request::Help(topic) => Answer::help(topic),
            Request::Status(Detail::Count) => Answer::status(&service.status(Detail::Count)),
            Request::Status(Detail::Full) => {
                self.aside(|service| Answer::status(&service.status(Detail::Full))).await?
            }
            Request::Detail(tunnel) => Answer::detail(&service.detail(&tunnel).await?),
            Request::Open(spec) => {
                Answer::opened(&service.open(&spec, caller).await?, asks_for_port_0(&spec))
            }
            Request::Close { tunnel, live } => {
                Answer::closed(&service.close(&tunnel, live, caller).await?)
            }
            Request::Add { tunnel, backend } => {
                Answer::backend(&service.add(&tunnel, &backend, caller).await?)
            }
            Request::Remove { tunnel, backend, live } => {
                Answer::backend(&service.remove(&tunnel, &backend, live, caller).await?)
            }
            Request::Switch { tunnel, backends, live } => {
                Answer::changed(&service.switch(&tunnel, backends, live, caller).await?)
            }
            Request::Set { tunnel, settings } => {
                Answer::changed(&service.set(&tunnel, &settings, caller).await?)
            }
            Request::SetBackend { tunnel, backend, settings } => {
                Answer::changed(&service.set_backend(&tunnel, &backend, &settings, caller).await?)
            }
            Request::Drain { tunnel, backend, deadline } => {
                let drained = service.drain(&tunnel, backend.as_ref(), deadline, caller).await;
                Answer::changed(&drained?)
            }
            Request::Disable { tunnel, backend } => {
                Answer::changed(&service.disable(&tunnel, &backend, caller).await?)
            }
            Request::Enable { tunnel, backend } => {
                Answer::changed(&service.enable(&tunnel, backend.as_ref(), caller).await?)
            }
            Request::Conns(query) => Answer::conns(&service.conns(&query).await?),
            Request::Kill(order) => Answer::killed(&service.kill(&order, caller).await?),
            Request::Explain { tunnel, from, sni } => {
                Answer::explained(&service.explain(&tunnel, from, sni.as_ref()).await?)
            }
            Request::Events { range, follow } => {
                let events = service.events(range);
                self.following = follow.then_some(events.newest);
                Answer::events(&events)
            }
            Request::History(count) => {
                self.aside(move |service| Answer::history(&service.history(count))).await?
            }
            Request::Undo(count) => Answer::transition(&service.undo(count, caller).await?),
            Request::Save => Answer::saved(&service.save().await?),
            Request::Load(file) => Answer::transition(&service.load(&file, caller).await?),
            Request::Export => self.aside(|service| Answer::exported(&service.export())).await?,
            Request::Reload => Answer::transition(&service.reload(caller).await?),
            Request::Log(None) => Answer::log_level(&service.log_level()),
            Request::Log(Some(change)) => Answer::log_level(&service.set_log_level(change, caller)),
        })
    }

    /// What may be long is made on a thread that may take its time, and one at a time.
    async fn aside(
        &self,
        make: impl FnOnce(&Service) -> Answer + Send + 'static,
    ) -> Result<Answer, Refusal> {
        let service = Arc::clone(self.line.service());
        Ok(self.line.service().looking(move |_| make(&service)).await?)
    }

    /// What has happened since somebody who follows was told of it.
    fn news(&mut self) -> String {
        let after = self.following;
        let events = self.line.service().events(EventRange { after, last: None });
        self.following = Some(events.newest);
        write_news(&events, self.mode)
    }

    /// The next line is there, so what was followed ends.
    fn end_following(&mut self) -> &'static str {
        if self.following.take().is_some() { end_mark(self.mode) } else { "" }
    }

    fn refuse(&self, refusal: Refusal) -> Next {
        Next::GoOn(write_refusal(&refusal, self.mode))
    }
}

fn is_http(line: &str) -> bool {
    let begins = |word: &str| {
        line.as_bytes().get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    };
    HTTP.iter().any(|word| begins(word))
}

fn asks_for_port_0(spec: &TunnelSpec) -> bool {
    match &spec.listen {
        ListenAddr::Any(port) | ListenAddr::Name(_, port) => *port == 0,
        ListenAddr::Ip(addr) => addr.port() == 0,
        ListenAddr::Unix(_) => false,
    }
}

/// Writes answers, unless the client does not take them and has to leave: what
/// it was told is cut then, and no parting line can follow.
async fn reply<S: AsyncWrite + Unpin>(
    stream: &mut S,
    text: &str,
    leaving: &Leaving,
) -> io::Result<()> {
    tokio::select! {
        biased;
        written = write(stream, text, WRITE_TIMEOUT) => written,
        _ = leaving.told() => Err(io::ErrorKind::Interrupted.into()),
    }
}

/// Takes what the client still sends after it was told the end: a close with
/// input unread is a reset, which may cost it the last answer.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    leaving: &Leaving,
) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = [0; 1024];
    let read = async {
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    };
    tokio::select! {
        read = tokio::time::timeout(PARTING_TIMEOUT, read) => read.unwrap_or(Ok(())),
        _ = leaving.told() => Ok(()),
    }
}

async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    text: &str,
    timeout: Duration,
) -> io::Result<()> {
    let written = async {
        stream.write_all(text.as_bytes()).await?;
        stream.flush().await
    };
    tokio::time::timeout(timeout, written).await.map_err(|_| io::ErrorKind::TimedOut)?
}
