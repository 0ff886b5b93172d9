//! What has changed while somebody read the question: it is asked anew.

use std::time::Duration;

use crossterm::event::KeyCode;
use plexy_shared::error::Code;

use super::{READ, agreed, at_backend, at_connection, shows};
use crate::dashboard::message::{Effect, Message, News};
use crate::dashboard::scene::Scene;
use crate::failure::Failure;

#[test]
fn what_asks_for_nothing_is_done_with_what_was_seen_or_not_at_all() {
    let in_options = || {
        let mut scene = Scene::new();
        scene.key(KeyCode::Enter);
        scene.keys("4");
        scene.look();
        scene
    };
    let mut scene = in_options();
    scene.tunnels[0].id = 70;
    scene.look();
    scene.keys("u");
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.toast(), "web is another tunnel now: nothing was done");

    let mut scene = in_options();
    scene.tunnels.remove(0);
    scene.look();
    scene.keys("u");
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.toast(), "web is no more: nothing was done");

    // It is open under that name elsewhere.
    let mut scene = in_options();
    scene.keys("b10.0.0.9:80");
    scene.tunnels[0].spec = "0.0.0.0:9090=10.0.2.5:80[name=web]".to_owned();
    scene.look();
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "web is no more");

    // Nobody has told of that one since somebody came back to it.
    let mut scene = in_options();
    scene.key(KeyCode::Esc);
    scene.key(KeyCode::Down);
    scene.keys("u");
    assert_eq!(scene.orders(), []);
    let told = "plexyd has not told yet how 127.0.0.1:8081 is: nothing was done";
    assert_eq!(scene.toast(), told);
    scene.look();
    scene.keys("u");
    assert_eq!(scene.order(), agreed("enable 127.0.0.1:8081", 40));
    let refused = Failure::of(Code::RevisionMismatch, "the revision is 41, not 40");
    scene.answered(agreed("enable 127.0.0.1:8081", 40), Err(refused));
    let told = "something has changed since that was told: nothing was done";
    assert_eq!(scene.toast(), told);
    // What it is like now is asked for at once; until that is told, nothing goes there.
    assert_eq!(scene.effects(), [Effect::Look]);
    scene.keys("u");
    assert_eq!(scene.orders(), []);
    let told = "plexyd has not told yet how 127.0.0.1:8081 is: nothing was done";
    assert_eq!(scene.toast(), told);
    scene.revision = 41;
    scene.look();
    scene.keys("u");
    assert_eq!(scene.order(), agreed("enable 127.0.0.1:8081", 41));
}

#[test]
fn where_connections_have_doubled_it_is_asked_again() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.look();
    scene.tunnels[0].live = vec![1_300, 1_300];
    scene.look();
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Look again: it was 1108, and is 2600 connections now.");
    scene.wait(READ);
    scene.keys("y");
    assert_eq!(scene.order(), agreed("drain web deadline=1m", 40));
}

#[test]
fn where_its_options_have_changed_it_is_asked_again() {
    for (keys, option, sentence, line) in [
        ("x", "on-remove=kill", "are reset at", "remove web 10.0.1.6:80"),
        ("D", "on-down=kill", "are reset at", "disable web 10.0.1.6:80"),
        ("d", "drain-deadline=2m", "at most 2m", "drain web 10.0.1.6:80 deadline=2m"),
    ] {
        let resets = option.ends_with("=kill");
        let mut scene = at_backend();
        scene.keys(keys);
        scene.look();
        let spec = scene.tunnels[0].spec.replace(",drain-deadline=1m", &format!(",{option}"));
        scene.tunnels[0].spec = spec;
        scene.revision = 41;
        scene.look();
        scene.keys("y");
        assert_eq!(scene.orders(), [], "{keys}");
        shows(&mut scene, "Look again: its options have changed.");
        scene.wait(READ);
        shows(&mut scene, sentence);
        scene.keys("y");
        if resets {
            assert_eq!(scene.orders(), [], "{keys}: it wants the name now");
            shows(&mut scene, "Type web to go on");
            scene.key(KeyCode::Backspace);
            scene.keys("web");
            scene.key(KeyCode::Enter);
        }
        assert_eq!(scene.order(), agreed(line, 41));
    }
}

