//! The dashboard of plexyctl, in a real terminal.

mod ends;
mod faults;
mod forms;
mod mouse;
mod random;
mod selection;
mod stops;
mod versions;
mod walk;
mod wide;

use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;

use crate::shell::Scene;

/// The dashboard of a scene, once it shows this.
async fn top(scene: &Scene, words: &[&str], text: &str) -> Terminal {
    let top = scene.program(&[&["top"], words].concat()).start();
    shows(&top, text).await;
    top
}

async fn shows(top: &Terminal, text: &str) {
    eventually!(top.shows(text), "no {text:?} in\n{}", top.screen());
}

/// Its end, with that exit code, and with a terminal as it was.
async fn ends(top: &mut Terminal, code: u32) {
    eventually!(top.ended().is_some(), "{}", top.screen());
    assert_eq!(top.ended().unwrap().exit_code(), code, "{}", top.screen());
    eventually!(top.is_sane(), "{}", top.screen());
}
