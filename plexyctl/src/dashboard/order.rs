//! Commands that the dashboard gives, each a line as it would be typed: what a key, a menu and the
//! command line ask for is one and the same. They are done one after the other, over a connection of
//! their own.

use plexy_shared::info::Change;
use plexy_shared::spec::AdminState;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::message::Message;
use crate::answer::Answer;
use crate::args::{Format, Options};
use crate::commands::{Command, Wanted};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::{Output, Screen};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// As it would be typed.
    pub(crate) line: String,
    /// The revision that somebody has seen who has agreed to it: with another one it is not done.
    pub(crate) revision: Option<u64>,
    /// Whether it is only tried out.
    pub(crate) is_trial: bool,
    /// What somebody had made of what it is about before it was given, where that is told and no
    /// clients could come to it.
    pub(crate) before: Option<AdminState>,
}

impl Order {
    /// One that is done whatever the tunnels have become meanwhile.
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), revision: None, is_trial: false, before: None }
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
}

impl Orders {
    /// With the same way to the daemon as the rest. Texts are made for lines of so many columns.
    pub(super) fn new(link: Link, options: &Options, screen: Screen) -> Self {
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
        Self { link, options, output }
    }

    /// Does what comes, until nobody gives orders any more.
    pub(super) async fn run(
        mut self,
        mut orders: UnboundedReceiver<Order>,
        told: UnboundedSender<Message>,
    ) {
        while let Some(order) = orders.recv().await {
            let outcome = self.done(&order).await;
            if told.send(Message::Done(Box::new(Done { order, outcome }))).is_err() {
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
        let command = Command::read(&order.line)?.expecting(order.revision);
        command.run(&mut self.link, &options, &mut tell).await?;
        Ok(reply)
    }
}
