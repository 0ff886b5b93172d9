//! What somebody types into the command line and into forms.

use std::time::Duration;

use crossterm::event::KeyCode;
use plexy_shared::error::Code;

use crate::dashboard::action::Action;
use crate::dashboard::message::{Effect, Message, Target};
use crate::dashboard::order::{Order, Reply};
use crate::dashboard::scene::Scene;
use crate::dashboard::state::{Dialog, Place};
use crate::exit::ClientCode;
use crate::failure::Failure;

/// As long as somebody reads.
const READ: Duration = Duration::from_millis(500);

fn trial(line: &str) -> Order {
    Order { is_trial: true, ..Order::new(line) }
}

/// One that is for what was told alone.
fn seen(order: Order) -> Order {
    Order { revision: Some(40), ..order }
}

fn tried(text: &str, revision: u64, live: Option<u64>) -> Result<Reply, Failure> {
    Ok(Reply { text: text.to_owned(), revision: Some(revision), live, ..Reply::default() })
}

/// What is done once the daemon has said again what it would do.
#[track_caller]
fn agreed(scene: &mut Scene, revision: u64, live: Option<u64>) -> Order {
    let order = scene.order();
    assert!(order.is_trial, "{order:?}");
    scene.answered(order, tried("would do the same\n", revision, live));
    scene.order()
}

#[track_caller]
fn shows(scene: &mut Scene, text: &str) {
    let screen = scene.screen();
    assert!(screen.contains(text), "{text} is not in\n{screen}");
}

/// The command line with this in it.
fn typed(text: &str) -> Scene {
    let mut scene = Scene::new();
    scene.keys(":");
    scene.keys(text);
    scene
}

