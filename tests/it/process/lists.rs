//! What lists of plexyctl look like: for programs, for people, on a terminal.

use plexy_tests::backend::Echo;
use plexy_tests::daemon::Process;
use plexy_tests::tool::{Output, Run, Tool};
use plexy_tests::traffic::Flow;
use serde_json::{Value, json};

use super::{PLEXYCTL, PLEXYD, tool};

/// A plexyd, and how to ask it.
struct Scene {
    process: Process,
}

impl Scene {
    async fn start(tunnels: &[&str]) -> Self {
        Self { process: Process::start(PLEXYD, tunnels).await }
    }

    fn endpoint(&self) -> String {
        format!("unix:{}", self.process.rpc_socket().display())
    }

    fn run(&self, words: &[&str]) -> Run {
        tool(PLEXYCTL).run([&["--endpoint", &self.endpoint()], words].concat())
    }

    async fn ask(&self, words: &[&str]) -> String {
        self.run(words).output().await.success()
    }

    /// The same on a terminal of that many columns, whose lines end as those of terminals do.
    fn on_terminal(&self, script: &Tool, columns: u16, words: &str) -> Run {
        let endpoint = self.endpoint();
        let command = format!("stty cols {columns}; {PLEXYCTL} --endpoint {endpoint} {words}");
        let run = script.run(["-qec", &command, "/dev/null"]);
        run.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env("NO_COLOR", "")
    }
}

