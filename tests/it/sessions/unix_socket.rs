//! The control socket as a file: who may open it, and whose it is.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn spawn(socket: &Path) -> Process {
    let socket = format!("unix:{}", socket.display());
    Process::spawn(env!("CARGO_BIN_EXE_plexyd-under-test"), &["--control-socket", &socket])
}

async fn start(socket: &Path) -> Process {
    let process = spawn(socket);
    eventually!(process.says("ready"), "{}", process.log());
    process
}

async fn ask(socket: &Path, line: &str) -> String {
    let mut client = Stream::connect(socket).await.unwrap();
    client.write_all(line.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn is_refused(socket: &Path, why: &str) {
    let mut process = spawn(socket);
    assert_eq!(process.ended().await.code(), Some(1), "{}", process.log());
    eventually!(process.says(why), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_to_its_user_and_group_and_goes_with_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("line.sock");
    let mut process = start(&socket).await;

    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o660);
    assert_eq!(ask(&socket, "status").await, "OK: Tunnels: 0\n");
    let pid = std::process::id();
    assert_eq!(ask(&socket, "open 0=127.0.0.1:9[name=db]\nclose db").await.lines().count(), 2);
    let uid = rustix::process::geteuid().as_raw();
    let actor = format!("actor=line uid={uid} pid={pid}");
    eventually!(process.says(&actor), "{}", process.log());

    process.signal(Signal::TERM);
    assert!(process.ended().await.success());
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_is_refused_and_told_the_pid_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("line.sock");
    let first = start(&socket).await;

    is_refused(&socket, &format!("(pid {})", first.pid())).await;

    assert_eq!(ask(&socket, "ping").await, "OK: pong\n", "the first one still answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_of_a_killed_daemon_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("line.sock");
    let mut first = start(&socket).await;
    first.signal(Signal::KILL);
    first.ended().await;
    assert!(socket.exists());

    let _second = start(&socket).await;

    assert_eq!(ask(&socket, "ping").await, "OK: pong\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (file, directory) = (folder.path().join("file"), folder.path().join("directory"));
    fs::write(&file, "precious").unwrap();
    fs::create_dir(&directory).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();

    for path in [&file, &directory, &link] {
        is_refused(path, "there is a file that is not a socket").await;
    }
    is_refused(&folder.path().join("no/such/folder/s"), "cannot listen on").await;

    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(directory.is_dir() && link.is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_socket_whose_queue_is_full_is_not_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("line.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _waiting = Stream::connect(socket.as_path()).await.unwrap();

    is_refused(&socket, "another program listens on").await;

    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
}
