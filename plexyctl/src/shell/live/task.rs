//! The task that asks: a connection of its own, made anew where it was lost.

use std::sync::Arc;
use std::time::Duration;

use plexy_shared::event::{EventRange, EventsReply};
use plexy_shared::rpc::{
    ConnectionsParams, EventsParams, Export, Hello, HelloParams, ListConnections, ListEvents,
    ListTunnels, NoParams, SubscribeEvents,
};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, interval, sleep_until};

use super::{Ask, LinkState, Live};
use crate::client::{ClientError, Followed, Found, Impatience, Patience, Silence};
use crate::complete::Snapshot;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::CLIENT;
use crate::link::Link;
use crate::output::safe;

/// How long the daemon may take to say what there is.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first wait before the daemon is tried again, each twice the one before, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];
/// Live connections that are offered: whoever wants another one has it from `conns`.
const CONNECTIONS_MAX: usize = 200;
/// How often it is told how many notices were too many.
const NOTICES: Duration = Duration::from_secs(1);

/// It, and how far it has come.
pub(super) struct Task {
    live: Arc<Live>,
    link: Link,
    /// The daemon whose events were told, and the number of the newest of them.
    seen: Option<(String, u64)>,
    pause: Duration,
}

/// What happens, as the daemon tells it.
type News = Followed<SubscribeEvents>;

impl Task {
    pub(super) fn new(live: Arc<Live>, link: Link) -> Self {
        let [pause, _] = PAUSES;
        Self { live, link, seen: None, pause }
    }

    /// As long as the shell is there.
    pub(super) async fn run(mut self, mut asked: Receiver<Ask>) {
        while self.connection(&mut asked).await.is_some() {
            self.live.asked_is_done();
            self.live.link.send_replace(LinkState::Offline);
            let [_, longest] = PAUSES;
            let deadline = Instant::now() + self.pause;
            self.pause = (self.pause * 2).min(longest);
            // Whoever types something that needs the daemon does not wait for the pause to end.
            tokio::select! {
                ask = asked.recv() => if ask.is_none() { return },
                () = sleep_until(deadline) => {}
            }
        }
    }

    /// One connection, until it is lost; none where the shell has gone.
    async fn connection(&mut self, asked: &mut Receiver<Ask>) -> Option<()> {
        let mut link = self.link.again();
        let Ok(daemon) = link.daemon(Patience::new(PATIENCE)).await else { return Some(()) };
        let Ok(mut news) = self.begin(daemon).await else { return Some(()) };
        [self.pause, _] = PAUSES;
        let mut tick = interval(NOTICES);
        let mut ask = Some(Ask::Tunnels);
        loop {
            if let Some(ask) = ask.take() {
                match self.look(daemon, ask).await {
                    // Ctrl-C is for the command that somebody has typed.
                    Err(failure) if failure.exit() != Exit::Interrupted => return Some(()),
                    Ok(()) | Err(_) => {}
                }
                self.live.asked_is_done();
            }
            tokio::select! {
                next = asked.recv() => ask = Some(next?),
                told = next_of(&mut news) => match told {
                    Ok(told) => self.tell(&told),
                    Err(_) => return Some(()),
                },
                _ = tick.tick() => self.live.notices.tell_skipped(),
            }
        }
    }

    /// Says hello, and begins to listen to what happens from now on, or has happened while nobody
    /// listened.
    async fn begin(&mut self, daemon: &mut Found) -> Result<News, ClientError> {
        let client = HelloParams { client: Some(CLIENT.to_owned()) };
        let hello = daemon.client.call::<Hello>(&client).await?;
        let version = &hello.version.version;
        let online = LinkState::Online(safe(&format!("plexyd {version} at {}", daemon.endpoint)));
        let newest = EventRange { last: Some(1), after: None };
        let newest = daemon.client.call::<ListEvents>(&EventsParams::new(newest)).await?;
        let seen = self.seen.take().filter(|(instance, _)| *instance == newest.instance);
        let (instance, after) = seen.unwrap_or((newest.instance, newest.newest));
        let range = EventRange { after: Some(after), last: None };
        let news = daemon.client.subscribe::<SubscribeEvents>(&EventsParams::new(range)).await?;
        self.seen = Some((instance, after));
        self.live.link.send_replace(online);
        Ok(news)
    }

    fn tell(&mut self, told: &EventsReply) {
        self.seen = Some((told.instance.clone(), told.newest));
        told.events.iter().for_each(|event| self.live.notices.tell(event));
    }

    async fn look(&self, daemon: &mut Found, ask: Ask) -> Result<(), Failure> {
        let silent = |error| Failure::of_call(error, "", &serde_json::Value::Null, "");
        daemon.client.renew(Patience::new(PATIENCE));
        let tunnels = daemon.client.call::<ListTunnels>(&NoParams {}).await.map_err(silent)?;
        let specs = daemon.client.call::<Export>(&NoParams {}).await.map_err(silent)?;
        let tunnels = tunnels.tunnel_list.unwrap_or_default();
        self.live.tunnels_told(Snapshot::of(&tunnels, &specs.tunnels));
        if ask == Ask::Connections {
            let limit = Some(CONNECTIONS_MAX);
            let params = ConnectionsParams { limit, ..ConnectionsParams::default() };
            let reply = daemon.client.call::<ListConnections>(&params).await.map_err(silent)?;
            self.live.connections_told(reply.connections.iter().map(Into::into).collect());
        }
        Ok(())
    }
}

/// What happens next. Ctrl-C is for the command that somebody has typed, not for this.
async fn next_of(news: &mut News) -> Result<EventsReply, ClientError> {
    loop {
        match news.next().await {
            Err(ClientError::Unanswered {
                silence: Silence::GaveUp(Impatience::Interrupted),
                ..
            }) => {}
            told => return told,
        }
    }
}
