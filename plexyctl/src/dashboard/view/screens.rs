//! What is seen beside the main tables, at each size and in each state.

use std::time::Duration;

use plexy_shared::event::EventsReply;
use proptest::prelude::*;

use super::super::fixture::{self, Daemon};
use super::super::message::{Effect, Message, News};
use super::super::state::State;
use super::super::update::update;

/// Sizes of terminals: the smallest one, the usual one, and those from which more is shown.
const SIZES: [(u16, u16); 5] = [(60, 10), (80, 24), (100, 30), (160, 50), (80, 50)];

/// Keys that lead to each view; the last ones stand in front of it, and have no use for much room.
const WAYS: [(&str, &[&str]); 11] = [
    ("main", &["Down"]),
    ("events", &["4"]),
    ("latency", &["5", "Down"]),
    ("tunnel", &["Down", "Enter"]),
    ("tunnel_connections", &["Down", "Enter", "2"]),
    ("tunnel_latency", &["Down", "Enter", "3"]),
    ("tunnel_options", &["Down", "Enter", "4"]),
    ("tunnel_events", &["Down", "Enter", "5"]),
    ("help", &["?"]),
    ("sort", &["s"]),
    ("find", &["/", "web"]),
];

/// Somebody has gone there, on a screen of this size.
fn at(keys: &[&str], size: (u16, u16)) -> State {
    let mut state = fixture::busy();
    state.size = size;
    fixture::tell(&mut state, &Daemon::busy());
    for key in keys {
        fixture::press(&mut state, key);
        // What is asked for by a key is told by the look after it, and asks for more, perhaps.
        fixture::tell(&mut state, &Daemon::busy());
        fixture::tell(&mut state, &Daemon::busy());
    }
    state
}

fn shown(state: &mut State) -> String {
    let (columns, rows) = state.size;
    fixture::text(state, columns, rows)
}

/// As it is on a screen without colours, with its styles.
fn shown_in_mono(state: &mut State) -> String {
    state.looks.has_colour = false;
    let (columns, rows) = state.size;
    fixture::styled(state, columns, rows)
}

fn told(state: &mut State, news: News) {
    let now = state.now;
    update(state, now, Message::News(Box::new(news)));
}

#[test]
fn r_tries_again_where_plexyd_says_nothing_and_forgets_peaks_where_it_does() {
    let peak = |state: &State| state.trends.rate_in.peak();
    for mut state in [fixture::disconnected(), fixture::silent()] {
        let before = peak(&state);
        assert_eq!(fixture::press(&mut state, "r"), [Effect::Retry]);
        assert!(before > 0 && peak(&state) == before);
    }
    let mut live = fixture::busy();
    assert_eq!(fixture::press(&mut live, "r"), []);
    assert_eq!(peak(&live), 0);
}

#[test]
fn every_view_at_every_size() {
    for (name, keys) in WAYS {
        let is_in_front = ["help", "sort", "find"].contains(&name);
        for size @ (columns, rows) in SIZES.into_iter().take(if is_in_front { 2 } else { 5 }) {
            let name = format!("{name}_{columns}x{rows}");
            insta::assert_snapshot!(name, shown(&mut at(keys, size)));
        }
    }
}

#[test]
fn without_colours_all_is_told_by_signs_and_modifiers() {
    for (name, keys) in WAYS {
        insta::assert_snapshot!(format!("{name}_mono"), shown_in_mono(&mut at(keys, (80, 24))));
    }
    insta::assert_snapshot!("lost_mono", shown_in_mono(&mut fixture::disconnected()));
}

#[test]
fn in_ascii_nothing_else_is_drawn() {
    for (name, keys) in WAYS {
        for size in SIZES {
            let mut state = at(keys, size);
            state.looks.is_ascii = true;
            let text = shown(&mut state);
            assert!(text.is_ascii(), "{name} at {size:?}:\n{text}");
        }
    }
    let mut state = at(&["Down", "Enter"], (80, 24));
    state.looks.is_ascii = true;
    insta::assert_snapshot!("tunnel_ascii", shown(&mut state));
}

#[test]
fn a_lost_daemon_is_told_before_all_else() {
    for size @ (columns, rows) in [(60, 10), (80, 24), (160, 50)] {
        let mut state = fixture::disconnected();
        state.size = size;
        insta::assert_snapshot!(format!("lost_{columns}x{rows}"), shown(&mut state));
    }
    insta::assert_snapshot!("silent", shown(&mut fixture::silent()));
}

