//! States that are made up, for tests of what is seen, and how that is written down: as text, and with
//! its styles. A made-up daemon answers what is asked of it, as the real one does.

mod daemon;
mod rows;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use plexy_shared::connection::ConnectionInfo;
use plexy_shared::event::EventsReply;
use plexy_shared::overview::{BackendRow, TunnelRow};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::message::{Effect, Message, News};
use super::state::{Looks, Place, State, Theme, Units};
use super::update::{drawn, update};
use super::view;
pub(crate) use daemon::Daemon;

/// When it begins, long enough after nothing that something can have been before.
const BEGIN: Duration = Duration::from_secs(100);

/// Looks that were before what is seen: as many as the sparklines of 80 columns show.
const LOOKS: u64 = 24;

/// A state of 80x24 that has just been told what a daemon says.
pub(crate) fn told(daemon: &Daemon) -> State {
    let mut state = begun();
    online(&mut state, daemon);
    for look in (1..=LOOKS).rev() {
        tell(&mut state, &daemon.before(look));
    }
    tell(&mut state, daemon);
    state
}

/// One that has not heard of any daemon.
pub(crate) fn begun() -> State {
    let place = Place { title: "local".to_owned(), ..Place::default() };
    let looks = Looks {
        theme: Theme::Dark,
        has_colour: true,
        is_ascii: false,
        units: Units::Bytes,
        is_wide: false,
        has_mouse: true,
    };
    let mut state = State::new(place, looks, (80, 24));
    state.now = BEGIN;
    state
}

/// The daemon is found, and tells what has happened.
pub(crate) fn online(state: &mut State, daemon: &Daemon) {
    let endpoint = "unix:/run/plexy/rpc.sock".to_owned();
    let instance = daemon.instance.clone();
    say(state, News::Online(daemon.hello(), endpoint));
    let events = daemon.events.clone();
    let newest = events.last().map_or(0, |event| event.seq);
    say(state, News::Events(EventsReply { instance, newest, missed: 0, events }));
    state.events.unread = state.events.unread.min(2);
}

/// The daemon answers what is wanted of it, a second after it did last.
pub(crate) fn tell(state: &mut State, daemon: &Daemon) {
    let wanted = state.wanted();
    state.now += Duration::from_secs(1);
    let overview = Box::new(daemon.answer(&wanted, state.now));
    say(state, News::Overview(Box::new(wanted), overview));
}

fn say(state: &mut State, news: News) {
    let now = state.now;
    update(state, now, Message::News(Box::new(news)));
}

/// So much time passes.
pub(crate) fn wait(state: &mut State, time: Duration) {
    let now = state.now + time;
    update(state, now, Message::Tick);
}

/// Somebody types this: letters, or one key by its name.
pub(crate) fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let named = match keys {
        "Enter" => Some(KeyCode::Enter),
        "Esc" => Some(KeyCode::Esc),
        "Tab" => Some(KeyCode::Tab),
        "Down" => Some(KeyCode::Down),
        "Up" => Some(KeyCode::Up),
        "PageDown" => Some(KeyCode::PageDown),
        "End" => Some(KeyCode::End),
        "Backspace" => Some(KeyCode::Backspace),
        _ => None,
    };
    let codes = match named {
        Some(code) => vec![code],
        None => keys.chars().map(KeyCode::Char).collect(),
    };
    let mut effects = Vec::new();
    for code in codes {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        let now = state.now;
        effects.extend(update(state, now, Message::Key(key)));
    }
    effects
}

/// Rows of tunnels as long as they can be.
pub(crate) fn rows_of_all_lengths() -> Vec<TunnelRow> {
    rows::long()
}

/// A row of each kind whose numbers are as large as they can be.
pub(crate) fn largest_rows() -> (TunnelRow, BackendRow, ConnectionInfo) {
    rows::largest()
}

/// So many rows of tunnels.
pub(crate) fn numbered_rows(count: u64) -> Vec<TunnelRow> {
    (1..=count).map(rows::numbered).collect()
}

/// The six tunnels of the mock-ups.
pub(crate) fn busy() -> State {
    told(&Daemon::busy())
}

/// No tunnel at all.
pub(crate) fn empty() -> State {
    told(&Daemon::with(Vec::new()))
}

/// More than can be seen, or asked for at once.
pub(crate) fn thousand() -> State {
    told(&Daemon::with(numbered_rows(1_000)))
}

/// Names and addresses as long as they can be.
pub(crate) fn long() -> State {
    told(&Daemon::with(rows_of_all_lengths()))
}

