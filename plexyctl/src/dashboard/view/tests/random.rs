//! Whatever is told, pressed and resized: nothing panics, and nothing is drawn outside of the screen.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;
use ratatui::layout::Rect;

use super::super::super::fixture::{self, Daemon};
use super::super::super::message::{Message, News};
use super::super::super::state::{State, Theme};
use super::super::super::update::update;

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Key(KeyCode, KeyModifiers),
    Click(u16, u16),
    Wheel(bool),
    Paste(String),
    /// The daemon answers what is wanted of it.
    Told(usize),
    /// It goes away, and comes back another one or the same.
    Lost,
    Back(bool),
    Waits(u64),
    Size(u16, u16),
}

fn steps() -> impl Strategy<Value = Step> {
    use KeyCode as Code;
    let named = prop::sample::select(vec![
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::BackTab,
        Code::Up,
        Code::Down,
        Code::Left,
        Code::Right,
        Code::PageUp,
        Code::PageDown,
        Code::Home,
        Code::End,
        Code::Backspace,
        Code::Delete,
        Code::F(1),
    ]);
    let letters = prop::char::range(' ', '~').prop_map(Code::Char);
    let held = prop::sample::select(vec!['b', 'f', 'u', 'd', 'l', 'w'])
        .prop_map(|letter| Step::Key(Code::Char(letter), KeyModifiers::CONTROL));
    prop_oneof![
        6 => named.prop_map(|code| Step::Key(code, KeyModifiers::NONE)),
        8 => letters.prop_map(|code| Step::Key(code, KeyModifiers::NONE)),
        1 => held,
        2 => (0..300_u16, 0..100_u16).prop_map(|(column, row)| Step::Click(column, row)),
        1 => any::<bool>().prop_map(Step::Wheel),
        1 => "[ -~äß数\u{202e}]{0,20}".prop_map(Step::Paste),
        5 => (0..5_usize).prop_map(Step::Told),
        1 => Just(Step::Lost),
        1 => any::<bool>().prop_map(Step::Back),
        1 => (0..9_000_u64).prop_map(Step::Waits),
        4 => sizes().prop_map(|(columns, rows)| Step::Size(columns, rows)),
    ]
}

/// Most often a size at which something else begins.
fn sizes() -> impl Strategy<Value = (u16, u16)> {
    let columns = prop_oneof![1..=300_u16, prop::sample::select(vec![1, 59, 60, 80, 99, 100, 140])];
    let rows = prop_oneof![1..=100_u16, prop::sample::select(vec![1, 9, 10, 14, 16, 24, 40, 45])];
    (columns, rows)
}

fn daemon(number: usize) -> Daemon {
    match number {
        0 => Daemon::with(Vec::new()),
        1 => Daemon::with(fixture::rows_of_all_lengths()),
        2 => Daemon::with(fixture::numbered_rows(700)),
        _ => Daemon::busy(),
    }
}

fn done(state: &mut State, step: Step) {
    let now = state.now;
    let message = match step {
        Step::Key(code, held) => Message::Key(KeyEvent::new(code, held)),
        Step::Click(column, row) => mouse(MouseEventKind::Down(MouseButton::Left), column, row),
        Step::Wheel(true) => mouse(MouseEventKind::ScrollUp, 0, 0),
        Step::Wheel(false) => mouse(MouseEventKind::ScrollDown, 0, 0),
        Step::Paste(text) => Message::Paste(text),
        Step::Told(number) => return fixture::tell(state, &daemon(number)),
        Step::Lost => Message::News(Box::new(News::Lost {
            why: "connection refused".to_owned(),
            hint: None,
            retry: Some(Duration::from_secs(1)),
        })),
        Step::Back(is_same) => {
            let mut daemon = Daemon::busy();
            if !is_same {
                "9007-2".clone_into(&mut daemon.instance);
            }
            return fixture::online(state, &daemon);
        }
        Step::Waits(ms) => return fixture::wait(state, Duration::from_millis(ms)),
        Step::Size(columns, rows) => Message::Resized(columns, rows),
    };
    update(state, now, message);
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Message {
    Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_that_happens_makes_it_panic(
        steps in prop::collection::vec(steps(), 1..40),
        is_ascii in any::<bool>(),
        is_mono in any::<bool>(),
    ) {
        let mut state = fixture::begun();
        state.looks.is_ascii = is_ascii;
        if is_mono {
            state.looks.theme = Theme::Mono;
        }
        for step in steps {
            done(&mut state, step);
            let (columns, rows) = state.size;
            let buffer = fixture::render(&mut state, columns, rows);
            let screen = Rect::new(0, 0, columns, rows);
            prop_assert_eq!(buffer.area, screen);
            for (place, target) in &state.drawn.targets {
                prop_assert!(screen.intersection(*place) == *place, "{:?} of {:?}", place, target);
            }
        }
    }
}
