//! What is done with each line: by the daemon, by the client, or by the shell itself.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::command::Request;
use plexy_shared::error::Code;
use plexy_shared::rpc::{ListConnections, TunnelInfo, TunnelParams};
use plexy_shared::spec::TunnelSpec;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::confirmation::Confirmation;
use super::ending::Ending;
use super::live::{LinkState, Live};
use super::prompt::Prompt;
use super::setting::Setting;
use super::sink::Sink;
use super::typed::Typed;
use crate::answer::Answer;
use crate::args::{Format, Keys, Options, Own, help_of};
use crate::client::{ClientError, Patience};
use crate::commands::{Command, Line, Wanted, Words};
use crate::consequence::{Known, concerned, same_as};
use crate::exit::ClientCode;
use crate::failure::Failure;
use crate::invocation::CLIENT;
use crate::link::Link;
use crate::output::{Output, Screen, Written, complain};
use crate::own::{self, Present};
use crate::tier::{self, is_change};

/// How long the first line waits for the daemon, so that it can say who that is: no longer than anybody
/// notices.
const GREETING: Duration = Duration::from_millis(30);

/// Whether there is a next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// There is.
    Goes,
    /// What was typed with it is not done either.
    Stops,
    /// Somebody leaves.
    Ends,
}

/// How somebody is asked; nothing is answered where they would rather not.
pub(super) type Asks<'a> = dyn FnMut(&str) -> Option<String> + 'a;

/// What holds from line to line.
pub(super) struct Session<'a> {
    options: Options,
    link: Link,
    live: Arc<Live>,
    runtime: &'a Runtime,
    ending: Arc<Ending>,
    has_failed: bool,
    /// What keys mean from now on.
    pub(super) keys: Keys,
}

impl<'a> Session<'a> {
    /// One that begins.
    pub(super) fn new(
        options: &Options,
        link: Link,
        keys: Keys,
        live: &Arc<Live>,
        runtime: &'a Runtime,
        ending: &Arc<Ending>,
    ) -> Self {
        Self {
            link,
            options: options.clone(),
            live: Arc::clone(live),
            runtime,
            ending: Arc::clone(ending),
            has_failed: false,
            keys,
        }
    }

    /// What stands before the next line.
    pub(super) fn prompt(&self, is_ascii: bool) -> Prompt {
        Prompt {
            context: self.link.title().to_owned(),
            is_protected: self.link.protected().is_some(),
            is_read_only: self.link.read_only().is_some(),
            has_failed: self.has_failed,
            is_ascii,
            live: Arc::clone(&self.live),
        }
    }

    /// Two lines, before the first one is typed.
    pub(super) fn greet(&self) {
        let live = &self.live;
        let known = async { timeout(GREETING, live.link_once_known()).await };
        let daemon = match self.runtime.block_on(known) {
            Ok(LinkState::Online(daemon)) => daemon,
            Ok(LinkState::Offline) => "plexyd does not answer".to_owned(),
            Ok(LinkState::Unknown) | Err(_) => "no answer of plexyd yet".to_owned(),
        };
        complain(&format!(
            "{CLIENT}, {daemon}\n`help` lists the commands, Tab completes, Ctrl-D leaves\n"
        ));
    }

    /// Does what was typed; a paste may be several lines.
    pub(super) fn lines(&mut self, text: &str, asks: &mut Asks<'_>) -> Next {
        for line in text.replace("\\\n", "").lines() {
            match self.line(line, asks) {
                Ok(Next::Goes) => self.has_failed = false,
                Ok(Next::Ends) => return Next::Ends,
                Ok(Next::Stops) => {
                    self.has_failed = false;
                    return Next::Goes;
                }
                Err(failure) => {
                    Output::new(&self.options).failure(&failure);
                    self.has_failed = true;
                    // What comes after it in a paste was meant for what it would have done.
                    return Next::Goes;
                }
            }
        }
        Next::Goes
    }

    fn line(&mut self, line: &str, asks: &mut Asks<'_>) -> Result<Next, Failure> {
        if let Some(setting) = Setting::read(line) {
            self.set(setting);
            return Ok(Next::Goes);
        }
        let typed = Typed::read(line);
        let mut options = self.options.clone();
        if typed.is_vertical {
            options.output = Format::Vertical;
        }
        let read = Line::read(typed.command, &options)?;
        let text = Written::new;
        match read.words {
            Words::Nothing => {}
            Words::End => return Ok(Next::Ends),
            Words::Help(topic) => show(&typed, &options, &text(help_of(topic)))?,
            Words::Text(all) => show(&typed, &options, &text(all))?,
            Words::Command(command) => return self.command(command, &read.options, &typed, asks),
            Words::Own(_) if typed.reader.is_some() => {
                let message = "the answer of this command cannot be handed to another one here";
                return Err(Failure::usage(message).with_hint("outside of the shell it can"));
            }
            Words::Own(own) => self.own(&own, &read.options)?,
        }
        Ok(Next::Goes)
    }

    fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Notices(wanted) => self.live.notices.want(wanted),
            Setting::Output(format) => self.options.output = format,
            Setting::Keys(keys) => self.keys = keys,
        }
    }

    fn command(
        &mut self,
        command: Command<'_>,
        options: &Options,
        typed: &Typed<'_>,
        asks: &mut Asks<'_>,
    ) -> Result<Next, Failure> {
        Output::new(options).check(command.request())?;
        tier::writable(command.request(), self.link.read_only_for(options))?;
        if !self.is_confirmed(&command, options, asks)? {
            complain("nothing was done\n");
            return Ok(Next::Stops);
        }
        let is_change = is_change(command.request());
        // It was asked for already.
        let options = &Options { yes: true, ..options.clone() };
        let mut sink = Sink::new(typed.reader, options)?;
        let output = Output::on(options, sink.screen(), Screen::of(&io::stderr(), options.color));
        let mut tell = |answer: &Answer| {
            let is_wanted = output.is_progress(answer) || sink.write(&output.written(answer));
            output.warn_of_skew(answer);
            Ok(if is_wanted { Wanted::More } else { Wanted::NoMore })
        };
        let (link, ending) = (&mut self.link, &self.ending);
        let done = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = ending.wait() => Err(Failure::new(ClientCode::Interrupted, "ended")),
                done = command.run(link, options, &mut tell) => done,
            }
        });
        sink.end();
        if is_change {
            self.live.outdate();
        }
        if done.is_ok() {
            self.live.has_answered();
        }
        done.map(|()| Next::Goes)
    }

    fn own(&mut self, own: &Own, options: &Options) -> Result<(), Failure> {
        let output = Output::new(options);
        let (link, ending) = (&mut self.link, &self.ending);
        // The dashboard hears of an end by itself, and has something to say then.
        let hears = matches!(own, Own::Top(top) if !top.is_lines());
        let done = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = ending.wait(), if !hears => Err(Failure::new(ClientCode::Interrupted, "ended")),
                done = own::run(own, Ok(link), options, &output, Present::Somebody) => done,
            }
        });
        self.live.outdate();
        done.map(drop)
    }

    /// Whether somebody wants it to be done, now that they know what it does.
    fn is_confirmed(
        &mut self,
        command: &Command<'_>,
        options: &Options,
        asks: &mut Asks<'_>,
    ) -> Result<bool, Failure> {
        let request = command.request();
        if options.dry_run || options.yes {
            return Ok(true);
        }
        // Where there is no such tunnel, the command itself is told so.
        let Some(known) = self.known(request, options)? else { return Ok(true) };
        let same_as = self.same_as(command);
        let asked = Confirmation::of(request, &same_as, &known, self.link.protected());
        let Some(confirmation) = asked else { return Ok(true) };
        confirmation.lines.iter().for_each(|line| complain(&format!("{line}\n")));
        Ok(asks(&confirmation.question).is_some_and(|answer| confirmation.is_given(&answer)))
    }

    /// The command that does the same in any shell.
    fn same_as(&self, command: &Command<'_>) -> String {
        same_as(command.line(), &self.link.way(), self.link.protected().is_some())
    }

    /// What is known of what a request is about; nothing where there is no such tunnel.
    fn known(&mut self, request: &Request, options: &Options) -> Result<Option<Known>, Failure> {
        let Some(params) = concerned(request) else { return Ok(Some(Known::default())) };
        let patience = Patience::new(options.timeout);
        let link = &mut self.link;
        self.runtime.block_on(async {
            let client = &link.daemon(patience).await?.client;
            let known = match client.call::<ListConnections>(&params).await {
                Ok(reply) => Known::of(Some(reply.matched)),
                Err(ClientError::Refused(error)) if error.data.code == Code::TunnelNotFound => {
                    return Ok(None);
                }
                Err(_) => return Ok(Some(Known::default())),
            };
            let Some(tunnel) = params.tunnel else { return Ok(Some(known)) };
            let info = client.call::<TunnelInfo>(&TunnelParams { tunnel }).await;
            let spec = info.ok().and_then(|info| info.spec.parse::<TunnelSpec>().ok());
            Ok(Some(spec.map_or(known.clone(), |spec| known.with(&spec.options))))
        })
    }
}

fn show(typed: &Typed<'_>, options: &Options, written: &Written) -> Result<(), Failure> {
    let mut sink = Sink::new(typed.reader, options)?;
    sink.write(written);
    sink.end();
    Ok(())
}
