//! The access log: a line per connection that says how it went, and that no connection waits for.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use plexy_shared::info::Reason;
use plexy_shared::word::Words;
use plexy_tests::backend::{Backend, Echo, Greeter, Refuser, Resetter};
use plexy_tests::daemon::{HttpClient, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, Flow, reset, round_trip};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{PLEXYD, plexyd, run};

/// How long it may take until dropped lines are told: that is looked at every 10 s.
const TOLD_PATIENCE: Duration = Duration::from_secs(30);

/// A plexyd with an access log in a file.
struct Scene {
    process: Process,
    folder: TempDir,
}

impl Scene {
    async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("access.log");
        let all = [&["--access-log-file", file.to_str().unwrap()], arguments].concat();
        Self { process: plexyd(&all).await, folder }
    }

    fn text_of(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap()
    }

    fn text(&self) -> String {
        self.text_of("access.log")
    }

    fn lines(&self) -> Vec<Value> {
        objects(&self.text())
    }

    async fn line(&self) -> LineClient {
        LineClient::connect(self.process.control_addr()).await
    }

    /// Opens a tunnel: where it listens.
    async fn open(&self, rest: &str) -> SocketAddr {
        let answer = self.line().await.ask(&format!("open 0={rest}")).await;
        let addr = answer.strip_prefix("OK: ").unwrap_or_else(|| panic!("{rest}: {answer}"));
        addr.trim().parse().unwrap()
    }

    /// The line of the end of the only connection of a tunnel.
    async fn end_in(&self, tunnel: &str) -> Value {
        let ends = || {
            let of = |line: &Value| line["tunnel"] == tunnel && line["event"] == "connection-ended";
            self.lines().into_iter().filter(of).collect::<Vec<_>>()
        };
        eventually!(!ends().is_empty(), "no end in `{tunnel}`: {}", self.text());
        let ends = ends();
        assert_eq!(ends.len(), 1, "{ends:?}");
        ends[0].clone()
    }
}

fn objects(text: &str) -> Vec<Value> {
    let object =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    // The last one may be under way.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(object).collect()
}

/// The numbers of connections with that event.
fn ids(lines: &[Value], event: &str) -> Vec<u64> {
    let of = lines.iter().filter(|line| line["event"] == event);
    of.map(|line| line["connection"].as_str().unwrap().parse().unwrap()).collect()
}

#[track_caller]
fn check(line: &Value, reason: &str, bytes: (u64, u64)) {
    assert_eq!(line["reason"], reason, "{line}");
    assert_eq!(
        (line["bytes_in"].as_u64(), line["bytes_out"].as_u64()),
        (Some(bytes.0), Some(bytes.1)),
        "{line}"
    );
    for ms in ["duration_ms", "connect_ms"] {
        assert!(line[ms].is_number() || line[ms].is_null(), "{line}");
    }
}

async fn exchange(stream: &mut Stream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).await.unwrap();
}

