//! Who is meant stays who it was, whatever it is called by now and whoever has its place.

use crossterm::event::KeyCode;

use super::{READ, agreed, at_backend, at_connection, shows};
use crate::dashboard::scene::Scene;
use crate::dashboard::state::{Dialog, Run};

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
