//! `watch`: a look again and again.

use std::fs;
use std::path::Path;

use plexy_tests::eventually;
use plexy_tests::terminal::keys::CTRL_C;
use plexy_tests::terminal::{Program, Terminal};
use plexy_tests::tool::Tool;
use rustix::process::Signal;

use super::Scene;
use crate::process::PLEXYCTL;

async fn shows(shell: &Terminal, text: &str) {
    eventually!(shell.shows(text), "no {text:?} in\n{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_bold_until_a_key_is_pressed() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let shell = scene.shell().await;
    // As long as that is bold, so that it is seen.
    shell.enter("watch -n 1s list --columns name,backends");
    shows(&shell, "every 1s: list").await;
    shows(&shell, "BACKENDS").await;
    assert!(!shell.shows("plexy:local>"), "{}", shell.screen());
    scene.does(&["add", "db", "4001"]).await;
    eventually!(shell.style("2").is_some_and(|it| it.is_bold), "{}", shell.screen());
    // A daemon that answers nothing holds up no key.
    scene.process.signal(Signal::STOP);
    shell.press("q");
    eventually!(shell.last_line() == "plexy:local>", "{}", shell.screen());
    scene.process.signal(Signal::CONT);
    for (line, message) in [
        ("watch close db", "does not change anything again and again"),
        ("watch events follow", "goes on by itself"),
        ("watch", "required"),
    ] {
        shell.enter(line);
        shows(&shell, message).await;
    }
    let mut shell = scene.shell().await;
    shell.enter("watch list");
    shows(&shell, "every 2s").await;
    shell.signal(Signal::TERM);
    eventually!(shell.ended().is_some(), "{}", shell.screen());
    assert!(shell.is_sane());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_look_has_the_room_that_there_is_now() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let watch = scene.program(&["watch", "-n", "100ms", "list"]).size(40, 24).start();
    shows(&watch, "NAME").await;
    assert!(!watch.shows("TOTAL"), "{}", watch.screen());
    watch.resize(100, 24);
    shows(&watch, "TOTAL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_is_one_as_it_is_without_watch() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let socket = scene.home().join("a b");
    let listen = format!("unix:{}", socket.display());
    scene.does(&["open", &format!("\"{listen}\"=4001[name=blank]")]).await;
    let watch = scene.program(&["watch", "detail", &listen]).start();
    shows(&watch, "blank").await;
    // Without the word it would be another command.
    let mut empty = scene.program(&["watch", "conns", ""]).start();
    eventually!(empty.ended().is_some(), "{}", empty.screen());
    assert_eq!(empty.ended().unwrap().exit_code(), 2);
    shows(&empty, "the argument behind `conns` is empty").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_says_nothing_for_a_while_ends_no_watching() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let words = ["watch", "-n", "100ms", "--timeout", "200ms", "list"];
    let watch = scene.program(&words).start();
    shows(&watch, "db").await;
    scene.process.signal(Signal::STOP);
    shows(&watch, "no answer within 200ms").await;
    scene.process.signal(Signal::CONT);
    shows(&watch, "db").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_it_and_leave_the_terminal_as_it_was() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut watch = scene.program(&["watch", "list"]).start();
        shows(&watch, "db").await;
        assert!(!watch.is_sane());
        watch.signal(signal);
        eventually!(watch.ended().is_some(), "{signal:?}: {}", watch.screen());
        assert_eq!(watch.ended().unwrap().exit_code(), 130, "{signal:?}");
        eventually!(watch.is_sane(), "{signal:?}: {}", watch.screen());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_screen_ctrl_c_is_the_end_of_it_at_any_time() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let watch = || scene.program(&["watch", "-n", "1h", "list"]).env("TERM", "dumb").start();
    let mut between = watch();
    shows(&between, "db").await;
    between.press(CTRL_C);
    eventually!(between.ended().is_some(), "{}", between.screen());
    assert_eq!(between.ended().unwrap().exit_code(), 0, "{}", between.screen());

    scene.process.signal(Signal::STOP);
    let mut within = watch();
    let status = format!("/proc/{}/status", within.pid());
    let hears = || {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t"));
        let caught = caught.and_then(|it| u64::from_str_radix(it, 16).ok()).unwrap_or_default();
        caught & (1 << (Signal::INT.as_raw() - 1)) != 0
    };
    eventually!(hears());
    within.press(CTRL_C);
    eventually!(within.ended().is_some(), "{}", within.screen());
    assert_eq!(within.ended().unwrap().exit_code(), 0, "{}", within.screen());
    assert!(!within.shows("error"), "{}", within.screen());
    scene.process.signal(Signal::CONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_takes_it_along() {
    let Some(script) = Tool::find("script", "bsdutils") else { return };
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let file = scene.home().join("pid");
    for shell in ["exec", "trap '' HUP; exec setsid -w"] {
        let line = format!(
            "echo $$ > {}; {shell} {PLEXYCTL} --endpoint {} watch list",
            file.display(),
            scene.endpoint()
        );
        let terminal = Program::new(script.path(), &["-qec", &line, "/dev/null"]).start();
        shows(&terminal, "db").await;
        let pid = fs::read_to_string(&file).unwrap().trim().to_owned();
        let lives = || Path::new("/proc").join(&pid).exists();
        assert!(lives());
        terminal.signal(Signal::KILL);
        eventually!(!lives(), "{pid} goes on without a terminal: {shell}");
    }
}
