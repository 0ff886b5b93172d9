//! How the dashboard ends: by keys and signals, by a panic, with its terminal, or before it begins. The
//! terminal is always as it was.

use std::fs;
use std::path::Path;

use plexy_tests::eventually;
use plexy_tests::terminal::Program;
use plexy_tests::terminal::keys::{CTRL_C, CTRL_L};
use plexy_tests::tool::Tool;
use rustix::process::Signal;

use super::{Scene, ends, shows, top};
use crate::process::PLEXYCTL;

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_signals_end_it_and_leave_the_terminal_as_it_was() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    for key in ["q", CTRL_C] {
        let mut top = top(&scene, &[], "db").await;
        assert!(!top.is_sane());
        top.press(key);
        ends(&mut top, 0).await;
        assert!(!top.shows("db"), "{}", top.screen());
    }
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut top = top(&scene, &[], "db").await;
        top.signal(signal);
        ends(&mut top, 130).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_told_on_a_terminal_that_can_be_read() {
    let scene = Scene::start(&[]).await;
    let program = scene.program(&["top", "--test-panic"]);
    let mut top = program.env("RUST_BACKTRACE", "0").start();
    ends(&mut top, 101).await;
    eventually!(top.shows("panicked at") && top.shows("this is only a test"), "{}", top.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_takes_it_along() {
    let Some(script) = Tool::find("script", "bsdutils") else { return };
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let file = scene.home().join("pid");
    // Where nobody is told that the terminal has gone, it is noticed.
    for (shell, is_told) in [("exec", true), ("trap '' HUP; exec setsid -w", false)] {
        let line = format!(
            "echo $$ > {}; {shell} {PLEXYCTL} --endpoint {} top",
            file.display(),
            scene.endpoint()
        );
        let inner = Program::new(script.path(), &["-qec", &line, "/dev/null"]);
        let terminal = inner.env("XDG_STATE_HOME", scene.home()).start();
        shows(&terminal, "db").await;
        let pid = fs::read_to_string(&file).unwrap().trim().to_owned();
        let lives = || Path::new("/proc").join(&pid).exists();
        assert!(lives());
        terminal.signal(Signal::KILL);
        eventually!(!lives(), "{pid} goes on without a terminal, told {is_told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_takes_nothing_holds_up_nobody() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "db").await;
    let held = top.hold();
    // More than the terminal has room for.
    let (draws, frames) = (400, 3);
    for _ in 0..draws {
        top.press(CTRL_L);
    }
    scene.does(&["open", "0=4001[name=late]"]).await;
    let before = top.raw().len();
    drop(held);
    shows(&top, "late").await;
    // What nobody could see any more was never drawn: the room of the terminal, and a frame or so.
    let drawn = top.raw().len() - before;
    let room = 64 * 1024 + frames * 80 * 24 * 8;
    assert!(drawn < room, "{drawn} bytes for {draws} draws");

    // Whoever leaves is not held up either.
    let held = top.hold();
    for _ in 0..draws {
        top.press(CTRL_L);
    }
    top.press("q");
    let pid = Path::new("/proc").join(top.pid().to_string()).join("fd");
    eventually!(fs::read_dir(&pid).map_or(0, Iterator::count) == 0, "it waits for its terminal");
    drop(held);
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_colours_none_are_written() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let program = scene.program(&["top"]).env("NO_COLOR", "1");
    let mut top = program.start();
    shows(&top, "db").await;
    top.press("q");
    ends(&mut top, 0).await;
    let raw = String::from_utf8_lossy(&top.raw()).into_owned();
    let styles = raw.split("\x1b[").skip(1).filter_map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
        rest[end..].starts_with('m').then(|| &rest[..end])
    });
    let is_colour =
        |number: &str| matches!(number.parse(), Ok(30..=38 | 40..=48 | 90..=97 | 100..=107_u8));
    for style in styles {
        assert!(!style.split(';').any(is_colour), "{style}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_cannot_be_it_says_what_can() {
    let scene = Scene::start(&[]).await;
    let mut dumb = scene.program(&["top"]).env("TERM", "dumb").start();
    ends(&mut dumb, 2).await;
    shows(&dumb, "--batch").await;
    // A script has the keys to itself.
    let mut script = scene.program(&["-c", "top; list"]).start();
    ends(&mut script, 2).await;
    eventually!(script.shows("--batch") && script.shows("script"), "{}", script.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_at_once_has_what_they_said_yes_to_done() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "db").await;
    top.press("c");
    shows(&top, "Close tunnel db now?").await;
    // In one read, so that nothing happens between the two.
    top.press("yq");
    ends(&mut top, 0).await;
    assert_eq!(scene.tunnels().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_without_an_answer_is_told_what_that_was() {
    // Orders have a connection of their own, which the first of them makes.
    for (signal, is_connected) in [(None, false), (None, true), (Some(Signal::TERM), true)] {
        let scene = Scene::start(&["0=4000[name=db]"]).await;
        let mut top = top(&scene, &[], "db").await;
        if is_connected {
            top.press(":ping\r");
            shows(&top, "pong").await;
        }
        top.press("c");
        shows(&top, "Close tunnel db now?").await;
        scene.process.signal(Signal::STOP);
        match signal {
            None => top.press("yq"),
            Some(signal) => {
                top.press("y");
                eventually!(!top.shows("Close tunnel db now?"), "{}", top.screen());
                top.signal(signal);
            }
        }
        ends(&mut top, if signal.is_some() { 130 } else { 1 }).await;
        if is_connected {
            shows(&top, "no answer to `close db` yet: outcome unknown").await;
            shows(&top, "`plexyctl detail db` tells whether it happened").await;
        } else {
            shows(&top, "`close db` was not sent: nothing was done").await;
        }
    }
    // The shell around it ends by the same signal, and not before that is told.
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut shell = scene.shell().await;
    shell.enter("top");
    shows(&shell, "[1] Tunnels").await;
    shows(&shell, "db").await;
    shell.press(":ping\r");
    shows(&shell, "pong").await;
    shell.press("c");
    shows(&shell, "Close tunnel db now?").await;
    scene.process.signal(Signal::STOP);
    shell.press("y");
    eventually!(!shell.shows("Close tunnel db now?"), "{}", shell.screen());
    shell.signal(Signal::TERM);
    ends(&mut shell, 130).await;
    shows(&shell, "no answer to `close db` yet: outcome unknown").await;
}
