//! The dashboard: everything that flows, live on the whole screen, and the place to act on it.
//!
//! What happens comes as a [`message`], [`update`] changes the [`state`] by it and says what is to be
//! done, [`view`] draws the state, and the loop here does the rest: it reads keys, hears the daemon,
//! and looks at the clock.

mod action;
mod feed;
#[cfg(test)]
mod fixture;
mod message;
mod order;
mod state;
mod terminal;
mod theme;
mod update;
mod view;

use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use jiff::tz::TimeZone;
use plexy_shared::overview::OverviewParams;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::args::{Format, Options, ShellOptions, TopOptions};
use crate::exit::{ClientCode, Exit};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Screen;
use crate::shell;
use feed::Feed;
use message::{Effect, Message, News};
use order::{Order, Orders};
use state::{Looks, Place, State};
pub(crate) use state::{Theme, Units};
use terminal::Terminal;

/// The shortest time between two frames: 30 a second.
const FRAME: Duration = Duration::from_millis(33);

/// How often it is looked whether time alone has changed anything.
const TICK: Duration = Duration::from_millis(250);

/// News that wait to be shown; the daemon keeps the newest ones where they are not taken.
const NEWS: usize = 16;

/// Until somebody leaves, who sees these rows first.
pub(crate) async fn run(
    top: &TopOptions,
    first: &OverviewParams,
    link: &Link,
    options: &Options,
) -> Result<Exit, Failure> {
    let screen = Screen::of(&io::stdout(), options.color);
    if !(screen.can_redraw && io::stdin().is_terminal()) {
        let message = "this is no terminal that the dashboard can draw on";
        return Err(Failure::usage(message).with_hint("`plexyctl top --batch` writes lines"));
    }
    let mut terminal = Terminal::enter(!top.no_mouse).map_err(|error| failed(&error))?;
    let mut state = begin(top, link, screen, &terminal)?;
    state.every = top.delay;
    state.looks.is_wide = options.output == Format::Wide;
    state.level_mut().show_first(first);
    let ended = Dashboard::new(state, link, options, screen)?.run(&mut terminal, top).await;
    if let Ok(End::Hangup) = ended {
        terminal.forget();
    }
    match ended.map_err(|error| failed(&error))? {
        End::Quit => Ok(Exit::Done),
        End::Hangup | End::Signal => Ok(Exit::Interrupted),
    }
}

fn begin(
    top: &TopOptions,
    link: &Link,
    screen: Screen,
    terminal: &Terminal,
) -> Result<State, Failure> {
    let place = Place {
        title: link.title().to_owned(),
        endpoint: String::new(),
        protected: link.protected().map(str::to_owned),
        is_read_only: top.read_only,
    };
    let looks = Looks {
        theme: top.theme,
        has_colour: screen.has_colour,
        is_ascii: top.ascii || screen.is_ascii,
        units: top.units,
        is_wide: false,
        has_mouse: !top.no_mouse,
    };
    let size = terminal.size().map_err(|error| failed(&error))?;
    let mut state = State::new(place, looks, size);
    state.zone = TimeZone::system();
    Ok(state)
}

fn failed(error: &io::Error) -> Failure {
    Failure::new(ClientCode::OutputFailed, format!("cannot draw on the terminal: {error}"))
}

/// Why it ended.
enum End {
    /// Somebody has left.
    Quit,
    /// A signal has asked for it.
    Signal,
    /// The terminal has gone.
    Hangup,
}

/// All that runs.
struct Dashboard<'a> {
    state: State,
    options: &'a Options,
    begun: Instant,
    feed: Feed,
    news: Receiver<News>,
    orders: UnboundedSender<Order>,
    /// Does what is ordered; it ends with this.
    working: Pin<Box<dyn Future<Output = ()> + 'a>>,
    told: UnboundedReceiver<Message>,
    signals: [Signal; 3],
}