fn line(scene: &Scene) -> &str {
    match &scene.state.dialog {
        Some(Dialog::Line(line)) => line.input.value(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_of_one_line_is_told_in_the_last_one_and_a_longer_one_in_a_dialog() {
    let mut scene = typed("ping");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    assert_eq!(order, Order::new("ping"));
    scene.did(order, "pong\n");
    assert_eq!(scene.toast(), "pong");
    let mut scene = typed("detail web");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    scene.did(order, "web\n  a\n  b\n");
    shows(&mut scene, " detail web ");
    scene.key(KeyCode::Esc);
    assert!(scene.state.dialog.is_none());
}

#[test]
fn what_others_feel_is_tried_out_and_then_asked() {
    let mut scene = typed("switch cache to 10.0.1.9:6380");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    assert_eq!(order, trial("switch cache to 10.0.1.9:6380"));
    shows(&mut scene, "plexyd is asked what it would do");
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    scene.answered(order, tried("would change cache\n~ cache\n    - 10.0.1.9:6379\n", 50, Some(1)));
    shows(&mut scene, "- 10.0.1.9:6379");
    scene.keys("y");
    let order = agreed(&mut scene, 50, Some(1));
    assert_eq!((order.revision, order.is_trial), (Some(50), false));
    let refused = Failure::of(Code::RevisionMismatch, "the revision is 51, not 50");
    scene.answered(order.clone(), Err(refused));
    assert_eq!(scene.order(), trial(&order.line));
    scene.answered(trial(&order.line), tried("would change cache\n", 51, Some(1)));
    shows(&mut scene, "Look again: something has changed since you were asked.");
    scene.wait(READ);
    scene.keys("y");
    assert_eq!(agreed(&mut scene, 51, Some(1)).revision, Some(51));
}

#[test]
fn a_setting_that_lets_no_clients_come_is_tried_out_like_its_verb() {
    for line in ["set cache admin=drain", "set cache 10.0.1.9:6379 admin=disabled"] {
        let mut scene = typed(line);
        scene.key(KeyCode::Enter);
        assert_eq!(scene.order(), trial(line));
    }
}

#[test]
fn what_was_agreed_to_is_tried_out_once_more_before_it_is_done() {
    // Where nobody sees the tunnel.
    let asked = |line: &str, live: u64| {
        let mut scene = Scene::new();
        scene.keys("2");
        scene.look();
        scene.keys(&format!(":{line}"));
        scene.key(KeyCode::Enter);
        let order = scene.order();
        assert_eq!(order, trial(line));
        scene.answered(order, tried("would close web\n", 40, Some(live)));
        scene
    };
    let mut scene = asked("close web", 0);
    shows(&mut scene, "Close tunnel web now?");
    scene.keys("y");
    let order = scene.order();
    assert_eq!(order, trial("close web"));
    shows(&mut scene, "plexyd is asked what it would do now");
    scene.keys("yy");
    assert_eq!(scene.orders(), []);
    scene.answered(order, tried("would close web\n", 40, Some(100)));
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Look again: it was 0, and is 100 connections now.");
    scene.wait(READ);
    shows(&mut scene, "Type web to go on:");
    scene.keys("web");
    scene.key(KeyCode::Enter);
    assert_eq!(agreed(&mut scene, 40, Some(110)).line, "close web");
    // Whoever goes away meanwhile has not agreed.
    let mut scene = asked("close web", 0);
    scene.keys("y");
    let order = scene.order();
    scene.key(KeyCode::Esc);
    scene.answered(order, tried("would close web\n", 40, Some(0)));
    assert_eq!(scene.orders(), []);
    assert!(scene.state.dialog.is_none());
    // And where there is nothing any more, that is told.
    let mut scene = asked("close web", 0);
    scene.keys("y");
    let order = scene.order();
    scene.answered(order, Err(Failure::of(Code::TunnelNotFound, "no tunnel is called `web`")));
    assert_eq!(scene.toast(), "no tunnel is called `web`");
    assert!(scene.state.dialog.is_none());
}

#[test]
fn connections_are_killed_where_they_are_as_many_as_was_told_and_of_that_tunnel() {
    let asked = || {
        let mut scene = typed("kill web where age>=0s");
        scene.key(KeyCode::Enter);
        let order = scene.order();
        let reply = Reply { text: "would kill 3\n".to_owned(), live: Some(3), ..Reply::default() };
        scene.answered(order, Ok(reply));
        shows(&mut scene, "Kill connections of web?");
        scene.keys("web");
        scene
    };
    let would = |live: u64| Reply {
        text: format!("would kill {live}\n"),
        live: Some(live),
        ..Reply::default()
    };
    let mut scene = asked();
    scene.key(KeyCode::Enter);
    let order = scene.order();
    scene.answered(order, Ok(would(800)));
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Look again: it was 3, and is 800 connections now.");
    scene.wait(READ);

    let mut scene = asked();
    scene.tunnels[0].id = 70;
    scene.look();
    scene.key(KeyCode::Enter);
    let order = scene.order();
    scene.answered(order, Ok(would(3)));
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Look again: web is another tunnel now.");
    scene.wait(READ);

    let mut scene = asked();
    scene.tunnels.remove(0);
    scene.look();
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.toast(), "web is no more: nothing was done");

    let mut scene = asked();
    scene.key(KeyCode::Enter);
    let order = scene.order();
    scene.answered(order, Ok(would(4)));
    assert_eq!(scene.order().line, "kill web where age>=0s");
}

#[test]
fn who_leaves_is_not_asked_when_the_answer_comes() {
    let mut scene = typed("reload");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    scene.key(KeyCode::Esc);
    scene.answered(order, tried("would have opened 1\n", 50, None));
    assert!(scene.state.dialog.is_none());
}

#[test]
fn a_line_that_is_wrong_stays_with_what_is_wrong_about_it() {
    let mut scene = typed("close web drian");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "did you mean `drain`?");
    assert_eq!(line(&scene), "close web drian");
    scene.key(KeyCode::Backspace);
    assert!(!scene.screen().contains("did you mean"));
}

#[test]
fn the_part_that_does_not_parse_is_marked_and_what_is_not_complete_is_not() {
    let marked = |text: &str| {
        let scene = typed(text);
        match &scene.state.dialog {
            Some(Dialog::Line(line)) => line.mistake.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(marked("drain web daedline=1"), Some(10..20));
    for text in ["dra", "drain", "drain web", "drain web deadl", "open 1=2[strat"] {
        assert_eq!(marked(text), None, "{text}");
    }
}

#[test]
fn words_are_completed_from_the_rows_that_are_known() {
    let mut scene = typed("dra");
    scene.key(KeyCode::Tab);
    assert_eq!(line(&scene), "drain ");
    scene.keys("c");
    scene.key(KeyCode::Tab);
    assert_eq!(line(&scene), "drain cache ");
    let mut scene = typed("d");
    scene.key(KeyCode::Tab);
    shows(&mut scene, "takes a backend out of service");
    scene.key(KeyCode::Tab);
    scene.key(KeyCode::Enter);
    assert_eq!(line(&scene), "drain ");
    scene.key(KeyCode::Esc);
    assert!(scene.state.dialog.is_none());
}

#[test]
fn lines_are_typed_again() {
    let mut scene = typed("ping");
    scene.key(KeyCode::Enter);
    scene.keys(":save");
    scene.key(KeyCode::Enter);
    scene.keys(":");
    scene.key(KeyCode::Up);
    assert_eq!(line(&scene), "save");
    scene.key(KeyCode::Up);
    scene.key(KeyCode::Up);
    assert_eq!(line(&scene), "ping");
    scene.key(KeyCode::Down);
    scene.key(KeyCode::Down);
    assert_eq!(line(&scene), "");
    scene.key(KeyCode::Backspace);
    assert!(scene.state.dialog.is_none());
}

#[test]
fn what_is_no_command_of_plexyd_says_where_it_is_done() {
    for (text, told) in [
        ("apply -f x", "`plexyctl apply` does it"),
        ("top", "`plexyctl top` does it"),
        ("mode json", "for a session of the line protocol"),
        ("events follow", "the view `Events` shows them"),
    ] {
        let mut scene = typed(text);
        scene.key(KeyCode::Enter);
        assert_eq!(scene.effects(), [], "{text}");
        shows(&mut scene, told);
    }
    for text in ["q", "quit", "exit"] {
        let mut scene = typed(text);
        scene.key(KeyCode::Enter);
        assert_eq!(scene.effects(), [Effect::Quit], "{text}");
    }
    let mut scene = typed("help drain");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.effects(), []);
    shows(&mut scene, "deadline");
}

#[test]
fn a_paste_types_and_presses_no_key() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.message(Message::Paste("y\n".to_owned()));
    assert_eq!(scene.orders(), []);
    let mut scene = typed("");
    scene.message(Message::Paste("ping\nping\n".to_owned()));
    assert_eq!(line(&scene), "ping ping");
    assert_eq!(scene.orders(), []);
}

#[test]
fn with_control_or_alt_no_letter_is_an_answer_and_pages_are_turned() {
    use crossterm::event::{KeyEvent, KeyModifiers};
    let held = |scene: &mut Scene, letter: char, modifiers: KeyModifiers| {
        scene.message(Message::Key(KeyEvent::new(KeyCode::Char(letter), modifiers)));
    };
    let at = |scene: &Scene| match &scene.state.dialog {
        Some(Dialog::Menu(menu)) => menu.at,
        other => panic!("{other:?}"),
    };
    let mut scene = Scene::new();
    scene.keys("a");
    for modifiers in [KeyModifiers::CONTROL, KeyModifiers::ALT] {
        for letter in ['u', 'b', 'd', 'c', 'e', 'y', 'q', 'a'] {
            if (letter, modifiers) != ('c', KeyModifiers::CONTROL) {
                held(&mut scene, letter, modifiers);
                assert_eq!(scene.effects(), [], "{letter}");
                assert!(matches!(scene.state.dialog, Some(Dialog::Menu(_))), "{letter}");
            }
        }
    }
    held(&mut scene, 'f', KeyModifiers::CONTROL);
    let last = at(&scene);
    held(&mut scene, 'u', KeyModifiers::CONTROL);
    assert!(0 < at(&scene) && at(&scene) < last, "{} of {last}", at(&scene));
    held(&mut scene, 'b', KeyModifiers::CONTROL);
    assert_eq!(at(&scene), 0);

    let mut scene = Scene::new();
    scene.keys("d");
    scene.look();
    for modifiers in [KeyModifiers::CONTROL, KeyModifiers::ALT] {
        held(&mut scene, 'y', modifiers);
        held(&mut scene, 'n', modifiers);
    }
    assert_eq!(scene.effects(), []);
    held(&mut scene, 'Y', KeyModifiers::SHIFT);
    assert_eq!(scene.order().line, "drain web deadline=1m");

    let mut scene = Scene::new();
    scene.keys("cweb");
    scene.message(Message::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::ALT)));
    assert_eq!(scene.effects(), []);
    assert!(scene.state.dialog.is_some());

    let mut scene = Scene::new();
    scene.keys("s");
    held(&mut scene, 'b', KeyModifiers::CONTROL);
    assert!(matches!(scene.state.dialog, Some(Dialog::Sort(0))));
}

