//! Contexts of plexyctl: ways to daemons that have names, and what is protected.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::tool::{Output, Run};
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use tempfile::TempDir;

use super::{PLEXYCTL, PLEXYD, tool};

/// A user with a folder of configuration, and a plexyd.
struct Scene {
    process: Process,
    home: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let process = Process::start(PLEXYD, &["0=4000[name=web]"]).await;
        Self { process, home: tempfile::tempdir().unwrap() }
    }

    fn endpoint(&self) -> String {
        format!("unix:{}", self.process.rpc_socket().display())
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("plexy/plexyctl.toml")
    }

    fn run(&self, words: &[&str]) -> Run {
        tool(PLEXYCTL).run(words.iter().copied()).env("XDG_CONFIG_HOME", self.home.path())
    }

    async fn ask(&self, words: &[&str]) -> String {
        self.run(words).output().await.success()
    }

    #[track_caller]
    fn refused(&self, words: &[&str], code: i32, sentence: &str) -> impl Future<Output = Output> {
        let (run, sentence) = (self.run(words), sentence.to_owned());
        let words = words.join(" ");
        async move {
            let output = run.output().await;
            assert_eq!(output.status.code(), Some(code), "{words}: {}", output.errors());
            assert!(output.errors().contains(&sentence), "{words}: {}", output.errors());
            output
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_says_where_commands_go() {
    let scene = Scene::start().await;
    let endpoint = scene.endpoint();
    let added = scene.ask(&["context", "add", "here", "--endpoint", &endpoint]).await;
    assert_eq!(added, format!("added context here, in {}\n", scene.file().display()));
    assert_eq!(fs::metadata(scene.file()).unwrap().mode() & 0o777, 0o600);
    let nowhere = ["context", "add", "nowhere", "--endpoint", "unix:/nonexistent/a.sock"];
    scene.ask(&nowhere).await;
    assert!(scene.ask(&nowhere).await.starts_with("unchanged: context nowhere"));
    let other = ["context", "add", "nowhere", "--endpoint", "unix:/nonexistent/b.sock"];
    scene.refused(&other, 4, "another context `nowhere`").await;

    assert_eq!(scene.ask(&["--context", "here", "ping"]).await, "pong\n");
    let by_variable = scene.run(&["ping"]).env("PLEXY_CONTEXT", "here").output().await;
    assert_eq!(by_variable.success(), "pong\n");
    scene.ask(&["context", "use", "here"]).await;
    assert_eq!(scene.ask(&["ping"]).await, "pong\n");
    assert_eq!(scene.ask(&["context", "list", "-o", "name"]).await, "here\nnowhere\n");
    let list = scene.ask(&["context", "list", "--columns", "name,current", "-o", "csv"]).await;
    assert_eq!(list, "name,current\nhere,yes\nnowhere,no\n");
    let shown = scene.ask(&["context", "show", "-o", "json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["contexts"][0]["endpoint"], endpoint.as_str(), "{shown}");

    // What is said for this command counts more.
    let unreached =
        scene.refused(&["--context", "nowhere", "ping"], 6, "/nonexistent/a.sock").await;
    let told = "that is the context `nowhere`, of `--context`";
    assert!(unreached.errors().contains(told), "{}", unreached.errors());
    let both = ["--context", "here", "--endpoint", &endpoint, "ping"];
    scene.refused(&both, 2, "`--endpoint` and `--context` do not go together").await;
    scene.refused(&["--context", "heer", "ping"], 2, "did you mean `here`?").await;

    scene.ask(&["context", "remove", "here"]).await;
    assert_eq!(scene.ask(&["context", "list", "-q"]).await, "nowhere\n");
    scene.refused(&["context", "show"], 2, "no context holds").await;
    scene.refused(&["context", "use", "here"], 2, "there is no context `here`").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_adds_the_way_that_its_line_tells() {
    let scene = Scene::start().await;
    let line = "context add prod --endpoint wss://prod.example:9998 --ca ca.pem --protected";
    let here = format!("--endpoint={}", scene.endpoint());
    scene.ask(&[&here, "-c", &format!("{line}; context add bare")]).await;
    let shown = scene.ask(&["context", "list", "-o", "json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let [bare, prod] = shown["contexts"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    assert_eq!(prod["endpoint"], "wss://prod.example:9998", "{shown}");
    assert_eq!((&prod["protected"], &bare["endpoint"]), (&Value::Bool(true), &Value::Null));
    scene.refused(&["--context", "prod", "ping", "--timeout", "2s"], 6, "prod.example").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_that_is_taken_away_meanwhile_is_none() {
    let scene = Scene::start().await;
    let file = scene.file();
    for verb in ["use", "remove"] {
        scene.ask(&["context", "add", "lab", "--endpoint", "ws://lab.example:1"]).await;
        // As somebody does who changes the file.
        let folder = fs::File::open(file.parent().unwrap()).unwrap();
        flock(&folder, FlockOperation::LockExclusive).unwrap();
        let inode = format!(":{} ", folder.metadata().unwrap().ino());
        let waits = || {
            let locks = fs::read_to_string("/proc/locks").unwrap();
            locks.lines().any(|lock| lock.contains("-> FLOCK") && lock.contains(&inode))
        };
        let asked = tokio::spawn(scene.run(&["context", verb, "lab"]).output());
        eventually!(waits());
        fs::write(&file, "").unwrap();
        drop(folder);
        let output = asked.await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb}: {}", output.errors());
        assert!(output.errors().contains("there is no context `lab`"), "{}", output.errors());
        assert_eq!(fs::read_to_string(&file).unwrap(), "", "{verb}");

        // Where it never was, nothing is made for it.
        let nowhere = tempfile::tempdir().unwrap();
        let run = scene.run(&["context", verb, "lab"]).env("XDG_CONFIG_HOME", nowhere.path());
        assert_eq!(run.output().await.status.code(), Some(2), "{verb}");
        assert_eq!(fs::read_dir(nowhere.path()).unwrap().count(), 0, "{verb}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_answers_every_place_is_told_with_its_reason() {
    let scene = Scene::start().await;
    let (one, two) = (scene.home.path().join("one"), scene.home.path().join("two"));
    fs::create_dir(&one).unwrap();
    let run = scene.run(&["ping"]).env("XDG_RUNTIME_DIR", &one).env("RUNTIME_DIRECTORY", &two);
    let output = run.env("PLEXY_ENDPOINT", "").output().await;
    let errors = output.errors();
    // A daemon of the machine may be there, and then it is no scene for this.
    if output.status.code() == Some(0) {
        return;
    }
    assert!(errors.contains("cannot reach plexyd"), "{errors}");
    let place = format!("unix:{}/plexy/rpc.sock: there is no such socket", one.display());
    assert!(errors.contains(&place), "{errors}");
    assert!(errors.matches("rpc.sock: ").count() > 1, "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_is_told_with_where_it_comes_from() {
    let scene = Scene::start().await;
    let endpoint = scene.endpoint();
    scene.ask(&["context", "add", "here", "--endpoint", &endpoint, "--protected"]).await;
    scene.ask(&["context", "use", "here"]).await;
    let file = scene.file().display().to_string();
    let csv = scene.ask(&["config", "show", "-o", "csv"]).await;
    assert!(csv.starts_with(&format!("key,value,origin\ncontext,here,{file}\n")), "{csv}");
    assert!(csv.contains(&format!("endpoint,{endpoint},context `here` in {file}\n")), "{csv}");
    assert!(csv.contains(&format!("protected,true,context `here` in {file}\n")), "{csv}");
    let run = scene.run(&["config", "show", "--origin"]).env("PLEXY_ENDPOINT", "ws://a.example:1");
    let shown = run.output().await.success();
    assert!(shown.contains("endpoint     ws://a.example:1  `PLEXY_ENDPOINT`"), "{shown}");
    let short = scene.ask(&["config", "show"]).await;
    assert!(short.contains("\ncontext      here\n") && !short.contains(&file), "{short}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_context_that_is_read_only_nothing_is_changed() {
    let scene = Scene::start().await;
    let endpoint = scene.endpoint();
    scene.ask(&["context", "add", "look", "--endpoint", &endpoint, "--read-only"]).await;
    let listed = scene.ask(&["context", "list", "--columns", "name,read_only"]).await;
    assert!(listed.contains("look  yes"), "{listed}");
    let told = "the context `look` is read-only: nothing was changed";
    for change in ["open 0=4000[name=new]", "close web", "log debug", "kill where idle>1s"] {
        let words = ["--context", "look", "--yes"].into_iter().chain(change.split(' '));
        scene.refused(&words.collect::<Vec<_>>(), 2, told).await;
    }
    scene.refused(&["--endpoint", &endpoint, "close", "web"], 2, told).await;
    scene.refused(&["--context", "look", "-c", "list; close web"], 2, told).await;
    scene.refused(&["--context", "look", "--yes", "apply", "-f", "-", "--prune"], 2, told).await;
    assert_eq!(scene.ask(&["--context", "look", "list", "-q"]).await, "web\n");
    let would = scene.ask(&["--context", "look", "close", "web", "--dry-run"]).await;
    assert!(would.starts_with("would close"), "{would}");
    let csv = scene.ask(&["--context", "look", "config", "show", "-o", "csv"]).await;
    assert!(csv.contains("read-only,true,context `look`"), "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_protected_context_every_change_wants_a_yes() {
    let scene = Scene::start().await;
    let endpoint = scene.endpoint();
    scene.ask(&["context", "add", "prod", "--endpoint", &endpoint, "--protected"]).await;
    scene.ask(&["context", "use", "prod"]).await;
    for change in ["open 0=4000[name=new]", "close web", "log debug", "kill where idle>1s"] {
        let words: Vec<_> = change.split(' ').collect();
        scene.refused(&words, 2, "the context `prod` is protected").await;
    }
    // By another way it is the same daemon.
    let around = ["--endpoint", &endpoint, "close", "web"];
    scene.refused(&around, 2, "the context `prod` is protected").await;
    // A script is looked at before anything of it is done.
    let script = ["-c", "list; close web"];
    let output = scene.refused(&script, 2, "-c:1:7: error: the context `prod` is protected").await;
    assert_eq!(output.text(), "");

    // What is only tried out is no change, of a script as of one command.
    for words in [
        &["close", "web", "--dry-run"][..],
        &["--dry-run", "-c", "close web"],
        &["-c", "close web --dry-run"],
    ] {
        let would = scene.ask(words).await;
        assert!(would.starts_with("would close"), "{words:?}: {would}");
    }

    assert_eq!(scene.ask(&["list", "-q"]).await, "web\n");
    assert!(scene.ask(&["close", "web", "--yes"]).await.starts_with("closed web"));
    let opened = scene.ask(&["--yes", "-c", "open 0=4000[name=new]; list"]).await;
    assert!(opened.contains("opened new"), "{opened}");
}
