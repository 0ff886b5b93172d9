//! All that the dashboard knows, and nothing of terminals, sockets or clocks: what it is told comes by
//! [`update`](super::update), what is seen of it is made by [`view`](super::view).

mod acting;
pub(crate) mod dialog;
mod events;
mod level;
mod link;
mod looks;
mod seen;
mod table;
mod toast;
mod trends;
mod wanted;

use std::time::Duration;

use jiff::tz::TimeZone;
use plexy_shared::overview::{
    BackendRowsParams, ConnectionRowsParams, Overview, OverviewParams, TunnelOverview,
};
use plexy_shared::units::show_duration;
use ratatui::layout::Position;

pub(crate) use acting::Acting;
pub(crate) use dialog::{
    Check, Choice, CommandLine, Confirm, Dialog, Field, Form, FormKind, Menu, Now, Offer, Run,
    Subject, Text,
};
pub(crate) use events::{EventLine, EventLog};
pub(crate) use level::{Level, Pane, Scope, TunnelName};
pub(crate) use link::{Lost, Returned, Way};
pub(crate) use looks::{Looks, Theme, Units};
pub(crate) use seen::Seen;
pub(crate) use table::{Listed, Row, Table};
pub(crate) use toast::{Mood, Toast};
pub(crate) use trends::{Trend, Trends};

use super::message::Drawn;
use crate::config::found_at;

/// A moment: so long after the dashboard has begun.
pub(crate) type Moment = Duration;

/// How often the daemon is looked at, from often to seldom.
const INTERVALS: [Duration; 6] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Rows that are shown beside those of a main table.
const ROWS_BESIDE: usize = 20;

/// Where the daemon is, as the options say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The context, or the host.
    pub(crate) title: String,
    /// The address, once it is known.
    pub(crate) endpoint: String,
    /// The name of the context, where changes there are to be thought over twice.
    pub(crate) protected: Option<String>,
    /// Whether nothing is to be changed.
    pub(crate) is_read_only: bool,
    /// The words of a command line that lead there too, as far as somebody has said where it is.
    pub(crate) way: Vec<String>,
    /// Whether nobody has: it is the daemon of this machine.
    pub(crate) is_local: bool,
}

impl Place {
    /// The words of a command line that lead there too, in any shell.
    pub(crate) fn way(&self) -> Vec<String> {
        match self.is_local && !self.endpoint.is_empty() {
            true => found_at(&self.endpoint, &self.way),
            false => self.way.clone(),
        }
    }
}

/// What was told last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// It.
    pub(crate) overview: Box<Overview>,
    /// What it was asked for.
    pub(crate) asked: Box<OverviewParams>,
    /// When it came.
    pub(crate) at: Moment,
    /// Thousandths of a CPU that the daemon has used since the time before; none at the first time.
    pub(crate) cpu: Option<u64>,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Not even for the name of a tunnel.
    TooSmall,
    /// From 60 columns on.
    Narrow,
    /// From 100 columns on.
    Medium,
    /// Narrow, but with so many rows that the details of a tunnel have a place too.
    Tall,
    /// From 140 columns and 40 rows on: what is selected is shown in full beside the others.
    Wide,
}

impl Room {
    /// Of a terminal with so many columns and rows.
    pub(crate) fn of((columns, rows): (u16, u16)) -> Self {
        match () {
            () if columns < 60 || rows < 10 => Self::TooSmall,
            () if columns >= 140 && rows >= 40 => Self::Wide,
            () if rows >= 45 => Self::Tall,
            () if columns >= 100 => Self::Medium,
            () => Self::Narrow,
        }
    }

    /// Whether what is selected is shown in full, too.
    pub(crate) fn has_details(self) -> bool {
        matches!(self, Self::Wide | Self::Tall)
    }
}

/// What time alone changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pulse {
    is_silent: bool,
    age: Option<u64>,
    paused: Option<u64>,
    has_toast: bool,
    has_returned: bool,
    /// Seconds since the daemon is lost, and until it is tried again.
    lost: Option<[u64; 2]>,
    rows: usize,
}