#[test]
fn what_is_too_long_is_scrolled_to_its_end_and_back() {
    let mut scene = Scene::new();
    let backends: Vec<String> = (0..200).map(|it| format!("10.0.1.5:{}", 8_000 + it)).collect();
    scene.tunnels[0].spec = format!("0.0.0.0:8080={}[name=web]", backends.join(","));
    scene.keys("E");
    scene.look();
    let mut seen = vec![scene.screen()];
    for code in [KeyCode::End, KeyCode::Up, KeyCode::Down, KeyCode::Home] {
        scene.key(code);
        seen.push(scene.screen());
    }
    assert!(seen[1].contains(":8199[name=web]"), "{}", seen[1]);
    assert_ne!(seen[1], seen[2]);
    assert_eq!([&seen[3], &seen[4]], [&seen[1], &seen[0]]);

    let mut scene = typed("reload");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    let text: String = (0..60).map(|it| format!("+ line {it}\n")).collect();
    scene.answered(order, tried(&text, 40, None));
    for _ in 0..100 {
        scene.key(KeyCode::PageDown);
    }
    let last = scene.screen();
    assert!(last.contains("plexyctl reload"), "{last}");
    scene.key(KeyCode::Up);
    assert_ne!(scene.screen(), last);
}

/// Where that was drawn.
fn place(scene: &Scene, target: Target) -> (u16, u16) {
    let found = scene.state.drawn.targets.iter().find(|(_, drawn)| *drawn == target);
    found.map(|(area, _)| (area.x, area.y)).unwrap()
}

