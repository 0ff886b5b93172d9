//! The Unix socket that is always there: whose it is, and what stands in its way.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use plexy_tests::daemon::{HttpClient, Process};
use serde_json::json;

use crate::process::PLEXYD;

async fn refused(arguments: &[&str]) -> String {
    let mut process = Process::spawn(PLEXYD, arguments);
    assert_eq!(process.ended().await.code(), Some(1), "{}", process.log());
    process.log()
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_there_without_being_asked_for_and_goes_with_the_daemon() {
    let mut process = Process::start(PLEXYD, &["0=127.0.0.1:9"]).await;
    let socket = process.rpc_socket();
    assert_eq!(std::fs::metadata(&socket).unwrap().mode() & 0o777, 0o660);
    let rpc = HttpClient::Unix(socket.clone());
    assert_eq!(rpc.call("numberOfTunnels", json!({})).await.unwrap()["tunnels"], 1);
    process.signal(rustix::process::Signal::TERM);
    assert!(process.ended().await.success(), "{}", process.log());
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_is_refused_and_told_of_the_first() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("rpc.sock");
    let mut first = Process::start(PLEXYD, &["--rpc-socket", &unix(&socket)]).await;
    let log = refused(&["--rpc-socket", &unix(&socket)]).await;
    assert!(log.contains(&format!("pid {}", first.pid())), "{log}");
    assert!(log.contains("name another one with --rpc-socket unix:/path"), "{log}");
    assert!(first.exit_status().is_none(), "the first one lives");
    let rpc = HttpClient::Unix(socket.clone());
    assert_eq!(rpc.call("ping", json!({})).await.unwrap(), "pong");

    first.signal(rustix::process::Signal::KILL);
    first.ended().await;
    assert!(socket.exists(), "it is stale now");
    let _third = Process::start(PLEXYD, &["--rpc-socket", &unix(&socket)]).await;
    assert_eq!(rpc.call("ping", json!({})).await.unwrap(), "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_socket_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    for path in [&folder, &file] {
        let log = refused(&["--rpc-socket", &unix(path)]).await;
        assert!(log.contains("there is a file that is not a socket"), "{log}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_others_could_have_made_has_to_be_closed_to_them() {
    let home = tempfile::tempdir().unwrap();
    let default = plexy_shared::endpoint::DefaultSocket {
        path: home.path().join("plexy/rpc.sock"),
        is_exposed: true,
    };
    let folder = home.path().join("plexy");
    let start = async || {
        let config = plexyd::Config { rpc_default: Some(default.clone()), ..Default::default() };
        plexyd::Daemon::start(config).await
    };
    let daemon = start().await.unwrap();
    assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    daemon.end(std::time::Duration::ZERO).await;

    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = format!("{:#}", start().await.unwrap_err());
    assert!(error.contains("is not a folder of this user's alone"), "{error}");

    std::fs::remove_dir_all(&folder).unwrap();
    let elsewhere = home.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    let error = format!("{:#}", start().await.unwrap_err());
    assert!(error.contains("is not a folder of this user's alone"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_loopback_a_token_is_wanted() {
    for socket in ["0.0.0.0:0", "*:0", "[::]:0"] {
        let log = refused(&["--rpc-socket", socket]).await;
        assert!(log.contains("it needs --token-file"), "{log}");
    }
}