#[test]
fn a_daemon_that_is_not_tried_again_says_so() {
    let mut state = fixture::begun();
    let why = "cannot reach plexyd: permission denied".to_owned();
    told(
        &mut state,
        News::Lost { why, hint: Some("join the group plexy".to_owned()), retry: None },
    );
    let text = shown(&mut state);
    assert!(text.contains("Nothing was told yet."), "{text}");
    assert!(text.contains("Not tried again (r tries)."), "{text}");
    assert!(text.contains("join the group plexy"), "{text}");
}

#[test]
fn it_is_told_that_a_daemon_is_back_and_whether_it_is_another_one() {
    let mut same = fixture::disconnected();
    fixture::online(&mut same, &Daemon::busy());
    fixture::tell(&mut same, &Daemon::busy());
    let text = shown(&mut same);
    assert!(text.contains("Reconnected after 14s to the same plexyd."), "{text}");
    fixture::wait(&mut same, Duration::from_secs(10));
    fixture::tell(&mut same, &Daemon::busy());
    assert!(!shown(&mut same).contains("Reconnected"), "for a moment only");

    let mut daemon = Daemon::busy();
    daemon.instance = "9007-1".to_owned();
    (daemon.process.pid, daemon.process.uptime_seconds) = (9_007, 3);
    daemon.process.version = "1.0.1".to_owned();
    let mut other = fixture::disconnected();
    fixture::online(&mut other, &daemon);
    fixture::tell(&mut other, &daemon);
    insta::assert_snapshot!("returned", shown(&mut other));
    fixture::wait(&mut other, Duration::from_secs(60));
    fixture::tell(&mut other, &daemon);
    assert!(shown(&mut other).contains("to a NEW plexyd"), "until it is read");
    fixture::press(&mut other, "Esc");
    assert!(!shown(&mut other).contains("to a NEW plexyd"));
}

#[test]
fn events_that_are_read_stay_while_others_come() {
    let mut state = at(&["4"], (80, 24));
    let mut events = Daemon::busy().events;
    for _ in 0..4 {
        let more = events.clone();
        events.extend(more);
    }
    let reply = |events: Vec<_>, missed| EventsReply {
        instance: "8121-1".to_owned(),
        newest: 900,
        missed,
        events,
    };
    told(&mut state, News::Events(reply(events.clone(), 12)));
    shown(&mut state);
    fixture::press(&mut state, "PageDown");
    let before = shown(&mut state);
    told(&mut state, News::Events(reply(events.split_off(60), 0)));
    let after = shown(&mut state);
    let listed = |text: &str| text.lines().skip(5).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(listed(&after), listed(&before));
    insta::assert_snapshot!("events_frozen", after);
    fixture::press(&mut state, "f");
    assert!(shown(&mut state).contains("following"));
    fixture::press(&mut state, "w");
    insta::assert_snapshot!("events_warnings", shown(&mut state));
}

#[test]
fn a_text_is_scrolled_to_its_end_and_back_by_as_many_keys() {
    let mut state = at(&["?"], (80, 24));
    let first = shown(&mut state);
    fixture::press(&mut state, "End");
    let last = shown(&mut state);
    assert_ne!(first, last);
    fixture::press(&mut state, "Up");
    assert_ne!(shown(&mut state), last, "the first key after the end is heard");
    fixture::press(&mut state, "Down");
    assert_eq!(shown(&mut state), last);
    insta::assert_snapshot!("help_end", last);
}

#[test]
fn who_looks_into_a_tunnel_that_was_closed_is_told() {
    let mut state = at(&["Down", "Enter", "4"], (80, 24));
    let mut daemon = Daemon::busy();
    daemon.tunnels.retain(|row| row.status.name.as_deref() != Some("web"));
    fixture::tell(&mut state, &daemon);
    let text = shown(&mut state);
    assert!(text.contains("Tunnels ▸ web") && text.contains("is no more"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_size_is_too_small_for_any_view(
        way in 0..WAYS.len(),
        size in (1..300_u16, 1..100_u16),
        then in (1..300_u16, 1..100_u16),
        state in 0..5_usize,
        keys in "[a-zA-Z0-9<>/?+]{0,6}",
    ) {
        let mut state = [
            fixture::busy, fixture::empty, fixture::long, fixture::thousand, fixture::disconnected,
        ][state]();
        state.size = size;
        for key in WAYS[way].1.iter().copied().chain([keys.as_str()]) {
            fixture::press(&mut state, key);
            fixture::tell(&mut state, &Daemon::busy());
        }
        shown(&mut state);
        state.size = then;
        state.looks.is_ascii = !state.looks.is_ascii;
        shown(&mut state);
    }
}