/// It.
#[derive(Debug)]
pub(crate) struct State {
    /// The moment of what was told last, or of the last look at a clock.
    pub(crate) now: Moment,
    /// Columns and rows.
    pub(crate) size: (u16, u16),
    /// How all of it looks.
    pub(crate) looks: Looks,
    /// Where somebody sits, as far as clocks go.
    pub(crate) zone: TimeZone,
    /// Where the daemon is.
    pub(crate) place: Place,
    /// How the way to it is.
    pub(crate) way: Way,
    /// What the daemon was, when the way was lost last, and is now: until somebody has read it.
    pub(crate) returned: Option<Returned>,
    /// What it has told.
    pub(crate) told: Option<Told>,
    /// What it has told before, as far as that is drawn.
    pub(crate) trends: Trends,
    /// What has happened.
    pub(crate) events: EventLog,
    /// Where somebody is: at the end, behind what they have come through. Never empty.
    levels: Vec<Level>,
    /// What stands in front of it.
    pub(crate) dialog: Option<Dialog>,
    /// What somebody has asked for.
    pub(crate) acting: Acting,
    /// What is told of what was done.
    pub(crate) toast: Option<Toast>,
    /// Since when nothing of what is shown changes.
    pub(crate) paused: Option<Moment>,
    /// What was told since then.
    pub(crate) held: Option<Told>,
    /// The trends with what was told since then.
    held_trends: Option<Trends>,
    /// How often the daemon is looked at.
    pub(crate) every: Duration,
    /// Whether the main table has all the room.
    pub(crate) is_zoomed: bool,
    /// What was drawn last, for the mouse.
    pub(crate) drawn: Drawn,
    /// Where and when somebody has clicked last.
    pub(crate) clicked: Option<(Position, Moment)>,
}

impl State {
    /// At the beginning.
    pub(crate) fn new(place: Place, looks: Looks, size: (u16, u16)) -> Self {
        Self {
            now: Moment::ZERO,
            size,
            looks,
            zone: TimeZone::UTC,
            place,
            way: Way::Unknown,
            returned: None,
            told: None,
            trends: Trends::default(),
            events: EventLog::default(),
            levels: vec![Level::new(Scope::All)],
            dialog: None,
            acting: Acting::default(),
            toast: None,
            paused: None,
            held: None,
            held_trends: None,
            every: Duration::from_secs(1),
            is_zoomed: false,
            drawn: Drawn::default(),
            clicked: None,
        }
    }

    /// The trends that go on: those that are seen, unless these are held.
    pub(crate) fn going_trends(&mut self) -> &mut Trends {
        match self.paused {
            Some(_) => self.held_trends.get_or_insert_with(|| self.trends.clone()),
            None => &mut self.trends,
        }
    }

    /// Shows them, however far they have gone while those that were seen were held.
    pub(crate) fn show_trends(&mut self) {
        if let Some(trends) = self.held_trends.take() {
            self.trends = trends;
        }
    }

    /// How much room there is.
    pub(crate) fn room(&self) -> Room {
        Room::of(self.size)
    }

    /// Where somebody is.
    pub(crate) fn level(&self) -> &Level {
        // There is one at least.
        static FIRST: std::sync::LazyLock<Level> =
            std::sync::LazyLock::new(|| Level::new(Scope::All));
        self.levels.last().unwrap_or(&FIRST)
    }