/// A backend that says goodbye first.
async fn farewell() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"goodbye").await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    });
    addr
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_told_with_its_reason_and_its_bytes() {
    let mut scene = Scene::start(&["--access-log", "json"]).await;
    let (echo, refuser) = (Echo::start(), Refuser::start());
    let echo = echo.addr();
    let mut line = scene.line().await;

    let fin = scene.open(&format!("{echo}[name=fin]")).await;
    round_trip(fin, 12_345).await.unwrap();
    let end = scene.end_in("fin").await;
    check(&end, "client-fin", (12_345, 12_345));
    assert_eq!(
        (&end["listen"], &end["backend"]),
        (&json!(fin.to_string()), &json!(echo.to_string()))
    );
    assert_eq!(end["attempts"], 1);
    assert!(
        end["connect_ms"].as_f64() > Some(0.0)
            && end["duration_ms"].as_f64() > end["connect_ms"].as_f64()
    );
    assert!(end["time"].as_str().is_some_and(|time| time.starts_with("20") && time.ends_with('Z')));

    let mut client = Stream::connect(scene.open(&format!("{}[name=bye]", farewell().await)).await)
        .await
        .unwrap();
    assert_eq!(Ending::of(&mut client).await.unwrap(), (b"goodbye".to_vec(), Ending::Fin));
    client.shutdown().await.unwrap();
    check(&scene.end_in("bye").await, "backend-fin", (0, 7));

    let mut client = Stream::connect(scene.open(&format!("{echo}[name=rst]")).await).await.unwrap();
    exchange(&mut client, "abc").await;
    reset(client);
    check(&scene.end_in("rst").await, "client-reset", (3, 3));

    let resetter = Backend::start(Resetter::new().sending("hi").reading(5));
    let mut client = Stream::connect(scene.open(&format!("{}[name=back]", resetter.addr())).await)
        .await
        .unwrap();
    client.write_all(b"12345").await.unwrap();
    Ending::of(&mut client).await.unwrap();
    check(&scene.end_in("back").await, "backend-reset", (5, 2));

    let mut idle =
        Stream::connect(scene.open(&format!("{echo}[name=idle,idle-timeout=50ms]")).await)
            .await
            .unwrap();
    exchange(&mut idle, "x").await;
    check(&scene.end_in("idle").await, "idle", (1, 1));

    let mut client =
        Stream::connect(scene.open(&format!("{echo}[name=closed]")).await).await.unwrap();
    exchange(&mut client, "xy").await;
    line.ask("close closed").await;
    check(&scene.end_in("closed").await, "tunnel-closed", (2, 2));

    let mut client =
        Stream::connect(scene.open(&format!("{echo}[name=killed]")).await).await.unwrap();
    exchange(&mut client, "wxyz").await;
    line.ask("kill where tunnel=killed").await;
    check(&scene.end_in("killed").await, "killed", (4, 4));

    let mut client =
        Stream::connect(scene.open(&format!("{echo}[name=drained]")).await).await.unwrap();
    exchange(&mut client, "xyz").await;
    line.ask("close drained drain deadline=50ms").await;
    check(&scene.end_in("drained").await, "drain-deadline", (3, 3));

    let two = |name| format!("{echo},127.0.0.1:1+backup[name={name},on-remove=kill,on-down=kill]");
    for (name, command, reason) in
        [("removed", "remove", "backend-removed"), ("down", "disable", "backend-down")]
    {
        let mut client = Stream::connect(scene.open(&two(name)).await).await.unwrap();
        exchange(&mut client, "uvw").await;
        line.ask(&format!("{command} {name} {echo}")).await;
        check(&scene.end_in(name).await, reason, (3, 3));
    }

    let full = scene.open(&format!("{echo}[name=full,max-conns=1,queue-timeout=0]")).await;
    let mut held = Stream::connect(full).await.unwrap();
    exchange(&mut held, "x").await;
    crate::client::is_reset(full).await;
    let refused = scene.end_in("full").await;
    check(&refused, "limit", (0, 0));
    assert_eq!(
        (&refused["attempts"], &refused["backend"], &refused["connect_ms"]),
        (&json!(0), &Value::Null, &Value::Null)
    );

    let denied = scene.open(&format!("{echo}[name=denied,deny=127.0.0.1]")).await;
    crate::client::is_reset(denied).await;
    check(&scene.end_in("denied").await, "refused", (0, 0));

    let tls = crate::tls::Busy::new(scene.folder.path());
    let secure = scene.open(&format!("{echo}[name=tls,{}]", tls.options)).await;
    let mut client = Stream::connect(secure).await.unwrap();
    client.write_all(b"no TLS").await.unwrap();
    Ending::of(&mut client).await.unwrap();
    check(&scene.end_in("tls").await, "tls", (0, 0));
    let named = scene.open(&format!("{echo}+sni=a.example[name=named]")).await;
    crate::client::is_reset_after(named, b"no hello").await;
    check(&scene.end_in("named").await, "tls", (0, 0));

    let aged = scene.open(&format!("{echo}[name=aged,max-duration=100ms]")).await;
    let mut client = Stream::connect(aged).await.unwrap();
    exchange(&mut client, "old").await;
    check(&scene.end_in("aged").await, "max-duration", (3, 3));

    let dead = scene.open(&format!("{}[name=dead,retries=1]", refuser.addr())).await;
    crate::client::is_reset(dead).await;
    let failed = scene.end_in("dead").await;
    check(&failed, "connect-failed", (0, 0));
    assert_eq!(
        (&failed["attempts"], &failed["backend"], &failed["connect_ms"]),
        (&json!(2), &Value::Null, &Value::Null)
    );

    // The one that is held, and then nobody is left.
    scene.process.signal(Signal::TERM);
    eventually!(scene.process.says("draining"), "{}", scene.process.log());
    scene.process.signal(Signal::TERM);
    scene.process.ended().await;
    let lines = scene.lines();
    let last = lines.iter().find(|line| line["tunnel"] == "full" && line["reason"] != "limit");
    check(last.expect("the end of the daemon is one of its connections"), "shutdown", (1, 1));

    // All that there are, but for faults of our own.
    let told: BTreeSet<_> = lines.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    let all: BTreeSet<_> =
        Reason::ALL.iter().map(|it| it.word()).filter(|it| *it != "error").collect();
    assert_eq!(told, all);
    assert!(lines.iter().all(|line| line["client"].as_str().unwrap().starts_with("127.0.0.1:")));
}

