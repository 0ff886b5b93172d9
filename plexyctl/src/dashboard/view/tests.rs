//! What is seen, at each size and in each state.

use std::time::Duration;

use plexy_shared::overview::RowsReply;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::fixture::{self, Daemon};
use super::super::message::Target;
use super::super::state::{Mood, Row, Table, Theme, Toast, Units};
use super::super::theme::Role;
use super::table::{Cell, Field, Grid};

mod random;

/// Columns and rows at which each state is looked at: too small, the least, the usual, and more.
const SIZES: [(u16, u16); 5] = [(50, 8), (60, 10), (80, 24), (100, 30), (160, 50)];

/// What is seen of a daemon at each size after these keys, below each other.
fn sizes(daemon: &Daemon, keys: &[&str]) -> String {
    let mut seen = String::new();
    for (columns, rows) in SIZES {
        let mut state = fixture::told(daemon);
        state.size = (columns, rows);
        for key in keys {
            fixture::press(&mut state, key);
        }
        // What is wanted may hang on what is told of it.
        for _ in 0..2 {
            fixture::tell(&mut state, daemon);
        }
        let text = fixture::text(&mut state, columns, rows);
        seen += &format!("== {columns}x{rows} ==\n{text}\n");
    }
    seen
}

#[test]
fn a_busy_daemon() {
    insta::assert_snapshot!(sizes(&Daemon::busy(), &[]));
}

#[test]
fn a_daemon_without_tunnels() {
    insta::assert_snapshot!(sizes(&Daemon::with(Vec::new()), &[]));
}

#[test]
fn a_single_tunnel() {
    insta::assert_snapshot!(sizes(&Daemon::with(fixture::numbered_rows(1)), &[]));
}

#[test]
fn a_thousand_tunnels() {
    insta::assert_snapshot!(sizes(&Daemon::with(fixture::numbered_rows(1_000)), &["Down", "End"]));
}

#[test]
fn long_names_and_addresses() {
    insta::assert_snapshot!(sizes(&Daemon::with(fixture::rows_of_all_lengths()), &[]));
}

#[test]
fn everything_down() {
    insta::assert_snapshot!(sizes(&fixture::daemon_all_down(), &[]));
}

#[test]
fn what_is_paused_stands_still() {
    let before = fixture::text(&mut fixture::busy(), 80, 24);
    let after = fixture::text(&mut fixture::paused(), 80, 24);
    let marked = before.replacen("live 1s             ", "live 1s  PAUSED 12s ", 1);
    assert_eq!(after, marked);
    // And goes on where the daemon is meanwhile.
    let mut state = fixture::paused();
    fixture::press(&mut state, "p");
    let after = fixture::text(&mut state, 80, 24);
    assert!(after.contains("Tunnels 0") && !after.contains("PAUSED"), "{after}");
    assert!(after.contains("▅▄▃█▁▁▁▁▁▁▁▁▁▁▁▁"), "{after}");
}

#[test]
fn a_lost_daemon() {
    insta::assert_snapshot!(fixture::styled(&mut fixture::disconnected(), 80, 24));
}

#[test]
fn a_silent_daemon() {
    insta::assert_snapshot!(fixture::styled(&mut fixture::silent(), 80, 24));
}

#[test]
fn only_some_rows() {
    insta::assert_snapshot!(sizes(&Daemon::busy(), &["/", "web", "Enter"]));
}

#[test]
fn backends_of_all_tunnels() {
    insta::assert_snapshot!(sizes(&Daemon::busy(), &["2"]));
}

#[test]
fn connections_of_all_tunnels() {
    insta::assert_snapshot!(sizes(&Daemon::busy(), &["3"]));
}

#[test]
fn connections_of_a_tunnel() {
    insta::assert_snapshot!(sizes(&Daemon::busy(), &["Down", "Enter", "2"]));
}

