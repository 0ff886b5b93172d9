//! The options of TLS with backends through the doors: live, in files and back again.

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::eventually;
use serde_json::json;
use tokio::net::TcpStream;

use super::Scene;
use crate::process::{PLEXYD, plexyd, tunnel_of};
use crate::tls::exchange;

async fn done(daemon: &Daemon, line: &str) {
    let answer = daemon.line().await.ask(line).await;
    assert!(answer.starts_with("OK"), "{line}: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_backends_begins_and_ends_while_the_tunnel_lives() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = scene.server(echo.addr());
    let tunnel = scene.daemon.open(&format!("{}[name=db]", echo.addr())).await;
    let mut before = TcpStream::connect(tunnel).await.unwrap();
    exchange(&mut before, b"before").await;

    let options = scene.originating().replace(',', " ");
    done(&scene.daemon, &format!("set db {options}")).await;
    done(&scene.daemon, &format!("switch db to {}", server.addr())).await;

    let mut between = TcpStream::connect(tunnel).await.unwrap();
    exchange(&mut between, b"between").await;
    assert_eq!(server.character().seen().len(), 1);

    done(&scene.daemon, "set db backend-tls=off backend-ca=").await;
    done(&scene.daemon, &format!("switch db to {}", echo.addr())).await;

    let mut after = TcpStream::connect(tunnel).await.unwrap();
    for stream in [&mut before, &mut between, &mut after] {
        exchange(stream, b"still").await;
    }
    assert_eq!(server.character().seen().len(), 1);
    let spec = scene.daemon.detail(tunnel).await.spec;
    assert!(spec.ends_with(&format!("={}[name=db]", echo.addr())), "{spec}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_set_and_told_over_rpc() {
    let scene = Scene::start().await;
    scene.daemon.open("127.0.0.1:1[name=db]").await;
    let rpc = scene.daemon.rpc();
    let set = json!({ "tunnel": "db", "settings": ["remote-tls", "backend-verify=off"] });
    let reply = rpc.call("setTunnel", set).await.unwrap();
    let spec = reply["spec"].as_str().unwrap();
    assert!(spec.ends_with("[name=db,backend-tls,backend-verify=off]"), "{spec}");
    let told = rpc.call("tunnelInfo", json!({ "tunnel": "db" })).await.unwrap();
    assert_eq!(told["backend_tls"], json!({ "verified": false }));
    let set = json!({ "tunnel": "db", "settings": ["backend-tls=perhaps"] });
    let refused = rpc.call("setTunnel", set).await.unwrap_err();
    assert_eq!(refused["data"]["valid"], json!(["on", "off"]), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_go_together_is_refused_by_every_change() {
    let scene = Scene::start().await;
    let tunnel = scene.originate("localhost:1", ",name=db").await;
    let before = scene.daemon.detail(tunnel).await;
    let mut line = scene.daemon.line().await;
    for (change, sentence) in [
        ("add db unix:/run/x", "`backend-tls` needs `backend-sni`, since a Unix socket"),
        ("switch db to unix:/run/x", "`backend-tls` needs `backend-sni`, since a Unix socket"),
        ("set db backend-tls=off", "`backend-ca` needs `backend-tls`"),
        ("set db backend-verify=off", "`backend-ca` needs `backend-verify=on`"),
        ("set db backend-key=/k", "`backend-key` needs `backend-cert`"),
        ("set db backend-ca=/missing.pem", "`/missing.pem`: there is no such file"),
        ("set db backend-cert=/missing.pem", "`/missing.pem`: there is no such file"),
    ] {
        let answer = line.ask(change).await;
        assert!(answer.starts_with("ERROR: ") && answer.contains(sentence), "{change}: {answer}");
    }
    let after = scene.daemon.detail(tunnel).await;
    assert_eq!((after.spec, after.revision), (before.spec, before.revision));
    done(&scene.daemon, "set db backend-sni=a.example").await;
    done(&scene.daemon, "add db unix:/run/x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_refused_with_its_name() {
    let scene = Scene::start().await;
    let ours = scene.issue("ours.pem", &["me"]);
    let write = |name: &str, text: &str| std::fs::write(scene.path(name), text).unwrap();
    write("text.pem", "hello\n");
    write("cert.pem", &ours.certificate);
    write("other.key", &scene.authority.issue(&["other"]).key);
    for (option, sentence) in [
        (format!("backend-ca={}", scene.path("text.pem")), "it holds no certificate in PEM"),
        (format!("backend-ca={}", scene.folder.path().display()), "it is a directory"),
        (format!("backend-cert={}", scene.path("cert.pem")), "it holds no private key in PEM"),
        (
            format!(
                "backend-cert={},backend-key={}",
                scene.path("cert.pem"),
                scene.path("other.key")
            ),
            "its private key is not that of the certificate",
        ),
    ] {
        let refused = scene.daemon.try_open(&format!("0=1[backend-tls,{option}]")).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code.as_str(), "bad-certificate", "{option}");
        assert!(refused.message.contains(sentence), "{option}: {}", refused.message);
    }
    assert!(scene.daemon.statuses().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_loaded_again_and_changes_are_undone() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = scene.server(echo.addr());
    let tunnel = scene.originate(server.addr(), ",name=db").await;
    let exported = scene.daemon.service().export().tunnels;
    done(&scene.daemon, "set db backend-tls= backend-ca=").await;
    assert!(scene.daemon.detail(tunnel).await.backend_tls.is_none());
    done(&scene.daemon, "undo").await;
    assert_eq!(scene.daemon.service().export().tunnels, exported);
    exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;

    std::fs::write(scene.path("tunnels.toml"), format!("tunnels = {exported:?}\n")).unwrap();
    scene.daemon.close(tunnel).await;
    done(&scene.daemon, &format!("load {}", scene.path("tunnels.toml"))).await;
    assert_eq!(scene.daemon.service().export().tunnels, exported);
    exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_there_after_a_restart_and_warned_of_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    for restart in 0..2 {
        let process = plexyd(&["--state", &state]).await;
        if restart == 0 {
            let mut line = LineClient::connect(process.control_addr()).await;
            let open = "open 0=127.0.0.1:1[name=db,backend-tls,backend-verify=off]";
            let answer = line.ask(open).await;
            assert!(answer.starts_with("OK"), "{answer}");
        }
        let warns = || {
            let log = process.log();
            let mut lines = log.lines();
            lines.any(|line| line.contains("NOT VERIFIED") && line.contains("tunnel=\"db\""))
        };
        eventually!(warns(), "{}", process.log());
        let mut line = LineClient::connect(process.control_addr()).await;
        let detail = line.ask("detail db").await;
        assert!(detail.contains("\tbackend-tls NOT VERIFIED"), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_says_who_is_believed_where_no_file_does() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = scene.server(echo.addr());
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    let open = format!("open 0={}[backend-tls]", server.addr());
    for (file, is_there) in [("ca.pem", true), ("missing.pem", false)] {
        let (file, control) = (scene.path(file), ["--control-socket", "127.0.0.1:0"]);
        let variables = [("SSL_CERT_FILE", file.as_str()), ("SSL_CERT_DIR", "")];
        let process = Process::start_with(PLEXYD, &control, &variables).await;
        let answer = LineClient::connect(process.control_addr()).await.ask(&open).await;
        assert_eq!(answer.starts_with("OK"), is_there, "{answer}");
        if is_there {
            let tunnel = tunnel_of(&process).await;
            exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;
        } else {
            assert!(answer.contains("this machine believes no authority"), "{answer}");
            assert!(answer.contains("`backend-ca`"), "{answer}");
        }
    }
}
