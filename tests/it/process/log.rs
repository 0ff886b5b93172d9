//! The log: one line per change, with who made it, in the form that was asked for.

use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use plexy_tests::backend::{Backend, Echo};
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::tool::Tool;
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
async fn whoever_is_refused_again_and_again_is_told_once() {
    let process = plexyd(&[]).await;
    for _ in 0..50 {
        let mut line = LineClient::connect(process.control_addr()).await;
        let answer = line.ask("GET / HTTP/1.1").await;
        assert!(answer.starts_with("ERROR: "), "{answer}");
    }
    let mut line = LineClient::connect(process.control_addr()).await;
    line.ask("open 0=127.0.0.1:9").await;
    eventually!(process.says("tunnel opened"), "{}", process.log());
    line_with(&process.log(), &["WARN", "an HTTP request on a control socket"]);
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

#[tokio::test(flavor = "multi_thread")]
async fn the_level_changes_while_it_runs_and_whoever_changed_it_is_told() {
    let process = plexyd(&["0=127.0.0.1:9[name=db]"]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    assert_eq!(line.ask("log").await, "OK: info\n");

    let answer = line.ask("log debug").await;
    assert!(
        answer.starts_with("OK: debug until 20") && answer.ends_with("Z, then info\n"),
        "{answer}"
    );
    assert_eq!(line.ask("log").await, answer, "it is told what holds");
    eventually!(process.says("log level changed"), "{}", process.log());
    let detail = format!("detail={:?}", answer[4..].trim());
    line_with(&process.log(), &["INFO", "log level changed", "actor=line 127.0.0.1:", &detail]);
    let _session = LineClient::connect(process.control_addr()).await;
    eventually!(process.says("DEBUG") && process.says("session begun"), "{}", process.log());

    // Told before it falls silent; and then it is.
    assert_eq!(line.ask("log error").await, "OK: error\n");
    line.ask("close db").await;
    assert_eq!(line.ask("log info").await, "OK: info\n");
    eventually!(process.says("detail=\"info\""), "{}", process.log());
    line_with(&process.log(), &["log level changed", "detail=\"error\""]);
    assert!(!process.says("tunnel closed"), "{}", process.log());
    let events = line.ask("events").await;
    assert!(events.contains("log-level-changed, error, by line "), "{events}");
    assert!(events.contains("tunnel-closed"), "what is not logged is an event still: {events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_for_a_time_falls_back_to_what_held_before_the_first_of_them() {
    let process = plexyd(&[]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    line.ask("log warn").await;
    line.ask("log trace for 720h").await;
    let answer = line.ask("log debug for 1s").await;
    assert!(answer.ends_with("Z, then warn\n"), "{answer}");
    eventually!(line.ask("log").await == "OK: warn\n");
    eventually!(process.says("the time of debug is over"), "{}", process.log());
    let log = process.log();
    line_with(&log, &["log level changed", "warn again: the time of debug is over"]);
    // One that is changed for good has nothing to fall back to.
    line.ask("log debug for 200ms").await;
    assert_eq!(line.ask("log info").await, "OK: info\n");
    line.ask("log error for 400ms").await;
    eventually!(line.ask("log").await == "OK: info\n");
    let events = line.ask("events").await;
    assert_eq!(events.matches("the time of debug is over").count(), 1, "{events}");
}

/// What arrives at a journal: the fields of an entry.
fn entry(taken: &std::os::unix::net::UnixDatagram) -> std::collections::BTreeMap<String, String> {
    let mut bytes = vec![0; 64 * 1024];
    let length = taken.recv(&mut bytes).expect("an entry arrives in time");
    let text = std::str::from_utf8(&bytes[..length]).unwrap();
    let field = |line: &str| line.split_once('=').map(|(name, value)| (name.into(), value.into()));
    text.lines().map(|line| field(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_systemd_has_connected_with_its_journal_goes_there_with_fields() {
    let Some(unshare) = Tool::find("unshare", "util-linux") else { return };
    let mounted = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal";
    let test = unshare.run(["--mount", "--map-root-user", "sh", "-c", mounted]).output().await;
    if !test.is_success() {
        eprintln!("skipped: nothing can be mounted here: {}", test.errors());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let taken = std::os::unix::net::UnixDatagram::bind(folder.path().join("socket")).unwrap();
    taken.set_read_timeout(Some(plexy_tests::eventually::PATIENCE)).unwrap();
    let control = Port::reserve().addr();
    let stderr = tempfile::NamedTempFile::new().unwrap();
    let status = stderr.as_file().metadata().unwrap();
    let stream = format!("{}:{}", status.dev(), status.ino());
    let script = format!(
        "{mounted} && mount --bind {} /run/systemd/journal && exec {PLEXYD} '0=127.0.0.1:9[name=db]' --control-socket {control}",
        folder.path().display()
    );
    let mut command = std::process::Command::new(unshare.path());
    command.args(["--mount", "--map-root-user", "sh", "-c", &script]);
    command.env("JOURNAL_STREAM", stream).env("RUNTIME_DIRECTORY", folder.path());
    let mut process = Unread(command.stderr(stderr.reopen().unwrap()).spawn().unwrap());
    let opened = tokio::task::spawn_blocking(move || {
        let mut entries = std::iter::repeat_with(|| entry(&taken));
        let opened = entries.find(|it| it["MESSAGE"].starts_with("tunnel opened"));
        (taken, opened)
    });
    let (taken, opened) = opened.await.unwrap();
    let opened = opened.unwrap();
    assert_eq!((&*opened["PRIORITY"], &*opened["SYSLOG_IDENTIFIER"]), ("6", "plexyd"));
    assert_eq!((&*opened["PLEXY_TUNNEL"], &*opened["PLEXY_ACTOR"]), ("db", "args"));
    assert!(opened["MESSAGE"].contains(" tunnel=\"db\""), "{opened:?}");
    assert_eq!(std::fs::read_to_string(stderr.path()).unwrap(), "");

    // A journal that takes nothing more blocks nobody.
    eventually!(Stream::connect(control).await.is_ok());
    fills_the_log(control).await;
    let pid = Pid::from_child(&process.0);
    kill_process(pid, Signal::TERM).unwrap();
    eventually!(process.0.try_wait().unwrap().is_some(), "it ends though its journal is full");
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_somebody_elses_is_not_taken_for_ours() {
    let program = ["JOURNAL_STREAM=1:2", PLEXYD, "0=127.0.0.1:9"];
    let process = Process::spawn("/usr/bin/env", &program);
    eventually!(process.says("daemon ready"), "{}", process.log());
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
