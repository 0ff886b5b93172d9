use crossterm::event::{MouseButton, MouseEventKind};
use proptest::prelude::*;

use super::*;

fn read(parts: &[&[u8]]) -> Vec<Event> {
    let (mut parser, mut read) = (Parser::default(), VecDeque::new());
    for part in parts {
        parser.take(part, &mut read);
    }
    // Silence, until nothing is waited for.
    while parser.patience().is_some() {
        parser.end(&mut read);
    }
    read.into()
}

fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

#[track_caller]
fn check(bytes: &[u8], code: KeyCode, modifiers: KeyModifiers) {
    assert_eq!(read(&[bytes]), [pressed(code, modifiers)], "{bytes:?}");
}

#[test]
fn keys_are_known_by_what_is_sent_for_them() {
    let none = KeyModifiers::NONE;
    check(b"q", KeyCode::Char('q'), none);
    check(b"G", KeyCode::Char('G'), KeyModifiers::SHIFT);
    check("é".as_bytes(), KeyCode::Char('é'), none);
    check("日".as_bytes(), KeyCode::Char('日'), none);
    check(b"\r", KeyCode::Enter, none);
    check(b"\t", KeyCode::Tab, none);
    check(b"\x7f", KeyCode::Backspace, none);
    check(b"\x1b", KeyCode::Esc, none);
    check(b"\x03", KeyCode::Char('c'), KeyModifiers::CONTROL);
    check(b"\x1a", KeyCode::Char('z'), KeyModifiers::CONTROL);
    check(b"\x1f", KeyCode::Char('7'), KeyModifiers::CONTROL);
    check(b"\x1bq", KeyCode::Char('q'), KeyModifiers::ALT);
    check(b"\x1b[", KeyCode::Char('['), KeyModifiers::ALT);
    check(b"\x1b[A", KeyCode::Up, none);
    check(b"\x1bOA", KeyCode::Up, none);
    check(b"\x1b[1;5C", KeyCode::Right, KeyModifiers::CONTROL);
    check(b"\x1b[Z", KeyCode::BackTab, KeyModifiers::SHIFT);
    check(b"\x1b[5~", KeyCode::PageUp, none);
    check(b"\x1b[6;2~", KeyCode::PageDown, KeyModifiers::SHIFT);
    check(b"\x1b[H", KeyCode::Home, none);
    check(b"\x1b[4~", KeyCode::End, none);
    for f1 in [&b"\x1bOP"[..], b"\x1b[11~", b"\x1b[[A", b"\x1b[1P"] {
        check(f1, KeyCode::F(1), none);
    }
    check(b"\x1b[24~", KeyCode::F(12), none);
}

#[test]
fn two_escapes_are_two_keys_and_what_stands_behind_them_is_whole() {
    let (escape, up) =
        (pressed(KeyCode::Esc, KeyModifiers::NONE), pressed(KeyCode::Up, KeyModifiers::NONE));
    assert_eq!(read(&[b"\x1b\x1b"]), [escape.clone(), escape.clone()]);
    assert_eq!(read(&[b"\x1b\x1b[A"]), [escape, up.clone()]);
    // One that was cut off does not swallow the next.
    assert_eq!(read(&[b"\x1b[1;\x1b[A"]), [up]);
}

