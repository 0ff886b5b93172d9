//! SIGHUP: the difference between the file and what is open, all of it or nothing.

use std::fs;
use std::path::PathBuf;

use plexy_tests::backend::{Echo, Greeter};
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Flow, round_trip};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use super::PLEXYD;

/// A daemon with a configuration file that can be written anew.
struct Scene {
    process: Process,
    path: PathBuf,
    reloads: usize,
    _folder: TempDir,
}

impl Scene {
    async fn with(tunnels: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plexy.toml");
        fs::write(&path, text(tunnels)).unwrap();
        let arguments = ["--config", path.to_str().unwrap(), "--prometheus-socket", "127.0.0.1:0"];
        let process = Process::start(PLEXYD, &arguments).await;
        Self { process, path, reloads: 0, _folder: folder }
    }

    /// Reloads, and waits for what comes of it.
    async fn reload(&mut self, written: &str) {
        fs::write(&self.path, written).unwrap();
        self.process.signal(Signal::HUP);
        self.reloads += 1;
        let done = |log: &str| {
            log.matches("config reloaded").count() + log.matches("config refused").count()
        };
        eventually!(done(&self.process.log()) == self.reloads, "{}", self.process.log());
    }

    async fn ask(&self, command: &str) -> String {
        LineClient::connect(self.process.control_addr()).await.ask(command).await
    }

    /// What `plexy_config_last_reload_successful` is.
    async fn is_good(&self) -> bool {
        let mut stream = Stream::connect(self.process.metrics_addr()).await.unwrap();
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.contains("\nplexy_config_last_reload_successful 1\n")
    }
}

fn text(tunnels: &[String]) -> String {
    let tunnels: Vec<_> = tunnels.iter().map(|tunnel| format!("  {tunnel:?},\n")).collect();
    format!("control-socket = \"127.0.0.1:0\"\ntunnels = [\n{}]\n", tunnels.concat())
}