fn click(scene: &mut Scene, (column, row): (u16, u16)) {
    let kind = crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left);
    let modifiers = crossterm::event::KeyModifiers::NONE;
    let event = crossterm::event::MouseEvent { kind, column, row, modifiers };
    scene.message(Message::Mouse(event));
}

#[test]
fn a_click_means_what_was_drawn_there() {
    let selected = |scene: &Scene| scene.state.level().tunnels.selected_row().map(|row| row.id);
    let mut scene = Scene::new();
    scene.screen();
    let second = place(&scene, Target::Row(1));
    scene.tunnels.swap(1, 2);
    scene.look();
    click(&mut scene, second);
    assert_eq!(selected(&scene), Some(8));
    // Another row has come there since: that is not the second click on the first one.
    scene.screen();
    click(&mut scene, second);
    assert_eq!((selected(&scene), scene.state.levels().len()), (Some(9), 1));
    click(&mut scene, second);
    assert_eq!(scene.state.levels().len(), 2);

    // The word was of another view.
    let mut scene = Scene::new();
    scene.screen();
    let sort = place(&scene, Target::Action(Action::Sort));
    scene.keys("4");
    click(&mut scene, sort);
    assert!(scene.state.dialog.is_none());
}

#[test]
fn a_button_can_be_clicked() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.screen();
    let at = |scene: &Scene, code: KeyCode| place(scene, Target::Press(code));
    // What lies below the dialog is none of it.
    click(&mut scene, (0, 1));
    assert!(scene.state.dialog.is_some());
    let yes = at(&scene, KeyCode::Char('y'));
    scene.wait(READ);
    click(&mut scene, yes);
    assert_eq!(scene.order().line, "drain web");
    scene.keys("d");
    scene.screen();
    scene.wait(READ);
    let cancel = at(&scene, KeyCode::Esc);
    click(&mut scene, cancel);
    assert!(scene.state.dialog.is_none());
}

#[test]
fn the_second_click_on_an_item_of_a_menu_answers_no_question_that_the_first_has_asked() {
    // The rows of the menu and of the question may be the same ones.
    let of_height = |height: u16| {
        let mut scene = Scene::with(Place::default(), (80, height));
        scene.keys("a");
        scene.screen();
        let item = place(&scene, Target::Item(0));
        click(&mut scene, item);
        scene.screen();
        let yes = place(&scene, Target::Press(KeyCode::Char('y')));
        (scene, item, yes)
    };
    for height in 10..40 {
        let (mut scene, item, yes) = of_height(height);
        for second in [item, yes] {
            click(&mut scene, second);
            assert_eq!(scene.orders(), [], "{height}");
            assert!(matches!(scene.state.dialog, Some(Dialog::Confirm(_))), "{height}");
        }
        scene.wait(READ);
        click(&mut scene, yes);
        assert_eq!(scene.order().line, "drain web", "{height}");
    }
}