#[test]
fn more_columns_for_who_wants_them() {
    let mut state = fixture::busy();
    fixture::press(&mut state, "w");
    let mut seen = String::new();
    for pane in ["1", "2", "3"] {
        fixture::press(&mut state, pane);
        fixture::tell(&mut state, &Daemon::busy());
        for columns in [80, 240] {
            seen += &format!("== {columns} ==\n{}\n", fixture::text(&mut state, columns, 20));
        }
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn themes_differ_in_nothing_but_colours() {
    let mut state = fixture::busy();
    let dark = fixture::text(&mut state, 80, 24);
    let mut seen = String::new();
    for theme in [Theme::Dark, Theme::Light, Theme::Colorblind, Theme::Mono] {
        state.looks.theme = theme;
        let styled = fixture::styled(&mut state, 80, 24);
        let styles = styled.strip_prefix(&dark).unwrap();
        seen += &format!("== {} =={styles}\n", theme.as_str());
    }
    // NO_COLOR is the same as no theme at all.
    let mono = fixture::styled(&mut state, 80, 24);
    (state.looks.theme, state.looks.has_colour) = (Theme::Dark, false);
    assert_eq!(fixture::styled(&mut state, 80, 24), mono);
    insta::assert_snapshot!(seen);
}

#[test]
fn ascii_alone_where_the_terminal_knows_nothing_else() {
    let states = [
        fixture::busy(),
        fixture::long(),
        fixture::disconnected(),
        fixture::drilled(),
        fixture::connections(),
    ];
    for (number, mut state) in states.into_iter().enumerate() {
        state.looks.is_ascii = true;
        for (columns, rows) in SIZES {
            let text = fixture::text(&mut state, columns, rows);
            assert!(text.is_ascii(), "{text}");
            if number == 0 && columns == 80 {
                insta::assert_snapshot!(text);
            }
        }
    }
}

#[test]
fn units_are_those_that_are_wanted() {
    let mut state = fixture::busy();
    for (units, shown) in
        [(Units::Bits, ["337 Mbit/s", " 250Mb "]), (Units::Iec, ["40.1 MiB/s", " 29.8Mi "])]
    {
        state.looks.units = units;
        let text = fixture::text(&mut state, 80, 24);
        assert!(shown.iter().all(|shown| text.contains(shown)), "{text}");
    }
}

#[test]
fn the_first_lines_warn_of_what_is_near_its_end() {
    let mut daemon = Daemon::busy();
    (daemon.process.descriptors, daemon.process.descriptors_max) = (800, Some(1_000));
    daemon.process.tunnels_paused = 2;
    daemon.sums.certificate_seconds = Some(9 * 86_400);
    let mut state = fixture::told(&daemon);
    let styled = fixture::styled(&mut state, 100, 24);
    assert!(styled.contains("fd 800/1.0k") && styled.contains("2 without descriptors"), "{styled}");
    assert!(styled.contains("cert 9d"), "{styled}");
    assert!(styled.contains("\n0: 0-7 cyan bold, 15-23 green, 88-98 yellow\n"), "{styled}");
    daemon.process.descriptors = 799;
    fixture::tell(&mut state, &daemon);
    let styled = fixture::styled(&mut state, 100, 24);
    assert!(styled.contains("\n0: 0-7 cyan bold, 15-23 green\n"), "{styled}");
    daemon.sums.certificate_seconds = Some(15 * 86_400);
    fixture::tell(&mut state, &daemon);
    assert!(!fixture::text(&mut state, 100, 24).contains("cert"));
}

#[test]
fn it_is_said_where_nothing_is_to_be_changed_or_only_with_care() {
    let mut state = fixture::busy();
    state.place.protected = Some("prod".to_owned());
    state.place.is_read_only = true;
    let text = fixture::text(&mut state, 80, 24);
    let (first, last) = (text.lines().next().unwrap(), text.lines().last().unwrap());
    assert!(first.starts_with(" plexy  local! protected read-only  ● live 1s"), "{text}");
    assert!(first.ends_with("v1.0.0  up 12d 03h  fd 2.1k/1.0M"), "{text}");
    assert!(last.contains("s sort"), "{text}");
    // Where not all has room, descriptors stay longest.
    let text = fixture::text(&mut state, 60, 24);
    let first = text.lines().next().unwrap();
    assert_eq!(first, " plexy  local! protected read-only  ● live 1s  fd 2.1k/1.0M");
    for word in ["open tunnel", "close", "drain", "edit"] {
        let text = fixture::text(&mut state, 160, 24);
        assert!(!text.lines().last().unwrap().contains(word), "{word}: {text}");
    }
}

#[test]
fn what_was_just_done_takes_the_place_of_the_keys() {
    let mut state = fixture::busy();
    let text = "opened db\u{1b}[2J";
    state.toast = Some(Toast { mood: Mood::Done, text: text.to_owned(), since: state.now });
    let seen = fixture::text(&mut state, 80, 24);
    assert_eq!(seen.lines().last(), Some(r" ✔ opened db\u{1b}[2J"));
    fixture::wait(&mut state, Duration::from_secs(7));
    assert!(fixture::text(&mut state, 80, 24).lines().last().unwrap().contains("? help  q quit"));
}

#[test]
fn who_zooms_sees_rows_and_little_else() {
    let mut state = fixture::thousand();
    fixture::press(&mut state, "z");
    let text = fixture::text(&mut state, 80, 24);
    assert_eq!(text.lines().filter(|line| line.contains("127.0.0.1:")).count(), 20, "{text}");
    assert!(!text.contains("Events ─"), "{text}");
}

#[test]
fn rows_that_have_gone_are_struck_out_for_a_moment() {
    let mut state = fixture::busy();
    let mut daemon = Daemon::busy();
    daemon.tunnels.remove(3);
    fixture::tell(&mut state, &daemon);
    let styled = fixture::styled(&mut state, 80, 24);
    assert!(styled.contains("  ● mqtt"), "{styled}");
    assert!(styled.contains("\n9: 0-1 dim crossed_out, 2-2 green dim crossed_out"), "{styled}");
    fixture::wait(&mut state, Duration::from_secs(4));
    assert!(!fixture::text(&mut state, 80, 24).contains("mqtt"));
}

#[test]
fn clicks_find_what_was_drawn() {
    let mut state = fixture::busy();
    fixture::render(&mut state, 80, 24);
    let hit = |column, row| {
        let at = ratatui::layout::Position::new(column, row);
        let hits = state.drawn.targets.iter().rev();
        hits.into_iter().find(|(area, _)| area.contains(at)).map(|(_, target)| *target)
    };
    assert_eq!(hit(20, 7), Some(Target::Row(1)));
    assert_eq!(hit(47, 5), Some(Target::Column(4)), "connections");
    assert_eq!(hit(17, 4), Some(Target::Pane(1)));
    assert_eq!(hit(72, 23), Some(Target::Action(super::super::action::Action::Quit)));
    assert_eq!(hit(40, 2), None);
}

/// A row of a table that counts how often it is asked.
#[derive(Debug, Clone)]
struct Counted(u64);

static ASKED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

impl Row for Counted {
    type Id = u64;
    type Column = plexy_shared::overview::TunnelColumn;

    fn id(&self) -> u64 {
        self.0
    }

    fn place(&self) -> String {
        String::new()
    }

    fn first_order() -> plexy_shared::overview::Order<Self::Column> {
        plexy_shared::overview::Order::by(plexy_shared::overview::TunnelColumn::Name)
    }
}

#[test]
fn rows_that_are_not_seen_are_not_made() {
    const FIELDS: &[Field<Counted>] = &[
        Field::text("A", [8, 8, 8], |it, _| {
            ASKED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Cell::of(it.0.to_string()).role(Role::Text)
        }),
        Field::text("B", [99, 99, 99], |_, _| panic!("it has no room")).goes(1),
    ];
    let state = fixture::begun();
    let mut table = Table::default();
    let rows = (0..10_000).map(Counted).collect();
    let reply = RowsReply { total: 10_000, matched: 10_000, skipped: 0, rows };
    table.told(reply, state.now);
    let area = Rect::new(0, 0, 40, 11);
    let mut buffer = Buffer::empty(area);
    let grid = Grid { fields: FIELDS, glyph: |_| None, order: None, note: None };
    let height = grid.draw(&table, &state, area, &mut buffer, &mut Vec::new());
    assert_eq!((height, ASKED.load(std::sync::atomic::Ordering::Relaxed)), (10, 10));
}

#[test]
fn the_note_stands_below_the_selected_row() {
    let mut state = fixture::drilled();
    fixture::render(&mut state, 80, 24);
    fixture::press(&mut state, "Down");
    let area = Rect::new(0, 0, 80, 4);
    let mut buffer = Buffer::empty(area);
    let mut grid = super::backends::grid(&state);
    grid.note = Some(("why it is so".to_owned(), Role::Dim));
    let table = &state.level().backends;
    assert_eq!(grid.draw(table, &state, area, &mut buffer, &mut Vec::new()), 2);
    let line = |row| (0..80).map(|column| buffer[(column, row)].symbol()).collect::<String>();
    assert!(line(2).starts_with("▸ ● 10.0.1.6:80"), "{}", line(2));
    assert!(line(3).starts_with("      why it is so"), "{}", line(3));
}
