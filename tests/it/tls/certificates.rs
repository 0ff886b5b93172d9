//! Certificates that are no good: those of clients, as the tunnel takes them, and that of the tunnel, as
//! clients do. Nobody of them gets through, everybody is told why, and the tunnel lives.

use plexy_tests::backend::{Echo, Recorder};
use plexy_tests::certificate::{Authority, Issued, TlsClient, TlsClientOptions};
use plexy_tests::eventually;
use plexy_tests::tool::Tool;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::SupportedProtocolVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ONLY_1_2, ONLY_1_3, Scene, exchange};

fn expired(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
}

fn not_yet_valid(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(3001, 1, 1);
    params.not_after = date_time_ymd(3002, 1, 1);
}

/// What a client hears that shows this.
async fn refusal(
    scene: &Scene,
    tunnel: std::net::SocketAddr,
    certificate: &Issued,
    versions: &[&'static SupportedProtocolVersion],
) -> String {
    let certificate = Some(certificate);
    let options =
        TlsClientOptions { versions, certificate, ..TlsClientOptions::of(&scene.authority) };
    let client = TlsClient::with(&options);
    let met = async {
        let mut stream = client.connect(tunnel, "a.example").await?;
        // In TLS 1.3 a client is done before its certificate is looked at.
        stream.write_all(b"hello").await?;
        stream.read_to_end(&mut Vec::new()).await
    };
    met.await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_certificate_is_no_good_is_told_why() {
    let (scene, recorder) = (Scene::start().await, Recorder::start());
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    let ca = format!(",tls-client-ca={}", scene.path("ca.pem"));
    let tunnel = scene.open(&recorder, &ca).await;
    let issue = |change: fn(&mut CertificateParams)| scene.authority.issue_with(&["me"], change);
    let of_servers = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let bad = [
        (issue(expired), "CertificateExpired"),
        (issue(not_yet_valid), "CertificateExpired"),
        (Issued::by_itself(&["me"]), "UnknownCA"),
        (Authority::new("tests").issue(&["me"]), "DecryptError"),
        (scene.authority.below("between").issue(&["me"]), "UnknownCA"),
        (issue(of_servers), "UnsupportedCertificate"),
    ];
    for (certificate, alert) in &bad {
        for versions in [ONLY_1_2, ONLY_1_3] {
            let before = scene.failures("certificate").await;
            let heard = refusal(&scene, tunnel, certificate, versions).await;
            assert!(heard.contains(alert), "{alert}: {heard}");
            eventually!(scene.failures("certificate").await == before + 1);
        }
    }
    eventually!(scene.daemon.ended(tunnel, "tls").await == 2 * bad.len() as u64);
    assert_eq!(recorder.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_is_told_that_its_certificate_has_expired() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    let ca = scene.path("ca.pem");
    let tunnel = scene.open(&echo, &format!(",tls-client-ca={ca}")).await.to_string();
    for (name, issued) in [
        ("good.pem", scene.authority.issue(&["me"])),
        ("old.pem", scene.authority.issue_with(&["me"], expired)),
    ] {
        let cert = issued.write(&scene.folder, name).display().to_string();
        for version in ["-tls1_2", "-tls1_3"] {
            let arguments = [
                "s_client",
                "-connect",
                &tunnel,
                "-servername",
                "a.example",
                "-cert",
                &cert,
                "-key",
                &cert,
                version,
                "-quiet",
                "-CAfile",
                &ca,
            ];
            let mut client = openssl.converse(arguments);
            client.send("hello").await;
            if name == "good.pem" {
                client.expect_line("hello").await;
                continue;
            }
            let ended = client.ended().await;
            assert!(ended.errors().contains("alert certificate expired"), "{ended:?}");
            assert_eq!(ended.text(), "");
        }
    }
    eventually!(scene.failures("certificate").await == 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_say_what_is_wrong_with_the_certificate_of_a_tunnel_which_lives() {
    let (Some(curl), Some(openssl)) =
        (Tool::find("curl", "curl"), Tool::find("openssl", "openssl"))
    else {
        return;
    };
    let (scene, echo) = (Scene::start().await, Echo::start());
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    let ca = scene.path("ca.pem");
    let issue =
        |change: fn(&mut CertificateParams)| scene.authority.issue_with(&["a.example"], change);
    let between = scene.authority.below("between");
    let of_between = between.issue(&["a.example"]);
    let whole = of_between.clone().with_chain(&between);
    let unknown = "unable to get local issuer certificate";
    let cases = [
        (issue(expired), "certificate has expired"),
        (issue(not_yet_valid), "certificate is not yet valid"),
        (Issued::by_itself(&["a.example"]), "self-signed certificate"),
        (Authority::new("others").issue(&["a.example"]), unknown),
        // The certificate between it and the authority is missing.
        (of_between, unknown),
        (
            scene.authority.issue(&["b.example"]),
            "no alternative certificate subject name|hostname mismatch",
        ),
        (whole, ""),
    ];
    for (place, (issued, sentence)) in cases.iter().enumerate() {
        let cert = issued.write(&scene.folder, &format!("{place}.pem")).display().to_string();
        let tunnel = scene.daemon.open(&format!("{}[tls-cert={cert}]", echo.addr())).await;
        let resolve = format!("a.example:{}:127.0.0.1", tunnel.port());
        let url = format!("https://a.example:{}/", tunnel.port());
        // The echo is no server of HTTP: what counts is whether curl speaks with it at all.
        let of_curl = curl.run([
            "-sS",
            "--http0.9",
            "-m",
            "20",
            "--cacert",
            &ca,
            "--resolve",
            &resolve,
            &url,
        ]);
        let connect = tunnel.to_string();
        let of_openssl = openssl
            .run([
                "s_client",
                "-connect",
                &connect,
                "-servername",
                "a.example",
                "-verify_hostname",
                "a.example",
                "-CAfile",
                &ca,
                "-verify_return_error",
                "-brief",
            ])
            .input("Q\n");
        let (of_curl, of_openssl) = (of_curl.output().await, of_openssl.output().await);
        if sentence.is_empty() {
            assert_ne!(of_curl.status.code(), Some(60), "{of_curl:?}");
            assert!(of_openssl.errors().contains("Verification: OK"), "{of_openssl:?}");
            continue;
        }
        // CURLE_PEER_FAILED_VERIFICATION.
        assert_eq!(of_curl.status.code(), Some(60), "{of_curl:?}");
        for said in [of_curl.errors(), of_openssl.errors()] {
            assert!(sentence.split('|').any(|part| said.contains(part)), "{sentence}: {said}");
        }
        let told = format!("plexy_tls_failures_total{{tunnel=\"{tunnel}\",reason=\"alert\"");
        eventually!(scene.counted(&told).await > 0);
        // Whoever does not look may speak with it.
        let loose = curl.run(["-sSk", "--http0.9", "-m", "1", &format!("https://{tunnel}/")]);
        assert!(loose.output().await.text().contains("GET / HTTP/1.1"));
    }
    exchange(
        &mut scene.client().connect(scene.open(&echo, "").await, "a.example").await.unwrap(),
        b"lives",
    )
    .await;
}
