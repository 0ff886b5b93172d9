//! Each action, as much as it asks for, and what comes between.

use std::time::Duration;

use crossterm::event::KeyCode;
use plexy_shared::command::Request;
use plexy_shared::error::Code;
use plexy_shared::info::Change;
use plexy_shared::spec::AdminState;

use crate::dashboard::message::{Effect, Message, News};
use crate::dashboard::order::{Order, Reply};
use crate::dashboard::scene::Scene;
use crate::dashboard::state::{Dialog, Place, Run};
use crate::failure::Failure;

/// As long as somebody reads.
const READ: Duration = Duration::from_millis(500);

fn agreed(line: &str, revision: u64) -> Order {
    // Nobody has made anything of what is on the stage.
    let is_of_state = ["enable ", "drain ", "disable "].iter().any(|verb| line.starts_with(verb));
    let before = is_of_state.then_some(AdminState::Ready);
    Order { revision: Some(revision), before, ..Order::new(line) }
}

fn free(line: &str) -> Order {
    Order::new(line)
}

fn trial(line: &str) -> Order {
    Order { is_trial: true, ..Order::new(line) }
}

/// Where the second backend of the first tunnel is selected.
fn at_backend() -> Scene {
    let mut scene = Scene::new();
    scene.key(KeyCode::Enter);
    scene.look();
    scene.key(KeyCode::Down);
    scene
}

/// Where the second connection of the first tunnel is selected.
fn at_connection() -> Scene {
    let mut scene = Scene::new();
    scene.keys("3");
    scene.look();
    scene.key(KeyCode::Down);
    scene
}

fn protected() -> Scene {
    let protected = Some("prod".to_owned());
    Scene::with(Place { protected, ..Place::default() }, (80, 24))
}

#[track_caller]
fn shows(scene: &mut Scene, text: &str) {
    let screen = scene.screen();
    assert!(screen.contains(text), "{text} is not in\n{screen}");
}

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

#[test]
fn what_is_gone_when_the_answer_comes_is_left_alone() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.tunnels.remove(0);
    scene.look();
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.toast(), "web is no more: nothing was done");
    assert!(scene.state.dialog.is_none());

    let mut scene = at_connection();
    scene.keys("K");
    scene.connections.pop();
    scene.look();
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.toast(), "connection 7355149516800000002 is no more: nothing was done");

    let mut scene = at_backend();
    scene.keys("D");
    scene.tunnels[0].spec = "0.0.0.0:8080=10.0.1.5:80[name=web]".to_owned();
    scene.look();
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.toast(), "10.0.1.6:80 of web is no more: nothing was done");
}

#[test]
fn another_tunnel_at_the_same_address_is_asked_about_anew() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.tunnels[0].id = 70;
    scene.tunnels[0].spec = "0.0.0.0:8080=10.0.2.5:80[name=shop]".to_owned();
    scene.revision = 42;
    scene.look();
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Drain tunnel shop?");
    shows(&mut scene, "Look again: web is another tunnel now.");
    scene.wait(READ);
    scene.look();
    scene.keys("y");
    assert_eq!(scene.order(), agreed("drain shop", 42));
}

/// Somebody gives the name of the first tunnel to the last one.
fn swap_names(scene: &mut Scene) {
    scene.tunnels[0].spec = scene.tunnels[0].spec.replace("name=web", "name=web-old");
    scene.tunnels[2].spec = scene.tunnels[2].spec.replace("name=cache", "name=web");
    scene.revision = 42;
    scene.look();
}

#[test]
fn a_tunnel_that_is_looked_into_is_called_by_the_name_that_it_has_now() {
    let mut scene = Scene::new();
    scene.key(KeyCode::Enter);
    scene.keys("4");
    scene.look();
    swap_names(&mut scene);
    shows(&mut scene, "web-old");
    scene.keys("u");
    assert_eq!(scene.order(), agreed("enable web-old", 42));
    scene.keys("cweb-old");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.order(), agreed("close web-old", 42));

    let mut scene = Scene::new();
    scene.keys("b10.0.0.9:80");
    swap_names(&mut scene);
    shows(&mut scene, "Add a backend to web-old");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.order(), agreed("add web-old 10.0.0.9:80", 42));

    let mut scene = Scene::new();
    scene.key(KeyCode::Enter);
    scene.keys("2");
    scene.look();
    scene.keys("a");
    swap_names(&mut scene);
    let Some(Dialog::Menu(menu)) = &scene.state.dialog else { panic!() };
    let line = Run::Whole("kill web-old where age>=0s".to_owned());
    assert!(menu.items.iter().any(|item| item.run == line), "{menu:?}");
}

#[test]
fn a_name_that_goes_to_another_tunnel_is_asked_about_anew() {
    let mut scene = Scene::new();
    scene.keys("d");
    scene.look();
    swap_names(&mut scene);
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Look again: web is called web-old now.");
    scene.wait(READ);
    shows(&mut scene, "Drain tunnel web-old?");
    scene.look();
    scene.keys("y");
    assert_eq!(scene.order(), agreed("drain web-old deadline=1m", 42));

    let mut scene = at_backend();
    scene.keys("D");
    swap_names(&mut scene);
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Look again: web is called web-old now.");
    scene.wait(READ);
    scene.look();
    scene.keys("y");
    assert_eq!(scene.order(), agreed("disable web-old 10.0.1.6:80", 42));
}