#[tokio::test(flavor = "multi_thread")]
async fn text_goes_to_standard_error_with_the_log_and_off_tells_nothing() {
    let echo = Echo::start();
    let process = plexyd(&["--access-log", "text", &format!("0={}[name=db]", echo.addr())]).await;
    round_trip(super::tunnel_of(&process).await, 100).await.unwrap();
    let ended = |process: &Process| {
        let log = process.log();
        log.lines().find(|line| line.contains("event=connection-ended")).map(str::to_owned)
    };
    eventually!(ended(&process).is_some(), "{}", process.log());
    let line = ended(&process).unwrap();
    let keys: Vec<_> = line.split(' ').map(|field| field.split_once('=').unwrap().0).collect();
    let expected = [
        "time",
        "event",
        "connection",
        "tunnel",
        "listen",
        "client",
        "backend",
        "attempts",
        "connect_ms",
        "bytes_in",
        "bytes_out",
        "duration_ms",
        "reason",
    ];
    assert_eq!(keys, expected, "{line}");
    assert!(line.contains(" tunnel=db ") && line.ends_with(" reason=client-fin"), "{line}");

    for arguments in [&["--access-log", "off"][..], &[]] {
        let spec = format!("0={}[name=db]", echo.addr());
        let mut silent = plexyd(&[&[spec.as_str()], arguments].concat()).await;
        round_trip(super::tunnel_of(&silent).await, 100).await.unwrap();
        silent.signal(Signal::USR1);
        eventually!(silent.says("SIGUSR1 ignored: there is no log file"), "{}", silent.log());
        silent.signal(Signal::TERM);
        silent.ended().await;
        assert_eq!(ended(&silent), None);
    }
}

