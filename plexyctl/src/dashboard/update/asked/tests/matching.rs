//! All connections that match are ended.

use crossterm::event::KeyCode;
use plexy_shared::command::Request;

use super::{agreed, at_connection, trial};
use crate::dashboard::order::Reply;
use crate::dashboard::scene::Scene;
use crate::dashboard::state::{Dialog, Run};

#[test]
fn all_connections_that_match_are_killed_by_their_ids_and_for_a_word() {
    let mut scene = at_connection();
    scene.keys("/10.9");
    scene.key(KeyCode::Enter);
    scene.look();
    scene.keys("a");
    let Some(Dialog::Menu(menu)) = &scene.state.dialog else { panic!() };
    let number = menu.items.iter().position(|item| item.text.starts_with("Kill all 2")).unwrap();
    (0..number).for_each(|_| scene.key(KeyCode::Down));
    scene.key(KeyCode::Enter);
    let line = "kill 7355149516800000001 7355149516800000002";
    let order = scene.order();
    assert_eq!(order, trial(line));
    let reply =
        Reply { text: "would kill 2 connections\n".to_owned(), live: Some(2), ..Reply::default() };
    scene.answered(order, Ok(reply));
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    scene.key(KeyCode::Backspace);
    scene.keys("kill");
    scene.key(KeyCode::Enter);
    let order = scene.order();
    assert_eq!(order, trial(line));
    scene.answered(order, Ok(Reply { live: Some(2), ..Reply::default() }));
    assert_eq!(scene.order(), agreed(line, 40));
}

/// What the menu offers that ends all connections that match.
fn kill_all(scene: &mut Scene) -> Option<(String, Run)> {
    scene.keys("a");
    let Some(Dialog::Menu(menu)) = scene.state.dialog.take() else { panic!() };
    let found = menu.items.into_iter().find(|item| item.text.starts_with("Kill all"));
    found.map(|item| (item.text, item.run))
}

#[test]
fn of_what_was_looked_for_before_no_connection_is_killed() {
    let mut scene = at_connection();
    scene.keys("/10.9");
    scene.key(KeyCode::Enter);
    assert_eq!(kill_all(&mut scene), None);
    // What is shown stands still; what is killed is what matches.
    let mut scene = at_connection();
    scene.connections.extend([7_355_149_516_800_000_003, 7_355_149_516_800_000_004]);
    scene.look();
    scene.keys("p/10.9");
    scene.key(KeyCode::Enter);
    assert_eq!(kill_all(&mut scene), None);
    scene.connections.truncate(3);
    scene.connections.remove(0);
    scene.look();
    let line = "kill 7355149516800000002 7355149516800000003".to_owned();
    let expected = ("Kill all 2 that match 10.9...".to_owned(), Run::Whole(line));
    assert_eq!(kill_all(&mut scene), Some(expected));
}

#[test]
fn those_that_have_just_gone_hinder_nobody_and_too_many_are_told() {
    let mut scene = at_connection();
    scene.connections.push(7_355_149_516_800_000_003);
    scene.keys("/10.9");
    scene.key(KeyCode::Enter);
    scene.look();
    scene.connections.remove(0);
    scene.look();
    assert_eq!(scene.state.level().connections.rows().len(), 3);
    let (text, _) = kill_all(&mut scene).unwrap();
    assert_eq!(text, "Kill all 2 that match 10.9...");
    scene.matched_more = 998;
    scene.look();
    let (text, run) = kill_all(&mut scene).unwrap();
    assert_eq!(text, "Kill all 1000 that match 10.9: too many to name them, where what?");
    assert_eq!(run, Run::Line("kill where ".to_owned()));
}

#[test]
fn all_connections_of_a_tunnel_or_a_backend_are_killed_by_where_they_are() {
    let mut scene = Scene::new();
    scene.key(KeyCode::Enter);
    scene.look();
    scene.keys("2");
    scene.look();
    let line = |scene: &mut Scene| {
        scene.keys("a");
        let Some(Dialog::Menu(menu)) = scene.state.dialog.take() else { panic!() };
        let of = |item: &crate::dashboard::state::dialog::Item| match &item.run {
            Run::Whole(line) => Some(line.clone()),
            _ => None,
        };
        menu.items.iter().find_map(of).unwrap()
    };
    let of_tunnel = line(&mut scene);
    assert_eq!(of_tunnel, "kill web where age>=0s");
    scene.keys("1");
    scene.look();
    scene.key(KeyCode::Enter);
    scene.look();
    let of_backend = line(&mut scene);
    assert_eq!(of_backend, "kill web where backend=10.0.1.5:80");
    for line in [of_tunnel, of_backend] {
        assert!(matches!(Request::parse(&line), Ok(Some(Request::Kill(_)))), "{line}");
    }
}