#[test]
fn only_the_name_of_the_tunnel_changes_in_a_command() {
    let mut scene = Scene::new();
    scene.tunnels[0].spec = "0.0.0.0:8080=10.0.1.5:80[name=d]".to_owned();
    scene.look();
    scene.keys("d");
    scene.tunnels[0].spec = "0.0.0.0:8080=10.0.1.5:80[name=web]".to_owned();
    scene.look();
    scene.keys("y");
    shows(&mut scene, "Drain tunnel web?");
    scene.wait(READ);
    scene.look();
    scene.keys("y");
    assert_eq!(scene.order(), agreed("drain web", 40));
}

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

/// The daemon is started anew, with another tunnel in front.
fn restart(scene: &mut Scene) {
    for tunnel in &mut scene.tunnels {
        tunnel.id += 1;
    }
    let (id, live) = (7, vec![0]);
    let spec = "127.0.0.1:1=10.0.3.1:1[name=new]".to_owned();
    scene.tunnels.insert(0, crate::dashboard::scene::Tunnel { id, spec, live });
    (scene.instance, scene.revision) = ("b", 4);
    scene.look();
}

#[test]
fn whoever_has_selected_a_tunnel_finds_it_in_the_daemon_that_comes_next() {
    let mut scene = Scene::new();
    restart(&mut scene);
    scene.keys("u");
    assert_eq!(scene.order(), agreed("enable web", 4));

    let mut scene = at_backend();
    restart(&mut scene);
    assert!(!scene.screen().contains("no more"));
    scene.keys("u");
    assert_eq!(scene.order(), agreed("enable web 10.0.1.6:80", 4));
    scene.keys("4");
    scene.look();
    scene.keys("u");
    assert_eq!(scene.order(), agreed("enable web", 4));
    // And on the way back.
    scene.key(KeyCode::Esc);
    scene.look();
    scene.keys("u");
    assert_eq!(scene.order(), agreed("enable web", 4));

    // A question is one of the daemon that was asked.
    let mut scene = Scene::new();
    scene.keys("d");
    scene.look();
    restart(&mut scene);
    scene.keys("y");
    assert_eq!(scene.orders(), []);
    shows(&mut scene, "Look again: web is another tunnel now.");
    scene.wait(READ);
}

#[test]
fn where_its_options_have_changed_it_is_asked_again() {
    for (keys, option, sentence, line) in [
        ("x", "on-remove=kill", "are reset at", "remove web 10.0.1.6:80"),
        ("D", "on-down=kill", "are reset at", "disable web 10.0.1.6:80"),
        ("d", "drain-deadline=2m", "at most 2m", "drain web 10.0.1.6:80 deadline=2m"),
    ] {
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
    let mut tunnel = crate::dashboard::state::TunnelName {
        id: 1,
        label: "web kill".to_owned(),
        listen: "x; y".to_owned(),
    };
    let subject = crate::dashboard::state::Subject::Tunnel(tunnel.clone());
    super::propose(&mut scene.state, "drain", super::Choice::Nothing, subject);
    assert!(scene.state.dialog.is_none());
    assert_eq!(scene.toast(), "no command can name web kill");
    tunnel.listen = "127.0.0.1:8080".to_owned();
    let subject = crate::dashboard::state::Subject::Tunnel(tunnel);
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

#[test]
fn the_command_that_opens_a_tunnel_does_so_where_it_was_copied() {
    let mut scene = protected();
    scene.keys("a");
    scene.look();
    scene.key(KeyCode::Esc);
    scene.keys("a");
    let Some(Dialog::Menu(menu)) = &scene.state.dialog else { panic!() };
    let of = |item: &crate::dashboard::state::dialog::Item| match &item.run {
        Run::Copy(line) => Some(line.clone()),
        _ => None,
    };
    let line = menu.items.iter().find_map(of).unwrap();
    assert!(line.starts_with("plexyctl open ") && line.ends_with(" --yes"), "{line}");
}

#[test]
fn the_same_command_leads_to_the_daemon_that_was_found_whatever_is_chosen_elsewhere() {
    let place = Place { is_local: true, ..Place::default() };
    let mut scene = Scene::with(place, (120, 24));
    scene.keys("d");
    scene.look();
    let found = "plexyctl --endpoint unix:/run/plexy/rpc.sock";
    shows(&mut scene, &format!("Same as:  {found} drain"));
    scene.key(KeyCode::Esc);
    scene.keys("b10.0.0.9:80");
    shows(&mut scene, &format!("Same as:  {found} add web"));
}

#[test]
fn a_copy_goes_to_the_clipboard_and_is_told() {
    let mut scene = Scene::new();
    scene.keys("y");
    assert_eq!(scene.effects(), [Effect::Copy("web".to_owned())]);
    assert_eq!(scene.toast(), "copied web");
}

#[test]
fn an_export_shows_the_tunnel_once_it_is_told() {
    let mut scene = Scene::new();
    scene.keys("E");
    shows(&mut scene, "plexyd is asked for it");
    scene.look();
    shows(&mut scene, "tunnels = [");
    scene.keys("y");
    let effects = scene.effects();
    let [Effect::Copy(text)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(text.starts_with("tunnels = [\n    \"0.0.0.0:8080=10.0.1.5:80,"), "{text}");
}