#[test]
fn a_key_that_is_held_does_not_answer_the_next_question() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.look();
    scene.tunnels[0].live = vec![1_300, 1_300];
    scene.look();
    scene.keys("yyyy");
    scene.wait(READ - Duration::from_millis(1));
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Look again: it was 1108");
    // Nobody has to wait who wants none of it.
    scene.key(KeyCode::Esc);
    assert!(scene.state.dialog.is_none());
}

#[test]
fn one_connection_where_there_was_none_makes_a_close_want_the_name() {
    let mut scene = Scene::new();
    scene.key(KeyCode::Down);
    scene.keys("c");
    scene.tunnels[1].live = vec![1];
    scene.look();
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Type 127.0.0.1:8081 to go on:");
}

#[test]
fn what_is_seen_paused_is_checked_against_what_is_so() {
    let mut scene = Scene::new();
    scene.keys("pd");
    scene.tunnels.remove(0);
    scene.look();
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.toast(), "web is no more: nothing was done");
}

#[test]
fn whoever_goes_elsewhere_while_it_is_paused_is_shown_what_there_is_once() {
    let mut scene = Scene::new();
    scene.keys("p");
    scene.key(KeyCode::Enter);
    shows(&mut scene, "waiting for plexyd");
    scene.look();
    shows(&mut scene, "10.0.1.6:80");
    shows(&mut scene, "PAUSED");
    scene.tunnels[0].spec = "0.0.0.0:8080=10.0.1.5:80[name=web]".to_owned();
    scene.look();
    shows(&mut scene, "10.0.1.6:80");
    scene.keys("2");
    shows(&mut scene, "waiting for plexyd");
    scene.look();
    shows(&mut scene, "10.9.4.22:51544");
    scene.connections.clear();
    scene.look();
    shows(&mut scene, "10.9.4.22:51544");
    // Rows that match, and not those that did not.
    let mut scene = at_connection();
    scene.keys("p");
    scene.connections.truncate(1);
    scene.look();
    assert_eq!(scene.state.level().connections.rows().len(), 2);
    scene.keys("/10.9");
    scene.key(KeyCode::Enter);
    scene.look();
    assert_eq!(scene.state.level().connections.rows().len(), 1);
    scene.connections.clear();
    scene.look();
    assert_eq!(scene.state.level().connections.rows().len(), 1);
    // Where nobody can tell, there is not nothing.
    let mut scene = Scene::new();
    let (why, hint, retry) = ("it has gone".to_owned(), None, None);
    scene.message(Message::News(Box::new(News::Lost { why, hint, retry })));
    scene.keys("2");
    assert!(!scene.screen().contains("no backend"));
}

#[test]
fn a_change_by_somebody_else_in_between_is_refused_and_asked_again() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.look();
    scene.keys("y");
    let order = scene.order();
    let refused = Failure::of(Code::RevisionMismatch, "the revision is 41, not 40");
    scene.answered(order, Err(refused));
    assert_eq!(scene.effects(), [Effect::Look]);
    shows(&mut scene, "Look again: something has changed since you were asked.");
    scene.wait(READ);
    // By what was told before it would be refused once more, also where that comes only now.
    scene.keys("y");
    scene.look();
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.toast(), "plexyd has not told yet how web is");
    scene.revision = 41;
    scene.look();
    scene.keys("y");
    assert_eq!(scene.order(), agreed("drain web deadline=1m", 41));
}

#[test]
fn a_form_that_was_refused_is_sent_again_with_what_is_told_next() {
    let mut scene = Scene::new();
    scene.keys("b10.0.0.9:80");
    scene.look();
    scene.key(KeyCode::Enter);
    let order = scene.order();
    assert_eq!(order, agreed("add web 10.0.0.9:80", 40));
    let refused = Failure::of(Code::RevisionMismatch, "the revision is 41, not 40");
    scene.answered(order, Err(refused));
    assert_eq!(scene.effects(), [Effect::Look]);
    shows(&mut scene, "something has changed since that was told");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "plexyd has not told yet how web is");
    scene.revision = 41;
    scene.look();
    scene.key(KeyCode::Enter);
    assert_eq!(scene.order(), agreed("add web 10.0.0.9:80", 41));
}
