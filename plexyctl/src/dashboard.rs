//! The dashboard: everything that flows, live on the whole screen, and the place to act on it.
//!
//! What happens comes as a [`message`], [`update`] changes the [`state`] by it and says what is to be
//! done, [`view`] draws the state, and the loop here does the rest: it reads keys, hears the daemon,
//! and looks at the clock.

mod action;
mod feed;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod keys;
mod message;
mod order;
#[cfg(test)]
mod scene;
mod state;
mod terminal;
mod theme;
mod update;
mod view;

use std::cell::Cell;
use std::collections::VecDeque;
use std::env;
use std::io::{self, IsTerminal};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use crossterm::event::{Event, MouseEventKind};
use jiff::tz::TimeZone;
use plexy_shared::overview::OverviewParams;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::args::{Format, Options, ShellOptions, TopOptions};
use crate::exit::{ClientCode, Exit};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::{Screen, complain, explained};
use crate::shell;
use feed::Feed;
use message::{Effect, Message, News};
use order::{Done, Order, Orders};
use state::{Looks, Place, State};
use terminal::{Keys, Terminal};

/// The shortest time between two frames: 30 a second.
const FRAME: Duration = Duration::from_millis(33);

/// How often it is looked whether time alone has changed anything.
const TICK: Duration = Duration::from_millis(250);

/// How long the program may go on after it was stopped: where it does, nobody has stopped it.
const STOPPED: Duration = Duration::from_millis(250);

/// How long somebody who leaves waits for what was ordered and not answered yet. A shell around it that is
/// to end too waits a little longer.
const SETTLED: Duration = Duration::from_millis(800);

/// How often it is looked whether a terminal that is somebody else's is ours again: a shell says nothing
/// where it puts a program into the foreground that runs already.
const BACKGROUND: Duration = Duration::from_millis(50);

/// The signal that brings a stopped program back.
const CONTINUED: i32 = rustix::process::Signal::CONT.as_raw();

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
    let mut dashboard = Dashboard::new(state, link, options, screen)?;
    let ended = dashboard.run(&mut terminal, top).await;
    let undone = dashboard.settle().await;
    drop((dashboard, terminal));
    let errors = Screen::of(&io::stderr(), options.color);
    undone.iter().for_each(|failure| complain(&explained(failure, errors)));
    match ended.map_err(|error| failed(&error))? {
        End::Quit => Ok(undone.first().map_or(Exit::Done, Failure::exit)),
        End::Gone => Ok(Exit::Interrupted),
    }
}

fn begin(
    top: &TopOptions,
    link: &Link,
    screen: Screen,
    terminal: &Terminal,
) -> Result<State, Failure> {
    let (way, is_local) = link.way_said();
    let place = Place {
        title: link.title().to_owned(),
        endpoint: String::new(),
        protected: link.protected().map(str::to_owned),
        is_read_only: top.read_only || link.read_only().is_some(),
        way: way.to_vec(),
        is_local,
    };
    let looks = Looks {
        theme: top.theme.on(env::var("COLORFGBG").ok().as_deref()),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Somebody has left.
    Quit,
    /// A signal has asked for it, or the terminal has gone.
    Gone,
}

/// All that runs.
struct Dashboard<'a> {
    state: State,
    link: &'a Link,
    options: &'a Options,
    begun: Instant,
    keys: Keys,
    feed: Feed,
    news: Receiver<News>,
    orders: UnboundedSender<Order>,
    /// Those that are not answered yet, in their order.
    given: VecDeque<Order>,
    /// Whether the first of them may have reached the daemon.
    is_sent: Rc<Cell<bool>>,
    /// Does what is ordered; it ends with this.
    working: Pin<Box<dyn Future<Output = ()> + 'a>>,
    told: UnboundedReceiver<Done>,
    signals: Signals,
    away: Away,
}

/// Signals that are listened to.
struct Signals {
    ending: [Signal; 2],
    interrupt: Signal,
    resized: Signal,
    continued: Signal,
}

/// Who has the terminal.
enum Away {
    /// We have.
    No,
    /// The shell, on a thread of its own: two cannot read the same keys. With what it ends with, where it
    /// could not begin.
    Shell(JoinHandle<Option<Failure>>),
    /// Whoever has stopped us or has us in the background; it is looked then whether it is ours again,
    /// as it is where nobody has stopped us.
    Stopped(Instant),
}

