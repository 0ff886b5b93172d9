//! New certificates while plexyd runs.

use std::fs;

use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use rustix::process::Signal;

use super::authority::{Authority, LOCAL, Validity};
use super::scene::{Scene, fails};
use crate::process::{PLEXYCTL, PLEXYD, run, tool};

const NOT_AFTER: &str = "plexy_rpc_tls_certificate_not_after_timestamp_seconds ";

/// Whether a daemon is believed by this authority.
async fn is_certified(scene: &Scene, authority: &Authority) -> bool {
    let (endpoint, ca) = (scene.endpoint("localhost"), authority.ca());
    run(PLEXYCTL, &["--endpoint", &endpoint, "--ca", &ca, "ping"]).await.is_success()
}

/// Files of PEM by themselves hold once they are noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_is_replaced_holds_without_being_asked_for() {
    let scene = Scene::start(&[]).await;
    let next = Authority::new();
    next.server_for(&LOCAL, Validity::Now).replace(&scene.server);
    eventually!(is_certified(&scene, &next).await);
    assert!(!is_certified(&scene, &scene.authority).await);
    let log = || scene.process.log();
    eventually!(log().contains("certificate changed"), "{}", log());
    assert!(log().contains("(the rpc sockets)"), "{}", log());
    fs::write(&scene.server.key, "").unwrap();
    eventually!(log().contains("certificate refused"), "{}", log());
    assert!(log().contains(&format!("`{}`: it is empty", scene.server.key)), "{}", log());
    let is_good = "\nplexy_rpc_tls_certificate_last_reload_successful 0\n";
    assert!(scene.metrics().await.contains(is_good));
    assert!(is_certified(&scene, &next).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pair_holds_for_who_comes_and_nobody_else_notices() {
    let scene = Scene::start(&["--control-socket", "127.0.0.1:0"]).await;
    let (endpoint, ca) = (scene.endpoint("localhost"), scene.authority.ca());
    let arguments = ["--endpoint", &endpoint, "--ca", &ca, "events", "1", "follow"];
    let mut following = tool(PLEXYCTL).converse(arguments);
    following.wait_for("daemon-ready").await;

    let next = Authority::new();
    next.server_for(&LOCAL, Validity::Now).replace(&scene.server);
    // There is no configuration file, and nothing is wrong with that.
    let mut line = LineClient::connect(scene.process.control_addr()).await;
    let reloaded = line.ask("reload").await;
    assert!(reloaded.starts_with("OK: opened 0, changed 0, closed 0, unchanged 0"), "{reloaded}");
    assert!(is_certified(&scene, &next).await);
    assert!(!is_certified(&scene, &scene.authority).await);
    following.wait_for("certificate-changed").await;
    let told = "is good until 4096-01-01T00:00:00Z";
    let log = || scene.process.log();
    eventually!(log().contains(told) && log().contains("(the rpc sockets)"), "{}", log());
    assert!(scene.metrics().await.contains(&format!("{NOT_AFTER}67090118400\n")));

    // The same once more is nothing new.
    scene.process.signal(Signal::HUP);
    eventually!(log().matches("config reloaded").count() == 2, "{}", log());
    assert_eq!(log().matches(told).count(), 1, "{}", log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_pair_changes_nothing_and_is_told_with_its_file() {
    let scene = Scene::start(&["--control-socket", "127.0.0.1:0"]).await;
    let mut line = LineClient::connect(scene.process.control_addr()).await;
    let (server, next) = (scene.server.clone(), Authority::new());
    let (other, key) = (next.server(), fs::read_to_string(&server.key).unwrap());
    for (cert, secret, told) in [
        ("", key.as_str(), "it is empty"),
        ("no PEM", &key, "it holds no certificate"),
        (&fs::read_to_string(&other.cert).unwrap(), &key, "is not that of the certificate in"),
        (&fs::read_to_string(&other.cert).unwrap(), "", "it is empty"),
    ] {
        fs::write(&server.cert, cert).unwrap();
        fs::write(&server.key, secret).unwrap();
        let refused = line.ask("reload").await;
        assert!(refused.starts_with("ERROR: ") && refused.contains(told), "{told}: {refused}");
        assert!(is_certified(&scene, &scene.authority).await, "{told}");
        let events = line.ask("events 1").await;
        assert!(events.contains("config-refused") && events.contains(told), "{events}");
        assert!(scene.metrics().await.contains("\nplexy_config_last_reload_successful 0\n"));
    }
    other.replace(&server);
    assert!(line.ask("reload").await.starts_with("OK"));
    assert!(is_certified(&scene, &next).await);
    assert!(scene.metrics().await.contains("\nplexy_config_last_reload_successful 1\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_authorities_of_clients_hold_at_once() {
    let (authority, clients) = (Authority::new(), tempfile::tempdir().unwrap());
    let (before, after) = (Authority::new(), Authority::new());
    let ca = clients.path().join("clients.pem");
    fs::copy(before.ca(), &ca).unwrap();
    let ca_of_clients = ["--rpc-tls-client-ca", ca.to_str().unwrap()];
    let arguments = [&ca_of_clients[..], &["--control-socket", "127.0.0.1:0"]].concat();
    let scene = Scene::start_with(authority, "tls:127.0.0.1:0", &arguments).await;
    let [old, new] = [&before, &after].map(|it| it.client("ops", Validity::Now));
    assert!(scene.ask_as(&old, &["ping"]).await.is_success());
    assert!(!scene.ask_as(&new, &["ping"]).await.is_success());

    // It may be noticed before the old ones could ask for it.
    let mut line = LineClient::connect(scene.process.control_addr()).await;
    fs::copy(after.ca(), &ca).unwrap();
    assert!(line.ask("reload").await.starts_with("OK"));
    assert!(scene.ask_as(&new, &["ping"]).await.is_success());
    fails(&scene.ask_as(&old, &["ping"]).await, 5, &["no CA of its has signed it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_and_pair_are_reloaded_together_or_not_at_all() {
    let authority = Authority::new();
    let server = authority.server();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plexy.toml");
    let text = |tunnels: &str| {
        format!(
            "rpc-socket = \"tls:127.0.0.1:0\"\nrpc-tls-cert = {:?}\nrpc-tls-key = {:?}\n\
             tunnels = [{tunnels}]\n",
            server.cert, server.key
        )
    };
    fs::write(&path, text("")).unwrap();
    let process = Process::start(PLEXYD, &["--config", path.to_str().unwrap()]).await;
    let scene = Scene { process, authority, server: server.clone() };
    let next = Authority::new();
    next.server().replace(&server);
    let reload = async |tunnels: &str| {
        fs::write(&path, text(tunnels)).unwrap();
        let done = |log: &str| {
            log.matches("config reloaded").count() + log.matches("config refused").count()
        };
        let before = done(&scene.process.log());
        scene.process.signal(Signal::HUP);
        eventually!(done(&scene.process.log()) > before, "{}", scene.process.log());
    };
    reload("\"0=127.0.0.1:9[name=db,stratgy=x]\"").await;
    assert!(is_certified(&scene, &scene.authority).await);
    reload("\"0=127.0.0.1:9[name=db]\"").await;
    assert!(is_certified(&scene, &next).await);
    fs::write(&server.key, "").unwrap();
    reload("").await;
    let (endpoint, ca) = (scene.endpoint("localhost"), next.ca());
    let list = run(PLEXYCTL, &["--endpoint", &endpoint, "--ca", &ca, "-q", "list"]).await;
    assert_eq!(list.success(), "db\n", "{}", scene.process.log());
}