const TUNNELS: [&str; 3] = [
    "0=127.0.0.1:1,127.0.0.1:2[name=b]",
    "0=127.0.0.1:1[name=a]",
    "0=127.0.0.1:1,127.0.0.1:2,127.0.0.1:3[name=c]",
];

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_csv_gets_values_as_they_are() {
    let Some(python) = Tool::find("python3", "python3") else { return };
    let scene = Scene::start(&TUNNELS).await;
    let csv = scene.ask(&["list", "-o", "csv"]).await;
    let read = "import csv, json, sys; print(json.dumps(list(csv.DictReader(sys.stdin))))";
    let rows = python.run(["-c", read]).input(csv).output().await.success();
    let rows: Value = serde_json::from_str(&rows).unwrap();
    let row = &rows[2];
    assert_eq!(
        (&row["name"], &row["up"], &row["backends"]),
        (&json!("c"), &json!("3"), &json!("3"))
    );
    assert_eq!((&row["in"], &row["admin"]), (&json!("0"), &json!("ready")), "{rows}");
    // Without tunnels it is no less a table.
    let empty = Scene::start(&[]).await.ask(&["list", "-o", "csv"]).await;
    assert_eq!(empty.lines().count(), 1, "{empty}");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_and_their_order_are_chosen() {
    let scene = Scene::start(&TUNNELS).await;
    let csv = ["list", "-o", "csv", "--columns", "backends,name", "--sort-by", "-backends"];
    assert_eq!(scene.ask(&csv).await, "backends,name\n3,c\n2,b\n1,a\n");
    let table = ["list", "--columns", "name,up", "--sort-by", "name", "--no-headers"];
    assert_eq!(lines(&scene.ask(&table).await), ["a  1/1", "b  2/2", "c  3/3"]);
    assert_eq!(scene.ask(&["list", "-o", "name", "--sort-by", "name"]).await, "a\nb\nc\n");
    let detail = ["detail", "b", "--columns", "backend,state"];
    assert_eq!(lines(&scene.ask(&detail).await)[1..], ["127.0.0.1:1  up", "127.0.0.1:2  up"]);
    let wide = scene.ask(&["list", "-o", "wide"]).await;
    assert!(wide.contains("ADMIN") && !scene.ask(&["list"]).await.contains("ADMIN"), "{wide}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_csv_and_names() {
    let scene = Scene::start(&TUNNELS).await;
    let echo = Echo::start();
    let opened = scene.ask(&["-q", "open", &format!("0={}[name=d]", echo.addr())]).await;
    let flow =
        Flow::start(opened.trim().parse::<std::net::SocketAddr>().unwrap(), 1).await.unwrap();
    let backend = echo.addr().to_string();
    for (words, first_column, last_name) in [
        ("status full", "name", Some("d")),
        ("detail d", "backend", Some(backend.as_str())),
        ("conns", "id", None),
        ("explain d", "backend", Some(backend.as_str())),
        ("events", "seq", None),
        ("history", "revision", None),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let csv = scene.ask(&[&words[..], &["-o", "csv"]].concat()).await;
        assert!(csv.starts_with(&format!("{first_column},")), "{words:?}: {csv}");
        let names = scene.ask(&[&words[..], &["-o", "name"]].concat()).await;
        assert_eq!(names.lines().count(), csv.lines().count() - 1, "{words:?}: {names}{csv}");
        let bare = scene.ask(&[&words[..], &["-o", "csv", "--no-headers"]].concat()).await;
        assert_eq!(bare.lines().count(), names.lines().count(), "{words:?}: {bare}");
        if let Some(name) = last_name {
            assert_eq!(names.lines().last(), Some(name), "{words:?}");
        }
    }
    // That there is more is told whatever form the part has.
    let _second =
        Flow::start(opened.trim().parse::<std::net::SocketAddr>().unwrap(), 1).await.unwrap();
    for format in ["table", "csv", "name"] {
        let part = scene.run(&["conns", "limit", "1", "-o", format]).output().await;
        assert!(part.errors().contains("shown 1 of 2"), "{format}: {}", part.errors());
    }
    assert!(flow.stop().await.fault.is_none());
    // What is opened is named too.
    assert!(scene.ask(&["-o", "name", "open", "0=4000"]).await.starts_with("127.0.0.1:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_is_refused_before_anybody_is_asked() {
    let refused = async |words: &[&str], sentence: &str| {
        let endpoint = ["--endpoint", "unix:/nonexistent/rpc.sock"];
        let output: Output = tool(PLEXYCTL).run([&endpoint, words].concat()).output().await;
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", output.errors());
        assert!(output.errors().contains(sentence), "{words:?}: {}", output.errors());
    };
    refused(&["list", "--columns", "nmae"], "did you mean `name`?").await;
    refused(&["list", "--sort-by", "-conections"], "valid: name, listen, up").await;
    refused(&["open", "0=4000", "-o", "csv"], "`-o csv` is for lists").await;
    refused(&["list", "-o", "json", "--columns", "name"], "does not go with `-o json`").await;
    refused(&["events", "follow", "--sort-by", "seq"], "`--sort-by` is for lists").await;
    refused(&["-c", "ping; list", "--columns", "name"], "-c:1:1: error: `--columns` is for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_narrow_terminal_a_row_stays_one_line() {
    let Some(script) = Tool::find("script", "bsdutils") else { return };
    let scene = Scene::start(&TUNNELS).await;
    for words in ["list", "conns", "events", "history", "events -o wide", "list -o wide"] {
        let piped: Vec<_> = words.split(' ').collect();
        let piped = scene.ask(&piped).await;
        let shown = scene.on_terminal(&script, 40, words).output().await.success();
        let rows = shown.lines().filter(|line| !line.starts_with("no room for:"));
        let rows: Vec<_> = rows.map(plain).collect();
        assert!(rows.iter().all(|row| row.chars().count() <= 40), "{words}: {shown}");
        assert!(piped.is_empty() || rows.len() == piped.lines().count(), "{words}: {shown}{piped}");
    }
    let shown = scene.on_terminal(&script, 40, "list").output().await.success();
    assert!(shown.contains("no room for: TOTAL, OUT"), "{shown}");
    assert!(shown.starts_with("NAME  LISTEN            UP  CONN  IN"), "{shown}");
}

/// A line without its colours.
fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[tokio::test(flavor = "multi_thread")]
async fn colour_is_for_terminals_that_want_it() {
    let Some(script) = Tool::find("script", "bsdutils") else { return };
    let scene = Scene::start(&TUNNELS).await;
    let terminal = |words: &str| scene.on_terminal(&script, 80, words);
    let green = "\x1b[32m1/1\x1b[0m";
    let shown = terminal("list").output().await.success();
    assert!(shown.contains(green), "{shown:?}");
    for plain in [
        terminal("list").env("NO_COLOR", "1"),
        terminal("list").env("TERM", "dumb"),
        terminal("list --color never"),
        scene.run(&["list"]).env("TERM", "xterm"),
        scene.run(&["list", "-o", "csv", "--color", "always"]),
    ] {
        let shown = plain.output().await.success();
        assert!(!shown.contains('\x1b'), "{shown:?}");
    }
    for coloured in
        [scene.run(&["list", "--color", "always"]), scene.run(&["list"]).env("CLICOLOR_FORCE", "1")]
    {
        assert!(coloured.output().await.success().contains(green));
    }
    let error = scene.run(&["close", "nobody", "--color=always"]).output().await.errors();
    assert!(error.starts_with("\x1b[31merror:\x1b[0m no tunnel"), "{error:?}");
    let unknown = terminal("--color=never opne").output().await.text();
    assert!(unknown.contains("unrecognized") && !unknown.contains('\x1b'), "{unknown:?}");
    let unknown = scene.run(&["--color", "always", "opne"]).output().await.errors();
    assert!(unknown.contains("\x1b[") && unknown.contains("unrecognized"), "{unknown:?}");
    assert!(terminal("close nobody").output().await.text().contains("\x1b[31merror:\x1b[0m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_locale_is_not_of_utf8_what_is_drawn_is_ascii() {
    let Some(script) = Tool::find("script", "bsdutils") else { return };
    let scene = Scene::start(&[]).await;
    let open = |n: u8| scene.on_terminal(&script, 80, &format!("open '0=4000[name=t{n}]'"));
    let utf8 = open(1).output().await.success();
    assert!(utf8.contains(" → 1 backend"), "{utf8}");
    let ascii = open(2).env("LC_ALL", "C").output().await.success();
    assert!(ascii.contains(" -> 1 backend") && ascii.is_ascii(), "{ascii}");
    // What a program reads does not hang on it.
    let piped = scene.run(&["open", "0=4000"]).env("LC_ALL", "C").output().await.success();
    assert!(piped.contains(" → 1 backend"), "{piped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_waiting_draws_a_bar() {
    let Some(script) = Tool::find("script", "bsdutils") else { return };
    let scene = Scene::start(&[]).await;
    let echo = Echo::start();
    let opened = scene.ask(&["-q", "open", &format!("0={}[name=web]", echo.addr())]).await;
    let flow =
        Flow::start(opened.trim().parse::<std::net::SocketAddr>().unwrap(), 1).await.unwrap();
    let given_up = scene.on_terminal(&script, 80, "--wait=300ms drain web").output().await;
    assert_eq!(given_up.status.code(), Some(7));
    let shown = given_up.text();
    assert!(shown.contains("\rdraining web  ░░░░░░░░░░ 1/1 left\x1b[K"), "{shown:?}");
    // The bar is a line of its own, and what comes next stands under it.
    assert!(shown.contains("\x1b[K\r\n\x1b[31merror:\x1b[0m connections left after 300ms: 1"));
    assert!(shown.contains("`plexyctl enable web` ends it"), "{shown:?}");

    let waiting = scene.on_terminal(&script, 80, "--wait drain web").output();
    let (waited, ()) = tokio::join!(waiting, async {
        plexy_tests::eventually!(echo.live() == 1);
        assert!(flow.stop().await.fault.is_none());
    });
    let shown = waited.text();
    assert_eq!(waited.status.code(), Some(0), "{shown:?}");
    let is_dumb = scene.on_terminal(&script, 80, "--wait drain web").env("TERM", "dumb");
    assert!(!is_dumb.output().await.success().contains('\x1b'));
}
