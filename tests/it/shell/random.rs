//! Random keys: whatever is pressed, the shell ends when it should, and the terminal is as it was.

use std::time::Duration;

use plexy_tests::eventually;
use plexy_tests::terminal::keys::{
    BACKSPACE, CTRL_C, CTRL_D, CTRL_R, CTRL_U, DOWN, ENTER, ESCAPE, LEFT, TAB, UP,
};

use super::Scene;

/// Keys with a meaning, between others.
const KEYS: [&str; 13] = [
    ENTER,
    TAB,
    ESCAPE,
    UP,
    DOWN,
    LEFT,
    BACKSPACE,
    CTRL_C,
    CTRL_R,
    CTRL_U,
    "\x1b[Z",
    "\x1b[200~",
    "\x1b[201~",
];

/// Lines that change nothing.
const WORDS: [&str; 10] =
    ["list ", "detail ", "conns where ", "help ", "open 1=2[", "\"", "=", "é", "日本", "!!"];

/// Between two keys of a person.
const PAUSE: Duration = Duration::from_millis(100);

fn burst(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut keys = Vec::new();
    for _ in 0..random.usize(1..20) {
        match random.u8(0..4) {
            0 => keys.extend_from_slice(KEYS[random.usize(..KEYS.len())].as_bytes()),
            1 => keys.extend_from_slice(WORDS[random.usize(..WORDS.len())].as_bytes()),
            // No bar: behind one stands a command of `sh`.
            2 => keys.extend(std::iter::repeat_with(|| random.u8(0x20..0x7c)).take(5)),
            // Ctrl-D ends it, and Ctrl-Z and Ctrl-\ are for the terminal while a command is done.
            _ => keys
                .push(*random.choice(&[0x00, 0x01, 0x05, 0x0b, 0x0c, 0x17, 0x80, 0xff]).unwrap()),
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_pressed_nothing_breaks() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    for seed in 0..4 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut shell = scene.shell().await;
        for _ in 0..60 {
            shell.press_bytes(&burst(&mut random));
            if random.u8(0..10) == 0 {
                shell.resize(random.u16(10..120), random.u16(3..40));
            }
        }
        // Out of whatever was begun, and to an end.
        let mut ways = ["\x1b[201~", CTRL_C, CTRL_D].into_iter().cycle();
        let mut leaves = async || {
            // As a person does: what is typed right behind Ctrl-C goes with it.
            tokio::time::sleep(PAUSE).await;
            shell.press(ways.next().unwrap_or(CTRL_D));
            shell.ended().is_some()
        };
        eventually!(leaves().await, "seed {seed}:\n{}", shell.screen());
        assert!(shell.ended().unwrap().success(), "seed {seed}:\n{}", shell.screen());
        assert!(shell.is_sane(), "seed {seed}");
        let raw = String::from_utf8_lossy(&shell.raw()).into_owned();
        assert!(!raw.contains("panicked"), "seed {seed}: {raw}");
    }
}