/// A daemon of which nothing works.
pub(crate) fn daemon_all_down() -> Daemon {
    Daemon::with(rows::busy().into_iter().map(rows::down).collect())
}

/// What is shown stands still for twelve seconds.
pub(crate) fn paused() -> State {
    let mut state = busy();
    press(&mut state, "p");
    for _ in 0..12 {
        tell(&mut state, &Daemon::with(Vec::new()));
    }
    state
}

/// The daemon has gone fourteen seconds ago.
pub(crate) fn disconnected() -> State {
    let mut state = busy();
    for tries in 1..=4 {
        let why = "unix:/run/plexy/rpc.sock: connection refused".to_owned();
        let hint = Some("systemctl status plexyd".to_owned());
        let retry = Some(Duration::from_secs(if tries < 4 { 4 } else { 7 }));
        say(&mut state, News::Lost { why, hint, retry });
        wait(&mut state, Duration::from_secs(if tries < 4 { 3 } else { 5 }));
    }
    state
}

/// The daemon says nothing any more.
pub(crate) fn silent() -> State {
    let mut state = busy();
    wait(&mut state, Duration::from_secs(5));
    state
}

/// Somebody has gone into a tunnel.
pub(crate) fn drilled() -> State {
    let mut state = busy();
    press(&mut state, "Down");
    press(&mut state, "Enter");
    tell(&mut state, &Daemon::busy());
    state
}

/// And on to its connections.
pub(crate) fn connections() -> State {
    let mut state = drilled();
    press(&mut state, "2");
    tell(&mut state, &Daemon::busy());
    state
}

/// What is seen of it at this size, a line each; blanks at the end of a line are left out.
pub(crate) fn text(state: &mut State, columns: u16, rows: u16) -> String {
    lines(&render(state, columns, rows)).join("\n")
}

/// The same, and below it where which style is: `row: first-last style`, in columns from 0.
pub(crate) fn styled(state: &mut State, columns: u16, rows: u16) -> String {
    let buffer = render(state, columns, rows);
    let styles = (0..rows).filter_map(|row| styles(&buffer, row));
    lines(&buffer).into_iter().chain([String::new()]).chain(styles).collect::<Vec<_>>().join("\n")
}

/// Draws it as the loop of the dashboard does.
pub(crate) fn render(state: &mut State, columns: u16, rows: u16) -> Buffer {
    let now = state.now;
    update(state, now, Message::Resized(columns, rows));
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    for _ in 0..3 {
        let mut told = None;
        terminal.draw(|frame| told = Some(view::draw(state, frame))).unwrap();
        if !drawn(state, told.unwrap_or_default()) {
            break;
        }
    }
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let line = |row| {
        let mut line = String::new();
        let mut hidden = 0;
        for cell in cells(buffer, row) {
            // A character of two columns hides the cell behind it.
            if hidden == 0 {
                line.push_str(cell.symbol());
                hidden = cell.symbol().width().saturating_sub(1);
            } else {
                hidden -= 1;
            }
        }
        line.trim_end().to_owned()
    };
    (0..buffer.area.height).map(line).collect()
}

fn cells(buffer: &Buffer, row: u16) -> impl Iterator<Item = &Cell> {
    (0..buffer.area.width).map(move |column| &buffer[(column, row)])
}

/// The styles of one row, those that are none left out.
fn styles(buffer: &Buffer, row: u16) -> Option<String> {
    let mut runs: Vec<(usize, usize, String)> = Vec::new();
    for (column, cell) in cells(buffer, row).enumerate() {
        let name = name_of(cell.fg, cell.bg, cell.modifier);
        match runs.last_mut() {
            Some((_, last, known)) if *known == name && *last + 1 == column => *last = column,
            _ if name.is_empty() => {}
            _ => runs.push((column, column, name)),
        }
    }
    let runs: Vec<_> =
        runs.iter().map(|(first, last, name)| format!("{first}-{last} {name}")).collect();
    (!runs.is_empty()).then(|| format!("{row}: {}", runs.join(", ")))
}

fn name_of(text: Color, background: Color, modifier: Modifier) -> String {
    let mut words: Vec<_> = modifier.iter_names().map(|(name, _)| name.to_lowercase()).collect();
    if text != Color::Reset {
        words.insert(0, text.to_string().to_lowercase());
    }
    if background != Color::Reset {
        words.push(format!("on {background}"));
    }
    words.join(" ")
}
