//! Commands that the dashboard gives, each a line as it would be typed: what a key, a menu and the
//! command line ask for is one and the same. They are done one after the other, over a connection of
//! their own.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use plexy_shared::command::Request;
use plexy_shared::error::quoted;
use plexy_shared::info::Change;
use plexy_shared::spec::AdminState;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::answer::Answer;
use crate::args::{Format, Options};
use crate::client::Patience;
use crate::commands::{Command, Wanted, look_after};
use crate::exit::ClientCode;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::{Output, Screen};
use crate::tier::is_change;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// As it would be typed.
    pub(crate) line: String,
    /// The revision that somebody has seen who has agreed to it: where others have changed anything since,
    /// it is not done.
    pub(crate) revision: Option<u64>,
    /// Whether it is only tried out.
    pub(crate) is_trial: bool,
    /// What somebody had made of what it is about before it was given, where that is known.
    pub(crate) before: Option<AdminState>,
    /// How long connections that drained still had then, where that is known and had an end.
    pub(crate) rest: Option<Duration>,
}

impl Order {
    /// One that is done whatever the tunnels have become meanwhile.
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), revision: None, is_trial: false, before: None, rest: None }
    }

    /// What it asks for, if that changes anything.
    pub(super) fn change(&self) -> Option<Request> {
        let request = Request::parse(&self.line).ok().flatten();
        request.filter(|request| !self.is_trial && is_change(request))
    }

    /// Why it is not known to be done, where nobody waits any longer; nothing where it changes nothing.
    /// One that stands behind another was not sent yet.
    pub(super) fn given_up(&self, is_sent: bool) -> Option<Failure> {
        let (request, line) = (self.change()?, quoted(&self.line));
        if !is_sent {
            let message = format!("{line} was not sent: nothing was done");
            return Some(Failure::new(ClientCode::Declined, message));
        }
        let message = format!("no answer to {line} yet: outcome unknown");
        let hint = format!("`{}` tells whether it happened", look_after(&request));
        Some(Failure::new(ClientCode::OutcomeUnknown, message).with_hint(hint))
    }
}

/// What became of one.
#[derive(Debug)]
pub(crate) struct Done {
    /// It.
    pub(crate) order: Order,
    /// What the daemon has said, or why not.
    pub(crate) outcome: Result<Reply, Failure>,
}

impl Done {
    /// Why it is not done, for whoever has left meanwhile; nothing where nothing would have changed.
    pub(super) fn failure(self) -> Option<Failure> {
        let is_change = self.order.change().is_some();
        let failure = self.outcome.err().filter(|_| is_change)?;
        let message = format!("{}: {}", quoted(&self.order.line), failure.message);
        Some(Failure { message, ..failure })
    }
}

/// What the daemon has said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// As it is written, for people.
    pub(crate) text: String,
    /// What is said about it besides, a line each.
    pub(crate) notes: Vec<String>,
    /// The revision that it speaks of.
    pub(crate) revision: Option<u64>,
    /// How many live connections it has to do with.
    pub(crate) live: Option<u64>,
    /// What has happened, where it tells that in a word.
    pub(crate) change: Option<Change>,
    /// Where the tunnel really listens, where it was about one.
    pub(crate) listen: Option<String>,
}

/// Who does them.
pub(super) struct Orders {
    link: Link,
    options: Options,
    output: Output,
    own: OwnChanges,
    /// Whether the one that is under way may have reached the daemon.
    is_sent: Rc<Cell<bool>>,
}

impl Orders {
    /// With the same way to the daemon as the rest. Texts are made for lines of so many columns. Whether
    /// the one that is under way was sent is told besides, for whoever does not wait for its end.
    pub(super) fn new(
        link: Link,
        options: &Options,
        screen: Screen,
        is_sent: Rc<Cell<bool>>,
    ) -> Self {
        let options = Options {
            output: Format::Table,
            quiet: false,
            no_headers: false,
            columns: Vec::new(),
            sort_by: None,
            wait: None,
            // Whoever is to be asked was asked before an order was given.
            yes: true,
            ..options.clone()
        };
        let output = Output::on(&options, screen, screen);
        Self { link: link.deaf(), options, output, own: OwnChanges::default(), is_sent }
    }

    /// Does what comes, until nobody gives orders any more.
    pub(super) async fn run(
        mut self,
        mut orders: UnboundedReceiver<Order>,
        told: UnboundedSender<Done>,
    ) {
        while let Some(order) = orders.recv().await {
            let outcome = self.done(&order).await;
            if told.send(Done { order, outcome }).is_err() {
                return;
            }
        }
    }

