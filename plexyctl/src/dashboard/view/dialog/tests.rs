//! Each dialog at each size, alone on the screen.

use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use crate::dashboard::message::Drawn;
use crate::dashboard::order::{Order, Reply};
use crate::dashboard::scene::Scene;
use crate::dashboard::state::{Dialog, Place, Text};

/// All that a dialog is drawn on.
const SIZES: [(u16, u16); 3] = [(60, 10), (80, 24), (160, 50)];

fn drawn(scene: &Scene, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut told = Drawn::default();
    terminal.draw(|frame| super::draw(&scene.state, frame.area(), frame, &mut told)).unwrap();
    for (area, target) in &told.targets {
        let screen = Rect::new(0, 0, width, height);
        assert_eq!(area.intersection(screen), *area, "{target:?}");
    }
    let text = terminal.backend().to_string();
    let lines = text.lines().map(|line| line.trim_matches('"').trim_end());
    // What is around a dialog says nothing.
    let lines: Vec<&str> = lines.collect();
    let last = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |at| at + 1);
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or_default();
    format!("from line {first} of {height}\n{}", lines[first..last].join("\n"))
}

#[track_caller]
fn check(name: &str, scene: &Scene) {
    for size in SIZES {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), drawn(scene, size));
    }
}

fn at_connection() -> Scene {
    let mut scene = Scene::new();
    scene.keys("3");
    scene.look();
    scene
}

fn at_backend() -> Scene {
    let mut scene = Scene::new();
    scene.key(KeyCode::Enter);
    scene.look();
    scene
}

#[test]
fn menus() {
    let mut scene = Scene::new();
    scene.keys("a");
    check("menu_of_tunnel", &scene);
    let mut scene = at_backend();
    scene.keys("a");
    check("menu_of_backend", &scene);
    let mut scene = at_connection();
    scene.keys("a");
    check("menu_of_connection", &scene);
}

#[test]
fn questions() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.look();
    check("drain", &scene);
    let mut scene = Scene::new();
    scene.keys("cwe");
    check("close", &scene);
    let mut scene = Scene::new();
    scene.key(KeyCode::Down);
    scene.keys("c");
    check("close_without_connections", &scene);
    let mut scene = at_connection();
    scene.keys("K");
    check("kill", &scene);
    let mut scene = at_backend();
    scene.keys("x");
    check("remove", &scene);
}

#[test]
fn questions_that_have_more_to_say() {
    let place = Place {
        protected: Some("prod".to_owned()),
        way: vec!["--context".to_owned(), "prod".to_owned()],
        ..Place::default()
    };
    let mut scene = Scene::with(place, (80, 24));
    scene.keys("d");
    scene.look();
    scene.tunnels[0].live = vec![5_000, 5_000];
    scene.look();
    scene.keys("prod");
    scene.key(KeyCode::Enter);
    check("drain_again_in_protected", &scene);

    let mut scene = Scene::new();
    scene.keys(":reload");
    scene.key(KeyCode::Enter);
    let difference: String =
        (0..40).map(|it| format!("+ 127.0.0.1:{}=10.0.0.1:80\n", 3_000 + it)).collect();
    let text = format!("would have opened 40, changed 0, closed 0, unchanged 3\n{difference}");
    let order = Order { is_trial: true, ..Order::new("reload") };
    scene.answered(order, Ok(Reply { text, revision: Some(40), ..Reply::default() }));
    check("reload", &scene);
    (0..100).for_each(|_| scene.key(KeyCode::PageDown));
    insta::assert_snapshot!("reload_scrolled_60x10", drawn(&scene, (60, 10)));
}