#[test]
fn control_c_is_heard_whatever_was_begun() {
    let none = KeyModifiers::NONE;
    let interrupt = pressed(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let escape = pressed(KeyCode::Esc, none);
    assert_eq!(read(&[b"\x1b\x03"]), [escape.clone(), interrupt.clone()]);
    assert_eq!(read(&[b"\x1b", b"\x03"]), [escape, interrupt.clone()]);
    let up = pressed(KeyCode::Up, none);
    for begun in [
        &b"\x1b["[..],
        b"\x1bO",
        b"\x1b[1;",
        b"\x1b[<0;1",
        b"\x1b]11;rgb",
        b"\x1b[[",
        b"\x1b[M",
        b"\x1b[Mq",
        b"\x1b[Mqq",
    ] {
        assert_eq!(read(&[begun, b"\x03"]), std::slice::from_ref(&interrupt), "{begun:?}");
        let both = [begun, b"\x03"].concat();
        assert_eq!(read(&[&both]), std::slice::from_ref(&interrupt), "{begun:?}");
    }
    for begun in [&b"\x1b[["[..], b"\x1b[M", b"\x1b[Mqq"] {
        assert_eq!(read(&[begun, b"\x1b[A"]), std::slice::from_ref(&up), "{begun:?}");
    }
    let q = pressed(KeyCode::Char('q'), none);
    assert_eq!(read(&[b"\x1b[1;\x03q"]), [interrupt, q]);
}

#[test]
fn what_the_network_has_cut_is_waited_for_longer_than_a_key_that_goes_back() {
    #[track_caller]
    fn check(begun: &[u8], patience: Option<Duration>) {
        let (mut parser, mut read) = (Parser::default(), VecDeque::new());
        parser.take(begun, &mut read);
        assert_eq!((parser.patience(), read.len()), (patience, 0), "{begun:?}");
    }
    check(b"", None);
    check(b"\x1b", Some(ESCAPE_ALONE));
    check(b"\x1b]", Some(ESCAPE_ALONE));
    check(b"\x1b]11;rgb", Some(ESCAPE_ALONE));
    for begun in [&b"\x1b["[..], b"\x1bO", b"\x1b[1;5", b"\x1b[<0;1", b"\xc3", b"\x1b\xc3"] {
        check(begun, Some(REST));
    }
    check(PASTE_BEGIN, Some(PASTE));
}

#[test]
fn the_mouse_is_told_by_its_place() {
    let [Event::Mouse(click)] = &read(&[b"\x1b[<0;12;3M"])[..] else { panic!("no click") };
    assert_eq!(
        (click.kind, click.column, click.row),
        (MouseEventKind::Down(MouseButton::Left), 11, 2)
    );
    let [Event::Mouse(wheel)] = &read(&[b"\x1b[<69;1;1M"])[..] else { panic!("no wheel") };
    assert_eq!((wheel.kind, wheel.modifiers), (MouseEventKind::ScrollDown, KeyModifiers::SHIFT));
    // As it was told in the beginning: the bytes behind it are no keys.
    assert_eq!(read(&[b"\x1b[Mqqq"]), []);
}

#[test]
fn answers_that_nobody_has_asked_for_are_no_keys() {
    for answer in [
        &b"\x1b[24;80R"[..],
        b"\x1b]11;rgb:0000/0000/0000\x07",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1bP>|xterm(390)\x1b\\",
        b"\x1b[?62;22c",
        b"\x1b[I",
        b"\xff\xfe",
    ] {
        assert_eq!(read(&[answer]), [], "{answer:?}");
        let q = pressed(KeyCode::Char('q'), KeyModifiers::NONE);
        assert_eq!(read(&[answer, b"q"]), [q], "{answer:?}");
    }
}

#[test]
fn what_is_pasted_is_no_key_and_a_paste_without_an_end_ends() {
    let q = pressed(KeyCode::Char('q'), KeyModifiers::NONE);
    let paste = |text: &str| Event::Paste(text.to_owned());
    assert_eq!(read(&[b"\x1b[200~a\x1b[Ab\r\x1b[201~q"]), [paste("a\x1b[Ab\r"), q.clone()]);
    assert_eq!(read(&[b"\x1b[200~a", b"b\x1b[20", b"1~q"]), [paste("ab"), q]);
    assert_eq!(read(&[b"\x1b[200~q"]), [paste("q")]);
    let long = vec![b'x'; 3 * PASTE_MAX];
    let pasted = read(&[b"\x1b[200~", &long, &long, b"\x1b[20", b"1~"]);
    let [Event::Paste(text)] = &pasted[..] else { panic!("{pasted:?}") };
    assert_eq!(text.len(), PASTE_MAX);
}

proptest! {
    #[test]
    fn whatever_comes_in_whatever_pieces_nothing_is_held_for_ever(
        parts in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..20),
                Just(b"\x1b[200~".to_vec()),
                Just(b"\x1b[".to_vec()),
                Just(b"\x1b]".to_vec()),
                Just(vec![b'0'; 400]),
            ],
            0..20,
        ),
    ) {
        let (mut parser, mut read) = (Parser::default(), VecDeque::new());
        for part in &parts {
            parser.take(part, &mut read);
            prop_assert!(parser.is_paste || parser.held.len() <= SEQUENCE_MAX + 1);
        }
        parser.end(&mut read);
        parser.end(&mut read);
        prop_assert_eq!(parser.patience(), None);
    }

    #[test]
    fn pieces_do_not_change_what_was_typed(cut in 0usize..29) {
        let typed = b"q\x1b[A\x1b[1;5C\x1b[<0;1;1M\xc3\xa9\x1bOPx";
        let (before, behind) = typed.split_at(cut.min(typed.len()));
        prop_assert_eq!(read(&[before, behind]), read(&[typed]));
    }
}