    async fn done(&mut self, order: &Order) -> Result<Reply, Failure> {
        let options = Options { dry_run: order.is_trial, ..self.options.clone() };
        let mut reply = Reply::default();
        let mut tell = |answer: &Answer| {
            let written = self.output.written(answer);
            reply.text.push_str(&written.data);
            reply.notes.extend(written.notes);
            (reply.revision, reply.live) = (answer.revision(), answer.live());
            (reply.change, reply.listen) = (answer.change(), answer.listen().map(str::to_owned));
            Ok(Wanted::More)
        };
        // Another one counts anew.
        if !self.link.is_held() {
            self.own = OwnChanges::default();
        }
        let expected = order.revision.map(|seen| self.own.expected(seen));
        let command = Command::read(&order.line)?.expecting(expected);
        // Connections that end make no revision: the one that is told may be somebody else's.
        let is_counted = !order.is_trial && !matches!(command.request(), Request::Kill(_));
        // Until the daemon is there, nothing is sent.
        self.is_sent.set(false);
        self.link.daemon(Patience::new(options.timeout)).await?;
        self.is_sent.set(true);
        command.run(&mut self.link, &options, &mut tell).await?;
        if is_counted {
            self.own.changed(expected, &reply);
        }
        Ok(reply)
    }
}

/// Changes of our own, one behind the other: the revision before the first of them, and after the last.
/// Whoever has seen the daemon between them knows what it is like.
#[derive(Debug, Default)]
struct OwnChanges(Option<(u64, u64)>);

impl OwnChanges {
    /// The revision that the daemon has where nobody else has changed anything since this one.
    fn expected(&self, seen: u64) -> u64 {
        match self.0 {
            Some((first, last)) if (first..=last).contains(&seen) => last,
            _ => seen,
        }
    }

    /// A command was done, at this revision where one was expected.
    fn changed(&mut self, expected: Option<u64>, reply: &Reply) {
        let Some(now) = reply.revision else { return };
        let is_ours = match expected {
            Some(expected) => now == expected + 1,
            // That it has changed something is told in a word.
            None => reply.change.is_some_and(|change| change != Change::Unchanged),
        };
        self.0 = match self.0 {
            Some((first, last)) if is_ours && last + 1 == now => Some((first, now)),
            known if known.is_some_and(|(_, last)| last == now) => known,
            _ => is_ours.then(|| (now.saturating_sub(1), now)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn reply(revision: u64, change: Option<Change>) -> Reply {
        Reply { revision: Some(revision), change, ..Reply::default() }
    }

    #[test]
    fn what_nobody_waits_for_any_longer_may_have_happened_where_it_was_sent() {
        let close = Order::new("close web");
        let sent = close.given_up(true).unwrap();
        assert_eq!(sent.message, "no answer to `close web` yet: outcome unknown");
        let hint = "`plexyctl detail web` tells whether it happened";
        assert_eq!((sent.exit(), sent.hint.as_deref()), (Exit::Refused, Some(hint)));
        let behind = close.given_up(false).unwrap();
        assert_eq!(behind.message, "`close web` was not sent: nothing was done");
        for order in [Order { is_trial: true, ..close.clone() }, Order::new("list")] {
            assert_eq!(order.given_up(true), None, "{order:?}");
        }
        let refused =
            Err(Failure::of(plexy_shared::error::Code::TunnelNotFound, "no tunnel `web`"));
        let failure = Done { order: close, outcome: refused }.failure().unwrap();
        assert_eq!(failure.message, "`close web`: no tunnel `web`");
        assert_eq!(failure.exit(), Exit::NotFound);
    }

    #[test]
    fn what_we_have_changed_ourselves_is_no_change_by_somebody_else() {
        let mut own = OwnChanges::default();
        assert_eq!(own.expected(40), 40);
        own.changed(Some(40), &reply(41, None));
        own.changed(Some(41), &reply(41, Some(Change::Unchanged)));
        own.changed(None, &reply(42, Some(Change::Added)));
        assert_eq!([39, 40, 41, 42, 43].map(|seen| own.expected(seen)), [39, 42, 42, 42, 43]);
        // Somebody else has made the one between.
        own.changed(None, &reply(44, Some(Change::Added)));
        assert_eq!([40, 42, 43, 44].map(|seen| own.expected(seen)), [40, 42, 44, 44]);
        // Nothing of ours: the one before is of somebody else.
        own.changed(None, &reply(46, Some(Change::Unchanged)));
        assert_eq!([43, 45].map(|seen| own.expected(seen)), [43, 45]);
        // What counts no revision changes no tunnel.
        own.changed(None, &Reply::default());
        own.changed(None, &reply(47, Some(Change::Changed)));
        own.changed(None, &Reply::default());
        assert_eq!(own.expected(46), 47);
    }
}
