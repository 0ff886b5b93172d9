//! What is copied and shown: the equal command, and the tunnel in full.

use crossterm::event::KeyCode;

use super::{protected, shows};
use crate::dashboard::message::Effect;
use crate::dashboard::scene::Scene;
use crate::dashboard::state::{Dialog, Place, Run};

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