/// Each field of the form that is open.
fn fields(scene: &Scene) -> Vec<(&'static str, String)> {
    match &scene.state.dialog {
        Some(Dialog::Form(form)) => {
            form.fields.iter().map(|field| (field.key, field.input.to_string())).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn fields_and_the_line_below_them_are_one_specification() {
    let mut scene = Scene::new();
    scene.keys("o3000");
    scene.key(KeyCode::Down);
    scene.keys("10.0.0.1:80");
    scene.key(KeyCode::Down);
    scene.keys("db");
    assert_eq!(fields(&scene)[5].1, "3000=10.0.0.1:80[name=db]");
    (0..3).for_each(|_| scene.key(KeyCode::Down));
    scene.key(KeyCode::Backspace);
    scene.keys(",strategy=first,retries=1]");
    let texts: Vec<String> = fields(&scene).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts[..5], ["3000", "10.0.0.1:80", "db", "first", "retries=1"]);
    scene.key(KeyCode::Enter);
    let order = scene.order();
    assert_eq!(order, Order::new("open 3000=10.0.0.1:80[name=db,strategy=first,retries=1]"));
    scene.did(order, "opened db: 127.0.0.1:3000 -> 1 backend\n");
    assert!(scene.state.dialog.is_none());
    assert_eq!(scene.toast(), "opened db: 127.0.0.1:3000 -> 1 backend; `close db` takes it back");
}

#[test]
fn what_is_wrong_is_told_as_one_types_in_its_field() {
    let mut scene = Scene::new();
    scene.keys("o3000");
    scene.key(KeyCode::Down);
    scene.keys("10.0.0.1:80");
    (0..2).for_each(|_| scene.key(KeyCode::Down));
    scene.keys("lest-conn");
    shows(&mut scene, "did you mean least-conn?");
    let Some(Dialog::Form(form)) = &scene.state.dialog else { panic!() };
    assert_eq!(form.mistake(), Some((3, 0..9)));
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
}

#[test]
fn a_field_is_completed_as_the_line_would_be() {
    let mut scene = Scene::new();
    scene.keys("o3000");
    scene.key(KeyCode::Down);
    scene.keys("10.0.1.");
    scene.key(KeyCode::Down);
    scene.key(KeyCode::Down);
    scene.keys("lea");
    scene.key(KeyCode::Tab);
    scene.keys("c");
    scene.key(KeyCode::Tab);
    assert_eq!(fields(&scene)[3].1, "least-conn");
    scene.key(KeyCode::Down);
    scene.keys("idle");
    scene.key(KeyCode::Tab);
    assert_eq!(fields(&scene)[4].1, "idle-timeout=");
}

#[test]
fn what_the_daemon_refuses_stays_in_the_form() {
    let mut scene = Scene::new();
    scene.keys("o80");
    scene.key(KeyCode::Down);
    scene.keys("10.0.0.1:80");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    // Nobody opens it twice while it is not answered.
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    scene.answered(order, Err(Failure::of(Code::AddressInUse, "cannot listen on 127.0.0.1:80")));
    shows(&mut scene, "cannot listen on 127.0.0.1:80");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.order(), Order::new("open 80=10.0.0.1:80"));
}

#[test]
fn a_backend_is_added_with_its_attributes() {
    let mut scene = Scene::new();
    scene.keys("b10.0.0.9:80");
    scene.key(KeyCode::Down);
    scene.keys("3");
    scene.key(KeyCode::Down);
    scene.keys("on");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    assert_eq!(order, seen(Order::new("add web 10.0.0.9:80+weight=3+backup")));
    scene.did(order, "added 10.0.0.9:80 to web\n");
    assert_eq!(scene.toast(), "added 10.0.0.9:80 to web; `remove web 10.0.0.9:80` takes it back");
}

#[test]
fn options_are_changed_after_a_look_at_the_difference() {
    let mut scene = Scene::new();
    scene.keys("e");
    shows(&mut scene, "plexyd is asked what there is");
    scene.look();
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "nothing is otherwise");
    let at = fields(&scene).iter().position(|(key, _)| *key == "retries").unwrap();
    (0..at).for_each(|_| scene.key(KeyCode::Down));
    scene.key(KeyCode::Backspace);
    scene.keys("5");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    assert_eq!(order, seen(trial("set web retries=5")));
    scene.answered(order, tried("would change web\n~ web\n    ~ retries: 3 → 5\n", 40, None));
    shows(&mut scene, "~ retries: 3 → 5");
    // Whoever does not want it goes on filling in.
    scene.key(KeyCode::Esc);
    assert_eq!(fields(&scene)[at].1, "5");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    scene.answered(order, tried("would change web\n~ web\n    ~ retries: 3 → 5\n", 40, None));
    scene.keys("y");
    let order = agreed(&mut scene, 40, None);
    assert_eq!(order, seen(Order::new("set web retries=5")));
    scene.did(order, "changed web\n  retries for new connections\n");
    assert_eq!(scene.toast(), "changed web; `undo` takes it back");
}

