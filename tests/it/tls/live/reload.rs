//! `reload` and SIGHUP: certificates are read again by whoever asks for it, with a configuration file or
//! without.

use std::fs;

use plexy_tests::backend::Echo;
use plexy_tests::certificate::Authority;
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use rustix::process::Signal;
use serde_json::json;

use super::super::Scene;
use super::{NAME, events, put, shown};
use crate::process::PLEXYD;

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_after_the_answer_gets_what_was_read() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let next = scene.issue("a.pem", &[NAME]);
    let answer = scene.daemon.line().await.ask("reload").await;
    assert_eq!(answer, "OK: opened 0, changed 0, closed 0, unchanged 0, certificate files 1\n");
    assert_eq!(shown(&scene, tunnel).await, next.der());
    // It holds already.
    let again = scene.daemon.rpc().call("reload", json!({})).await.unwrap();
    assert_eq!(again.get("certificate_files"), None, "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_file_and_certificate_there_is_nothing_to_reload() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let ask = async || scene.daemon.line().await.ask("reload").await;
    assert!(ask().await.starts_with("OK"));
    scene.daemon.close(tunnel).await;
    let refused = ask().await;
    assert!(refused.starts_with("ERROR: plexyd was started without --config"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_refuses_all_of_it_and_is_named() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, ",name=web").await;
    let before = shown(&scene, tunnel).await;
    put(scene.path("a.pem"), "");

    let answer = scene.daemon.line().await.ask("reload").await;

    let why = format!("`{}`: it is empty", scene.path("a.pem"));
    assert_eq!(answer, format!("ERROR: {why} (tunnel web)\n"));
    let refused = scene.daemon.rpc().call("reload", json!({})).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "bad-file");
    assert_eq!(shown(&scene, tunnel).await, before);
    // It is known at once, and told once.
    assert_eq!(scene.daemon.detail(tunnel).await.files_refused.unwrap().why, why);
    assert_eq!(events(&scene, "certificate-refused").await.len(), 1);
    assert_eq!(events(&scene, "config-refused").await.len(), 2);
    assert_eq!(scene.counted("plexy_config_last_reload_successful").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_has_tunnels_and_certificates_read_together() {
    let (folder, authority, echo) =
        (tempfile::tempdir().unwrap(), Authority::new("tests"), Echo::start());
    let path = |file: &str| folder.path().join(file).display().to_string();
    let issue = |file: &str| authority.issue(&[NAME]).write(&folder, file);
    issue("a.pem");
    issue("b.pem");
    let tunnel = |name: &str, more: &str| {
        let cert = path(&format!("{name}.pem"));
        format!("'0={}[name={name},tls-cert={cert}{more}]'", echo.addr())
    };
    let config = |tunnels: &[String]| {
        fs::write(path("plexy.toml"), format!("tunnels = [{}]\n", tunnels.join(","))).unwrap();
    };
    config(&[tunnel("a", ""), tunnel("b", "")]);
    let file = path("plexy.toml");
    let arguments = ["--config", &file, "--control-socket", "127.0.0.1:0"];
    let process = Process::start(PLEXYD, &arguments).await;
    let list = async || LineClient::connect(process.control_addr()).await.ask("list").await;

    // What leaves may be no good any more, and what is changed has to be good.
    fs::remove_file(path("b.pem")).unwrap();
    config(&[tunnel("a", ",tls-min=1.3")]);
    process.signal(Signal::HUP);
    eventually!(process.log().contains("config reloaded"), "{}", process.log());
    assert!(!list().await.contains("name b"), "{}", list().await);

    // What stays has to be good, or nothing of it is done.
    fs::write(path("a.pem"), "").unwrap();
    issue("b.pem");
    config(&[tunnel("a", ",tls-min=1.3"), tunnel("b", "")]);
    process.signal(Signal::HUP);
    eventually!(process.log().contains("config refused"), "{}", process.log());
    assert!(process.log().contains("it is empty (tunnel a)"), "{}", process.log());
    assert!(!list().await.contains("name b"), "{}", list().await);

    issue("a.pem");
    process.signal(Signal::HUP);
    eventually!(process.log().matches("config reloaded").count() == 2, "{}", process.log());
    assert!(list().await.contains("name b"), "{}", list().await);
}
