//! The task that asks, and how far it has come.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::error::Code;
use plexy_shared::event::{EVENTS_MAX, EventRange};
use plexy_shared::overview::OverviewParams;
use plexy_shared::rpc::{
    EventsParams, Hello, HelloParams, ListEvents, SubscribeEvents, SubscribeOverview,
};
use plexy_shared::word::Words;
use tokio::sync::mpsc::Sender;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::message::News;
use crate::client::{ClientError, Followed, Found, Patience};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::CLIENT;
use crate::link::Link;

/// How long the daemon may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a daemon may say nothing before another connection is tried, beside three times the time
/// between two looks: one that was only stopped for a moment goes on by itself.
const SILENCE: Duration = Duration::from_secs(10);

/// The first wait before the daemon is tried again, each twice the one before, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];

/// It.
pub(super) struct Task {
    link: Link,
    wanted: watch::Receiver<OverviewParams>,
    retry: Arc<Notify>,
    told: Sender<News>,
    /// The daemon whose events were told, and the number of the newest of them.
    seen: Option<(String, u64)>,
    pause: Duration,
}

/// Why one connection was given up.
enum End {
    /// Nobody looks any more.
    Unwanted,
    /// Somebody wants another one.
    Renewed,
    /// It was lost.
    Lost(Failure),
}

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        let mut failure = Failure::of_call(error, "", &serde_json::Value::Null, "");
        if failure.code == Code::UnknownMethod.word() {
            failure.message = "this plexyd is too old to be looked at here".to_owned();
            failure.hint = Some("update it, or take the plexyctl that came with it".to_owned());
        }
        Self::Lost(failure)
    }
}

impl Task {
    pub(super) fn new(
        link: Link,
        wanted: watch::Receiver<OverviewParams>,
        retry: Arc<Notify>,
        told: Sender<News>,
    ) -> Self {
        let [pause, _] = PAUSES;
        Self { link, wanted, retry, told, seen: None, pause }
    }

    /// As long as somebody looks.
    pub(super) async fn run(mut self) {
        loop {
            let failure = match self.connection().await {
                Ok(()) | Err(End::Unwanted) => return,
                Err(End::Renewed) => continue,
                Err(End::Lost(failure)) => failure,
            };
            if failure.exit() == Exit::Interrupted {
                // Ctrl-C, of somebody who is in the shell: it was not meant for us.
                continue;
            }
            // What is not permitted is not so by being tried again.
            let can_help = failure.exit() != Exit::Permission;
            let pause = can_help.then(|| self.next_pause());
            let lost = News::Lost {
                why: failure.message,
                hint: failure.hint.or_else(|| failure.details.into_iter().next()),
                retry: pause,
            };
            if self.told.send(lost).await.is_err() {
                return;
            }
            tokio::select! {
                () = self.retry.notified() => {}
                () = sleep_until(Instant::now() + pause.unwrap_or_default()), if can_help => {}
                () = self.told.closed() => return,
            }
        }
    }

    /// How long to wait now: not the same for all who have lost the same daemon.
    fn next_pause(&mut self) -> Duration {
        let [_, longest] = PAUSES;
        let pause = self.pause;
        self.pause = (pause * 2).min(longest);
        pause.mul_f64(fastrand::f64().mul_add(0.2, 0.9))
    }

    /// One connection, until it is lost or nobody looks.
    async fn connection(&mut self) -> Result<(), End> {
        self.link.lose();
        let mut link = self.link.again();
        let daemon = link.daemon(Patience::new(PATIENCE)).await.map_err(End::Lost)?;
        let client = HelloParams { client: Some(CLIENT.to_owned()) };
        let hello = daemon.client.call::<Hello>(&client).await?;
        let mut params = self.wanted.borrow_and_update().clone();
        // One that cannot tell it is as good as lost.
        let mut looks = daemon.client.subscribe::<SubscribeOverview>(&params).await?;
        let instance = hello.instance.clone();
        self.tell(News::Online(hello, daemon.endpoint.to_string())).await?;
        let mut events = self.events(daemon, &instance).await?;
        // Whoever has wanted one meanwhile has this one.
        pin!(self.retry.notified()).as_mut().enable();
        loop {
            self.follow(&params, &mut looks, &mut events).await?;
            params = self.wanted.borrow_and_update().clone();
            daemon.client.renew(Patience::new(PATIENCE));
            looks = daemon.client.subscribe::<SubscribeOverview>(&params).await?;
        }
    }

