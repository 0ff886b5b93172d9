//! `load` and `export`: tunnels as a file, there and back.

use std::fs;
use std::path::Path;
use std::process::Command;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::port::Port;
use plexy_tests::traffic::round_trip;
use serde_json::json;
use tempfile::TempDir;

use crate::process::{PLEXYCTL, PLEXYD, run};

fn file(text: impl AsRef<[u8]>) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("more.toml");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

async fn load(daemon: &Daemon, path: &str) -> String {
    daemon.line().await.ask(&format!("load \"{path}\"")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tunnels_of_a_file_are_opened_or_none() {
    let (daemon, echo, port) = (Daemon::start().await, Echo::start(), Port::reserve());
    let spec = format!("{}={}[name=one]", port.addr(), echo.addr());
    let (_folder, path) = file(format!("workers = 7\ntunnels = [\"{spec}\"]\n"));
    assert_eq!(load(&daemon, &path).await, "OK: opened 1, changed 0, closed 0, unchanged 0\n");
    round_trip(port.addr(), 1_000).await.unwrap();
    assert_eq!(load(&daemon, &path).await, "OK: opened 0, changed 0, closed 0, unchanged 1\n");
    assert!(daemon.line().await.ask("detail one").await.contains("\torigin runtime, "));

    for (tunnels, told) in [
        (format!("\"0=1[name=x]\", \"{}=2\"", port.addr()), "tunnel `one` is open"),
        ("\"0=1[name=x]\", \"0=2[name=ONE]\"".to_owned(), "the name `ONE` is taken"),
        ("\"0=1[name=x]\", \"192.0.2.1:1=2\"".to_owned(), "cannot listen"),
        ("\"0=1[name=x]\", \"0=1[name=x]\"".to_owned(), "has that name already"),
        ("\"0=1[name=x]\", \"0=2[stratgy=x]\"".to_owned(), "did you mean `strategy`?"),
    ] {
        let (_folder, path) = file(format!("tunnels = [{tunnels}]"));
        let refused = load(&daemon, &path).await;
        assert!(refused.starts_with("ERROR: ") && refused.contains(told), "{refused}");
        assert_eq!(daemon.statuses().len(), 1, "{tunnels}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_such_file_is_refused_as_what_it_is() {
    let daemon = Daemon::start().await;
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let huge = folder.path().join("huge");
    fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    let none = folder.path().join("none");
    for (path, told) in [
        (fifo.as_path(), "` is no file"),
        (folder.path(), "` is no file"),
        (Path::new("/dev/zero"), "` is no file"),
        (&huge, "it is longer than 16777216 bytes"),
        (&none, "No such file or directory"),
        (Path::new(""), "No such file or directory"),
    ] {
        let refused = load(&daemon, path.to_str().unwrap()).await;
        assert!(refused.starts_with("ERROR: ") && refused.contains(told), "{refused}");
        let params = json!({ "file": path });
        let refused = daemon.rpc().call("load", params).await.unwrap_err();
        assert_eq!(refused["data"]["code"], "bad-file", "{refused}");
    }
}

/// Somebody who may control plexyd need not be somebody who may read what it may read.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_a_file_that_is_none_of_tunnels_is_never_told() {
    let daemon = Daemon::start().await;
    for text in [
        "root:$6$SECRET$SECRET:19000:0:99999:7:::\nSECRET:x:0:0::/SECRET:/bin/sh\n",
        "-----BEGIN PRIVATE KEY-----\nSECRETSECRETSECRETSECRET==\n-----END PRIVATE KEY-----\n",
        "SECRET",
        "PASSWORD=SECRET\nTOKEN=SECRET\n",
        "password = \"SECRET\"\n[SECRET]\nx = 1\n",
        "workers = \"SECRET\"\nlog-level = \"SECRET\"\ncontrol-socket = \"SECRET SECRET\"\n",
        "tunnels = \"SECRET\"\n",
        "a = 1\na = \"SECRET\"\n",
        "x = \"SECRET\n",
        "x = \"\\SECRET\"\n",
        "SECRET SECRET\n",
    ] {
        let (_folder, path) = file(text);
        let line = load(&daemon, &path).await;
        assert!(line.starts_with("ERROR: "), "{text}: {line}");
        let rpc = daemon.rpc().call("load", json!({ "file": path })).await.unwrap_err().to_string();
        let events = daemon.line().await.ask("events").await;
        for told in [line, rpc, events] {
            assert!(!told.contains("SECRET"), "{text}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_opens_the_same_tunnels_elsewhere() {
    let ports = [(); 4].map(|()| Port::reserve().addr());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let tunnels = [
        format!("{}=127.0.0.1:1", ports[0]),
        format!("{}=b.invalid:1+weight=3,10.0.0.1:2+backup[name=db,strategy=least-conn]", ports[1]),
        format!(
            "{}=\"unix:{}\"[keepalive=off,idle-timeout=none,max-conns=9]",
            ports[2],
            path("a b,é\"")
        ),
        format!("*:{}=[::1]:7[connect-timeout=250ms]", ports[3].port()),
        format!("unix:{}=4000", path("sock")),
    ];
    let tunnels = tunnels.map(|tunnel| tunnel.replace("é\"\"", "é\\\"\""));
    let tunnels: Vec<_> = tunnels.iter().map(String::as_str).collect();
    let process = Process::start(PLEXYD, &tunnels).await;
    let endpoint = format!("unix:{}", process.rpc_socket().display());
    let export = run(PLEXYCTL, &["--endpoint", &endpoint, "export"]).await.success();
    drop(process);
    fs::write(path("export.toml"), &export).unwrap();

    let export_file = path("export.toml");
    let arguments = ["--control-socket", "127.0.0.1:0", "--config", &export_file];
    let process = Process::start(PLEXYD, &arguments).await;
    let endpoint = format!("unix:{}", process.rpc_socket().display());
    assert_eq!(run(PLEXYCTL, &["--endpoint", &endpoint, "export"]).await.success(), export);
    let quiet = run(PLEXYCTL, &["--endpoint", &endpoint, "-q", "export"]).await.success();
    drop(process);

    let process = Process::start(PLEXYD, &["--control-socket", "127.0.0.1:0"]).await;
    let endpoint = format!("unix:{}", process.rpc_socket().display());
    let loaded = run(PLEXYCTL, &["--endpoint", &endpoint, "load", &export_file]).await.success();
    assert_eq!(loaded, "opened 5, changed 0, closed 0, unchanged 0\n");
    assert_eq!(run(PLEXYCTL, &["--endpoint", &endpoint, "export"]).await.success(), export);
    let mut line = LineClient::connect(process.control_addr()).await;
    let lines = line.ask("export").await.replace('\t', "");
    assert_eq!(lines, format!("OK: Tunnels: 5\n{quiet}"));
    // Each of them is the argument of an `open`.
    for spec in quiet.lines() {
        assert_eq!(line.ask(&format!("open {spec}")).await, "OK: unchanged\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plexyctl_names_a_file_by_the_folder_it_is_in() {
    let folder = tempfile::Builder::new().prefix("with blanks ").tempdir().unwrap();
    fs::write(folder.path().join("my tunnels.toml"), "tunnels = [\"0=127.0.0.1:1\"]").unwrap();
    let process = Process::start(PLEXYD, &[]).await;
    let endpoint = format!("unix:{}", process.rpc_socket().display());
    let output = Command::new(PLEXYCTL)
        .args(["--endpoint", &endpoint, "load", "\"my tunnels.toml\""])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let refused = run(PLEXYCTL, &["--endpoint", &endpoint, "load", "/nonexistent"]).await;
    assert_eq!(refused.status.code(), Some(1), "{}", refused.errors());
}
