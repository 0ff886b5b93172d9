//! Keys, menu, and lines that are typed: all do the same, and where nothing may be done, nothing.

use crossterm::event::KeyCode;
use plexy_shared::command::Request;

use super::super::propose;
use super::{at_backend, at_connection, free, protected, shows, trial};
use crate::dashboard::message::Effect;
use crate::dashboard::order::Reply;
use crate::dashboard::scene::Scene;
use crate::dashboard::state::{Choice, Dialog, Place, Run, Subject, TunnelName};

#[test]
fn in_a_protected_context_the_name_of_it_is_wanted_for_every_change() {
    for keys in ["d", "u"] {
        let mut scene = protected();
        scene.keys(keys);
        scene.look();
        assert_eq!(scene.orders(), []);
        shows(&mut scene, "Type prod to go on:");
        shows(&mut scene, " --yes");
        scene.keys("prod");
        scene.key(KeyCode::Enter);
        assert_eq!(scene.orders().len(), 1, "{keys}");
    }
}

#[test]
fn read_only_changes_nothing_by_any_key_menu_or_line() {
    let read_only = || Scene::with(Place { is_read_only: true, ..Place::default() }, (80, 24));
    for keys in ["d", "c", "u", "b", "e", "o", "D", "x", "K"] {
        let mut scene = read_only();
        scene.keys(keys);
        assert!(scene.state.dialog.is_none(), "{keys}");
        scene.keys("y");
        assert!(scene.effects().iter().all(|effect| matches!(effect, Effect::Copy(_))), "{keys}");
    }
    let mut scene = read_only();
    scene.keys("!");
    assert_eq!(scene.effects(), []);
    scene.keys(":close web");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "read-only: nothing can be changed from here");
    let mut scene = read_only();
    scene.keys(":conns");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.order(), free("conns"));
    let mut scene = read_only();
    scene.keys("a");
    let Some(Dialog::Menu(menu)) = &scene.state.dialog else { panic!() };
    let texts: Vec<_> = menu.items.iter().map(|item| item.text.as_str()).collect();
    assert!(texts.iter().any(|text| text.starts_with("detail")), "{texts:?}");
    assert!(
        !texts.iter().any(|text| text.starts_with("switch") || text.contains("rain")),
        "{texts:?}"
    );
}

#[test]
fn what_no_command_can_name_is_not_acted_on() {
    let mut scene = Scene::new();
    let mut tunnel = TunnelName { id: 1, label: "web kill".to_owned(), listen: "x; y".to_owned() };
    let subject = Subject::Tunnel(tunnel.clone());
    propose(&mut scene.state, "drain", Choice::Nothing, subject);
    assert!(scene.state.dialog.is_none());
    assert_eq!(scene.toast(), "no command can name web kill");
    tunnel.listen = "127.0.0.1:8080".to_owned();
    let subject = Subject::Tunnel(tunnel);
    assert_eq!(subject.words().as_deref(), Some("127.0.0.1:8080"));
}

#[test]
fn key_menu_line_and_command_line_ask_for_the_same() {
    let request = |line: &str| Request::parse(line).unwrap().unwrap();
    for (key, line) in [("u", "enable web"), ("d", "drain web deadline=1m"), ("c", "close web")] {
        let agree = |scene: &mut Scene| {
            if let Some(Dialog::Confirm(confirm)) = &scene.state.dialog {
                match confirm.word().map(str::to_owned) {
                    Some(word) => {
                        scene.keys(&word);
                        scene.key(KeyCode::Enter);
                    }
                    None => scene.keys("y"),
                }
            }
            scene.order()
        };
        let mut by_key = Scene::new();
        by_key.keys(key);
        by_key.look();
        let mut by_menu = Scene::new();
        by_menu.keys("a");
        by_menu.look();
        by_menu.keys(key);
        let mut by_line = Scene::new();
        by_line.keys(&format!(":{line}"));
        by_line.key(KeyCode::Enter);
        if line != "enable web" {
            let order = by_line.order();
            assert_eq!(order, trial(line));
            let reply = Reply {
                text: format!("would {line}\n"),
                revision: Some(40),
                live: Some(1_108),
                ..Reply::default()
            };
            by_line.answered(order, Ok(reply));
        }
        for mut scene in [by_key, by_menu, by_line] {
            let mut order = agree(&mut scene);
            if order.is_trial {
                let reply = Reply { revision: Some(40), live: Some(1_108), ..Reply::default() };
                scene.answered(order, Ok(reply));
                order = scene.order();
            }
            assert_eq!(request(&order.line), request(line));
            assert!(!order.is_trial);
        }
    }
}

#[test]
fn the_menu_has_every_verb_of_the_table_that_takes_what_is_selected() {
    let texts = |scene: &mut Scene| -> Vec<String> {
        scene.keys("a");
        let Some(Dialog::Menu(menu)) = &scene.state.dialog else { panic!() };
        let of = |item: &crate::dashboard::state::dialog::Item| match &item.run {
            Run::Line(line) => line.clone(),
            _ => format!("{} {}", item.key.unwrap_or("-"), item.text),
        };
        menu.items.iter().map(of).collect()
    };
    let of_tunnel = texts(&mut Scene::new());
    assert_eq!(of_tunnel[0], "d Drain: stop new, let 1108 finish");
    for line in ["detail web ", "switch web ", "explain web ", "conns web ", "remove web "] {
        assert!(of_tunnel.iter().any(|it| it == line), "{line} is not in {of_tunnel:?}");
    }
    let of_backend = texts(&mut at_backend());
    assert!(of_backend.iter().any(|it| it.starts_with("x Remove")), "{of_backend:?}");
    let of_connection = texts(&mut at_connection());
    assert_eq!(of_connection[0], "K Kill: reset it");
}
