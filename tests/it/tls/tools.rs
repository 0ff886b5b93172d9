//! The tools that people have: openssl and curl.

use std::time::Duration;

use plexy_tests::backend::{Answerer, Backend, Echo, Reply};
use plexy_tests::tool::Tool;

use super::Scene;

const FINE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

#[tokio::test(flavor = "multi_thread")]
async fn curl_reaches_a_server_of_plain_http() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let scene = Scene::start().await;
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    let server = Backend::start(Answerer::new(Reply::Answer(FINE.to_vec())));
    let tunnel = scene.open(&server, "").await;
    for version in ["--tlsv1.3", "--tls-max"] {
        let resolve = format!("a.example:{}:127.0.0.1", tunnel.port());
        let url = format!("https://a.example:{}/", tunnel.port());
        let mut arguments = vec!["-sS".to_owned(), "--cacert".to_owned(), scene.path("ca.pem")];
        arguments.extend(["--resolve".to_owned(), resolve, version.to_owned()]);
        arguments.extend((version == "--tls-max").then(|| "1.2".to_owned()));
        arguments.push(url);
        let output = curl.run(arguments).output().await;
        assert!(output.text().contains("fine"), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_verifies_the_chain_and_ends_cleanly() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    let tunnel = scene.open(&echo, "").await;
    let ca = scene.path("ca.pem");
    for version in ["-tls1_2", "-tls1_3"] {
        let connect = tunnel.to_string();
        let arguments =
            ["s_client", "-connect", &connect, "-servername", "a.example", "-CAfile", &ca];
        let arguments =
            arguments.iter().copied().chain([version, "-verify_return_error", "-brief"]);
        let output = openssl.run(arguments).input("hello\n").output().await;
        assert!(output.errors().contains("Verification: OK"), "{output:?}");
    }
    tokio::time::timeout(Duration::from_secs(30), async {
        while scene.daemon.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(scene.failures("truncated").await, 0);
}