async fn greeting(port: &Port) -> String {
    let mut stream = Stream::connect(port.addr()).await.unwrap();
    let mut greeting = [0; 3];
    stream.read_exact(&mut greeting).await.unwrap();
    String::from_utf8(greeting.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_difference_is_done_and_no_connection_notices() {
    let (echo, one, two) = (Echo::start(), Greeter::start("one"), Greeter::start("two"));
    let [stays, changes, goes, comes, other] = [(); 5].map(|()| Port::reserve());
    let stays_spec = format!("{}={}[name=stays]", stays.addr(), echo.addr());
    let mut scene = Scene::with(&[
        stays_spec.clone(),
        format!("{}={}[name=changes]", changes.addr(), echo.addr()),
        format!("{}={}[name=goes]", goes.addr(), echo.addr()),
    ])
    .await;
    let opened = scene.ask(&format!("open {}={}[name=other]", other.addr(), one.addr())).await;
    assert_eq!(opened, "OK\n");
    let flows = [
        Flow::start(stays.addr(), 1).await.unwrap(),
        Flow::start(changes.addr(), 2).await.unwrap(),
        Flow::start(goes.addr(), 3).await.unwrap(),
    ];

    // One takes the name of another that is gone; one listens elsewhere under its name.
    let changed = format!(
        "{}={}[name=goes,strategy=least-conn,keepalive=30s/10s/3]",
        changes.addr(),
        one.addr()
    );
    let came = format!("{}={}[name=changes]", comes.addr(), two.addr());
    scene.reload(&text(&[stays_spec, changed, came])).await;

    eventually!(
        scene.process.says("opened 1, changed 1, closed 1, unchanged 1"),
        "{}",
        scene.process.log()
    );
    assert_eq!(greeting(&changes).await, "one");
    assert_eq!(greeting(&comes).await, "two");
    assert_eq!(greeting(&other).await, "one");
    assert!(Stream::connect(goes.addr()).await.is_err());
    let detail = scene.ask("detail goes").await;
    assert!(detail.starts_with(&format!("OK: {}\n", changes.addr())), "{detail}");
    assert!(
        detail.contains("\torigin file, ") && detail.contains("strategy = least-conn"),
        "{detail}"
    );
    assert!(scene.ask("detail changes").await.starts_with(&format!("OK: {}\n", comes.addr())));
    for flow in flows {
        let before = flow.bytes();
        eventually!(flow.bytes() > before + 10_000);
        assert!(flow.stop().await.fault.is_none());
    }

    // The same once more is nothing at all.
    let written = fs::read_to_string(&scene.path).unwrap();
    let revision =
        scene.ask("detail goes").await.split("revision ").nth(1).unwrap()[..1].to_owned();
    scene.reload(&written).await;
    eventually!(
        scene.process.says("opened 0, changed 0, closed 0, unchanged 3"),
        "{}",
        scene.process.log()
    );
    assert!(scene.ask("detail goes").await.contains(&format!("revision {revision},")));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_change_places_and_counts_stay() {
    let echo = Echo::start();
    let [first, second] = [(); 2].map(|()| Port::reserve());
    let spec = |port: &Port, name: &str| format!("{}={}[name={name}]", port.addr(), echo.addr());
    let mut scene = Scene::with(&[spec(&first, "a"), spec(&second, "b")]).await;
    round_trip(first.addr(), 1_000).await.unwrap();

    scene.reload(&text(&[spec(&first, "b"), spec(&second, "a")])).await;

    let detail = scene.ask("detail b").await;
    assert!(detail.starts_with(&format!("OK: {}\n", first.addr())), "{detail}");
    let counts = "open conns 0, total 1, bytes sent 1000, received 1000";
    eventually!(scene.ask("detail b").await.contains(counts), "{}", scene.ask("detail b").await);
    assert!(scene.ask("detail a").await.starts_with(&format!("OK: {}\n", second.addr())));
    assert_eq!(scene.ask("close a").await, "OK\n");
    assert_eq!(scene.ask("close b").await, "OK\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_whole_is_not_done_at_all() {
    let echo = Echo::start();
    let [kept, fresh, taken, runtime] = [(); 4].map(|()| Port::reserve());
    let _other = std::net::TcpListener::bind(taken.addr()).unwrap();
    let kept_spec = format!("{}={}[name=kept]", kept.addr(), echo.addr());
    let mut scene = Scene::with(std::slice::from_ref(&kept_spec)).await;
    scene.ask(&format!("open {}={}[name=runtime]", runtime.addr(), echo.addr())).await;
    let before = scene.ask("detail kept").await;
    let spec = |listen: &str, name: &str| format!("{listen}={}[name={name}]", echo.addr());
    let changed = format!("{}=4000[name=kept]", kept.addr());
    let new = spec(&fresh.addr().to_string(), "fresh");
    for (bad, told) in [
        (spec(&taken.addr().to_string(), "x"), "another program listens"),
        (spec(&runtime.addr().to_string(), "x"), "tunnel `runtime` is open"),
        (spec("0", "runtime"), "the name `runtime` is taken"),
        ("3000=4000[stratgy=x]".to_owned(), "plexy.toml:5:14: unknown option `stratgy`"),
    ] {
        scene.reload(&text(&[changed.clone(), new.clone(), bad])).await;
        let log = scene.process.log();
        let last = log.lines().rfind(|line| line.contains("config refused")).unwrap();
        assert!(last.contains("nothing has changed") && log.contains(told), "{told}: {log}");
        assert_eq!(scene.ask("detail kept").await.lines().nth(1), before.lines().nth(1));
        assert_eq!(scene.ask("status").await, "OK: Tunnels: 2\n");
        assert!(Stream::connect(fresh.addr()).await.is_err());
        assert!(!scene.is_good().await);
    }
    fs::remove_file(&scene.path).unwrap();
    scene.process.signal(Signal::HUP);
    eventually!(scene.process.says("cannot read the configuration"), "{}", scene.process.log());
    scene.reloads += 1;

    scene.reload(&text(&[kept_spec, new])).await;
    eventually!(
        scene.process.says("opened 1, changed 0, closed 0, unchanged 1"),
        "{}",
        scene.process.log()
    );
    assert!(scene.is_good().await);
    round_trip(fresh.addr(), 1_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_have_changed_are_told() {
    let echo = Echo::start();
    let mut scene = Scene::with(&[format!("0={}[name=db]", echo.addr())]).await;
    let before = scene.ask("status full").await;
    let written = fs::read_to_string(&scene.path).unwrap();

    scene.reload(&format!("workers = 3\n{written}")).await;

    eventually!(scene.process.says("hold from the next start"), "{}", scene.process.log());
    // Port 0 of the file is the port that it was given.
    assert_eq!(scene.ask("status full").await, before);
}
