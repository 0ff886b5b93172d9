//! Each action, as much as it asks for, and what comes between.

mod anew;
mod copied;
mod identity;
mod matching;
mod tiers;
mod undo;
mod ways;

use std::time::Duration;

use crossterm::event::KeyCode;
use plexy_shared::spec::AdminState;

use crate::dashboard::order::Order;
use crate::dashboard::scene::Scene;
use crate::dashboard::state::Place;

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