#[test]
fn forms() {
    let mut scene = Scene::new();
    scene.keys("o");
    check("open", &scene);
    scene.keys("3000");
    scene.key(KeyCode::Down);
    scene.keys("10.0.0.1:80");
    (0..2).for_each(|_| scene.key(KeyCode::Down));
    scene.keys("lest-conn");
    check("open_wrong", &scene);
    (0..9).for_each(|_| scene.key(KeyCode::Backspace));
    scene.key(KeyCode::Tab);
    insta::assert_snapshot!("open_offered_80x24", drawn(&scene, (80, 24)));
    let mut scene = Scene::new();
    scene.keys("b10.0.0.9:80");
    check("add", &scene);
    let mut scene = Scene::new();
    scene.keys("e");
    check("options_not_told", &scene);
    scene.look();
    (0..4).for_each(|_| scene.key(KeyCode::Down));
    scene.keys("0");
    check("options", &scene);
    let mut scene = at_backend();
    scene.keys("e");
    scene.look();
    check("attributes", &scene);
}

#[test]
fn command_lines() {
    let mut scene = Scene::new();
    scene.keys(":close web drian");
    scene.key(KeyCode::Enter);
    check("line_wrong", &scene);
    let mut scene = Scene::new();
    scene.keys(":d");
    scene.key(KeyCode::Tab);
    check("line_offered", &scene);
    let mut scene = Scene::new();
    scene.keys(":reload");
    scene.key(KeyCode::Enter);
    check("line_sent", &scene);
}

#[test]
fn texts() {
    let mut scene = Scene::new();
    scene.keys("E");
    scene.look();
    check("export", &scene);
    let text: String = (0..60).map(|it| format!("line {it}\n")).collect();
    scene.state.dialog = Some(Dialog::Text(Text { scroll: 55, ..Text::new("many", text) }));
    check("text_at_its_end", &scene);
}

#[test]
fn names_stand_there_as_they_are() {
    let mut scene = Scene::new();
    scene.tunnels[0].spec = "0.0.0.0:8080=10.0.1.5:80[name=Enterprise...]".to_owned();
    scene.look();
    scene.keys("d");
    let text = drawn(&scene, (80, 24));
    assert!(text.contains("Drain tunnel Enterprise...?"), "{text}");
    assert!(text.contains("plexyctl drain Enterprise..."), "{text}");
    scene.key(KeyCode::Esc);
    scene.keys("b10.0.0.9:80");
    let text = drawn(&scene, (80, 24));
    assert!(text.contains("Add a backend to Enterprise... "), "{text}");
    assert!(text.contains("plexyctl add Enterprise... 10.0.0.9:80"), "{text}");
    scene.key(KeyCode::Esc);
    scene.keys("a");
    let text = drawn(&scene, (80, 24));
    assert!(text.contains("─ Enterprise... ─"), "{text}");
    assert!(text.contains("Add backend… "), "{text}");
}

#[test]
fn in_ascii_all_of_it_is() {
    for keys in ["a", "d", "c", "o", "b", "e", ":d"] {
        let mut scene = Scene::new();
        scene.state.looks.is_ascii = true;
        scene.keys(keys);
        scene.look();
        scene.key(KeyCode::Tab);
        let text = drawn(&scene, (80, 24));
        let mut foreign = text.chars().filter(|it| !it.is_ascii());
        // Rows of the tables of options have a dash of their own.
        assert!(foreign.all(|it| it == '–'), "{keys}\n{text}");
    }
}

#[test]
fn text_of_a_daemon_does_not_act_on_the_terminal() {
    let mut scene = Scene::new();
    let text = "a\u{1b}[31m\u{202e}b\n";
    scene.state.dialog = Some(Dialog::Text(Text::new("t\u{1b}", text)));
    let drawn = drawn(&scene, (80, 24));
    assert!(!drawn.contains(['\u{1b}', '\u{202e}']), "{drawn}");
    assert!(drawn.contains("\\u{1b}[31m"), "{drawn}");
}

#[test]
fn no_size_is_too_small() {
    for keys in ["a", "d", "cw", "o", "b", "e", ":d", "E"] {
        let mut scene = Scene::new();
        scene.keys(keys);
        scene.key(KeyCode::Tab);
        scene.look();
        for width in 1..70 {
            for height in [1, 2, 3, 4, 5, 8, 12] {
                drawn(&scene, (width, height));
            }
        }
    }
}
