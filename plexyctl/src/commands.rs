//! One command, from its line to its answer. This module knows nothing of
//! sockets, nor of how an answer is shown.

mod changes;
mod dry_run;
mod line;
mod waiting;

use std::borrow::Cow;

use plexy_shared::command::{Detail, Request};
use plexy_shared::connection::KillOrder;
use plexy_shared::event::EventRange;
use plexy_shared::rpc::{
    ChangeParams, CloseTunnel, CloseTunnelParams, ConnectionsParams, EventsParams, Explain,
    ExplainParams, Export, Hello, HelloParams, History, HistoryParams, KillConnections, KillParams,
    ListConnections, ListEvents, ListTunnels, Load, LoadParams, LogLevel, LogLevelParams, Method,
    NoParams, NumberOfTunnels, OpenTunnel, OpenTunnelParams, Ping, Reload, Save, SetLogLevel,
    SubscribeEvents, Terms, TunnelInfo, TunnelParams, Undo, UndoParams,
};
use serde_json::Value;

pub(crate) use crate::answer::Wanted;
use crate::answer::{Answer, Daemon};
use crate::args::Options;
use crate::client::{ClientError, Found, Patience, Silence};
use crate::failure::Failure;
use crate::invocation::{CLIENT, command_for, look_at};
use crate::link::Link;
use crate::tier;
use changes::Asked;
pub(crate) use line::{Line, Words};

/// A command that was read.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    line: Cow<'a, str>,
    request: Request,
    /// The revision that the daemon has to be at.
    revision: Option<u64>,
}

impl Command<'_> {
    /// The same, refused where the daemon is at another revision than this.
    pub(crate) fn expecting(self, revision: Option<u64>) -> Self {
        Self { revision, ..self }
    }

    /// Whether it has an answer even if there is no daemon.
    pub(crate) fn is_version(&self) -> bool {
        matches!(self.request, Request::Version)
    }

    /// As it was typed.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// What it asks for.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Has it done, and tells the answer, or one after the other as long as they are wanted.
    pub(crate) async fn run(
        self,
        link: &mut Link,
        options: &Options,
        tell: &mut dyn FnMut(&Answer) -> Result<Wanted, Failure>,
    ) -> Result<(), Failure> {
        tier::writable(&self.request, link.read_only_for(options))?;
        tier::permitted(&self.request, link.protected_for(options))?;
        let patience = Patience::new(options.timeout);
        let line = self.line.as_ref();
        let terms = dry_run::terms(&self.request, line, options)?;
        let terms = Terms { expected_revision: self.revision, ..terms };
        if let Request::Events { range, follow: true } = self.request {
            return link.daemon(patience).await?.follow(range, line, tell).await;
        }
        let answer = match link.daemon(patience).await?.ask(self.request.clone(), terms).await {
            // A look does no harm: once more, in case the daemon was only replaced.
            Err(unanswered) if unanswered.is_a_lost_look() => {
                link.lose();
                link.daemon(patience).await?.ask(self.request, terms).await
            }
            answer => answer,
        };
        let answer = answer.map_err(|unanswered| unanswered.into_failure(line))?;
        tell(&answer)?;
        // Nothing ends by what is only tried out.
        let Some(given) = options.wait.filter(|_| !options.dry_run) else { return Ok(()) };
        link.daemon(Patience::new(given)).await?.wait(&answer, line, tell).await
    }
}

/// A call without a reply, and the parameters that a refusal of it points into.
#[derive(Debug)]
struct Unanswered {
    error: ClientError,
    parameters: Value,
    /// The command that tells whether a change has happened.
    look: String,
}

impl Unanswered {
    fn is_a_lost_look(&self) -> bool {
        matches!(self.error, ClientError::Unanswered { silence: Silence::Lost, is_change: false })
    }

    fn into_failure(self, line: &str) -> Failure {
        Failure::of_call(self.error, line, &self.parameters, &self.look)
    }
}

impl Found {
    async fn follow(
        &self,
        range: EventRange,
        line: &str,
        tell: &mut dyn FnMut(&Answer) -> Result<Wanted, Failure>,
    ) -> Result<(), Failure> {
        let params = EventsParams::new(range);
        let failure = |error| {
            let parameters = serde_json::to_value(&params).unwrap_or_default();
            Unanswered { error, parameters, look: String::new() }.into_failure(line)
        };
        let begun = self.client.subscribe::<SubscribeEvents>(&params).await;
        let mut events = begun.map_err(failure)?;
        loop {
            let news = events.next().await.map_err(failure)?;
            if tell(&Answer::News(news))? == Wanted::NoMore {
                return Ok(());
            }
        }
    }

