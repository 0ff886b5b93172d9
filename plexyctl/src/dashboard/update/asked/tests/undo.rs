//! What takes a change back, where something does.

use crossterm::event::KeyCode;
use plexy_shared::info::Change;
use plexy_shared::spec::AdminState;

use super::{agreed, at_backend};
use crate::dashboard::order::Reply;
use crate::dashboard::scene::Scene;

#[test]
fn what_a_key_can_take_back_is_done_at_once_and_told() {
    let mut scene = Scene::new();
    scene.keys("u");
    let order = scene.order();
    assert_eq!(order, agreed("enable web", 40));
    // It was open: whoever drained it would not take anything back.
    scene.did(order, "enabled web\n");
    assert_eq!(scene.toast(), "enabled web");
}

#[test]
fn what_takes_a_change_back_is_what_was_before() {
    let told = |scene: &mut Scene, keys: &str, reply: Reply| {
        scene.keys(keys);
        let order = scene.order();
        scene.answered(order, Ok(Reply { text: "done\n".to_owned(), ..reply }));
        scene.toast().to_owned()
    };
    let done = || Reply::default();
    let mut scene = Scene::new();
    scene.admin = AdminState::Drain;
    scene.look();
    assert_eq!(told(&mut scene, "u", done()), "done; `drain web` takes it back");
    // With the deadline that it has, where that is told: in full.
    let mut in_full = Scene::new();
    in_full.admin = AdminState::Drain;
    in_full.key(KeyCode::Enter);
    in_full.keys("4");
    in_full.look();
    assert_eq!(told(&mut in_full, "u", done()), "done; `drain web deadline=90s` takes it back");
    // Drained once more, with another deadline, it is what it was.
    assert_eq!(told(&mut scene, "dy", done()), "done");
    for (admin, keys, back) in [
        (AdminState::Disabled, "u", "done; `disable web 10.0.1.6:80` takes it back"),
        (AdminState::Drain, "u", "done; `drain web 10.0.1.6:80 deadline=90s` takes it back"),
        (AdminState::Ready, "u", "done"),
        (AdminState::Ready, "dy", "done; `enable web 10.0.1.6:80` takes it back"),
        (AdminState::Disabled, "dy", "done; `disable web 10.0.1.6:80` takes it back"),
        (AdminState::Drain, "Dy", "done; `drain web 10.0.1.6:80 deadline=90s` takes it back"),
    ] {
        let mut scene = at_backend();
        scene.admin = admin;
        scene.look();
        assert_eq!(told(&mut scene, keys, done()), back, "{admin:?} {keys}");
        let unchanged = Reply { change: Some(Change::Unchanged), ..Reply::default() };
        assert_eq!(told(&mut scene, keys, unchanged), "done", "{admin:?} {keys}");
    }
}

#[test]
fn what_takes_back_a_line_that_was_typed_is_told_where_it_is_known_what_was_before() {
    let told = |scene: &mut Scene, line: &str, is_told: bool| {
        scene.keys(&format!(":{line}"));
        scene.key(KeyCode::Enter);
        let trial = scene.order();
        let reply = || Reply { text: "done\n".to_owned(), revision: Some(40), ..Reply::default() };
        scene.answered(trial.clone(), Ok(reply()));
        if is_told {
            scene.look();
        }
        scene.keys("y");
        assert_eq!(scene.order(), trial);
        scene.answered(trial, Ok(reply()));
        let order = scene.order();
        scene.answered(order, Ok(reply()));
        scene.toast().to_owned()
    };
    let (tunnel, backend) = ("drain web", "disable web 10.0.1.6:80");
    let draining = |keys: &str| {
        let mut scene = Scene::new();
        scene.admin = AdminState::Drain;
        scene.keys(keys);
        scene.look();
        scene
    };
    // Backends of all tunnels: it is seen what they are, and not what their tunnels are.
    let back = "done; `drain web 10.0.1.6:80 deadline=90s` takes it back";
    assert_eq!(told(&mut draining("2"), backend, false), back);
    assert_eq!(told(&mut draining("2"), tunnel, false), "done");
    // Connections and events tell of neither; whoever is asked has it told in full meanwhile.
    for keys in ["3", "4"] {
        assert_eq!(told(&mut draining(keys), backend, false), "done", "{keys}");
        assert_eq!(told(&mut draining(keys), backend, true), back, "{keys}");
        let mut scene = draining(keys);
        scene.admin = AdminState::Ready;
        let back = "done; `enable web` takes it back";
        assert_eq!(told(&mut scene, tunnel, true), back, "{keys}");
    }
}

#[test]
fn what_has_changed_nothing_is_not_taken_back() {
    let told = |line: &str, change: Change, listen: &str| {
        let mut scene = Scene::new();
        scene.keys(&format!(":{line}"));
        scene.key(KeyCode::Enter);
        let (order, listen) = (scene.order(), Some(listen.to_owned()));
        let (text, change) = ("done\n  more\n".to_owned(), Some(change));
        scene.answered(order, Ok(Reply { text, change, listen, ..Reply::default() }));
        assert!(scene.state.dialog.is_none(), "{line}");
        scene.toast().to_owned()
    };
    let spec = "open 1=10.0.0.1:1[name=a]";
    assert_eq!(told(spec, Change::Opened, "127.0.0.1:1"), "done; `close a` takes it back");
    assert_eq!(told(spec, Change::Unchanged, "127.0.0.1:1"), "done");
    let any = "open 0=10.0.0.1:1";
    let back = "done; `close 127.0.0.1:35000` takes it back";
    assert_eq!(told(any, Change::Opened, "127.0.0.1:35000"), back);
    let set = "set web retries=3";
    assert_eq!(told(set, Change::Unchanged, "0.0.0.0:8080"), "done");
    assert_eq!(told(set, Change::Changed, "0.0.0.0:8080"), "done; `undo` takes it back");
}
