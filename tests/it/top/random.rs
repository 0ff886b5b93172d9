//! Random keys and sizes: whatever is pressed, the dashboard ends when it should, and the terminal is as it
//! was.

use std::time::Duration;

use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;
use plexy_tests::terminal::keys::{
    BACKSPACE, CTRL_C, CTRL_D, CTRL_L, CTRL_U, CTRL_Z, DOWN, ENTER, ESCAPE, LEFT, TAB, UP,
};
use tokio::time::timeout;

use super::{Scene, top};
use crate::shell::holds_soon;

/// How long one walk may take.
const PATIENCE: Duration = Duration::from_secs(6);

/// The end of what is pasted.
const PASTE_END: &str = "\x1b[201~";

/// Keys with a meaning, between others.
const KEYS: [&str; 18] = [
    ENTER,
    TAB,
    ESCAPE,
    UP,
    DOWN,
    LEFT,
    BACKSPACE,
    CTRL_D,
    CTRL_L,
    CTRL_U,
    CTRL_Z,
    "\x1b[Z",
    "\x1b[200~",
    PASTE_END,
    "\x1b[5~",
    "\x1b[<0;10;8M",
    "\x1b[<65;3;9M",
    "\x1b[",
];

/// Texts for whatever is asked.
const WORDS: [&str; 6] = ["/web", ":list", "db", "é日本", "~d", "[limit=1]"];

fn burst(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut keys = Vec::new();
    for _ in 0..random.usize(1..12) {
        match random.u8(0..3) {
            0 => keys.extend_from_slice(KEYS[random.usize(..KEYS.len())].as_bytes()),
            1 => keys.extend_from_slice(WORDS[random.usize(..WORDS.len())].as_bytes()),
            // No `q`, which ends it, and no `!`: behind that stands a shell.
            _ => keys.extend(
                std::iter::repeat_with(|| random.u8(0x22..0x7f)).filter(|key| *key != b'q').take(4),
            ),
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_pressed_nothing_breaks() {
    let scene = Scene::start(&["0=4000[name=db]", "0=4000,4001[name=web]"]).await;
    for seed in 0..3 {
        let walked = timeout(PATIENCE, walk(&scene, seed)).await;
        assert!(walked.is_ok(), "seed {seed} takes longer than {PATIENCE:?}");
    }
}

async fn walk(scene: &Scene, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut top = top(scene, &[], "plexy").await;
    // All of it is less than a terminal holds for a program that reads nothing (64 KiB): nobody waits.
    for _ in 0..60 {
        top.press_bytes(&burst(&mut random));
        if random.u8(0..8) == 0 {
            resize(&top, random.u16(2..170), random.u16(2..60)).await;
        }
    }
    // Whoever looks sees where that has led. While the terminal makes a signal of it, as it does behind
    // Ctrl-Z, Ctrl-C has it throw away all that was written to it and not shown yet.
    resize(&top, 171, 61).await;
    eventually!(!top.is_sane(), "seed {seed}:\n{}", top.screen());
    // Out of whatever was begun, and to an end.
    let mut leaves = async || {
        top.press(&format!("{PASTE_END}{CTRL_C}{CTRL_C}"));
        holds_soon(|| top.ended().is_some()).await
    };
    eventually!(leaves().await, "seed {seed}:\n{}", top.screen());
    let raw = String::from_utf8_lossy(&top.raw()).into_owned();
    assert!(!raw.contains("panicked"), "seed {seed}: {raw}");
    let code = top.ended().unwrap().exit_code();
    assert!([0, 130].contains(&code), "seed {seed}: {code}\n{}", top.screen());
    eventually!(top.is_sane(), "seed {seed}:\n{}", top.screen());
}

/// Another size, once something was drawn for it.
async fn resize(top: &Terminal, columns: u16, rows: u16) {
    let before = top.raw().len();
    top.resize(columns, rows);
    holds_soon(|| top.raw().len() > before).await;
}
