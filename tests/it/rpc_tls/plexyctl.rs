//! plexyctl over TLS: whom it believes, and what it says where it does not.

use std::fs;

use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::tool::Tool;

use super::authority::{Authority, Files, Validity};
use super::scene::{Scene, fails};
use crate::process::{PLEXYCTL, PLEXYD, run, tool};

/// One that shows this pair.
async fn plexyd(server: &Files) -> (Process, String) {
    let arguments = [
        "--rpc-socket",
        "tls:127.0.0.1:0",
        "--rpc-tls-cert",
        &server.cert,
        "--rpc-tls-key",
        &server.key,
    ];
    let process = Process::start(PLEXYD, &arguments).await;
    let port = process.rpc_tls_addr().port();
    (process, format!("wss://localhost:{port}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_over_tls_by_every_name_of_the_certificate() {
    let scene = Scene::start(&["0=127.0.0.1:9[name=db]"]).await;
    let ca = scene.authority.ca();
    for host in ["localhost", "127.0.0.1"] {
        for endpoint in [scene.endpoint(host), scene.endpoint(host).replace("wss", "https")] {
            let list = run(PLEXYCTL, &["--endpoint", &endpoint, "--ca", &ca, "list"]).await;
            assert!(list.success().contains("db"), "{endpoint}");
        }
    }
    let named = scene.ask(&["--server-name", "proxy.example", "ping"]).await;
    assert_eq!(named.success(), "pong\n");
    let version = scene.ask(&["version"]).await.success();
    assert!(version.contains(&scene.endpoint("localhost")), "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn environment_and_file_say_the_same_as_options() {
    let scene = Scene::start(&[]).await;
    let (endpoint, ca) = (scene.endpoint("localhost"), scene.authority.ca());
    let ping = || tool(PLEXYCTL).run(["ping"]);
    let by_environment = ping().env("PLEXY_ENDPOINT", &endpoint).env("PLEXY_CA", &ca);
    assert_eq!(by_environment.output().await.success(), "pong\n");

    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("plexy");
    fs::create_dir(&folder).unwrap();
    fs::copy(&ca, folder.join("ca.pem")).unwrap();
    let file = folder.join("plexyctl.toml");
    fs::write(&file, format!("endpoint = \"{endpoint}\"\nca = \"ca.pem\"\n")).unwrap();
    let by_file = ping().env("XDG_CONFIG_HOME", home.path());
    assert_eq!(by_file.output().await.success(), "pong\n");

    // What it says is about that one daemon.
    let other = ping().env("XDG_CONFIG_HOME", home.path());
    let other = other.env("PLEXY_ENDPOINT", scene.endpoint("127.0.0.1")).output().await;
    fails(&other, 6, &["no CA that is trusted here"]);

    fs::write(&file, "endpiont = \"wss://localhost:1\"\n").unwrap();
    let mistaken = ping().env("XDG_CONFIG_HOME", home.path()).output().await;
    fails(&mistaken, 2, &["plexyctl.toml:1:1: unknown key `endpiont`", "endpoint"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_not_believed_is_told_with_what_to_do() {
    let scene = Scene::start(&[]).await;
    let endpoint = scene.endpoint("localhost");
    let unknown = run(PLEXYCTL, &["--endpoint", &endpoint, "ping"]).await;
    fails(&unknown, 6, &["no CA that is trusted here has signed its certificate", "--ca FILE"]);
    let other = Authority::new();
    let ca = other.ca();
    let others = run(PLEXYCTL, &["--endpoint", &endpoint, "--ca", &ca, "ping"]).await;
    fails(&others, 6, &["has signed its certificate"]);
    let json = run(PLEXYCTL, &["-o", "json", "--endpoint", &endpoint, "ping"]).await;
    assert!(json.errors().contains("\"untrusted\""), "{}", json.errors());

    let misnamed = scene.ask(&["--server-name", "other.example", "ping"]).await;
    let names = "its certificate is not for `other.example`, but for `localhost`";
    fails(&misnamed, 6, &[names, "--server-name NAME"]);

    let authority = Authority::new();
    for (validity, sentence) in [
        (Validity::Past, "its certificate has expired"),
        (Validity::Future, "its certificate is not valid yet"),
    ] {
        let (process, endpoint) = plexyd(&authority.server_for(&["localhost"], validity)).await;
        let ca = authority.ca();
        let output = run(PLEXYCTL, &["--endpoint", &endpoint, "--ca", &ca, "ping"]).await;
        fails(&output, 6, &[sentence]);
        let told = ["ago: clients do not take it", "is not good before 4"];
        eventually!(told.iter().any(|told| process.says(told)), "{}", process.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_where_there_is_none_and_none_where_there_is_are_told_apart() {
    let scene = Scene::start(&["--rpc-socket", "127.0.0.1:0"]).await;
    let plain = scene.process.rpc_addr().port();
    let endpoint = format!("wss://localhost:{plain}");
    let output = run(PLEXYCTL, &["--endpoint", &endpoint, "ping"]).await;
    fails(&output, 6, &["what answers there does not speak TLS", "`ws://host:port`"]);

    let endpoint = scene.endpoint("localhost").replace("wss", "ws");
    let output = run(PLEXYCTL, &["--endpoint", &endpoint, "ping"]).await;
    fails(&output, 6, &["plexyd speaks TLS there", "`wss://host:port`"]);

    let option = run(PLEXYCTL, &["--endpoint", &endpoint, "--ca", "ca.pem", "ping"]).await;
    fails(&option, 2, &["`--ca` is for endpoints of TLS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_good_is_named_with_what_is_wrong() {
    let scene = Scene::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (empty, garbage) = (file("empty", ""), file("garbage", "no PEM\n"));
    let pem = fs::read_to_string(scene.authority.ca()).unwrap();
    let cut = file("cut", &pem[..pem.len() / 2]);
    let here = folder.path().to_str().unwrap();
    let endpoint = scene.endpoint("localhost");
    let ask =
        async |words: &[&str]| run(PLEXYCTL, &[&["--endpoint", &endpoint], words].concat()).await;
    for (ca, sentence) in [
        ("/no/such/ca.pem", "cannot read `/no/such/ca.pem`"),
        (here, "cannot read"),
        (&empty, "there is no certificate in"),
        (&garbage, "there is no certificate in"),
        (&cut, "the end of a section is missing"),
    ] {
        fails(&ask(&["--ca", ca, "ping"]).await, 2, &[ca, sentence]);
    }
    let [one, two] = ["one", "two"].map(|name| scene.authority.client(name, Validity::Now));
    for (cert, key, sentence) in [
        (&*one.cert, &*empty, "there is no key in"),
        (&one.cert, &one.cert, "there is no key in"),
        (&garbage, &one.key, "there is no certificate in"),
        (&one.cert, &two.key, "does not fit the certificate"),
    ] {
        fails(&scene.ask(&["--cert", cert, "--key", key, "ping"]).await, 2, &[sentence]);
    }
    fails(
        &scene.ask(&["--key", &one.key, "ping"]).await,
        2,
        &["no certificate that it belongs to"],
    );
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let sealed = folder.path().join("sealed.key").to_str().unwrap().to_owned();
    let arguments = ["pkey", "-in", &one.key, "-aes128", "-passout", "pass:x", "-out", &sealed];
    assert!(openssl.run(arguments).output().await.is_success());
    let encrypted = scene.ask(&["--cert", &one.cert, "--key", &sealed, "ping"]).await;
    fails(&encrypted, 2, &["is encrypted", "openssl pkey"]);
}
