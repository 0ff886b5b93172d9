//! The terminal is lent: to whoever stops the dashboard, and to a shell. It comes back as it is by then.

use std::fs;

use plexy_tests::eventually;
use plexy_tests::terminal::keys::{CTRL_D, CTRL_Z};
use plexy_tests::terminal::{Program, Terminal};
use plexy_tests::tool::Tool;
use rustix::process::Signal;

use super::{Scene, ends, shows, top};
use crate::process::PLEXYCTL;

/// A shell of the system, with jobs.
async fn bash(scene: &Scene) -> Option<Terminal> {
    let bash = Tool::find("bash", "bash")?;
    let program = Program::new(bash.path(), &["--norc", "--noprofile", "-i"]);
    let terminal = program
        .env("PS1", "ready$ ")
        .env("XDG_STATE_HOME", scene.home())
        .env("XDG_CONFIG_HOME", scene.home())
        .start();
    shows(&terminal, "ready$").await;
    Some(terminal)
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_z_stops_it_and_fg_brings_it_back_in_another_size() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let top = format!("{PLEXYCTL} --endpoint {} top", scene.endpoint());
    let script = scene.home().join("look.sh");
    fs::write(&script, format!("#!/bin/sh\n{top}\necho looked at\n")).unwrap();
    let nested = format!("{PLEXYCTL} --endpoint {}", scene.endpoint());
    for (line, behind) in [
        (top.clone(), None),
        (format!("sh {}", script.display()), Some("looked at")),
        (nested, Some("plexy:local>")),
    ] {
        let Some(mut bash) = bash(&scene).await else { return };
        bash.enter(&line);
        if behind.is_some_and(|it| it.starts_with("plexy")) {
            shows(&bash, "plexy:local>").await;
            bash.enter("top");
        }
        eventually!(bash.shows("db") && bash.shows("Tunnels"), "{}", bash.screen());
        bash.press(CTRL_Z);
        shows(&bash, "Stopped").await;
        eventually!(bash.last_line().ends_with("ready$"), "{}", bash.screen());
        assert!(!bash.shows("Tunnels"), "{}", bash.screen());
        bash.resize(100, 30);
        bash.enter("fg");
        shows(&bash, "Tunnels").await;
        let is_wide = || bash.screen().lines().any(|line| line.chars().count() > 80);
        eventually!(is_wide(), "{}", bash.screen());
        bash.press("q");
        if let Some(behind) = behind {
            shows(&bash, behind).await;
        }
        if behind.is_some_and(|it| it.starts_with("plexy")) {
            bash.enter("exit");
        }
        eventually!(bash.last_line().ends_with("ready$"), "{}", bash.screen());
        bash.enter("exit");
        ends(&mut bash, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_could_bring_it_back_nothing_stops() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "db").await;
    top.press(CTRL_Z);
    scene.does(&["open", "0=4001[name=later]"]).await;
    shows(&top, "later").await;
    // Whoever stops it by a signal may have changed the terminal before it goes on.
    top.signal(Signal::STOP);
    let before = top.raw().len();
    top.signal(Signal::CONT);
    eventually!(top.raw().len() > before && top.shows("later"), "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_has_the_terminal_until_somebody_leaves_it() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "db").await;
    top.press("!");
    shows(&top, "plexy:local>").await;
    top.enter("ping");
    shows(&top, "pong").await;
    // What it waits for is given up, and nothing else is.
    top.enter("events follow");
    shows(&top, "daemon-ready").await;
    eventually!(top.is_sane(), "{}", top.screen());
    top.press("\x03");
    eventually!(top.last_line().ends_with("plexy:local>"), "{}", top.screen());
    top.resize(100, 30);
    scene.does(&["open", "0=4001[name=opened-meanwhile]"]).await;
    top.enter("exit");
    shows(&top, "opened-meanwhile").await;
    assert!(!top.shows("plexy:local>") && !top.shows("econnected"), "{}", top.screen());
    // Again, and one within the other.
    top.press("!");
    shows(&top, "plexy:local>").await;
    top.enter("top");
    eventually!(top.shows("Tunnels") && !top.shows("plexy:local>"), "{}", top.screen());
    top.press("q");
    // Where a line has room for it, more is told at its end.
    eventually!(top.last_line().starts_with("plexy:local>"), "{}", top.screen());
    top.press(CTRL_D);
    eventually!(top.shows("Tunnels") && !top.shows("plexy:local>"), "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
    // A signal ends both.
    let mut top = super::top(&scene, &[], "db").await;
    top.press("!");
    shows(&top, "plexy:local>").await;
    top.signal(Signal::TERM);
    ends(&mut top, 130).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_shell_it_comes_back_to_a_line_as_before() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut shell = scene.shell().await;
    shell.enter("ping");
    shows(&shell, "pong").await;
    shell.enter("top");
    eventually!(shell.shows("Tunnels") && !shell.shows("pong"), "{}", shell.screen());
    shell.press("q");
    eventually!(shell.last_line().ends_with("plexy:local>"), "{}", shell.screen());
    // History, and notices above the line that somebody types.
    shell.press("\x1b[A\x1b[A");
    eventually!(shell.last_line().ends_with("plexy:local> ping"), "{}", shell.screen());
    shell.enter("");
    eventually!(shell.screen().matches("pong").count() == 2, "{}", shell.screen());
    shell.enter("events on");
    shell.press("detail d");
    scene.does(&["open", "0=4001[name=web]"]).await;
    shows(&shell, "tunnel-opened, tunnel web").await;
    eventually!(shell.last_line() == "plexy:local> detail d", "{}", shell.screen());
    shell.press("\x15");
    shell.enter("top");
    eventually!(shell.shows("Tunnels"), "{}", shell.screen());
    shell.signal(Signal::TERM);
    ends(&mut shell, 130).await;
}
