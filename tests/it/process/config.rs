//! The configuration file, and `--check`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use plexy_tests::backend::Echo;
use plexy_tests::certificate::Authority;
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::traffic::round_trip;
use tempfile::TempDir;

use super::{PLEXYD, run, tunnel_of};

fn file(text: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plexy.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// What plexyd says to a file that is no good, and that it says so with 78, opening nothing.
async fn refused(text: impl AsRef<[u8]>) -> String {
    let (_folder, path) = file(text);
    let path = path.to_str().unwrap();
    let checked = run(PLEXYD, &["--check", "--config", path]).await;
    let started = run(PLEXYD, &["--config", path, "--log-level", "off"]).await;
    assert_eq!(checked.status.code(), Some(78), "{}", checked.errors());
    assert_eq!(started.status.code(), Some(78), "{}", started.errors());
    assert_eq!(checked.errors(), started.errors());
    assert_eq!(checked.text(), "");
    checked.errors().replace(path, "plexy.toml").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_says_holds_unless_the_command_line_says_otherwise() {
    let echo = Echo::start();
    let text = format!(
        "# All of it.\n\
         control-socket = [\"127.0.0.1:0\"]\n\
         workers = 7\n\
         log-level = \"debug\"\n\
         tunnels = [\n  \"0={0}[name=of-file]\",\n]\n",
        echo.addr()
    );
    let (_folder, path) = file(text);
    let argument = format!("0={}[name=of-args]", echo.addr());
    let arguments = ["--config", path.to_str().unwrap(), "--workers", "2", &argument];
    let process = Process::start(PLEXYD, &arguments).await;

    round_trip(tunnel_of(&process).await, 10_000).await.unwrap();

    // The end of the connection is told at `debug`.
    eventually!(process.says("workers=2") && process.says("DEBUG"), "{}", process.log());
    eventually!(process.says("tunnel=\"of-file\" actor=file revision=1"), "{}", process.log());
    let mut line = LineClient::connect(process.control_addr()).await;
    assert!(line.ask("detail of-file").await.contains("\torigin file, "));
    assert!(line.ask("detail of-args").await.contains("\torigin args, "));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_looked_at_and_what_is_wrong_is_told_with_the_place_of_the_tunnel() {
    let folder = tempfile::tempdir().unwrap();
    let authority = plexy_tests::certificate::Authority::new("tests");
    let path = |file: &str| folder.path().join(file).display().to_string();
    authority.issue(&["a.example"]).write(&folder, "good.pem");
    fs::write(path("empty.pem"), "").unwrap();
    let tunnel = |port, options: &str| format!("  \"{port}=127.0.0.1:9[{options}]\",\n");
    let text = format!(
        "workers = 2\ntunnels = [\n{}{}{}]\n",
        tunnel(3001, &format!("tls-cert={}", path("good.pem"))),
        tunnel(3002, &format!("tls-cert={}", path("empty.pem"))),
        tunnel(3003, &format!("backend-tls,backend-ca={}", path("missing.pem"))),
    );
    let (_folder, file) = file(text);
    let argument = format!("3004=127.0.0.1:9[tls-cert={}]", path("other.pem"));

    let checked = run(PLEXYD, &["--check", "--config", file.to_str().unwrap(), &argument]).await;

    assert_eq!(checked.status.code(), Some(78), "{}", checked.errors());
    let name = file.display();
    let told = format!(
        "error: {name}:4:3: tunnel 127.0.0.1:3002: `{}`: it is empty\n\
         error: {name}:5:3: tunnel 127.0.0.1:3003: `{}`: there is no such file\n\
         error: tunnel 127.0.0.1:3004: `{}`: there is no such file\n",
        path("empty.pem"),
        path("missing.pem"),
        path("other.pem"),
    );
    assert!(checked.errors().starts_with(&told), "{}", checked.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_told_with_its_place_and_nothing_is_opened() {
    // To open this one would be told as well.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    let errors = refused(format!(
        "workrs = 2\n\
         log-level = \"loud\"\n\
         workers = 0\n\
         control-socket = [\"nowhere\", 1.5]\n\
         tunnels = [\n  \"{taken}=4000\",\n  \"3000=4000[stratgy=random]\",\n  7,\n  \"localhost=\",\n]\n"
    ))
    .await;
    for told in [
        "plexy.toml:1:1: unknown key `workrs`; did you mean `workers`?\n  workrs = 2\n  ^^^^^^\n",
        "plexy.toml:2:13: `log-level` is one of off, error, warn, info, debug, trace\n",
        "plexy.toml:3:11: `workers`: number would be zero for non-zero type\n",
        "plexy.toml:4:19: `control-socket`: ",
        "plexy.toml:4:30: `control-socket` is a text or a number\n",
        "plexy.toml:7:14: unknown option `stratgy`; did you mean `strategy`?\n    \"3000=4000[stratgy=random]\",\n               ^^^^^^^\n",
        "plexy.toml:8:3: a tunnel is a specification in quotes",
        "plexy.toml:9:",
    ] {
        assert!(errors.contains(told), "{told}\n\n{errors}");
    }
    assert_eq!(errors.matches("plexy.toml:").count(), 8, "{errors}");
    assert!(!errors.contains("listens on"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_that_cannot_be_beside_each_other_are_mistakes() {
    let errors = refused(
        "tunnels = [\n\"3000=1[name=a]\",\n\"127.0.0.1:3000=2\",\n\"3001=1[name=A]\",\n\"*:3000=1\"]",
    )
    .await;
    for told in [
        "plexy.toml:3:1: the tunnel of line 2 listens there already",
        "plexy.toml:4:1: the tunnel of line 2 has that name already",
        "plexy.toml:5:1: the tunnel of line 2 listens there already",
    ] {
        assert!(errors.contains(told), "{told}\n\n{errors}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_is_refused_with_the_reason() {
    assert!(refused("tunnels = [\"3000=4000\"").await.contains("plexy.toml:1:"));
    assert!(refused("a = 1\na = 2").await.contains("plexy.toml:2:1: duplicate key"));
    assert!(refused("tunnels = 3000").await.contains("plexy.toml:1:11: `tunnels` is a list"));
    assert!(refused("check = true").await.contains("unknown key `check`"));
    assert!(refused([0xff, 0xfe]).await.contains("UTF-8"));
    assert!(refused(vec![b'#'; 17_000_000]).await.contains("longer than 16777216 bytes"));
    let folder = tempfile::tempdir().unwrap();
    for (path, reason) in
        [(folder.path().to_owned(), "Is a directory"), (folder.path().join("none"), "No such file")]
    {
        let output = run(PLEXYD, &["--config", path.to_str().unwrap()]).await;
        assert_eq!(output.status.code(), Some(78));
        assert!(output.errors().contains(reason), "{}", output.errors());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_thousand_tunnels_the_bad_one_is_found() {
    let mut tunnels: Vec<_> =
        (0..10_000).map(|n| format!("\"{}=4000[name=t{n}]\"", 10_000 + n)).collect();
    tunnels[7_776] = "\"17776=4000[name=7]\"".to_owned();
    let errors = refused(format!("tunnels = [\n{}\n]", tunnels.join(",\n"))).await;
    assert!(errors.contains("plexy.toml:7778:18: "), "{errors}");
    assert_eq!(errors.matches("plexy.toml:").count(), 1, "{errors}");

    // Also in one line, of which not all is shown.
    let errors = refused(format!("tunnels = [{}]", tunnels.join(","))).await;
    assert!(errors.contains("plexy.toml:1:") && errors.len() < 1_000, "{errors}");
    let lines: Vec<_> = errors.lines().collect();
    let marked = lines[2].find('^').unwrap();
    assert_eq!(&lines[1][marked..=marked], "7", "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_great_many_mistakes_the_first_are_told_and_the_rest_counted() {
    let unknown: String = (0..50_000).map(|number| format!("key-{number} = 1\n")).collect();
    for text in [
        "=\n".repeat(50_000),
        unknown,
        format!("tunnels = [\n{}]\n", "\"3000\",\n".repeat(50_000)),
        format!("tunnels = [{}]\n", "\"3000=1[name=a]\",".repeat(50_001)),
    ] {
        let errors = refused(text).await;
        assert_eq!(errors.matches("error: plexy.toml:").count(), 101, "{errors}");
        let further = errors.lines().rfind(|line| line.starts_with("error: plexy.toml: "));
        assert!(further.is_some_and(|line| line.ends_with(" more mistakes")), "{errors}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_opens_nothing_and_says_what_it_has_found() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_folder, path) = file(format!("tunnels = [\"{}=4000\"]", taken.local_addr().unwrap()));
    let arguments = ["--check", "--config", path.to_str().unwrap()];
    let good = run(PLEXYD, &arguments).await;
    assert_eq!(
        (good.status.code(), good.text().as_str()),
        (Some(0), "the configuration is good: 1 tunnel\n")
    );

    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("tests");
    let cert = authority.issue(&["a.example"]).write(&folder, "a.pem").display().to_string();
    let tunnel = format!("3000=4000[name=web,tls-cert={cert}]");
    let good = run(PLEXYD, &["--check", &tunnel]).await;
    assert_eq!((good.status.code(), good.errors().as_str()), (Some(0), ""));
    fs::set_permissions(&cert, fs::Permissions::from_mode(0o644)).unwrap();
    let warned = run(PLEXYD, &["--check", &tunnel]).await;
    assert_eq!(warned.status.code(), Some(0), "{}", warned.errors());
    let told = format!("warning: tunnel web: `{cert}`: its private key can be read");
    assert!(warned.errors().starts_with(&told), "{}", warned.errors());
    fs::write(&cert, "").unwrap();
    let empty = format!("error: tunnel web: `{cert}`: it is empty");
    let absent = "3001=1[tls-cert=/nonexistent.pem]";

    for (arguments, told) in [
        ([tunnel.as_str(), "3001=1"], empty.as_str()),
        (
            [absent, "3002=1"],
            "error: tunnel 127.0.0.1:3001: `/nonexistent.pem`: there is no such file",
        ),
        (["3000=4000[stratgy=x]", "3001=1"], "did you mean `strategy`?"),
        (["0=1[name=a]", "*:3000=1[name=A]"], "`*:3000=127.0.0.1:1[name=A]` cannot be beside `127"),
        (["3000=1", "localhost:3000=2"], "cannot be beside `127.0.0.1:3000=127.0.0.1:1`"),
        (["--control-socket", "0.0.0.0:3000"], "it needs --token-file"),
        (["--token-file", "/nonexistent"], "/nonexistent"),
    ] {
        let bad = run(PLEXYD, &["--check", arguments[0], arguments[1]]).await;
        assert_eq!(bad.status.code(), Some(78), "{arguments:?}: {}", bad.errors());
        assert!(bad.errors().contains(told), "{arguments:?}: {}", bad.errors());
    }
}