#[test]
fn nobody_waits_for_what_is_told_no_more() {
    for (keys, title) in [("e", "Options of web"), ("E", "web in a file")] {
        let mut scene = Scene::new();
        scene.keys(keys);
        scene.tunnels.remove(0);
        scene.look();
        shows(&mut scene, title);
        shows(&mut scene, "web is no more");
        let mut scene = Scene::new();
        scene.keys(keys);
        scene.tunnels[0].id = 70;
        scene.look();
        shows(&mut scene, "web is another tunnel now");
    }
    let mut scene = Scene::new();
    scene.keys("2");
    scene.look();
    scene.keys("e");
    scene.tunnels[0].spec = "0.0.0.0:8080=10.0.1.6:80[name=web]".to_owned();
    scene.look();
    shows(&mut scene, "10.0.1.5:80 of web is no more");
    // One of a plexyd that knows more.
    let mut scene = Scene::new();
    scene.spec_of_more = true;
    scene.keys("e");
    scene.look();
    shows(&mut scene, "this plexyctl cannot read the specification");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    scene.spec_of_more = false;
    scene.look();
    assert!(!fields(&scene).is_empty());
    assert!(!scene.screen().contains("cannot read"));
}

#[test]
fn an_entry_with_a_comma_stays_one() {
    let mut scene = Scene::new();
    let cert = r#"tls-cert="/a,b.pem""#;
    scene.tunnels[1].spec = format!("127.0.0.1:8081=10.0.1.8:80[{cert},tls-cert=/c.pem]");
    scene.look();
    scene.key(KeyCode::Down);
    scene.keys("e");
    scene.look();
    let at = fields(&scene).iter().position(|(key, _)| *key == "tls-cert").unwrap();
    assert_eq!(fields(&scene)[at].1, r#""/a,b.pem",/c.pem"#);
    (0..at).for_each(|_| scene.key(KeyCode::Down));
    scene.keys("x, /my d.pem");
    scene.key(KeyCode::Enter);
    let words = r#"tls-cert="/a,b.pem" tls-cert=/c.pemx tls-cert="/my d.pem""#;
    let line = format!("set 127.0.0.1:8081 {words}");
    assert_eq!(scene.order(), seen(trial(&line)));
    let request = plexy_shared::command::Request::parse(&line);
    assert!(request.is_ok(), "{request:?}");
}

#[test]
fn attributes_are_those_of_the_backend_that_is_selected() {
    let mut scene = Scene::new();
    scene.key(KeyCode::Enter);
    scene.look();
    scene.key(KeyCode::Down);
    scene.keys("e");
    scene.look();
    assert_eq!(fields(&scene)[0], ("weight", "2".to_owned()));
    scene.key(KeyCode::Backspace);
    scene.key(KeyCode::Enter);
    assert_eq!(scene.order(), seen(trial("set web 10.0.1.6:80 weight=")));
}

#[test]
fn in_a_protected_context_a_form_is_asked_about_too() {
    let place = Place { protected: Some("prod".to_owned()), ..Place::default() };
    let mut scene = Scene::with(place, (80, 24));
    scene.keys("b10.0.0.9:80");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Type prod to go on:");
    scene.keys("prod");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    assert_eq!(order.line, "add web 10.0.0.9:80");
    // What is refused can be filled in otherwise.
    scene.answered(order, Err(Failure::of(Code::BackendExists, "it is there already")));
    assert_eq!(fields(&scene)[0].1, "10.0.0.9:80");
    shows(&mut scene, "it is there already");
}

#[test]
fn why_there_is_no_shell_is_told_in_the_last_line() {
    let mut scene = Scene::new();
    let failure = Failure::new(ClientCode::Unreachable, "cannot wait for an answer: \u{1b}no");
    scene.message(Message::NoShell(Box::new(failure)));
    assert!(scene.toast().starts_with("the shell cannot begin: cannot wait for an answer: "));
    assert!(!scene.toast().contains('\u{1b}'), "{:?}", scene.toast());
}