/// What is to be done next.
enum Next {
    /// It is drawn.
    Draw,
    /// The state changes.
    Update(Message),
    /// The terminal may be ours again; with why nobody else had it who was to have it.
    Back(Option<Failure>),
    /// It has another size.
    Resized,
    /// Nothing.
    Wait,
    /// It ends.
    End(End),
}

impl<'a> Dashboard<'a> {
    fn new(
        state: State,
        link: &'a Link,
        options: &'a Options,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let signals = Signals::listen().map_err(|error| failed(&error))?;
        let keys = Keys::of_input().map_err(|error| failed(&error))?;
        let (tell_news, news) = channel(NEWS);
        let feed = Feed::start(link.again(), state.wanted(), tell_news);
        let (orders, ordered) = unbounded_channel();
        let (tell, told) = unbounded_channel();
        let written = Screen { has_colour: false, columns: Some(76), ..screen };
        let is_sent = Rc::default();
        let does = Orders::new(link.again(), options, written, Rc::clone(&is_sent));
        let working = Box::pin(does.run(ordered, tell));
        let (begun, away, given) = (Instant::now(), Away::No, VecDeque::new());
        Ok(Self {
            state,
            link,
            options,
            begun,
            keys,
            feed,
            news,
            orders,
            given,
            is_sent,
            working,
            told,
            signals,
            away,
        })
    }