    /// Tells what has happened while nobody listened, and begins to listen.
    async fn events(
        &mut self,
        daemon: &Found,
        instance: &str,
    ) -> Result<Followed<SubscribeEvents>, End> {
        let seen = self.seen.as_ref().filter(|(known, _)| known == instance);
        let range = match seen {
            Some((_, after)) => EventRange { after: Some(*after), last: None },
            None => EventRange { after: None, last: Some(EVENTS_MAX) },
        };
        let before = daemon.client.call::<ListEvents>(&EventsParams::new(range)).await?;
        let after = EventRange { after: Some(before.newest), last: None };
        self.seen = Some((before.instance.clone(), before.newest));
        self.tell(News::Events(before)).await?;
        Ok(daemon.client.subscribe::<SubscribeEvents>(&EventsParams::new(after)).await?)
    }

    /// Tells what comes, until something else is wanted.
    async fn follow(
        &mut self,
        params: &OverviewParams,
        looks: &mut Followed<SubscribeOverview>,
        events: &mut Followed<SubscribeEvents>,
    ) -> Result<(), End> {
        let every = params.query().map_or(Duration::ZERO, |query| query.every);
        let patience = SILENCE.max(every * 3);
        loop {
            tokio::select! {
                look = timeout(patience, looks.next()) => {
                    let overview = look.map_err(|_| silent(patience))??;
                    [self.pause, _] = PAUSES;
                    let params = Box::new(params.clone());
                    self.tell(News::Overview(params, Box::new(overview))).await?;
                }
                news = events.next() => {
                    let news = news?;
                    self.seen = Some((news.instance.clone(), news.newest));
                    self.tell(News::Events(news)).await?;
                }
                () = self.retry.notified() => return Err(End::Renewed),
                changed = self.wanted.changed() => return changed.map_err(|_| End::Unwanted),
            }
        }
    }

    async fn tell(&self, news: News) -> Result<(), End> {
        self.told.send(news).await.map_err(|_| End::Unwanted)
    }
}

fn silent(patience: Duration) -> End {
    let message = format!("plexyd has said nothing for {} s", patience.as_secs());
    End::Lost(Failure::new(crate::exit::ClientCode::Unreachable, message))
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;
    use tokio::sync::mpsc::channel;

    use super::super::Feed;
    use super::*;
    use crate::args::Args;

    /// So long nothing is tried again by itself.
    const NEVER: Duration = Duration::from_secs(3_600);

    /// How long a test waits for what has to come.
    const DEADLINE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn whoever_wants_another_try_while_one_fails_has_it_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("rpc.sock");
        let daemon = UnixListener::bind(&socket).unwrap();
        let endpoint = format!("unix:{}", socket.display());
        let words = ["plexyctl", "top", "--endpoint", &endpoint];
        let options = Args::read(words.map(Into::into)).unwrap().options;
        let (wanted, asked) = watch::channel(OverviewParams::default());
        let (told, _news) = channel(16);
        let retry = Arc::new(Notify::new());
        let link = Link::new(&options).unwrap();
        let task = Task { pause: NEVER, ..Task::new(link, asked, Arc::clone(&retry), told) };
        let feed = Feed { wanted, retry, task: tokio::spawn(task.run()) };

        let (first, _) = daemon.accept().await.unwrap();
        feed.retry();
        drop(first);

        assert!(timeout(DEADLINE, daemon.accept()).await.is_ok(), "it is not tried again");
    }
}
