//! How much each action asks for.

use crossterm::event::KeyCode;

use super::{agreed, at_backend, at_connection, shows};
use crate::dashboard::message::Effect;
use crate::dashboard::scene::Scene;

#[test]
fn a_drain_wants_a_yes_and_has_the_deadline_of_the_tunnel() {
    let mut scene = Scene::new();
    scene.keys("d");
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "or as long as drain-deadline says");
    scene.look();
    shows(&mut scene, "at most 1m; then they are reset");
    scene.keys("y");
    assert_eq!(scene.order(), agreed("drain web deadline=1m", 40));
    assert!(scene.state.dialog.is_none());
    scene.keys("yyy");
    assert!(scene.effects().iter().all(|effect| matches!(effect, Effect::Copy(_))));
}

#[test]
fn plus_and_minus_change_the_deadline() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.look();
    scene.keys("++-+y");
    assert_eq!(scene.order(), agreed("drain web deadline=15m", 40));
}

#[test]
fn enter_escape_and_n_are_no_yes() {
    for code in [KeyCode::Enter, KeyCode::Esc, KeyCode::Char('n'), KeyCode::Char('N')] {
        for keys in ["d", "c"] {
            let mut scene = Scene::new();
            scene.keys(keys);
            let is_word = keys == "c" && matches!(code, KeyCode::Char(_));
            scene.key(code);
            assert_eq!(scene.orders(), []);
            assert_eq!(scene.state.dialog.is_some(), is_word, "{code:?}");
        }
    }
}

#[test]
fn to_close_with_connections_the_name_has_to_be_typed() {
    let mut scene = Scene::new();
    scene.keys("cy");
    assert_eq!(scene.orders(), []);
    scene.key(KeyCode::Backspace);
    scene.keys("we");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    scene.keys("b");
    assert_eq!(scene.orders(), []);
    scene.key(KeyCode::Enter);
    assert_eq!(scene.order(), agreed("close web", 40));
}

#[test]
fn to_close_without_a_connection_a_yes_is_enough() {
    let mut scene = Scene::new();
    scene.key(KeyCode::Down);
    scene.keys("cy");
    assert_eq!(scene.order(), agreed("close 127.0.0.1:8081", 40));
}

#[test]
fn each_key_of_a_backend_is_about_that_backend() {
    for (keys, order) in [
        ("u", agreed("enable web 10.0.1.6:80", 40)),
        ("dy", agreed("drain web 10.0.1.6:80 deadline=1m", 40)),
        ("Dy", agreed("disable web 10.0.1.6:80", 40)),
        ("xy", agreed("remove web 10.0.1.6:80", 40)),
        ("x+y", agreed("remove web 10.0.1.6:80 keep", 40)),
        ("x++y", agreed("remove web 10.0.1.6:80 drain", 40)),
    ] {
        let mut scene = at_backend();
        scene.keys(keys);
        assert_eq!(scene.order(), order, "{keys}");
    }
}

#[test]
fn to_remove_a_backend_with_its_connections_the_name_has_to_be_typed() {
    let mut scene = at_backend();
    scene.keys("x-y");
    assert_eq!(scene.orders(), []);
    scene.key(KeyCode::Backspace);
    scene.keys("web");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.order(), agreed("remove web 10.0.1.6:80 kill", 40));
}

#[test]
fn a_connection_is_killed_by_its_id() {
    let mut scene = at_connection();
    scene.keys("K");
    shows(&mut scene, "open for 4m12s, 89.3 MB moved, active now");
    scene.keys("y");
    assert_eq!(scene.order(), agreed("kill 7355149516800000002", 40));
}

#[test]
fn a_connection_that_is_seen_no_more_is_killed_by_its_id_all_the_same() {
    let mut scene = at_connection();
    scene.keys("p");
    scene.connections.pop();
    scene.matched_more = 500;
    scene.look();
    scene.keys("Ky");
    assert_eq!(scene.order(), agreed("kill 7355149516800000002", 40));
}