    async fn run(&mut self, terminal: &mut Terminal, top: &TopOptions) -> io::Result<End> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_dirty = true;
        let mut next_frame = Instant::now();
        loop {
            if matches!(self.away, Away::No) && !terminal.is_for_us() {
                self.away = Away::Stopped(Instant::now());
            }
            let is_here = matches!(self.away, Away::No);
            let can_draw = is_dirty && is_here && terminal.is_ready();
            let [terminate, hangup] = &mut self.signals.ending;
            let next = tokio::select! {
                biased;
                _ = hangup.recv() => Next::End(End::Gone),
                _ = terminate.recv() => Next::End(End::Gone),
                // What the shell does is interrupted by it, and nothing else.
                _ = self.signals.interrupt.recv() => match self.away {
                    Away::Shell(_) => Next::Wait,
                    Away::No | Away::Stopped(_) => Next::End(End::Gone),
                },
                _ = self.signals.continued.recv() => match self.away {
                    Away::Shell(_) => Next::Wait,
                    Away::No | Away::Stopped(_) => Next::Back(None),
                },
                failed = back(&mut self.away), if !is_here => Next::Back(failed),
                panic = self.feed.panicked() => resume_unwind(panic),
                flushed = terminal.flush(), if is_here && terminal.has_more() => match flushed {
                    Ok(()) => Next::Wait,
                    // It takes nothing any more.
                    Err(_) => Next::End(End::Gone),
                },
                // Before keys: who holds one down sees where it leads.
                () = sleep_until(next_frame), if can_draw => Next::Draw,
                event = self.keys.next(), if is_here => match event {
                    Some(event) => message_of(event).map_or(Next::Wait, Next::Update),
                    // It cannot be read any more.
                    None => Next::End(End::Gone),
                },
                _ = self.signals.resized.recv() => Next::Resized,
                Some(news) = self.news.recv() => Next::Update(Message::News(Box::new(news))),
                // Whoever is in the shell is told when he comes back.
                Some(done) = self.told.recv(), if is_here => {
                    self.given.pop_front();
                    Next::Update(Message::Done(Box::new(done)))
                }
                () = &mut self.working => Next::Wait,
                _ = tick.tick() => Next::Update(Message::Tick),
            };
            match next {
                Next::Wait => {}
                Next::End(end) => {
                    self.leave_shell().await;
                    return Ok(end);
                }
                Next::Draw => {
                    #[expect(clippy::panic, reason = "a test asks for it")]
                    if top.test_panic && self.state.told.is_some() {
                        panic!("this is only a test");
                    }
                    let drawn = terminal.draw(&self.state)?;
                    is_dirty = update::drawn(&mut self.state, drawn);
                    next_frame = Instant::now() + FRAME;
                }
                Next::Back(failed) => {
                    if let Some(failure) = failed {
                        self.update(Message::NoShell(Box::new(failure)));
                    }
                    is_dirty |= self.comes_back(terminal)?;
                }
                Next::Resized => {
                    self.resize(terminal)?;
                    is_dirty = true;
                }
                Next::Update(message) => {
                    let before = matches!(message, Message::Tick).then(|| self.state.pulse());
                    let effects = self.update(message);
                    is_dirty |= before.is_none_or(|before| before != self.state.pulse());
                    for effect in effects {
                        is_dirty = true;
                        if self.does(effect, terminal)? {
                            return Ok(End::Quit);
                        }
                    }
                }
            }
        }
    }

    /// The terminal is ours again, if it is for us: whether it is.
    fn comes_back(&mut self, terminal: &mut Terminal) -> io::Result<bool> {
        // Whoever takes it in the background is stopped, and hears of no signal that ends it.
        if !terminal.is_for_us() {
            self.away = Away::Stopped(Instant::now() + BACKGROUND);
            return Ok(false);
        }
        self.away = Away::No;
        self.keys.forget();
        terminal.take_back()?;
        self.resize(terminal).map(|()| true)
    }

    /// The terminal may have had yet another size, and lost what that had no room for.
    fn resize(&mut self, terminal: &mut Terminal) -> io::Result<()> {
        terminal.clear();
        let (columns, rows) = terminal.size()?;
        self.update(Message::Resized(columns, rows));
        Ok(())
    }

    fn update(&mut self, message: Message) -> Vec<Effect> {
        let effects = update::update(&mut self.state, self.begun.elapsed(), message);
        self.feed.want(self.state.wanted());
        effects
    }

    /// Does what was decided: whether that is the end.
    fn does(&mut self, effect: Effect, terminal: &mut Terminal) -> io::Result<bool> {
        match effect {
            Effect::Order(order) => {
                self.given.push_back(order.as_ref().clone());
                // Whoever does them ends with this.
                self.orders.send(*order).unwrap_or_default();
            }
            Effect::Copy(text) => terminal.copy(&text)?,
            Effect::Retry => self.feed.retry(),
            Effect::Look => self.feed.look(),
            Effect::Redraw => terminal.clear(),
            Effect::Mouse(is_ours) => terminal.set_mouse(is_ours)?,
            Effect::Suspend => {
                terminal.suspend()?;
                self.away = Away::Stopped(Instant::now() + STOPPED);
            }
            Effect::Shell => {
                terminal.lend();
                let (options, link) = (self.options.clone(), self.link.again());
                let run = move || shell::run_with(&ShellOptions::default(), &options, link).err();
                self.away = Away::Shell(tokio::task::spawn_blocking(run));
            }
            Effect::Quit => return Ok(true),
        }
        Ok(false)
    }

    /// Waits a moment for what was ordered and not answered yet: what of it is not done, or not known to be.
    async fn settle(&mut self) -> Vec<Failure> {
        let deadline = Instant::now() + SETTLED;
        let mut undone = Vec::new();
        while self.given.iter().any(|order| order.change().is_some()) {
            let done = tokio::select! {
                biased;
                Some(done) = self.told.recv() => done,
                () = &mut self.working => break,
                () = sleep_until(deadline) => break,
            };
            self.given.pop_front();
            undone.extend(done.failure());
        }
        // They are done one after the other.
        let left = self.given.drain(..).enumerate();
        undone.extend(left.filter_map(|(at, order)| order.given_up(at == 0 && self.is_sent.get())));
        undone
    }

    /// It is told to end by itself, and gives the terminal back.
    async fn leave_shell(&mut self) {
        if let Away::Shell(_) = self.away {
            drop(back(&mut self.away).await);
        }
    }
}

/// Until whoever has the terminal may be done with it: why they never had it, where that is so.
async fn back(away: &mut Away) -> Option<Failure> {
    match away {
        Away::No => std::future::pending().await,
        Away::Stopped(until) => {
            sleep_until(*until).await;
            None
        }
        Away::Shell(shell) => match shell.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(failed) => failed,
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => None,
        },
    }
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            ending: [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?],
            interrupt: signal(SignalKind::interrupt())?,
            resized: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(CONTINUED))?,
        })
    }
}

fn message_of(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) => Some(Message::Key(key)),
        Event::Mouse(mouse) => match mouse.kind {
            // Nobody does anything with it.
            MouseEventKind::Drag(_) | MouseEventKind::Up(_) | MouseEventKind::Moved => None,
            _ => Some(Message::Mouse(mouse)),
        },
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(..) | Event::FocusGained | Event::FocusLost => None,
    }
}