impl<'a> Dashboard<'a> {
    fn new(
        state: State,
        link: &'a Link,
        options: &'a Options,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let listened = |kind| signal(kind).map_err(|error| failed(&error));
        let signals = [
            listened(SignalKind::terminate())?,
            listened(SignalKind::interrupt())?,
            listened(SignalKind::hangup())?,
        ];
        let (tell_news, news) = channel(NEWS);
        let feed = Feed::start(link.again(), state.wanted(), tell_news);
        let (orders, ordered) = unbounded_channel();
        let (tell, told) = unbounded_channel();
        let written = Screen { has_colour: false, columns: Some(76), ..screen };
        let working = Box::pin(Orders::new(link.again(), options, written).run(ordered, tell));
        let begun = Instant::now();
        Ok(Self { state, options, begun, feed, news, orders, working, told, signals })
    }

    async fn run(&mut self, terminal: &mut Terminal, top: &TopOptions) -> io::Result<End> {
        let mut keys = EventStream::new();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_dirty = true;
        let mut next_frame = Instant::now();
        loop {
            let [terminate, interrupt, hangup] = &mut self.signals;
            let message = tokio::select! {
                biased;
                _ = hangup.recv() => return Ok(End::Hangup),
                _ = terminate.recv() => return Ok(End::Signal),
                _ = interrupt.recv() => return Ok(End::Signal),
                // Before keys: who holds one down sees where it leads.
                () = sleep_until(next_frame), if is_dirty => None,
                event = keys.next() => match event {
                    Some(Ok(event)) => message_of(event),
                    // It cannot be read any more.
                    Some(Err(_)) | None => return Ok(End::Hangup),
                },
                Some(news) = self.news.recv() => Some(Message::News(Box::new(news))),
                Some(message) = self.told.recv() => Some(message),
                () = &mut self.working => None,
                _ = tick.tick() => Some(Message::Tick),
            };
            match message {
                None if is_dirty && Instant::now() >= next_frame => {
                    #[expect(clippy::panic, reason = "a test asks for it")]
                    if top.test_panic && self.state.told.is_some() {
                        panic!("this is only a test");
                    }
                    let drawn = terminal.draw(&self.state)?;
                    is_dirty = update::drawn(&mut self.state, drawn);
                    next_frame = Instant::now() + FRAME;
                }
                None => {}
                Some(message) => {
                    let before = matches!(message, Message::Tick).then(|| self.state.pulse());
                    let effects = update::update(&mut self.state, self.begun.elapsed(), message);
                    is_dirty |= before.is_none_or(|before| before != self.state.pulse());
                    for effect in effects {
                        is_dirty = true;
                        if self.does(effect, terminal, &mut keys).await? {
                            return Ok(End::Quit);
                        }
                    }
                    self.feed.want(self.state.wanted());
                }
            }
        }
    }

    /// Does what was decided: whether that is the end.
    async fn does(
        &mut self,
        effect: Effect,
        terminal: &mut Terminal,
        keys: &mut EventStream,
    ) -> io::Result<bool> {
        match effect {
            // Whoever does them ends with this.
            Effect::Order(order) => self.orders.send(*order).unwrap_or_default(),
            Effect::Copy(text) => terminal.copy(&text)?,
            Effect::Retry => self.feed.retry(),
            Effect::Redraw => terminal.clear()?,
            Effect::Mouse(is_ours) => terminal.set_mouse(is_ours)?,
            Effect::Suspend => terminal.suspend()?,
            Effect::Shell => {
                terminal.lend();
                // Two cannot read the same keys.
                *keys = self.shell().await;
                terminal.take_back()?;
                let size = terminal.size()?;
                self.state.size = size;
            }
            Effect::Quit => return Ok(true),
        }
        Ok(false)
    }

    /// The shell, on a thread of its own, until somebody leaves it.
    async fn shell(&self) -> EventStream {
        let options = self.options.clone();
        let run = move || shell::run(&ShellOptions::default(), &options).map(drop);
        // What was wrong, it has told by itself.
        tokio::task::spawn_blocking(run).await.map(drop).unwrap_or_default();
        EventStream::new()
    }
}

fn message_of(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) => Some(Message::Key(key)),
        Event::Mouse(mouse) => Some(Message::Mouse(mouse)),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(columns, rows) => Some(Message::Resized(columns, rows)),
        Event::FocusGained | Event::FocusLost => None,
    }
}