    async fn ask(&self, request: Request, terms: Terms) -> Result<Answer, Unanswered> {
        let look = look_after(&request);
        let request = match self.change(request, terms, &look).await {
            Err(Asked::Else(request)) => *request,
            Err(Asked::Unanswered(unanswered)) => return Err(unanswered),
            Ok(answer) => return Ok(answer),
        };
        match request {
            Request::Open(spec) => {
                let params = OpenTunnelParams::new(&spec).on(terms);
                let reply = self.call::<OpenTunnel>(&params, &look).await?;
                Ok(Answer::Opened { spec, reply })
            }
            Request::Close { tunnel, live } => {
                let params = CloseTunnelParams::new(&tunnel, live).on(terms);
                let reply = self.call::<CloseTunnel>(&params, &look).await?;
                Ok(Answer::Closed { tunnel, reply })
            }
            Request::Status(Detail::Full) => {
                self.look::<ListTunnels>(&NoParams {}).await.map(Answer::Status)
            }
            Request::Detail(tunnel) => {
                let params = TunnelParams::new(&tunnel);
                let info = self.look::<TunnelInfo>(&params).await?;
                Ok(Answer::Detail(Box::new(info)))
            }
            Request::Conns(query) => {
                let params = ConnectionsParams::new(&query);
                self.look::<ListConnections>(&params).await.map(Answer::Conns)
            }
            Request::Kill(order) => {
                let is_by_id = matches!(order, KillOrder::Ids(_));
                let params = KillParams::new(&order).on(Terms {
                    // An id is never another connection's, whatever has changed.
                    expected_revision: terms.expected_revision.filter(|_| !is_by_id),
                    ..terms
                });
                self.call::<KillConnections>(&params, &look).await.map(Answer::Killed)
            }
            Request::Explain { tunnel, from, sni } => {
                let params = ExplainParams::new(&tunnel, from, sni.as_ref());
                let explanation = self.look::<Explain>(&params).await?;
                Ok(Answer::Explained(Box::new(explanation)))
            }
            Request::Events { range, .. } => {
                self.look::<ListEvents>(&EventsParams::new(range)).await.map(Answer::Events)
            }
            Request::History(last) => {
                let params = HistoryParams { last: Some(last) };
                self.look::<History>(&params).await.map(Answer::History)
            }
            Request::Undo(last) => {
                let params = UndoParams { last: Some(last), ..UndoParams::default() }.on(terms);
                self.call::<Undo>(&params, &look).await.map(Answer::Undone)
            }
            Request::Save => self.call::<Save>(&NoParams {}, &look).await.map(Answer::Saved),
            Request::Load(file) => {
                let params = LoadParams { file: absolute(file), ..LoadParams::default() }.on(terms);
                self.call::<Load>(&params, &look).await.map(Answer::Loaded)
            }
            Request::Export => self.look::<Export>(&NoParams {}).await.map(Answer::Exported),
            Request::Reload => {
                let params = ChangeParams::default().on(terms);
                self.call::<Reload>(&params, &look).await.map(Answer::Reloaded)
            }
            Request::Log(None) => self.look::<LogLevel>(&NoParams {}).await.map(Answer::LogLevel),
            Request::Log(Some(change)) => {
                let params = LogLevelParams::new(change);
                self.call::<SetLogLevel>(&params, &look).await.map(Answer::LogLevel)
            }
            Request::Ping => self.look::<Ping>(&NoParams {}).await.map(Answer::Pong),
            Request::Version => {
                let params = HelloParams { client: Some(CLIENT.to_owned()) };
                let hello = self.look::<Hello>(&params).await?;
                let endpoint = self.endpoint.clone();
                Ok(Answer::Version(Some(Daemon { endpoint, hello })))
            }
            // The rest never comes here: `Command::read` refuses it.
            Request::Add { .. }
            | Request::Remove { .. }
            | Request::Switch { .. }
            | Request::Set { .. }
            | Request::SetBackend { .. }
            | Request::Drain { .. }
            | Request::Disable { .. }
            | Request::Enable { .. }
            | Request::Status(Detail::Count)
            | Request::Help(_)
            | Request::Mode(_)
            | Request::Auth(_)
            | Request::Exit => self.look::<NumberOfTunnels>(&NoParams {}).await.map(Answer::Status),
        }
    }

    async fn call<M: Method>(
        &self,
        params: &M::Params,
        look: &str,
    ) -> Result<M::Reply, Unanswered> {
        self.client.call::<M>(params).await.map_err(|error| Unanswered {
            error,
            parameters: serde_json::to_value(params).unwrap_or_default(),
            look: look.to_owned(),
        })
    }

    async fn look<M: Method>(&self, params: &M::Params) -> Result<M::Reply, Unanswered> {
        self.call::<M>(params, "").await
    }
}

/// The command that tells whether a change has happened; nothing where nothing is changed.
pub(crate) fn look_after(request: &Request) -> String {
    match request {
        Request::Close { tunnel, .. }
        | Request::Add { tunnel, .. }
        | Request::Remove { tunnel, .. }
        | Request::Drain { tunnel, .. }
        | Request::Enable { tunnel, .. }
        | Request::Disable { tunnel, .. }
        | Request::Set { tunnel, .. }
        | Request::SetBackend { tunnel, .. }
        | Request::Switch { tunnel, .. } => look_at(tunnel),
        Request::Open(_) | Request::Load(_) => command_for("list", []),
        Request::Kill(_) => command_for("conns", []),
        Request::Undo(_) => command_for("history", []),
        Request::Save => command_for("save", []),
        Request::Reload => command_for("events", []),
        Request::Log(Some(_)) => command_for("log", []),
        _ => String::new(),
    }
}

/// Where a file is that was named here: plexyd may have begun in another folder.
fn absolute(file: String) -> String {
    let path = std::path::absolute(&file).ok();
    path.and_then(|path| path.to_str().map(str::to_owned)).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_session_knows_is_refused() {
        for line in ["", "# note", "help", "help open", "mode json", "auth 7Zq3nP0a", "exit"] {
            assert_eq!(Command::read(line).unwrap_err().code, "usage", "{line}");
        }
    }

    #[test]
    fn what_does_not_parse_is_refused_with_its_place() {
        let failure = Command::read("close db drian").unwrap_err();
        assert_eq!(failure.code, "unexpected-argument");
        assert_eq!(failure.place.unwrap().span, 9..14);
        assert_eq!(failure.suggestion.as_deref(), Some("drain"));
    }
}
