//! What happens to the shell: events, a daemon that stops or goes, terminals that can little, and an end
//! by a signal.

use std::fs;
use std::path::Path;

use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::terminal::keys::TAB;
use plexy_tests::terminal::{Program, Terminal};
use plexy_tests::tool::Tool;
use rustix::process::Signal;

use super::{Scene, completes, holds_soon, leave, ready};
use crate::process::{PLEXYCTL, PLEXYD};

async fn shows(shell: &Terminal, text: &str) {
    eventually!(shell.shows(text), "no {text:?} in\n{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_told_above_the_line_that_stays() {
    let scene = Scene::start(&["0=4000[name=db]", "0=4000[name=dc]"]).await;
    let shell = scene.shell().await;
    shell.enter("events on");
    shell.press("detail d");
    eventually!(shell.last_line() == "plexy:local> detail d", "{}", shell.screen());
    scene.does(&["open", "0=4001[name=web]"]).await;
    shows(&shell, "tunnel-opened, tunnel web").await;
    eventually!(shell.last_line() == "plexy:local> detail d", "{}", shell.screen());
    // An open menu stays too, and so does what it is for.
    let opens = async || {
        shell.press(&format!("\x15detail {TAB}"));
        holds_soon(|| shell.shows("1/1 up")).await
    };
    eventually!(opens().await, "{}", shell.screen());
    scene.does(&["drain", "web"]).await;
    shows(&shell, "tunnel-draining, tunnel web").await;
    let line =
        || shell.screen().lines().find(|it| it.contains("tunnel-draining")).map(str::to_owned);
    assert!(line().unwrap().ends_with("revision 4"), "{}", shell.screen());
    eventually!(shell.shows("plexy:local> detail"), "{}", shell.screen());
    // What nobody has to look at is not told by default, and nothing where that is wanted.
    shell.press("\x1b");
    eventually!(!shell.shows("1/1 up"), "{}", shell.screen());
    shell.enter("\x15events off");
    let is_off = || shell.shows("> events off\n") && shell.last_line() == "plexy:local>";
    eventually!(is_off(), "{}", shell.screen());
    scene.does(&["enable", "web"]).await;
    shell.enter("ping");
    shows(&shell, "pong").await;
    assert!(!shell.shows("tunnel-enabled"), "{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_answered_while_the_daemon_is_stopped() {
    let scene = Scene::start(&["0=4000[name=database]"]).await;
    let shell = scene.shell().await;
    shell.enter("ping");
    shows(&shell, "pong").await;
    completes(&shell, "detail da", "plexy:local> detail database").await;
    scene.process.signal(Signal::STOP);
    shell.press("\x15");
    eventually!(shell.last_line() == "plexy:local>", "{}", shell.screen());
    shell.press(&format!("detail da{TAB}"));
    eventually!(shell.last_line() == "plexy:local> detail database", "{}", shell.screen());
    // What is known grows old, and is offered all the same.
    shell.press(&format!("\x15drain da{TAB}"));
    eventually!(shell.last_line() == "plexy:local> drain database", "{}", shell.screen());
    // A command waits, and Ctrl-C ends the waiting.
    shell.enter("\x15ping");
    // From then on the terminal makes a signal of it.
    eventually!(shell.is_sane(), "{}", shell.screen());
    let tries = async || {
        shell.press("\x03");
        holds_soon(|| shell.shows("interrupted")).await
    };
    eventually!(tries().await, "{}", shell.screen());
    scene.process.signal(Signal::CONT);
    shell.enter("ping");
    eventually!(shell.screen().matches("pong").count() == 2, "{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_goes_is_offline_until_another_one_is_there() {
    let mut scene = Scene::start(&["0=4000[name=db]"]).await;
    let shell = scene.shell().await;
    shell.enter("ping");
    shows(&shell, "pong").await;
    let socket = scene.process.rpc_socket();
    scene.process.signal(Signal::KILL);
    scene.process.ended().await;
    shell.enter("list");
    shows(&shell, "error: ").await;
    shell.enter("");
    shows(&shell, "plexy:local (offline)>").await;
    let arguments = ["--rpc-socket", &format!("unix:{}", socket.display()), "0=4001[name=other]"];
    let _next = Process::start(PLEXYD, &arguments).await;
    shell.enter("list");
    shows(&shell, "other").await;
    // The prompt behind the answer knows it already.
    eventually!(shell.last_line() == "plexy:local>", "{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_it_and_leave_the_terminal_as_it_was() {
    let scene = Scene::start(&[]).await;
    for signal in [Signal::TERM, Signal::HUP] {
        let mut shell = scene.shell().await;
        shell.press("detail");
        eventually!(shell.last_line().starts_with("plexy:local> detail"), "{}", shell.screen());
        assert!(!shell.is_sane());
        shell.signal(signal);
        eventually!(shell.ended().is_some(), "{signal:?}: {}", shell.screen());
        assert!(shell.is_sane(), "{signal:?}");
    }
    // In the midst of a command, too.
    let mut shell = scene.shell().await;
    shell.enter("events follow");
    shows(&shell, "daemon-ready").await;
    shell.signal(Signal::TERM);
    eventually!(shell.ended().is_some(), "{}", shell.screen());
    assert!(shell.is_sane());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_takes_the_shell_with_it() {
    let Some(script) = Tool::find("script", "bsdutils") else { return };
    let scene = Scene::start(&[]).await;
    // A terminal within the terminal, which goes where that program is killed.
    let file = scene.home().join("pid");
    let shell =
        format!("echo $$ > {}; exec {PLEXYCTL} --endpoint {}", file.display(), scene.endpoint());
    let inner = Program::new(script.path(), &["-qec", &shell, "/dev/null"]);
    let terminal = ready(inner.env("XDG_STATE_HOME", scene.home()).start()).await;
    let pid = fs::read_to_string(&file).unwrap().trim().to_owned();
    let lives = || Path::new("/proc").join(&pid).exists();
    assert!(lives());
    terminal.signal(Signal::KILL);
    eventually!(!lives(), "{pid} goes on without a terminal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_can_little_is_enough() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    for program in [
        scene.program(&[]).env("TERM", "dumb").silent(),
        scene.program(&["shell", "--no-editor"]).env("NO_COLOR", "1").silent(),
    ] {
        let mut shell = ready(program.start()).await;
        shell.enter("list");
        shows(&shell, "LISTEN").await;
        shell.enter("remove db 4000");
        shows(&shell, "go on? (y/N)").await;
        shell.enter("n");
        shows(&shell, "nothing was done").await;
        leave(&mut shell).await;
        let raw = String::from_utf8_lossy(&shell.raw()).into_owned();
        assert!(!raw.contains('\x1b'), "{raw:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_locale_and_in_a_narrow_terminal_it_works() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let program = scene.program(&[]).size(40, 12).env("LANG", "C").env("LC_ALL", "C");
    let shell = ready(program.start()).await;
    shell.enter("nothing");
    shows(&shell, "! plexy:local>").await;
    completes(&shell, "detail d", "! plexy:local> detail db").await;
    shell.resize(20, 5);
    shell.resize(100, 30);
    shell.press("\x15");
    shell.enter("ping");
    shows(&shell, "pong").await;
    shows(&shell, "1 tunnel").await;
}
