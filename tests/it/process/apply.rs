//! plexyctl's `apply`, `diff`, `export` and `--dry-run`, against a plexyd of their own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::terminal::keys::CTRL_C;
use plexy_tests::terminal::{Program, Terminal};
use plexy_tests::tool::Output;
use plexy_tests::traffic::Flow;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PLEXYCTL, PLEXYD, run, tool};

/// A plexyd, how to ask it, and a folder for files.
struct Scene {
    endpoint: String,
    folder: TempDir,
    _process: Process,
}

impl Scene {
    async fn start(arguments: &[&str]) -> Self {
        let process = Process::start(PLEXYD, arguments).await;
        let endpoint = format!("unix:{}", process.rpc_socket().display());
        Self { endpoint, folder: tempfile::tempdir().unwrap(), _process: process }
    }

    async fn ask(&self, words: &[&str]) -> Output {
        run(PLEXYCTL, &[&["--endpoint", &self.endpoint], words].concat()).await
    }

    async fn json(&self, words: &[&str]) -> Value {
        let output = self.ask(&[words, &["-o", "json"]].concat()).await;
        serde_json::from_str(&output.text()).unwrap_or_else(|_| panic!("{output:?}"))
    }

    /// With this on standard input.
    async fn ask_with(&self, input: &str, words: &[&str]) -> Output {
        let arguments = [&["--endpoint", self.endpoint.as_str()], words].concat();
        tool(PLEXYCTL).run(arguments).input(input).output().await
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

#[track_caller]
fn code(output: &Output, expected: i32) {
    assert_eq!(output.status.code(), Some(expected), "{}{}", output.text(), output.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_is_shown_done_and_then_nothing_differs() {
    let scene = Scene::start(&["0=4000[name=other]"]).await;
    let port = Port::reserve();
    let listen = port.addr();
    let file = scene.write(
        "plexy.toml",
        &format!("workers = 2\ntunnels = [\n  \"{listen}=4000[name=web]\",\n]\n"),
    );

    let diff = scene.ask(&["diff", "-f", &file]).await;
    code(&diff, 1);
    assert_eq!(diff.text(), format!("+ {listen}=127.0.0.1:4000[name=web]\n"));
    assert!(diff.errors().contains("`workers` is none of a tunnel's"), "{}", diff.errors());
    assert!(diff.errors().contains("nothing was done"), "{}", diff.errors());
    let tried = scene.ask(&["apply", "-f", &file, "--dry-run"]).await;
    assert_eq!((tried.status.code(), tried.text()), (Some(0), diff.text()));
    code(&scene.ask(&["apply", "-f", &file, "--dry-run", "--exit-code"]).await, 10);

    let applied = scene.ask(&["apply", "-f", &file, "--exit-code"]).await;
    code(&applied, 10);
    let sum = "created 1, changed 0, unchanged 0, removed 0\n";
    assert_eq!(applied.text(), format!("created web on {listen}\n{sum}"));

    let same = scene.ask(&["diff", "-f", &file]).await;
    code(&same, 0);
    assert!(same.text().is_empty() && same.errors().contains("nothing differs"), "{same:?}");
    code(&scene.ask(&["apply", "-f", &file, "--exit-code"]).await, 0);
    let changes = scene.json(&["history"]).await["changes"].as_array().unwrap().len();

    // The same in another format, changed.
    let text =
        json!({ "tunnels": [format!("{listen}=4000,4001[name=web,retries=5]")] }).to_string();
    let diff = scene.ask_with(&text, &["diff", "-f", "-", "--prune"]).await;
    code(&diff, 1);
    let lines: Vec<_> = diff.text().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], format!("~ web on {listen}"));
    assert_eq!(lines[1..3], ["    ~ retries: 3 → 5", "    + 127.0.0.1:4001"]);
    assert!(lines[3].starts_with("- other on 127.0.0.1:"), "{lines:?}");
    let applied = scene.ask_with(&text, &["apply", "-f", "-", "-o", "json", "--prune"]);
    let applied: Value = serde_json::from_str(&applied.await.success()).unwrap();
    assert_eq!(applied["schema"], "plexy.apply/1");
    assert_eq!((&applied["changed"], &applied["removed"]), (&json!(1), &json!(1)));
    assert_eq!(applied["dry_run"], Value::Null);
    let history = scene.json(&["history"]).await["changes"].as_array().unwrap().len();
    assert_eq!(history, changes + 1, "it is one change");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_in_any_format_changes_nothing() {
    let specs = ["0=4000,4001+weight=3+backup[name=web,retries=5]", "0=\"unix:/a b\"[allow=::1]"];
    let scene = Scene::start(&specs).await;
    let toml = scene.ask(&["export"]).await.success();
    assert_eq!(scene.ask(&["export", "--format", "toml"]).await.success(), toml);
    let exported = [
        toml,
        scene.ask(&["export", "--format", "json"]).await.success(),
        scene.ask(&["export", "--format", "spec"]).await.success(),
        scene.ask(&["export", "-q"]).await.success(),
        scene.ask(&["export", "-o", "json"]).await.success(),
    ];
    for text in exported {
        let applied = scene.ask_with(&text, &["apply", "-f", "-", "--prune", "--exit-code"]).await;
        code(&applied, 0);
        assert!(applied.text().ends_with("unchanged 2, removed 0\n"), "{text}: {applied:?}");
    }
    // The first is what plexyd reads, too.
    let file = scene.write("plexy.toml", &scene.ask(&["export"]).await.success());
    let loaded = scene.ask(&["load", &file]).await.success();
    assert!(loaded.contains("unchanged 2"), "{loaded}");
    code(&scene.ask(&["export", "--format", "yaml"]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_folder_are_one_set_and_every_mistake_is_told_before_anything_is_asked() {
    let scene = Scene::start(&[]).await;
    let ports = [Port::reserve(), Port::reserve()];
    scene.write("d/10.toml", &format!("tunnels = [\"{}=4000\"]", ports[0].addr()));
    scene.write("d/20.plexy", &format!("# the second\n{}=4000\n", ports[1].addr()));
    let folder = scene.path("d");
    let applied = scene.ask(&["apply", "-f", &folder]).await.success();
    assert!(applied.starts_with(&format!("created {}\n", ports[0].addr())), "{applied}");

    let bad = scene.write("d/30.toml", "tunnels = [\n  \"3000=4000[stratgy=x]\",\n  3,\n]");
    let nobody = ["--endpoint", "unix:/nosuch", "apply", "-f", &folder];
    let refused = run(PLEXYCTL, &nobody).await;
    code(&refused, 2);
    for mistake in
        [":2:14: unknown option `stratgy`; did you mean `strategy`?", ":3:3: a tunnel is"]
    {
        assert!(refused.errors().contains(&format!("{bad}{mistake}")), "{}", refused.errors());
    }
    // What only the daemon knows is told with its place, too.
    scene.write("d/30.toml", &format!("tunnels = [\n  \"*:{}=1\",\n]", ports[0].addr().port()));
    let refused = scene.ask(&["diff", "-f", &folder]).await;
    code(&refused, 4);
    assert!(
        refused.errors().contains(&format!("{bad}:2:3: error: cannot listen on")),
        "{refused:?}"
    );
    // That something differs has the exit code of a refusal elsewhere.
    scene.write("d/30.toml", "tunnels = [\"192.0.2.1:2999=1\"]");
    code(&scene.ask(&["apply", "-f", &folder]).await, 1);
    code(&scene.ask(&["diff", "-f", &folder]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_reset_only_where_somebody_says_so() {
    let scene = Scene::start(&[]).await;
    let echo = Echo::start();
    let opened = scene.ask(&["-q", "open", &format!("0={}[name=web]", echo.addr())]).await;
    let tunnel: SocketAddr = opened.success().trim().parse().unwrap();
    let flow = Flow::start(tunnel, 1).await.unwrap();
    let none = scene.write("none.toml", "tunnels = []");

    let refused = scene.ask(&["apply", "-f", &none, "--prune"]).await;
    code(&refused, 2);
    assert!(refused.errors().contains("1 connection would be reset"), "{}", refused.errors());
    assert!(refused.errors().contains("`--yes` does it"), "{}", refused.errors());
    let diff = scene.ask(&["diff", "-f", &none, "--prune"]).await;
    assert_eq!(diff.text(), format!("- web on {tunnel}: 1 connection reset\n"));
    let empty = scene.ask_with("", &["apply", "-f", "-", "--prune", "--yes"]).await;
    code(&empty, 2);
    assert!(empty.errors().contains("declares no tunnels"), "{}", empty.errors());
    let tried = scene.ask(&["apply", "-f", &none, "--prune=keep", "--dry-run"]).await.success();
    assert_eq!(tried, format!("- web on {tunnel}: 1 connection goes on\n"));
    assert!(flow.is_running(), "nothing of all that was done");

    let applied = scene.ask(&["apply", "-f", &none, "--prune", "--yes"]).await.success();
    assert!(
        applied.starts_with(&format!("removed web on {tunnel}: 1 connection reset\n")),
        "{applied}"
    );
    assert!(flow.cut().await.fault.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_the_diff_is_shown_and_somebody_is_asked() {
    let scene = Scene::start(&[]).await;
    let echo = Echo::start();
    let opened = scene.ask(&["-q", "open", &format!("0={}[name=web]", echo.addr())]).await;
    let tunnel: SocketAddr = opened.success().trim().parse().unwrap();
    let flow = Flow::start(tunnel, 1).await.unwrap();
    let none = scene.write("none.toml", "tunnels = []");
    let words = ["--endpoint", &scene.endpoint, "apply", "-f", &none, "--prune"];
    for (answer, expected) in [("", 1), ("n", 1), ("y", 0)] {
        let mut terminal = Program::new(PLEXYCTL, &words).start();
        eventually!(terminal.shows("1 connection would be reset. Apply? [y/N]"));
        assert!(terminal.shows(&format!("- web on {tunnel}: 1 connection reset")));
        assert!(flow.is_running());
        terminal.enter(answer);
        eventually!(terminal.ended().is_some());
        let code = terminal.ended().unwrap().exit_code();
        assert_eq!(code, expected, "{answer}: {}", terminal.screen());
    }
    assert!(flow.cut().await.fault.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_can_press_ctrl_c_in_place_of_an_answer() {
    let scene = Scene::start(&[]).await;
    let echo = Echo::start();
    let opened = scene.ask(&["-q", "open", &format!("0={}[name=web]", echo.addr())]).await;
    let tunnel: SocketAddr = opened.success().trim().parse().unwrap();
    let flow = Flow::start(tunnel, 1).await.unwrap();
    let none = scene.write("none.toml", "tunnels = []");
    let asks = async |terminal: &Terminal| {
        eventually!(terminal.shows("Apply? [y/N]"), "{}", terminal.screen());
    };
    let words = ["--endpoint", &scene.endpoint, "apply", "-f", &none, "--prune"];
    let mut terminal = Program::new(PLEXYCTL, &words).start();
    asks(&terminal).await;
    terminal.press(CTRL_C);
    eventually!(terminal.ended().is_some(), "{}", terminal.screen());
    assert_eq!(terminal.ended().unwrap().exit_code(), 130, "{}", terminal.screen());

    // In the shell the next line is a command, and no answer.
    let home = tempfile::tempdir().unwrap();
    let shell = Program::new(PLEXYCTL, &["--endpoint", &scene.endpoint]);
    let shell = shell.env("XDG_STATE_HOME", home.path()).start();
    let waits = async || {
        eventually!(shell.last_line().ends_with("plexy:local>"), "{}", shell.screen());
    };
    waits().await;
    shell.enter(&format!("apply -f {none} --prune"));
    asks(&shell).await;
    shell.press(CTRL_C);
    eventually!(shell.shows("interrupted: nothing was done"), "{}", shell.screen());
    waits().await;
    shell.enter("ping");
    eventually!(shell.shows("pong"), "{}", shell.screen());
    assert!(flow.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_tried_out_says_what_it_would_do() {
    let scene = Scene::start(&["0=4000[name=web]"]).await;
    let web = scene.ask(&["-q", "detail", "web"]).await.success().trim().to_owned();
    let port = Port::reserve();
    let spec = format!("{}=4000", port.addr());
    for (words, text) in [
        (&["open", &spec][..], format!("would open {0}\n+ {0}=127.0.0.1:4000\n", port.addr())),
        (&["open", &format!("{web}=4000[name=web]")], format!("would change nothing of {web}\n")),
        (&["close", "web"], format!("would close {web}: 0 connections\n- web on {web}\n")),
        (
            &["add", "web", "4001"],
            format!("would add 127.0.0.1:4001 to web\n~ web on {web}\n    + 127.0.0.1:4001\n"),
        ),
        (
            &["set", "web", "retries=5"],
            format!("would change web\n~ web on {web}\n    ~ retries: 3 → 5\n"),
        ),
        (
            &["drain", "web"],
            format!("would drain web\n~ web on {web}\n    ~ admin: ready → drain\n"),
        ),
        (&["kill", "where", "idle>1h"], "would kill 0 connections\n".to_owned()),
    ] {
        let tried = scene.ask(&[words, &["--dry-run"]].concat()).await;
        assert_eq!((tried.status.code(), tried.text()), (Some(0), text), "{}", tried.errors());
        assert_eq!(tried.errors(), "nothing was done\n", "{words:?}");
    }
    let tried = scene.json(&["close", "web", "--dry-run", "--wait"]).await;
    assert_eq!(
        (&tried["dry_run"], &tried["differences"][0]["result"]),
        (&json!(true), &json!("removed"))
    );
    // Tunnels of the arguments are no change.
    assert_eq!(scene.json(&["history"]).await["changes"], json!([]));
    for words in
        [&["list"][..], &["conns"], &["export"], &["save"], &["log", "debug"], &["diff", "-f", "-"]]
    {
        let refused = scene.ask(&[words, &["--dry-run"]].concat()).await;
        code(&refused, 2);
        assert!(refused.errors().contains("try out") || refused.errors().contains("tried out"));
    }
    code(&scene.ask(&["close", "nosuch", "--dry-run"]).await, 3);
    code(&scene.ask(&["-c", "close web; open 0=4000[name=web]", "--dry-run"]).await, 4);
}
