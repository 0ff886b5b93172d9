//! A token opens a TCP door; a Unix socket has its file permissions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TOKEN: &str = "7Zq3nP0a-sesame";

fn token_file(folder: &TempDir, content: &str) -> PathBuf {
    let path = folder.path().join("token");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Sends these bytes to a daemon with a token and a tunnel, and wants this answer and the end.
#[track_caller]
fn check(sent: &str, expected: &str) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    let (sent, expected) = (sent.to_owned(), expected.to_owned());
    async move {
        let folder = tempfile::tempdir().unwrap();
        let file = token_file(&folder, &format!("{TOKEN}\n"));
        let daemon = Daemon::start_with(|config| config.token_file = Some(file)).await;
        daemon.open("127.0.0.1:9[name=db]").await;
        let mut client = LineClient::connect_text(daemon.control_addr()).await;
        client.send(sent.as_bytes()).await;
        assert_eq!(client.finish().await, expected, "after {sent:?}, at {caller}");
        let is_open = !expected.ends_with("OK\n");
        assert_eq!(daemon.statuses().len(), usize::from(is_open), "after {sent:?}, at {caller}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_token_opens_the_session() {
    check(&format!("auth {TOKEN}\nping\n"), "OK\nOK: pong\n").await;
    check(&format!("AUTH {TOKEN}\r\nclose db"), "OK\nOK\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_token_nothing_is_executed() {
    let wrong = "ERROR: wrong token, session ended\n";
    let missing = "ERROR: the first line must be `auth TOKEN`, session ended\n";
    check("auth wrong-token\nclose db\n", wrong).await;
    check(&format!("auth {TOKEN}x\nclose db\n"), wrong).await;
    check(&format!("auth {}\nclose db\n", TOKEN.to_uppercase()), wrong).await;
    check("close db\n", missing).await;
    check("status", missing).await;
    check("help\n", missing).await;
    check("nonsense\n", missing).await;
    check(&format!("auth\nauth {TOKEN}\nclose db\n"), missing).await;
    check(&format!("mode json\nauth {TOKEN}\nclose db\n"), missing).await;
    check("", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_wants_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = token_file(&folder, TOKEN);
    let socket = folder.path().join("line.sock");
    let _daemon = Daemon::start_with(|config| {
        config.token_file = Some(file);
        config.control_sockets.push(format!("unix:{}", socket.display()).parse().unwrap());
    })
    .await;
    let mut client = Stream::connect(socket.as_path()).await.unwrap();
    client.write_all(b"status\nexit\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "OK: Tunnels: 0\n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_evict_who_has_given_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = token_file(&folder, TOKEN);
    let daemon = Daemon::start_with(|config| config.token_file = Some(file)).await;
    let mut operator = LineClient::connect_text(daemon.control_addr()).await;
    operator.send(format!("auth {TOKEN}\n").as_bytes()).await;
    assert_eq!(operator.next_line().await.unwrap(), "OK\n");

    let mut strangers = Vec::new();
    for _ in 0..200 {
        strangers.push(Stream::connect(daemon.control_addr()).await.unwrap());
    }
    // The last of them is in, so all before it were.
    let mut last = LineClient::connect_text(daemon.control_addr()).await;
    last.send(b"auth wrong-token\n").await;
    assert!(last.next_line().await.unwrap().contains("wrong token"));

    operator.send(b"ping\n").await;
    assert_eq!(operator.next_line().await.unwrap(), "OK: pong\n");
}

/// Starts plexyd with these arguments; it must refuse, and say this.
async fn refused(arguments: &[&str], why: &str) {
    let mut process = Process::spawn(env!("CARGO_BIN_EXE_plexyd-under-test"), arguments);
    let status = process.ended().await;
    assert_eq!(status.code(), Some(1), "{}", process.log());
    eventually!(process.says(why), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_beyond_loopback_is_refused_without_a_token() {
    for socket in ["0.0.0.0:0", "*:0", "[::]:0"] {
        refused(&["--control-socket", socket], "it needs --token-file").await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = token_file(&folder, TOKEN).display().to_string();
    let arguments = ["--control-socket", "0.0.0.0:0", "--token-file", &file];
    let process = Process::start(env!("CARGO_BIN_EXE_plexyd-under-test"), &arguments).await;
    assert!(!process.says(TOKEN), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_is_no_good_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for content in ["", "\n", "short", "two words here", &"x".repeat(2_000)] {
        let file = token_file(&folder, content).display().to_string();
        refused(&["--token-file", &file], "must hold one word of 8 to 1024 bytes").await;
    }
    refused(&["--token-file", "/no/such/file"], "cannot read the token file").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_door_and_a_readable_token_are_said_at_the_start() {
    let program = env!("CARGO_BIN_EXE_plexyd-under-test");
    let open = Process::start(program, &["--control-socket", "127.0.0.1:0"]).await;
    eventually!(open.says("every user of this machine can control plexyd here"), "{}", open.log());

    let folder = tempfile::tempdir().unwrap();
    let file = token_file(&folder, TOKEN);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let file = file.display().to_string();
    let closed =
        Process::start(program, &["--control-socket", "127.0.0.1:0", "--token-file", &file]).await;
    eventually!(closed.says("others can read the token file"), "{}", closed.log());
    assert!(!closed.says("every user of this machine"), "{}", closed.log());
}
