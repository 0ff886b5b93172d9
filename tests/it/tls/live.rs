//! Certificates that are replaced while tunnels run.

mod expiry;
mod load;
mod refused;
mod reload;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;

use plexy_tests::backend::{Backend, Echo};
use plexy_tests::certificate::{Authority, Issued, TlsClient, TlsClientOptions};
use plexy_tests::eventually;
use plexy_tests::traffic::round_trip;
use rustls::HandshakeKind;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Scene, exchange};

const NAME: &str = "a.example";

/// What a client is shown that has never been there.
async fn shown(scene: &Scene, tunnel: SocketAddr) -> CertificateDer<'static> {
    let client = scene.client().connect(tunnel, NAME).await.unwrap();
    client.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Puts a text in the place of a file, from one moment to the next.
fn put(path: impl AsRef<Path>, text: &str) {
    let new = path.as_ref().with_extension("next");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

fn both(issued: &Issued) -> String {
    format!("{}{}", issued.certificate, issued.key)
}

/// The events of that kind.
async fn events(scene: &Scene, kind: &str) -> Vec<String> {
    let told = scene.daemon.line().await.ask("events").await;
    told.lines().filter(|line| line.contains(kind)).map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pair_is_for_who_comes_and_nothing_else_changes() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, ",name=web").await;
    let resuming = scene.client();
    let mut before = resuming.connect(tunnel, NAME).await.unwrap();
    exchange(&mut before, b"before").await;
    let was = scene.daemon.detail(tunnel).await;

    let next = scene.issue("a.pem", &[NAME]);
    eventually!(shown(&scene, tunnel).await == next.der());

    exchange(&mut before, b"still").await;
    // The ticket is as good as before.
    let mut resumed = resuming.connect(tunnel, NAME).await.unwrap();
    exchange(&mut resumed, b"resumed").await;
    assert_eq!(resumed.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    let is = scene.daemon.detail(tunnel).await;
    assert_eq!((is.spec, is.revision), (was.spec, was.revision));
    let fingerprint =
        |tls: Option<plexy_shared::info::TlsInfo>| tls.unwrap().certificates[0].fingerprint.clone();
    assert_ne!(fingerprint(is.tls), fingerprint(was.tls));
    let told = events(&scene, "certificate-changed").await;
    let file = scene.path("a.pem");
    let expected =
        format!("info certificate-changed, tunnel web, `{file}` for {NAME} is good until 4096-");
    assert!(told.len() == 1 && told[0].contains(&expected), "{told:?}");
    let series = "plexy_tls_certificate_reloads_total{tunnel=\"web\",outcome=\"success\"}";
    assert!(scene.daemon.monitor().get("/metrics").await.body.contains(&format!("{series} 1\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_once_more_is_no_news() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let text = fs::read_to_string(scene.path("a.pem")).unwrap();
    put(scene.path("a.pem"), &text);
    // What comes later is noticed, and was noticed later.
    let next = scene.issue("a.pem", &[NAME]);
    eventually!(shown(&scene, tunnel).await == next.der());
    assert_eq!(events(&scene, "certificate-changed").await.len(), 1);
}

/// Changes what stands in the folder, and waits until the tunnel shows what is there then.
async fn check(
    scene: &Scene,
    tunnel: SocketAddr,
    issued: &Issued,
    change: impl FnOnce(&Path, &Issued),
) {
    change(scene.folder.path(), issued);
    eventually!(shown(scene, tunnel).await == issued.der());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_written_in_place_and_folders_that_come_again_are_read() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    fs::create_dir(scene.folder.path().join("pki")).unwrap();
    let tunnel = open_in(&scene, &echo, "pki/tls.crt", "pki/tls.key").await;
    let [one, two] = [(); 2].map(|()| scene.authority.issue(&[NAME]));
    let write = |folder: &Path, issued: &Issued| {
        fs::write(folder.join("pki/tls.crt"), &issued.certificate).unwrap();
        fs::write(folder.join("pki/tls.key"), &issued.key).unwrap();
    };
    check(&scene, tunnel, &one, write).await;
    check(&scene, tunnel, &two, |folder, issued| {
        fs::remove_dir_all(folder.join("pki")).unwrap();
        fs::create_dir(folder.join("pki")).unwrap();
        write(folder, issued);
    })
    .await;
    check(&scene, tunnel, &one, write).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_are_swapped_as_kubernetes_does_are_followed() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let version = |folder: &Path, name: &str, issued: &Issued| {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("tls.crt"), &issued.certificate).unwrap();
        fs::write(folder.join(name).join("tls.key"), &issued.key).unwrap();
        symlink(name, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    let folder = scene.folder.path();
    version(folder, "..1", &scene.authority.issue(&[NAME]));
    for file in ["tls.crt", "tls.key"] {
        symlink(Path::new("..data").join(file), folder.join(file)).unwrap();
    }
    let (cert, key) = (scene.path("tls.crt"), scene.path("tls.key"));
    let rest = format!("{}[tls-cert={cert},tls-key={key}]", echo.addr());
    let tunnel = scene.daemon.open(&rest).await;
    for (old, new) in [("..1", "..2"), ("..2", "..3")] {
        check(&scene, tunnel, &scene.authority.issue(&[NAME]), |folder, issued| {
            version(folder, new, issued);
            fs::remove_dir_all(folder.join(old)).unwrap();
        })
        .await;
    }
    assert_eq!(events(&scene, "certificate-refused").await, [""; 0]);
}

/// Opens a tunnel with a pair in two files.
async fn open_in(scene: &Scene, echo: &Backend<Echo>, cert: &str, key: &str) -> SocketAddr {
    let issued = scene.authority.issue(&[NAME]);
    put(scene.path(cert), &issued.certificate);
    put(scene.path(key), &issued.key);
    let (cert, key) = (scene.path(cert), scene.path(key));
    scene.daemon.open(&format!("{}[tls-cert={cert},tls-key={key}]", echo.addr())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_that_share_files_are_told_of_together() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let mut tunnels = Vec::new();
    scene.issue("a.pem", &[NAME]);
    for name in ["one", "two", "three"] {
        let rest = format!("{}[name={name},tls-cert={}]", echo.addr(), scene.path("a.pem"));
        tunnels.push(scene.daemon.open(&rest).await);
    }
    scene.daemon.close("three").await;
    let next = scene.issue("a.pem", &[NAME]);
    for tunnel in &tunnels[..2] {
        eventually!(shown(&scene, *tunnel).await == next.der());
    }
    eventually!(!events(&scene, "certificate-changed").await.is_empty());
    let told = events(&scene, "certificate-changed").await;
    assert!(told.len() == 1 && told[0].ends_with(" (tunnels one two)"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_authorities_hold_at_once_and_old_tickets_do_not() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    put(scene.path("ca.pem"), &before.pem());
    let tunnel = scene.open(&echo, &format!(",tls-client-ca={}", scene.path("ca.pem"))).await;
    let [old, new] = [&before, &after].map(|authority| authority.issue(&["me"]));
    let client = |issued| {
        let of = TlsClientOptions::of(&scene.authority);
        TlsClient::with(&TlsClientOptions { certificate: Some(issued), ..of })
    };
    let is_let_in = async |client: &TlsClient| {
        let Ok(mut stream) = client.connect(tunnel, NAME).await else { return false };
        let mut answer = [0; 5];
        stream.write_all(b"hello").await.is_ok() && stream.read_exact(&mut answer).await.is_ok()
    };
    let (old, new) = (client(&old), client(&new));
    // It has a ticket from now on.
    assert!(is_let_in(&old).await);
    assert!(!is_let_in(&new).await);

    put(scene.path("ca.pem"), &after.pem());

    eventually!(is_let_in(&new).await);
    assert!(!is_let_in(&old).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_backends_are_verified_by_and_shown_is_live_too() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    std::fs::write(scene.path("clients.pem"), scene.authority.pem()).unwrap();
    let server = scene
        .open(&echo, &format!(",name=server,tls-client-ca={}", scene.path("clients.pem")))
        .await;
    let others = Authority::new("others");
    put(scene.path("ca.pem"), &others.pem());
    put(scene.path("us.pem"), &both(&others.issue(&["us"])));
    let (ca, us) = (scene.path("ca.pem"), scene.path("us.pem"));
    let options = format!("backend-tls,backend-sni={NAME},backend-ca={ca},backend-cert={us}");
    let tunnel = scene.daemon.open(&format!("{server}[name=web,{options}]")).await;
    let is_carried = async || round_trip(tunnel, 10).await.is_ok();
    assert!(!is_carried().await);
    let series = "plexy_tls_certificate_not_after_timestamp_seconds";
    let before = scene.counted(&format!("{series}{{tunnel=\"web\",file=\"{us}\"")).await;
    assert!(before > 0);

    put(&ca, &scene.authority.pem());
    put(&us, &both(&scene.authority.issue(&["us"])));
    eventually!(is_carried().await);

    put(&ca, "");
    let refused = async || scene.daemon.detail(tunnel).await.files_refused;
    eventually!(refused().await.is_some_and(|it| it.why == format!("`{ca}`: it is empty")));
    assert!(is_carried().await);
}
