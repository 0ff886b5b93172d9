//! The terminal is lent: to whoever stops the dashboard, and to a shell. It comes back as it is by then.

use std::fs;

use plexy_tests::eventually;
use plexy_tests::terminal::keys::{CTRL_D, CTRL_Z};
use plexy_tests::terminal::{Program, Terminal};
use plexy_tests::tool::Tool;
use rustix::process::{Pid, Signal, kill_process};

use super::{Scene, ends, shows, top};
use crate::process::{PLEXYCTL, tool};

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

/// What was started in the terminal last, and has not ended.
fn child_of(terminal: &Terminal) -> Pid {
    let pid = terminal.pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    Pid::from_raw(children.split_whitespace().last().unwrap().parse().unwrap()).unwrap()
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
async fn one_that_is_stopped_can_be_ended() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    // Whether it has given the terminal back; and one that stops whoever writes in the background.
    for (is_told, modes) in [(true, "stty -tostop"), (true, "stty tostop"), (false, "stty tostop")]
    {
        let Some(bash) = bash(&scene).await else { return };
        bash.enter(modes);
        bash.enter(&format!("{PLEXYCTL} --endpoint {} top", scene.endpoint()));
        eventually!(bash.shows("Tunnels"), "{}", bash.screen());
        let top = child_of(&bash);
        match is_told {
            true => bash.press(CTRL_Z),
            false => kill_process(top, Signal::STOP).unwrap(),
        }
        shows(&bash, "Stopped").await;
        bash.enter("kill %1");
        let stat = || fs::read_to_string(format!("/proc/{}/stat", top.as_raw_nonzero()));
        // It is enough that it has ended: when its shell hears of that is up to the shell.
        let has_ended = || stat().map_or(true, |stat| stat.contains(") Z "));
        eventually!(has_ended(), "{:?}\n{}", stat(), bash.screen());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_background_it_leaves_the_terminal_alone_until_it_is_brought_back() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let Some(mut bash) = bash(&scene).await else { return };
    bash.enter(&format!("{PLEXYCTL} --endpoint {} top", scene.endpoint()));
    eventually!(bash.shows("Tunnels"), "{}", bash.screen());
    let top = child_of(&bash);
    bash.press(CTRL_Z);
    shows(&bash, "Stopped").await;
    bash.enter("bg; echo $((1 + 1)) jobs");
    shows(&bash, "\n2 jobs").await;
    // It hears of the signal, and of the daemon, while the keys are the shell's.
    scene.does(&["open", "0=4001[name=meanwhile]"]).await;
    kill_process(top, Signal::WINCH).unwrap();
    bash.enter("echo $((2 + 2)); jobs");
    eventually!(bash.shows("\n4\n") && bash.shows("Running"), "{}", bash.screen());
    assert!(!bash.shows("Tunnels"), "{}", bash.screen());
    // No shell says that to a program that runs.
    bash.enter("fg");
    eventually!(bash.shows("Tunnels") && bash.shows("meanwhile"), "{}", bash.screen());
    bash.press("q");
    eventually!(bash.last_line().ends_with("ready$"), "{}", bash.screen());
    bash.enter("exit");
    ends(&mut bash, 0).await;
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
async fn the_shell_is_that_of_the_same_daemon_wherever_the_configuration_leads_meanwhile() {
    let (scene, other) = (Scene::start(&["0=4000[name=db]"]).await, Scene::start(&[]).await);
    let config = scene.home().join("config");
    let does = async |words: &[&str]| {
        let run = tool(PLEXYCTL).run(words.iter().copied()).env("XDG_CONFIG_HOME", &config);
        assert!(run.output().await.is_success(), "{words:?}");
    };
    does(&["context", "add", "here", "--endpoint", &scene.endpoint()]).await;
    does(&["context", "add", "there", "--endpoint", &other.endpoint()]).await;
    does(&["context", "use", "here"]).await;
    let program = Program::new(PLEXYCTL, &["top"]).env("XDG_CONFIG_HOME", &config);
    let top = program.env("XDG_STATE_HOME", scene.home()).start();
    shows(&top, "db").await;
    does(&["context", "use", "there"]).await;
    top.press("!");
    eventually!(top.last_line().starts_with("plexy:here>"), "{}", top.screen());
    top.enter("list -q");
    shows(&top, "\ndb").await;
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
    eventually!(shell.last_line() == "plexy:local> detail d", "{}", shell.screen());
    scene.does(&["open", "0=4001[name=web]"]).await;
    shows(&shell, "tunnel-opened, tunnel web").await;
    eventually!(shell.last_line() == "plexy:local> detail d", "{}", shell.screen());
    shell.press("\x15");
    shell.enter("top");
    eventually!(shell.shows("Tunnels"), "{}", shell.screen());
    shell.signal(Signal::TERM);
    ends(&mut shell, 130).await;
}
