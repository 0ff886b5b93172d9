//! The log: one line per change, with who made it, in the form that was asked for.

use std::process::Stdio;

use plexy_tests::backend::{Backend, Echo};
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, round_trip};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{PLEXYD, plexyd};

/// The only line that contains all of these.
#[track_caller]
fn line_with<'a>(log: &'a str, parts: &[&str]) -> &'a str {
    let found: Vec<_> =
        log.lines().filter(|line| parts.iter().all(|part| line.contains(part))).collect();
    assert!(found.len() == 1, "{} lines with {parts:?} in:\n{log}", found.len());
    found[0]
}

/// Opens `db`, adds, removes and closes.
async fn changes(process: &Process) {
    let mut line = LineClient::connect(process.control_addr()).await;
    for command in [
        "open 0=127.0.0.1:9[name=db]",
        "add db 127.0.0.1:10+weight=2",
        "remove db 127.0.0.1:9",
        "close db",
    ] {
        let answer = line.ask(command).await;
        assert!(answer.starts_with("OK"), "{command}: {answer}");
    }
    eventually!(process.says("tunnel closed"), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_one_line_with_its_actor() {
    let process = plexyd(&["0=127.0.0.1:9[name=first]"]).await;
    changes(&process).await;
    let log = process.log();
    line_with(&log, &["INFO", "tunnel opened", "tunnel=\"first\"", "actor=args", "revision=1"]);
    let actor = "actor=line 127.0.0.1:";
    line_with(&log, &["INFO", "tunnel opened", "tunnel=\"db\"", actor, "revision=2", "detail="]);
    line_with(&log, &["INFO", "backend added", "tunnel=\"db\"", actor, "127.0.0.1:10+weight=2"]);
    line_with(&log, &["INFO", "backend removed", "tunnel=\"db\"", actor, "backend=127.0.0.1:9"]);
    line_with(&log, &["INFO", "tunnel closed", "tunnel=\"db\"", actor, "revision=5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_and_what_is_refused_is_no_change() {
    let process = plexyd(&["0=127.0.0.1:9[name=db]"]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    for command in [
        "status full",
        "detail db",
        "ping",
        "add db 127.0.0.1:9",
        "remove db 127.0.0.1:9",
        "close nobody",
        "nonsense",
    ] {
        line.ask(command).await;
    }
    line.ask("close db").await;
    eventually!(process.says("tunnel closed"), "{}", process.log());
    let info = process.log();
    let changes = info.lines().skip_while(|line| !line.contains("ready")).skip(1);
    assert_eq!(changes.count(), 1, "{info}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_goes_down_and_comes_back_is_said_once_each() {
    let port = Port::reserve();
    let spec = format!("0={}[name=db,check-interval=50ms,max-fails=2]", port.addr());
    let process = plexyd(&[&spec]).await;
    let tunnel = super::tunnel_of(&process).await;
    for _ in 0..10 {
        let mut client = Stream::connect(tunnel).await.unwrap();
        assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);
    }
    eventually!(process.says("backend ejected"), "{}", process.log());

    let _echo: Backend<Echo> = Echo::at(port.addr());

    eventually!(process.says("backend up"), "{}", process.log());
    round_trip(tunnel, 1_000).await.unwrap();
    let (log, backend) = (process.log(), format!("backend={}", port.addr()));
    let ejected = line_with(&log, &["WARN", "backend ejected", "tunnel=\"db\"", &backend]);
    assert!(ejected.contains("detail="), "{ejected}");
    line_with(&log, &["INFO", "backend up", "tunnel=\"db\"", &backend]);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_one_object_a_line() {
    let process = plexyd(&["--log-format", "json", "0=127.0.0.1:9[name=\"first\"]"]).await;
    eventually!(process.says("ready"));
    let log = process.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    let opened = lines.iter().find(|line| line["message"] == "tunnel opened").expect(&log);
    assert_eq!((&opened["tunnel"], &opened["actor"]), (&"first".into(), &"args".into()));
    assert_eq!((&opened["level"], &opened["revision"]), (&"INFO".into(), &1.into()));
    assert!(lines.iter().all(|line| line["timestamp"].is_string()), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn off_is_silent_and_debug_tells_of_connections() {
    let echo = Echo::start();
    let control = Port::reserve().addr();
    let spec = format!("0={}", echo.addr());
    let silent = Process::spawn(
        PLEXYD,
        &["--control-socket", &control.to_string(), "--log-level", "off", &spec],
    );
    eventually!(Stream::connect(control).await.is_ok());
    round_trip(tunnel(control).await, 1_000).await.unwrap();
    assert_eq!(silent.log(), "");

    let telling = plexyd(&["--log-level", "debug", &spec]).await;
    let addr = tunnel(telling.control_addr()).await;
    round_trip(addr, 1_000).await.unwrap();
    eventually!(
        telling.log().lines().any(|line| line.contains("DEBUG") && line.contains("client-fin")),
        "{}",
        telling.log()
    );

    let usual = plexyd(&[&spec]).await;
    round_trip(tunnel(usual.control_addr()).await, 1_000).await.unwrap();
    assert!(!usual.says("DEBUG") && !usual.says("client-fin"), "{}", usual.log());
}

/// Where the first tunnel listens.
async fn tunnel(control: std::net::SocketAddr) -> std::net::SocketAddr {
    let mut line = LineClient::connect(control).await;
    let status = line.ask("status full").await;
    status.split(['\t', ' ']).nth(3).unwrap().parse().unwrap_or_else(|_| panic!("{status}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_argument_decides_what_is_logged_whatever_the_environment_says() {
    for (variable, arguments) in [
        ("RUST_LOG=", &["--log-level", "info"][..]),
        ("RUST_LOG=", &[]),
        ("RUST_LOG=off", &["--log-level", "info"]),
        ("PLEXY_LOG_LEVEL=off", &["--log-level", "info"]),
        ("PLEXY_LOG_LEVEL=debug", &[]),
    ] {
        let program = [&[variable, PLEXYD, "0=127.0.0.1:9"], arguments].concat();
        let process = Process::spawn("/usr/bin/env", &program);
        eventually!(process.says("ready"), "{variable} {arguments:?}: {}", process.log());
    }
}

/// A plexyd whose log goes into a pipe that is not read.
struct Unread(std::process::Child);

impl Unread {
    async fn start(control: std::net::SocketAddr) -> Self {
        let mut command = std::process::Command::new(PLEXYD);
        command.args(["--control-socket", &control.to_string()]).stderr(Stdio::piped());
        let unread = Self(command.spawn().unwrap());
        eventually!(Stream::connect(control).await.is_ok());
        unread
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Logs more than a pipe holds, and must be answered all the time.
async fn fills_the_log(control: std::net::SocketAddr) {
    let mut line = LineClient::connect(control).await;
    let port = Port::reserve();
    for _ in 0..500 {
        assert_eq!(line.ask(&format!("open {}=127.0.0.1:9", port.addr())).await, "OK\n");
        assert_eq!(line.ask(&format!("close {}", port.addr())).await, "OK\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_blocks_nobody() {
    let control = Port::reserve().addr();
    let mut unread = Unread::start(control).await;
    fills_the_log(control).await;
    let pid = i32::try_from(unread.0.id()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    eventually!(unread.0.try_wait().unwrap().is_some(), "it ends though its log is full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_reader_has_gone_is_no_fault() {
    let control = Port::reserve().addr();
    let mut unread = Unread::start(control).await;
    drop(unread.0.stderr.take());
    fills_the_log(control).await;
    assert!(unread.0.try_wait().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_descriptor_limit_is_raised_and_said() {
    let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let hard = hard.expect("the tests run with a limit of open files");
    let script = format!("ulimit -Sn 256 && exec {PLEXYD} --control-socket 127.0.0.1:0");
    let process = Process::start("/bin/sh", &["-c", &script]).await;

    line_with(&process.log(), &["plexyd starts", &format!("descriptors={hard}")]);

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.pid())).unwrap();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(open_files.split_whitespace().nth(3), Some(hard.to_string().as_str()));
}
