//! Files that are no good: refused with their name before anything is touched.

use plexy_tests::backend::Echo;
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
