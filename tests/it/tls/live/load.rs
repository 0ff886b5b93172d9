//! Certificates that are replaced while clients come all the time, and while tunnels change.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use plexy_tests::backend::Echo;
use plexy_tests::certificate::TlsClient;
use plexy_tests::eventually;
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::{Scene, exchange};
use super::{NAME, put, shown};

/// How often the pair is replaced, and how many clients come at the same time.
const REPLACEMENTS: usize = 100;
const CLIENTS: usize = 4;

/// How many tunnels have a file each.
const TUNNELS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_replacements_cost_no_handshake_and_leave_none_with_an_old_certificate() {
    let (scene, echo) = (Arc::new(Scene::start().await), Echo::start());
    // All that were ever put there, in their order.
    let issued: Arc<Mutex<Vec<CertificateDer<'static>>>> = Arc::default();
    let replace = || {
        let next = scene.authority.issue(&[NAME]);
        issued.lock().unwrap().push(next.der());
        put(scene.path("tls.crt"), &next.certificate);
        put(scene.path("tls.key"), &next.key);
    };
    replace();
    let (cert, key) = (scene.path("tls.crt"), scene.path("tls.key"));
    let rest = format!("{}[tls-cert={cert},tls-key={key}]", echo.addr());
    let tunnel = scene.daemon.open(&rest).await;
    // Which one was in use when `reload` was answered last.
    let answered = Arc::new(AtomicUsize::new(0));
    let (is_over, handshakes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (scene, issued, answered) = (scene.clone(), issued.clone(), answered.clone());
        let (is_over, handshakes) = (is_over.clone(), handshakes.clone());
        clients.spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                let oldest = answered.load(Ordering::SeqCst);
                // One that was never there: a session that goes on shows nothing.
                let client = TlsClient::new(&scene.authority);
                let mut stream = client.connect(tunnel, NAME).await.expect("no handshake fails");
                let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
                exchange(&mut stream, b"hello").await;
                stream.shutdown().await.unwrap();
                stream.read_to_end(&mut Vec::new()).await.unwrap();
                let place = issued.lock().unwrap().iter().position(|it| *it == shown).unwrap();
                assert!(place >= oldest, "{place} came after {oldest} was in use");
                handshakes.fetch_add(1, Ordering::SeqCst);
            }
        });
    }

    let mut line = scene.daemon.line().await;
    for number in 1..=REPLACEMENTS {
        replace();
        let before = handshakes.load(Ordering::SeqCst);
        let answer = line.ask("reload").await;
        assert!(answer.starts_with("OK: opened 0, changed 0, closed 0"), "{answer}");
        answered.store(number, Ordering::SeqCst);
        // Somebody comes before the next one.
        while handshakes.load(Ordering::SeqCst) == before && !clients.is_empty() {
            if let Some(ended) = clients.try_join_next() {
                ended.unwrap();
            }
            tokio::task::yield_now().await;
        }
    }

    is_over.store(true, Ordering::SeqCst);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    assert!(handshakes.load(Ordering::SeqCst) >= REPLACEMENTS);
    assert_eq!(scene.counted("plexy_tls_failures_total").await, 0);
    assert_eq!(shown(&scene, tunnel).await, *issued.lock().unwrap().last().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tunnels_have_many_files_and_one_descriptor_watches_all() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let file = |number: usize| format!("{number}.pem");
    let names: Vec<_> = (0..TUNNELS).map(file).collect();
    names.iter().for_each(|name| drop(scene.issue(name, &[NAME])));
    let spec = |name: &String| format!("0={}[tls-cert={}]", echo.addr(), scene.path(name));
    let specs: Vec<_> = names.iter().map(spec).collect();
    let opened = scene.daemon.rpc().call("openTunnels", json!({ "specs": specs })).await.unwrap();
    let tunnels: Vec<SocketAddr> = opened["tunnels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tunnel| tunnel["listen"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(tunnels.len(), TUNNELS);
    let watching = || {
        let fds = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let links = fds.filter_map(|fd| std::fs::read_link(fd.path()).ok());
        links.filter(|link| link.ends_with("anon_inode:inotify")).count()
    };
    // Tests that run beside this one have daemons of their own in the same process.
    assert!(watching() < TUNNELS, "{}", watching());

    let issued: Vec<_> = names.iter().map(|name| scene.issue(name, &[NAME]).der()).collect();

    for (tunnel, issued) in tunnels.iter().zip(&issued) {
        eventually!(shown(&scene, *tunnel).await == *issued);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_are_opened_changed_and_closed_while_certificates_are_replaced() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let cert = scene.path("a.pem");
    let [mut one, mut two, mut three] =
        [scene.daemon.line().await, scene.daemon.line().await, scene.daemon.line().await];
    let replacing = async {
        for _ in 0..20 {
            scene.issue("a.pem", &[NAME]);
            let answer = one.ask("reload").await;
            assert!(answer.starts_with("OK"), "{answer}");
        }
    };
    let changing = async {
        for number in 0..40 {
            let min = if number % 2 == 0 { "1.3" } else { "1.2" };
            let answer = two.ask(&format!("set {tunnel} tls-min={min}")).await;
            assert!(answer.starts_with("OK"), "{answer}");
        }
    };
    let opening = async {
        for _ in 0..20 {
            let spec = format!("open 0={}[tls-cert={cert}]", echo.addr());
            let answer = three.ask(&spec).await;
            let listen = answer.strip_prefix("OK: ").unwrap_or_else(|| panic!("{answer}"));
            let closed = three.ask(&format!("close {}", listen.trim())).await;
            assert!(closed.starts_with("OK"), "{closed}");
        }
    };
    tokio::join!(replacing, changing, opening);

    let last = scene.issue("a.pem", &[NAME]);
    assert!(one.ask("reload").await.contains("certificate files 1"));
    assert_eq!(shown(&scene, tunnel).await, last.der());
    assert_eq!(scene.daemon.statuses().len(), 1);
}
