//! plexyctl's one-shot commands, against a plexyd of their own.

use jsonrpsee::RpcModule;
use jsonrpsee::server::{Server, ServerHandle};
use jsonrpsee::types::ErrorObject;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, HttpClient, Process};
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexy_tests::tool::{Output, Tool};
use plexy_tests::traffic::Flow;
use plexyd::NameServers;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{PLEXYCTL, PLEXYD, run, tool};

/// A plexyd, and how to ask it.
struct Scene {
    process: Process,
    endpoint: String,
}

impl Scene {
    async fn start(arguments: &[&str]) -> Self {
        let process = Process::start(PLEXYD, arguments).await;
        let endpoint = format!("unix:{}", process.rpc_socket().display());
        Self { process, endpoint }
    }

    async fn ask(&self, words: &[&str]) -> Output {
        run(PLEXYCTL, &[&["--endpoint", &self.endpoint], words].concat()).await
    }
}

#[track_caller]
fn code(output: &Output, expected: i32) {
    assert_eq!(output.status.code(), Some(expected), "{}{}", output.text(), output.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_does_what_it_says() {
    let scene = Scene::start(&[]).await;
    let opened = scene.ask(&["open", "0=4000[name=web]"]).await;
    code(&opened, 0);
    assert!(opened.text().contains("opened web"), "{}", opened.text());
    assert!(scene.ask(&["add", "web", "4001+weight=2"]).await.success().contains("added"));
    assert!(scene.ask(&["list"]).await.success().contains("web"));
    assert!(scene.ask(&["status", "full"]).await.success().contains("web"));
    assert!(scene.ask(&["status"]).await.success().contains('1'));
    let detail = scene.ask(&["show", "web"]).await.success();
    assert!(detail.contains("127.0.0.1:4001") && detail.contains("round-robin"), "{detail}");
    assert!(scene.ask(&["remove", "web", "4000"]).await.success().contains("removed"));
    assert!(scene.ask(&["close", "web"]).await.success().contains("closed"));
    assert_eq!(scene.ask(&["ping"]).await.success(), "pong\n");
    let version = scene.ask(&["version"]).await.success();
    assert!(version.contains("plexyd") && version.contains("plexyctl"), "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_ends_with_the_connections_that_a_change_is_about() {
    let scene = Scene::start(&[]).await;
    let echo = Echo::start();
    let two = format!("{},127.0.0.1:1+backup", echo.addr());
    for change in [
        vec!["drain", "web"],
        vec!["drain", "web", "BACKEND"],
        vec!["remove", "web", "BACKEND"],
        vec!["switch", "web", "to", "127.0.0.1:1"],
        vec!["close", "web", "drain"],
    ] {
        let opened = scene.ask(&["-q", "open", &format!("0={two}[name=web]")]).await.success();
        let tunnel: std::net::SocketAddr = opened.trim().parse().unwrap();
        let flow = Flow::start(tunnel, 1).await.unwrap();
        let backend = echo.addr().to_string();
        let words = change.iter().map(|word| if *word == "BACKEND" { &backend } else { *word });
        let words: Vec<_> = words.collect();
        let hasty = [&["--wait=300ms"], &words[..]].concat();
        let waiting = [&["--wait"], &words[..]].concat();
        let is_close = change[0] == "close";
        // What cannot be done twice is waited for once.
        if change[0] == "drain" {
            let given_up = scene.ask(&hasty).await;
            code(&given_up, 7);
            assert!(given_up.errors().contains("connections left after 300ms: 1"), "{given_up:?}");
        }
        let (waited, ()) = tokio::join!(scene.ask(&waiting), async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            assert!(flow.stop().await.fault.is_none());
        });
        code(&waited, 0);
        assert!(waited.errors().contains("0 connections left"), "{}", waited.errors());
        if !is_close {
            code(&scene.ask(&["close", "web"]).await, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_ends_when_the_backends_that_are_checked_are_up() {
    let scene = Scene::start(&[]).await;
    let (one, two) = (Echo::start(), Echo::start());
    let spec = format!("0={},{}[name=web,check=tcp,check-interval=100ms]", one.addr(), two.addr());
    code(&scene.ask(&["--wait=20s", "open", &spec]).await, 0);
    let detail = ["detail", "web", "--columns", "check", "--no-headers"];
    let detail = scene.ask(&detail).await.success();
    assert!(detail.lines().all(|line| line.starts_with("up ")), "{detail}");

    // One that stays down is told, with why; the change stays.
    let down = scene.ask(&["--wait=1s", "add", "web", "127.0.0.1:1"]).await;
    code(&down, 7);
    let errors = down.errors();
    assert!(errors.contains("0 of 1 backend up\n"), "{errors}");
    assert!(errors.contains("error: backends not up after 1s: 127.0.0.1:1 ("), "{errors}");
    assert!(errors.contains("`plexyctl detail web`"), "{errors}");
    assert!(scene.ask(&["detail", "web"]).await.success().contains("127.0.0.1:1"));

    // Of a backend alone, what the others are does not matter; nor where nothing is checked.
    let backend = two.addr().to_string();
    code(&scene.ask(&["disable", "web", &backend]).await, 0);
    code(&scene.ask(&["--wait=20s", "enable", "web", &backend]).await, 0);
    let unchecked = scene.ask(&["--wait=100ms", "open", "0=127.0.0.1:1"]).await;
    code(&unchecked, 0);
    assert!(!unchecked.errors().contains("up"), "{}", unchecked.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_waiting_and_not_the_drain() {
    let scene = Scene::start(&[]).await;
    let echo = Echo::start();
    let opened = scene.ask(&["-q", "open", &format!("0={}[name=web]", echo.addr())]).await;
    let flow = Flow::start(opened.success().trim().parse::<std::net::SocketAddr>().unwrap(), 1)
        .await
        .unwrap();
    let arguments = ["--endpoint", scene.endpoint.as_str(), "--wait", "drain", "web"];
    let mut waiting = tool(PLEXYCTL).converse(arguments);
    waiting.wait_for("1 connection").await;
    let pid = Pid::from_raw(waiting.pid().unwrap().cast_signed()).unwrap();
    let mut ended = std::pin::pin!(waiting.ended());
    let waited = loop {
        tokio::select! {
            waited = &mut ended => break waited,
            () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {
                kill_process(pid, Signal::INT).ok();
            }
        }
    };
    code(&waited, 130);
    assert!(waited.errors().contains("no longer waiting, connections left: 1"), "{waited:?}");
    assert!(waited.errors().contains("it goes on; `plexyctl enable web` ends it"), "{waited:?}");
    let detail = scene.ask(&["detail", "web"]).await.success();
    assert!(detail.contains("drain for"), "{detail}");
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_class_of_failure_has_its_exit_code() {
    let scene = Scene::start(&["0=4000[name=web]"]).await;
    for (words, expected) in [
        (&["ping"][..], 0),
        (&["remove", "web", "4000"], 1),
        (&["open", "3000=4000[stratgy=x]"], 2),
        (&["close"], 2),
        (&["nosuchverb"], 2),
        (&["close", "nosuch"], 3),
        (&["remove", "web", "4001"], 3),
        (&["open", "0=4000[name=web]"], 4),
        (&["add", "web", "4000+weight=3"], 4),
    ] {
        let output = scene.ask(words).await;
        assert_eq!(output.status.code(), Some(expected), "{words:?}: {}", output.errors());
        if expected != 0 {
            assert_eq!(output.text(), "", "{words:?}: only data goes to standard output");
            assert!(!output.errors().is_empty());
        }
    }
    let nobody = run(PLEXYCTL, &["--endpoint", "unix:/nonexistent/rpc.sock", "ping"]).await;
    code(&nobody, 6);
    assert!(nobody.errors().contains("/nonexistent/rpc.sock"), "{}", nobody.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_pointed_at() {
    let scene = Scene::start(&[]).await;
    let output = scene.ask(&["open", "3000=4000[stratgy=random]"]).await;
    let errors = output.errors();
    assert!(errors.contains("open 3000=4000[stratgy=random]"), "{errors}");
    let mut lines = errors.lines().skip_while(|line| !line.contains("open 3000"));
    let (line, mark) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(line.find("stratgy"), mark.find("^^^^^^^"), "{errors}");
    assert!(errors.contains("strategy"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_for_programs() {
    let scene = Scene::start(&[]).await;
    let json = async |words: &[&str]| -> serde_json::Value {
        serde_json::from_str(&scene.ask(words).await.success()).unwrap()
    };
    let list = json(&["list", "-o", "json"]).await;
    assert_eq!(list["tunnel_list"], serde_json::json!([]));
    assert!(list["schema"].is_string(), "{list}");
    assert_eq!(json(&["-o", "json", "open", "0=4000[name=web]"]).await["result"], "opened");
    let refused = scene.ask(&["close", "nosuch", "-o", "json"]).await;
    code(&refused, 3);
    let error: serde_json::Value = serde_json::from_str(&refused.errors()).unwrap();
    assert_eq!(error["error"]["code"], "tunnel-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_ends_it_quietly() {
    let Some(bash) = Tool::find("bash", "bash") else { return };
    let tunnels: Vec<_> = (0..300).map(|n| format!("0=4000[name=t{n}]")).collect();
    let tunnels: Vec<_> = tunnels.iter().map(String::as_str).collect();
    let scene = Scene::start(&tunnels).await;
    let script = format!("{PLEXYCTL} --endpoint {} list | head -n 1", scene.endpoint);
    let output = bash.run(["-c", &script]).output().await;
    assert_eq!(output.text().lines().count(), 1);
    assert_eq!(output.errors(), "");
    assert!(scene.process.pid() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_a_tcp_door() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    std::fs::write(&file, "sesame-open-wide").unwrap();
    let file = file.to_str().unwrap();
    let process =
        Process::start(PLEXYD, &["--rpc-socket", "127.0.0.1:0", "--token-file", file]).await;
    let log = process.log();
    let socket = log
        .lines()
        .filter_map(|line| line.split_once("rpc socket open socket="))
        .find_map(|(_, addr)| addr.trim().parse::<std::net::SocketAddr>().ok());
    let endpoint = format!("ws://{}", socket.unwrap());
    let with = ["--endpoint", &endpoint, "--token-file", file, "ping"];
    assert_eq!(run(PLEXYCTL, &with).await.success(), "pong\n");
    code(&run(PLEXYCTL, &["--endpoint", &endpoint, "ping"]).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_its_version() {
    let version = run(PLEXYCTL, &["--version"]).await.success();
    assert_eq!(version, format!("plexyctl {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_hangs_is_a_deadline() {
    let scene = Scene::start(&[]).await;
    scene.process.signal(Signal::STOP);
    let hung = scene.ask(&["--timeout", "300ms", "open", "0=4000"]).await;
    code(&hung, 7);
    assert!(hung.errors().contains("300ms"), "{}", hung.errors());
    scene.process.signal(Signal::CONT);
    assert_eq!(scene.ask(&["-q", "list"]).await.success(), "", "nothing had been sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_never_came_may_have_happened() {
    let dns = Dns::start().await;
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    let HttpClient::Tcp(rpc) = daemon.rpc() else { unreachable!() };
    let way = daemon.open(&rpc.to_string()).await;
    dns.silent(true);
    let endpoint = format!("ws://{way}");
    let arguments = ["--endpoint", &endpoint, "open", "slow.test:0=4000[name=slow]"];
    let asking = run(PLEXYCTL, &arguments);
    let cut = async {
        eventually!(dns.asked("slow.test") > 0);
        daemon.close(way).await;
    };
    let (output, ()) = tokio::join!(asking, cut);
    code(&output, 1);
    let errors = output.errors();
    assert!(errors.contains("outcome unknown") && errors.contains("plexyctl list"), "{errors}");
}

/// Something that speaks JSON-RPC, and is a plexyd of another time.
async fn daemon_of_another_version() -> (String, ServerHandle) {
    let mut methods = RpcModule::new(());
    let list = json!({
        "revision": 7, "weather": "fine", "tunnels": 1,
        "tunnel_list": [{
            "listen": "127.0.0.1:1", "name": "web", "mood": "good", "connections": 0,
            "connections_total": 0, "bytes_in": 0, "bytes_out": 0, "backends_up": 1, "backends": 1,
        }],
    });
    methods.register_method("listTunnels", move |_, _, _| list.clone()).unwrap();
    methods.register_method("tunnelInfo", |_, _, _| json!({ "listen": 5 })).unwrap();
    methods
        .register_method("closeTunnel", |_, _, _| {
            let data = json!({ "code": "out-of-cheese", "hint": "buy some\u{1b}[31m" });
            Err::<Value, _>(ErrorObject::owned(-32_999, "no cheese", Some(data)))
        })
        .unwrap();
    let server = Server::builder().build("127.0.0.1:0").await.unwrap();
    (format!("ws://{}", server.local_addr().unwrap()), server.start(methods))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_of_another_version_is_understood_or_named_as_such() {
    let (endpoint, _server) = daemon_of_another_version().await;
    let ask =
        async |words: &[&str]| run(PLEXYCTL, &[&["--endpoint", &endpoint], words].concat()).await;
    assert!(ask(&["list"]).await.success().contains("web"));

    let info = ask(&["detail", "web"]).await;
    code(&info, 1);
    assert!(info.errors().contains("`plexyctl version` tells"), "{}", info.errors());

    let refused = ask(&["close", "web"]).await;
    code(&refused, 1);
    assert!(refused.errors().contains("no cheese"), "{}", refused.errors());
    assert!(!refused.errors().contains('\u{1b}'), "{}", refused.errors());

    let unknown = ask(&["add", "web", "4000"]).await;
    code(&unknown, 1);
    assert!(unknown.errors().contains("addBackend"), "{}", unknown.errors());
}