/// What the README says of a sample; the same numbers are told by every daemon.
fn is_sampled(id: u64, sample: u64) -> bool {
    (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * sample < 1 << 32
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_sample_start_and_end_are_told_and_every_failure() {
    let arguments =
        ["--access-log", "json", "--access-log-events", "both", "--access-log-sample", "3"];
    let mut scene = Scene::start(&[&arguments[..], &["--log-level", "debug"]].concat()).await;
    let (echo, refuser) = (Echo::start(), Refuser::start());
    let good = scene.open(&format!("{}[name=good]", echo.addr())).await;
    let bad = scene.open(&format!("{}[name=bad,retries=0]", refuser.addr())).await;
    for _ in 0..100 {
        round_trip(good, 10).await.unwrap();
        crate::client::is_reset(bad).await;
    }
    scene.process.signal(Signal::TERM);
    scene.process.ended().await;

    let log = scene.process.log();
    let ended = log.lines().filter(|line| line.contains("connection ended"));
    let of = |tunnel: SocketAddr| {
        let field = format!("tunnel={tunnel} ");
        let lines = ended.clone().filter(move |line| line.contains(&field));
        let id = |line: &str| line.split("connection=").nth(1)?.split(' ').next()?.parse().ok();
        lines.map(|line| id(line).unwrap()).collect::<Vec<u64>>()
    };
    let (all, failed) = (of(good), of(bad));
    assert_eq!((all.len(), failed.len()), (100, 100));
    let sampled: BTreeSet<u64> = all.into_iter().filter(|id| is_sampled(*id, 3)).collect();
    assert!((25..=42).contains(&sampled.len()), "{}", sampled.len());

    let lines = scene.lines();
    let starts = ids(&lines, "connection-started");
    assert_eq!(starts.len(), sampled.len());
    assert_eq!(starts.iter().copied().collect::<BTreeSet<_>>(), sampled);
    let ends = ids(&lines, "connection-ended");
    assert_eq!(ends.len(), sampled.len() + failed.len());
    assert_eq!(
        ends.into_iter().collect::<BTreeSet<_>>(),
        sampled.into_iter().chain(failed).collect()
    );
    // The start of each comes first, and names the same.
    for (place, start) in
        lines.iter().enumerate().filter(|(_, it)| it["event"] == "connection-started")
    {
        let end = lines[place..].iter().find(|it| {
            it["connection"] == start["connection"] && it["event"] == "connection-ended"
        });
        let end = end.expect("it has an end behind it");
        for key in ["tunnel", "listen", "client", "backend", "attempts", "connect_ms"] {
            assert_eq!(start[key], end[key], "{key}");
        }
        assert!(start["reason"].is_null() && start["bytes_in"].is_null(), "{start}");
    }
}

/// Has clients refused by a tunnel that is full until lines are dropped: each is one.
async fn drops_lines(full: SocketAddr, metrics: SocketAddr) -> f64 {
    eventually!(within Duration::from_secs(60), {
        let clients = (0..8).map(|_| tokio::spawn(async move {
            for _ in 0..250 {
                // It may hear of the reset while it connects still.
                drop(Stream::connect(full).await);
            }
        }));
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        dropped(metrics).await > 0.0
    });
    dropped(metrics).await
}

async fn dropped(metrics: SocketAddr) -> f64 {
    let scrape = HttpClient::Tcp(metrics).get("/metrics").await.body;
    let line = scrape.lines().find_map(|line| line.strip_prefix("plexy_access_log_dropped_total "));
    line.unwrap().parse().unwrap()
}

/// While lines are dropped a connection goes on as before, and control answers.
async fn goes_on(full: SocketAddr, flow: &Flow, metrics: SocketAddr, control: SocketAddr) {
    drops_lines(full, metrics).await;
    assert!(flow.is_running());
    let moved = flow.bytes();
    eventually!(flow.bytes() > moved + 10_000_000, "the connection goes on");
    assert_eq!(LineClient::connect(control).await.ask("ping").await, "OK: pong\n");
}

fn pipe(path: &Path) -> File {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
    std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_reader_stalls_holds_up_no_connection_and_what_is_dropped_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let mut reader = pipe(&path);
    let echo = Echo::start();
    let (free, full) = (
        format!("0={}[name=free]", echo.addr()),
        format!("0={}[name=full,max-conns=1,queue-timeout=0]", echo.addr()),
    );
    let process = plexyd(&[
        "--prometheus-socket",
        "127.0.0.1:0",
        "--access-log",
        "json",
        "--access-log-file",
        path.to_str().unwrap(),
        &free,
        &full,
    ])
    .await;
    let mut line = LineClient::connect(process.control_addr()).await;
    let status = line.ask("status full").await;
    let listen = |place| -> SocketAddr {
        let row: &str = status.lines().nth(place).unwrap();
        row.trim().split_once(" = ").unwrap().0.parse().unwrap()
    };
    let (free, full) = (listen(1), listen(2));
    let flow = Flow::start(free, 1).await.unwrap();
    let _held = Stream::connect(full).await.unwrap();
    eventually!(line.ask("status full").await.matches("open conns 1").count() == 2);

    goes_on(full, &flow, process.metrics_addr(), process.control_addr()).await;

    eventually!(within TOLD_PATIENCE, process.says("lines of the access log were dropped"), "{}", process.log());
    // A reader who comes back gets whole lines, and newer ones again.
    let rows = std::thread::spawn(move || {
        rustix::fs::fcntl_setfl(&reader, OFlags::empty()).unwrap();
        let rows = BufReader::new(&mut reader).lines().map(|row| row.unwrap());
        let parsed = rows.map(|row| serde_json::from_str::<Value>(&row).expect(&row));
        parsed.take_while(|row| row["tunnel"] != "free").count()
    });
    assert!(flow.stop().await.fault.is_none());
    // Its own end may have found no room yet.
    eventually!(
        {
            round_trip(free, 1).await.unwrap();
            rows.is_finished()
        },
        "newer lines arrive"
    );
    assert!(rows.join().unwrap() > 16_000);
}

/// A process that is killed on drop.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A client of an echo, unless it is turned away.
async fn let_in(addr: std::net::SocketAddr) -> Option<Stream> {
    let mut client = Stream::connect(addr).await.ok()?;
    client.write_all(b"?").await.ok()?;
    client.read_exact(&mut [0]).await.ok()?;
    Some(client)
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_error_that_nobody_reads_holds_up_no_connection_and_no_end() {
    let echo = Echo::start();
    let [control, metrics, free, full] = [(); 4].map(|()| Port::reserve());
    let [control, metrics, free, full] = [control, metrics, free, full].map(|port| port.addr());
    let mut command = Command::new(PLEXYD);
    command.args([
        "--control-socket",
        &control.to_string(),
        "--prometheus-socket",
        &metrics.to_string(),
    ]);
    command.args([
        format!("{free}={}", echo.addr()),
        format!("{full}={}[max-conns=1,queue-timeout=0]", echo.addr()),
    ]);
    let home = tempfile::tempdir().unwrap();
    command.args(["--access-log", "text"]).env("RUNTIME_DIRECTORY", home.path());
    let mut process = Killed(command.stderr(Stdio::piped()).spawn().unwrap());
    for addr in [free, full] {
        eventually!(Stream::connect(addr).await.is_ok());
    }
    let flow = Flow::start(free, 1).await.unwrap();
    // Whoever has found it listening may have its only place still.
    let mut held = None;
    eventually!(
        {
            held = let_in(full).await;
            held.is_some()
        },
        "it has a place"
    );

    goes_on(full, &flow, metrics, control).await;

    assert!(flow.stop().await.fault.is_none());
    drop(held);
    let pid = rustix::process::Pid::from_child(&process.0);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    eventually!(process.0.try_wait().unwrap().is_some(), "it ends though nobody reads");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_loses_no_line() {
    let mut scene = Scene::start(&["--access-log", "json"]).await;
    let echo = Echo::start();
    let tunnel = scene.open(&echo.addr().to_string()).await;
    let traffic = async {
        for _ in 0..300 {
            round_trip(tunnel, 10).await.unwrap();
        }
    };
    let rotation = async {
        for number in 0..5 {
            let old = scene.folder.path().join(format!("access.log.{number}"));
            std::fs::rename(scene.folder.path().join("access.log"), old).unwrap();
            scene.process.signal(Signal::USR1);
            let opened = || scene.process.log().matches("access log opened again").count();
            eventually!(opened() == number + 1, "{}", scene.process.log());
            eventually!(!scene.text().is_empty() || scene.text_of("access.log").is_empty());
        }
    };
    tokio::join!(traffic, rotation);
    scene.process.signal(Signal::TERM);
    scene.process.ended().await;
    let files =
        ["access.log".to_owned()].into_iter().chain((0..5).map(|it| format!("access.log.{it}")));
    let lines: Vec<Value> = files.flat_map(|file| objects(&scene.text_of(&file))).collect();
    let ended = ids(&lines, "connection-ended");
    assert_eq!(ended.len(), 300);
    assert_eq!(ended.into_iter().collect::<BTreeSet<_>>().len(), 300, "none is told twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_opened_again_leaves_the_old_one() {
    let scene = Scene::start(&["--access-log", "json"]).await;
    let echo = Echo::start();
    let tunnel = scene.open(&echo.addr().to_string()).await;
    std::fs::rename(scene.folder.path().join("access.log"), scene.folder.path().join("old"))
        .unwrap();
    std::fs::create_dir(scene.folder.path().join("access.log")).unwrap();
    scene.process.signal(Signal::USR1);
    eventually!(
        scene.process.says("the access log stays in its old file"),
        "{}",
        scene.process.log()
    );
    round_trip(tunnel, 10).await.unwrap();
    eventually!(objects(&scene.text_of("old")).len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_somebody_else_do_not_break_out_of_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b=\"c\" d");
    let greeter = Backend::unix(&path, Greeter::new("hello"));
    let spec =
        |path: &Path| format!("\"unix:{}\"", path.display().to_string().replace('"', "\\\""));
    let listen = folder.path().join("event=x reason=killed");
    for format in ["text", "json"] {
        let scene = Scene::start(&["--access-log", format]).await;
        let answer =
            scene.line().await.ask(&format!("open {}={}", spec(&listen), spec(&path))).await;
        assert_eq!(answer, "OK\n");
        let mut client = Stream::connect(listen.as_path()).await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(Ending::of(&mut client).await.unwrap().0, b"hello");
        eventually!(scene.text().ends_with('\n'), "{}", scene.text());
        let line = scene.text();
        assert_eq!(line.lines().count(), 1, "{line}");
        if format == "json" {
            let line: Value = serde_json::from_str(&line).unwrap();
            assert!(line["backend"].as_str().unwrap().ends_with(" d\""), "{line}");
            assert_eq!((&line["client"], &line["reason"]), (&json!("unix"), &json!("client-fin")));
        } else {
            let backend = r#"a b=\\\"c\\\" d\""#;
            assert!(line.contains(backend), "{line}");
            assert!(
                line.contains(" client=unix ") && line.ends_with(" reason=client-fin\n"),
                "{line}"
            );
        }
    }
    drop(greeter);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_access_log_is_refused() {
    for (arguments, said) in [
        (&["--access-log", "xml"][..], "possible values: off, text, json"),
        (&["--access-log", "json", "--access-log-sample", "0"], "zero"),
        (&["--access-log", "json", "--access-log-events", "start"], "possible values: end, both"),
        (&["--access-log-file", "/tmp/x"], "`--access-log-file` without `--access-log`"),
        (&["--access-log-sample", "2"], "`--access-log-sample` without `--access-log`"),
        (&["--access-log-events", "both"], "`--access-log-events` without `--access-log`"),
    ] {
        let output = run(PLEXYD, arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.errors().contains(said), "{arguments:?}: {}", output.errors());
    }
    let folder = tempfile::tempdir().unwrap();
    let unread = folder.path().join("pipe");
    drop(pipe(&unread));
    for file in [folder.path(), unread.as_path(), &folder.path().join("none/access.log")] {
        let output =
            run(PLEXYD, &["--access-log", "text", "--access-log-file", file.to_str().unwrap()])
                .await;
        assert_eq!(output.status.code(), Some(1), "{}", file.display());
        assert!(output.errors().contains("cannot open the access log"), "{}", output.errors());
    }
}
