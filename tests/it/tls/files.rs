//! Files that are no good: refused with their name before anything is touched.

use std::net::SocketAddr;

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::tool::Tool;

use super::{Scene, exchange};

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_refused_by_open_and_by_set_and_nothing_changes() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let other = scene.issue("other.pem", &["b.example"]);
    let write = |name: &str, text: &str| std::fs::write(scene.path(name), text).unwrap();
    write("empty.pem", "");
    write("other.key", &scene.authority.issue(&["c.example"]).key);
    write("nokey.pem", &other.certificate);
    write("text.pem", "hello\n");
    let options = [
        (format!("tls-cert={}", scene.path("missing.pem")), "there is no such file"),
        (format!("tls-cert={}", scene.folder.path().display()), "it is a directory"),
        (format!("tls-cert={}", scene.path("empty.pem")), "it is empty"),
        (format!("tls-cert={}", scene.path("text.pem")), "it holds no certificate"),
        (format!("tls-cert={}", scene.path("nokey.pem")), "it holds no private key"),
        (
            format!("tls-cert={} tls-key={}", scene.path("other.pem"), scene.path("other.key")),
            "its private key is not that of the certificate",
        ),
        (
            format!(
                "tls-cert={} tls-client-ca={}",
                scene.path("other.pem"),
                scene.path("text.pem")
            ),
            "it holds no certificate",
        ),
    ];
    let before = scene.daemon.detail(tunnel).await;
    for (option, sentence) in options {
        let spec = format!("0={}[{}]", echo.addr(), option.replace(' ', ","));
        let refused = scene.daemon.try_open(&spec).await.unwrap_err();
        assert_eq!(refused.code.as_str(), "bad-certificate", "{spec}");
        assert!(refused.message.contains(sentence), "{spec}: {}", refused.message);
        let mut line = scene.daemon.line().await;
        let answer = line.ask(&format!("set {tunnel} {option}")).await;
        assert!(answer.starts_with("ERROR: `/"), "{answer}");
        assert!(answer.contains(sentence), "{answer}");
    }
    let after = scene.daemon.detail(tunnel).await;
    assert_eq!((after.spec, after.revision), (before.spec, before.revision));
    assert_eq!(scene.daemon.statuses().len(), 1);
    exchange(&mut scene.client().connect(tunnel, "a.example").await.unwrap(), b"lives").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_key_is_refused_with_what_to_do_and_nothing_waits_for_a_password() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let issued = scene.issue("other.pem", &["a.example"]);
    let path = scene.path("encrypted.key");
    let encrypt = ["pkey", "-aes256", "-passout", "pass:secret", "-out", &path];
    let encrypted = openssl.run(encrypt).input(issued.key).output().await;
    assert!(encrypted.is_success(), "{encrypted:?}");
    let option = format!("tls-cert={} tls-key={path}", scene.path("other.pem"));
    let answer = scene.daemon.line().await.ask(&format!("set {tunnel} {option}")).await;
    let told = format!("ERROR: `{path}`: its private key is encrypted");
    assert!(answer.starts_with(&told), "{answer}");
    exchange(&mut scene.client().connect(tunnel, "a.example").await.unwrap(), b"lives").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_file_leaves_all_of_several_tunnels_closed() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    scene.issue("a.pem", &["a.example"]);
    let spec = |file: &str| format!("0={}[tls-cert={}]", echo.addr(), scene.path(file));
    let specs = serde_json::json!({ "specs": [spec("a.pem"), spec("missing.pem")] });
    let refused = scene.daemon.rpc().call("openTunnels", specs).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "bad-certificate");
    assert_eq!(refused["data"]["index"], 1);
    assert!(scene.daemon.statuses().is_empty());
}

/// Has whoever opens a file wait until its input ends, or for 45 s (fcntl(2): leases).
const LEASE: &str = "
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()
";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_not_come_holds_up_nobody_for_long() {
    let Some(python) = Tool::find("python3", "python3") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, ",name=web").await;
    std::fs::create_dir(scene.path("gone")).unwrap();
    scene.issue("gone/b.pem", &["b.example"]);
    let file = scene.path("gone/b.pem");
    let spec = format!("0={}[tls-cert={file}]", echo.addr());
    let silent: SocketAddr = scene.daemon.try_open(&spec).await.unwrap().parse().unwrap();
    let mut lease = python.converse(["-c", LEASE, &file]);
    lease.expect_line("held").await;

    let why = format!("`{file}`: nothing of it comes");
    let refused = scene.daemon.line().await.ask("reload").await;
    assert!(refused.contains(&why), "{refused}");
    let refused = scene.daemon.try_open(&spec).await.unwrap_err();
    assert_eq!(refused.code.as_str(), "bad-certificate", "{}", refused.message);
    assert!(refused.message.contains(&why), "{}", refused.message);
    // Others go on, and so does who has what was read before.
    let answer = scene.daemon.line().await.ask("set web retries=5").await;
    assert!(answer.starts_with("OK"), "{answer}");
    for (tunnel, name) in [(tunnel, "a.example"), (silent, "b.example")] {
        exchange(&mut scene.client().connect(tunnel, name).await.unwrap(), b"lives").await;
    }
    let told = scene.daemon.detail(silent).await.files_refused.unwrap().why;
    assert!(told.starts_with(&why), "{told}");

    assert!(lease.finish().await.is_success());
    let is_read = async || scene.daemon.line().await.ask("reload").await.starts_with("OK");
    eventually!(is_read().await);
    assert_eq!(scene.daemon.detail(silent).await.files_refused.map(|it| it.why), None);
    scene.daemon.try_open(&spec).await.unwrap();
}