    /// The same, to change it.
    pub(crate) fn level_mut(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::new(Scope::All));
        }
        let last = self.levels.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "there is one")]
        &mut self.levels[last]
    }

    /// All that somebody has come through, and where they are.
    pub(crate) fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Calls tunnels what they are called now: whether a name has changed that a command would use.
    pub(crate) fn learn_names(&mut self, overview: &Overview) -> bool {
        let scopes = self.levels.iter_mut().map(|level| level.learn_name(overview));
        let is_other = scopes.fold(false, |any, is_other| any | is_other);
        let dialog = self.dialog.as_mut().and_then(Dialog::tunnel_mut);
        is_other | dialog.is_some_and(|tunnel| tunnel.learn(overview))
    }

    /// Another daemon is there, which gives the same numbers to others.
    pub(crate) fn restart(&mut self) {
        self.levels.iter_mut().for_each(Level::restart);
    }

    /// Goes into something.
    pub(crate) fn enter(&mut self, scope: Scope) {
        self.levels.push(Level::new(scope));
    }

    /// Goes back: whether there is somewhere to go to.
    pub(crate) fn leave(&mut self) -> bool {
        self.levels.len() > 1 && self.levels.pop().is_some()
    }

    /// The age of what is shown, once something is.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.told.as_ref().map(|told| self.now.saturating_sub(told.at))
    }

    /// Whether the daemon, which is connected with, has said nothing for longer than it should.
    pub(crate) fn is_silent(&self) -> bool {
        let newest = self.held.as_ref().or(self.told.as_ref()).map(|told| told.at);
        let since = newest.unwrap_or_default();
        let patience = self.every + self.every / 2 + Duration::from_millis(250);
        matches!(self.way, Way::Live { .. })
            && newest.is_some()
            && self.now.saturating_sub(since) > patience
    }

    /// All that time alone changes of what is seen.
    pub(crate) fn pulse(&self) -> Pulse {
        let seconds = |since: Moment| self.now.saturating_sub(since).as_secs();
        let is_news = matches!(self.way, Way::Live { .. }) && !self.is_silent();
        Pulse {
            is_silent: self.is_silent(),
            // While it is told again and again, each frame shows it.
            age: self.age().filter(|_| !is_news).map(|age| age.as_secs()),
            paused: self.paused.map(seconds),
            has_toast: self.toast.is_some(),
            has_returned: self.returned.is_some(),
            lost: match &self.way {
                Way::Lost(lost) => {
                    let next = lost.next.unwrap_or_default().saturating_sub(self.now);
                    Some([seconds(lost.since), next.as_secs()])
                }
                Way::Unknown | Way::Live { .. } => None,
            },
            rows: self.level().rows(),
        }
    }

    /// Whether changes can be asked for.
    pub(crate) fn can_act(&self) -> bool {
        matches!(self.way, Way::Live { .. }) && !self.is_silent() && !self.place.is_read_only
    }

    /// Looks more often, or less.
    pub(crate) fn change_interval(&mut self, is_longer: bool) {
        let at = INTERVALS.iter().position(|it| *it >= self.every).unwrap_or(INTERVALS.len() - 1);
        let next = if is_longer { at + 1 } else { at.saturating_sub(1) };
        self.every = INTERVALS.get(next).copied().unwrap_or(self.every);
    }

    /// What is wanted of the daemon for what is shown.
    pub(crate) fn wanted(&self) -> OverviewParams {
        let level = self.level();
        let tunnel = level.scope.tunnel().map(|tunnel| tunnel.listen.clone());
        let mut wanted =
            OverviewParams { interval: Some(show_duration(self.every)), ..Default::default() };
        match level.pane {
            Pane::Tunnels | Pane::Latency if level.scope == Scope::All => {
                wanted.tunnels = Some(level.tunnels.wanted());
                if self.has_details() || level.pane == Pane::Latency {
                    let selected = level.tunnels.selected_row();
                    wanted.tunnel = selected.map(|row| row.status.listen.clone());
                }
                if self.has_details() {
                    want_beside(&mut wanted);
                }
            }
            Pane::Latency => wanted.backends = Some(beside(tunnel.clone())),
            Pane::Connections => {
                let filter = level.scope.backend().map(|backend| format!("backend={backend}"));
                wanted.connections = Some(level.connections.wanted(tunnel.clone(), filter));
            }
            Pane::Backends => wanted.backends = Some(level.backends.wanted(tunnel.clone())),
            _ => {}
        }
        if wanted.tunnel.is_none() {
            wanted.tunnel = tunnel;
        }
        // What stands in front is about a tunnel of its own.
        if let Some(tunnel) = self.dialog.as_ref().and_then(Dialog::tunnel) {
            wanted.tunnel = Some(tunnel.to_owned());
        }
        wanted
    }

    /// Whether the selected tunnel is shown in full beside the others.
    pub(crate) fn has_details(&self) -> bool {
        let level = self.level();
        let is_main = level.scope == Scope::All && level.pane == Pane::Tunnels;
        is_main && self.room().has_details() && !self.is_zoomed
    }

    /// The tunnel in full that somebody looks into, or has selected, once it was told.
    pub(crate) fn tunnel(&self) -> Option<&TunnelOverview> {
        let level = self.level();
        let id = match level.scope.tunnel() {
            Some(tunnel) => tunnel.id,
            None => level.tunnels.selected_row()?.id,
        };
        let tunnel = self.told.as_ref()?.overview.tunnel.as_ref();
        tunnel.filter(|tunnel| tunnel.row.id == id)
    }

    /// Whether nobody has told yet what is seen here: what stands still can only begin with that.
    pub(crate) fn is_waiting(&self) -> bool {
        let is_in_tunnel = self.level().scope.tunnel().is_some();
        let is_untold = is_in_tunnel && self.tunnel().is_none() && !self.is_gone();
        is_untold || self.level().is_waiting()
    }

    /// Whether the tunnel is there no more that somebody looks into.
    pub(crate) fn is_gone(&self) -> bool {
        let scope = &self.level().scope;
        let Some(told) = &self.told else { return false };
        let is_asked = |name: &TunnelName| told.asked.tunnel.as_ref() == Some(&name.listen);
        scope.tunnel().is_some_and(is_asked) && self.tunnel().is_none()
    }
}

/// The backends and the busiest connections of the tunnel that is told in full.
fn want_beside(wanted: &mut OverviewParams) {
    let Some(tunnel) = wanted.tunnel.clone() else { return };
    wanted.connections = Some(ConnectionRowsParams {
        tunnel: Some(tunnel.clone()),
        sort: Some("-rate".to_owned()),
        limit: Some(ROWS_BESIDE),
        ..ConnectionRowsParams::default()
    });
    wanted.backends = Some(beside(Some(tunnel)));
}

/// A few backends of a tunnel, the worst first.
fn beside(tunnel: Option<String>) -> BackendRowsParams {
    BackendRowsParams { tunnel, limit: Some(ROWS_BESIDE), ..BackendRowsParams::default() }
}
