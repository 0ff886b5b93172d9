//! The tools that people have: openssl and curl.

use std::time::Duration;

use plexy_tests::backend::{Answerer, Backend, Echo, Reply};
use plexy_tests::eventually;
use plexy_tests::tool::Tool;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};

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
    eventually!(within Duration::from_secs(30), scene.daemon.connections() == 0);
    assert_eq!(scene.failures("truncated").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_that_tries_again_with_an_older_version_is_told_that_it_need_not() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    let connect = scene.open(&echo, "").await.to_string();
    let run = async |arguments: &[&str]| {
        let arguments = [&["s_client", "-brief", "-connect", &connect], arguments].concat();
        openssl.run(arguments).input("Q\n").output().await
    };
    let told = run(&["-tls1_2", "-fallback_scsv"]).await;
    // inappropriate_fallback (RFC 7507).
    assert!(told.errors().contains("SSL alert number 86"), "{told:?}");
    eventually!(scene.failures("version").await == 1);
    let newest = run(&["-fallback_scsv"]).await;
    assert!(newest.errors().contains("Protocol version: TLSv1.3"), "{newest:?}");
    assert_eq!(scene.failures("version").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sslscan_finds_nothing_that_should_not_be() {
    let Some(sslscan) = Tool::find("sslscan", "sslscan") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    scene.authority.issue_for(&["a.example"], &rsa, |_| {}).write(&scene.folder, "rsa.pem");
    let tunnel = scene.open(&echo, &format!(",tls-cert={}", scene.path("rsa.pem"))).await;
    let arguments = ["--xml=-", "--sni-name=a.example", "--show-sigs", &tunnel.to_string()];
    let found = sslscan.run(arguments).within(Duration::from_secs(120)).output().await.success();

    let words = |element: &str, key: &str| -> Vec<String> {
        let open = format!("<{element} ");
        let lines = found.lines().filter(|line| line.trim_start().starts_with(&open));
        let value = |line: &str| {
            let (_, behind) = line.split_once(&format!(" {key}=\"")).expect(line);
            behind.split('"').next().unwrap().to_owned()
        };
        lines.map(value).collect()
    };
    // SSLv2 and SSLv3, then TLS 1.0, 1.1, 1.2 and 1.3.
    assert_eq!(words("protocol", "enabled"), ["0", "0", "0", "0", "1", "1"], "{found}");
    assert_eq!(words("renegotiation", "supported"), ["0"], "{found}");
    assert_eq!(words("heartbleed", "vulnerable"), ["0", "0"], "{found}");
    // Nothing where its OpenSSL cannot ask for it.
    assert!(words("compression", "supported").iter().all(|it| it == "0"), "{found}");
    let mut ciphers = words("cipher", "cipher");
    ciphers.sort_unstable();
    let expected = [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    ];
    assert_eq!(ciphers, expected, "{found}");
    let signatures = words("connection-signature-algorithm", "name").join(" ").to_lowercase();
    assert!(!signatures.contains("sha1") && !signatures.contains("md5"), "{found}");
    // It tells this in words alone.
    let address = tunnel.to_string();
    let arguments =
        ["--no-colour", "--no-ciphersuites", "--no-heartbleed", "--no-groups", &address];
    let told = sslscan.run(arguments).within(Duration::from_secs(120)).output().await.success();
    assert!(told.contains("Server supports TLS Fallback SCSV"), "{told}");
    let groups = words("group", "name");
    assert!(groups.iter().any(|group| group == "x25519"), "{found}");
    let sound = ["x25519", "secp256r1", "secp384r1"];
    let is_sound = |group: &String| sound.iter().any(|sound| group.starts_with(sound));
    assert!(groups.iter().all(is_sound), "{found}");
}
