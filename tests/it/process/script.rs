//! Commands of plexyctl one after the other: from standard input, a file, or `-c`.

use std::net::SocketAddr;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::terminal::Program;
use plexy_tests::tool::{Output, Run, Tool};
use plexy_tests::traffic::Flow;
use rustix::process::Signal;
use serde_json::Value;

use super::{PLEXYCTL, PLEXYD, tool};

/// A plexyd, and how to ask it.
struct Scene {
    process: Process,
}

impl Scene {
    async fn start() -> Self {
        Self { process: Process::start(PLEXYD, &[]).await }
    }

    fn endpoint(&self) -> String {
        format!("unix:{}", self.process.rpc_socket().display())
    }

    fn run(&self, words: &[&str]) -> Run {
        tool(PLEXYCTL).run([&["--endpoint", &self.endpoint()], words].concat())
    }

    /// What plexyctl makes of this on its standard input.
    async fn read(&self, script: &str, words: &[&str]) -> Output {
        self.run(words).input(script).output().await
    }

    async fn tunnels(&self) -> String {
        self.run(&["list", "-q"]).output().await.success()
    }
}

#[track_caller]
fn check(output: &Output, code: i32, text: &str, first_error: &str) {
    assert_eq!(output.status.code(), Some(code), "{}{}", output.text(), output.errors());
    assert_eq!(output.text(), text, "{}", output.errors());
    assert_eq!(output.errors().lines().next().unwrap_or_default(), first_error);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_on_standard_input_is_done_until_a_command_fails() {
    let scene = Scene::start().await;
    let script = "# two\nopen 0=4000[name=a]\nopen 0=4000 \\\n  [name=b,\\\nretries=1]\n\
                  close nobody\nopen 0=4000[name=c]\n";
    let output = scene.read(script, &["-q"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", output.errors());
    assert!(output.errors().starts_with("stdin:6:1: error: no tunnel `nobody`\n"), "{output:?}");
    assert_eq!(scene.tunnels().await, "a\nb\n");

    check(&scene.read("", &[]).await, 0, "", "");
    check(&scene.read("ping\nexit\nping\n", &[]).await, 0, "pong\n", "");
    // Without an end of its line, too.
    check(&scene.read("ping", &["-f", "-"]).await, 0, "pong\n", "");
    let mistake = "stdin:2:3: error: unknown verb `pong`";
    check(&scene.read("ping\n  pong\nping\n", &[]).await, 2, "pong\n", mistake);
    let goes_on = scene.read("ping\npong\nclose x\nping\n", &["--keep-going"]).await;
    check(&goes_on, 2, "pong\npong\n", "stdin:2:1: error: unknown verb `pong`");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_is_done_when_it_is_there() {
    let mut scene = Scene::start().await;
    let endpoint = scene.endpoint();
    let mut plexyctl = tool(PLEXYCTL).converse(["--endpoint", &endpoint]);
    plexyctl.send("ping").await;
    plexyctl.expect_line("pong").await;
    plexyctl.send("open 0=4000[name=a]").await;
    assert!(plexyctl.line().await.unwrap().starts_with("opened a: "));
    // Another plexyd in the place of that one: the connection is made anew.
    let socket = scene.process.rpc_socket();
    let arguments = ["--rpc-socket", &format!("unix:{}", socket.display())];
    scene.process.signal(Signal::TERM);
    assert!(scene.process.ended().await.success());
    let _next = Process::start(PLEXYD, &arguments).await;
    plexyctl.send("status").await;
    plexyctl.expect_line("0 tunnels").await;
    plexyctl.close_input();
    assert!(plexyctl.ended().await.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_is_whole_is_good_from_end_to_end_or_nothing_is_done() {
    let scene = Scene::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deploy");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "open 0=4000[name=a]\nclose a now\nopen 0=[name=b]\n").unwrap();
    let output = scene.run(&["-f", name]).output().await;
    check(&output, 2, "", &format!("{name}:2:9: error: unexpected `now`"));
    // Each mistake is told.
    assert!(output.errors().contains(&format!("\n{name}:3:")), "{}", output.errors());
    assert_eq!(scene.tunnels().await, "");

    let output = scene.run(&["-f", name, "--keep-going", "-q"]).output().await;
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(scene.tunnels().await, "a\n");

    let output = scene.run(&["-c", "ping; list -z"]).output().await;
    check(&output, 2, "", "-c:1:7: error: unexpected argument '-z' found");
    let output = scene.run(&["-c", "list -q; ping -o json"]).output().await.success();
    assert!(output.starts_with("a\n{"), "{output}");
    let output = scene.run(&["-c", "ping --endpoint unix:/x"]).output().await;
    let mistake = "-c:1:1: error: `--endpoint` is said once, where plexyctl begins";
    check(&output, 2, "", mistake);
    check(&scene.run(&["-c", "ping; ping ;\n ping"]).output().await, 0, "pong\npong\npong\n", "");
    let help = scene.run(&["-c", "help ping"]).output().await.success();
    assert!(help.starts_with("ping\n") && help.contains("\nExamples:\n  ping\n"), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_where_a_command_went_wrong() {
    let scene = Scene::start().await;
    let output = scene.run(&["-c", "ping;\n  detail x", "-o", "json"]).output().await;
    assert_eq!(output.status.code(), Some(3));
    let error: Value = serde_json::from_str(&output.errors()).unwrap();
    let origin = serde_json::json!({ "file": "-c", "line": 2, "column": 3 });
    assert_eq!(error["error"]["origin"], origin, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_with_the_daemon_that_it_has_found() {
    let env = Tool::find("env", "coreutils").unwrap();
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).display().to_string();
    let start = async |folder: &str, name: &str| {
        std::fs::create_dir_all(home.path().join(folder)).unwrap();
        let socket = format!("unix:{}/rpc.sock", path(folder));
        Process::start(PLEXYD, &["--rpc-socket", &socket, &format!("0=4000[name={name}]")]).await
    };
    let (mut first, _other) = (start("one", "first").await, start("two/plexy", "other").await);
    let (one, two) = (path("one"), path("two"));
    let places = [format!("RUNTIME_DIRECTORY={one}"), format!("XDG_RUNTIME_DIR={two}")];
    let arguments = ["-u", "PLEXY_ENDPOINT", &places[0], &places[1], PLEXYCTL, "--keep-going"];
    let mut plexyctl = env.converse(arguments);
    plexyctl.send("list -q").await;
    plexyctl.expect_line("first").await;
    first.signal(Signal::TERM);
    assert!(first.ended().await.success());
    // Whoever else would answer now is another one.
    plexyctl.send("list -q").await;
    // Once that is over.
    plexyctl.send("help ping").await;
    plexyctl.expect_line("ping").await;
    let _next = start("one", "next").await;
    plexyctl.send("list -q").await;
    plexyctl.wait_for("next").await;
    let output = plexyctl.finish().await;
    assert_eq!(output.status.code(), Some(6), "{}", output.errors());
    let refused = output.errors().lines().next().unwrap_or_default().to_owned();
    assert!(refused.contains("cannot reach plexyd"), "{refused}");
    assert!(!output.errors().contains(&two), "{}", output.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_and_nobody_looks() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let opened = scene.run(&["-q", "open", &format!("0={}[name=web]", echo.addr())]);
    let tunnel: SocketAddr = opened.output().await.success().trim().parse().unwrap();
    let flow = Flow::start(tunnel, 1).await.unwrap();
    let looks = scene.run(&["-c", "watch list"]).output().await;
    check(
        &looks,
        2,
        "",
        "-c:1:1: error: a script does not wait for somebody who looks: `watch` is not for one",
    );
    let itself = scene.read("apply -f - --prune\nlist\nlist\nlist\n", &[]).await;
    let refused = "stdin:1:1: error: standard input is this script, and no declaration";
    check(&itself, 2, "", refused);

    // Although somebody could answer.
    let none = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&none, "tunnels = []").unwrap();
    let line = format!("apply -f {} --prune", none.path().display());
    let mut terminal =
        Program::new(PLEXYCTL, &["--endpoint", &scene.endpoint(), "-c", &line]).start();
    eventually!(terminal.ended().is_some(), "{}", terminal.screen());
    eventually!(terminal.shows("nobody can be asked"), "{}", terminal.screen());
    assert_eq!(terminal.ended().unwrap().exit_code(), 2);
    assert!(flow.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_go_together_is_refused() {
    let scene = Scene::start().await;
    for words in [&["-c", "ping", "ping"][..], &["-f", "-", "ping"], &["-c", "ping", "-f", "-"]] {
        let output = scene.run(words).output().await;
        assert_eq!((output.status.code(), output.text().as_str()), (Some(2), ""), "{words:?}");
    }
    let output = scene.run(&["-f", "/nowhere/to/be/found"]).output().await;
    assert!(output.errors().contains("cannot read the commands of `/nowhere/to/be/found`"));
    assert_eq!(output.status.code(), Some(2));
    let long = "#".repeat(1024 * 1024 + 1);
    let output = scene.read(&long, &[]).await;
    check(&output, 2, "", "error: cannot read standard input: a line is longer than 1 MiB");
}
