//! A handshake that fails is a failed attempt: it is told why, the next backend gets the client, and no
//! byte of it is lost.

use std::net::SocketAddr;

use plexy_shared::info::BackendState;
use plexy_tests::backend::{
    Answerer, Backend, Echo, Greeter, Recorder, Reply, Resetter, TlsServer,
};
use plexy_tests::certificate::{Authority, Issued, TlsServerOptions};
use plexy_tests::eventually;
use tokio::net::TcpStream;

use super::{HERE, Scene, server_showing};
use crate::client::is_reset;
use crate::tls::exchange;

/// Makes a client come to the bad backend first, and then to a good one; what is told of it.
#[track_caller]
fn check(
    scene: &Scene,
    bad: SocketAddr,
    options: &str,
    reason: &str,
    cause: &str,
) -> impl Future<Output = ()> {
    let options = format!(",strategy=first,check-interval=off,fail-timeout=5m{options}");
    async move {
        let echo = Echo::start();
        let good = scene.server(echo.addr());
        let before = scene.backend_failures(reason).await;
        let tunnel = scene.originate(format!("{bad},{}", good.addr()), &options).await;

        let mut client = TcpStream::connect(tunnel).await.unwrap();
        exchange(&mut client, b"said before any backend stood").await;

        let backend = scene.daemon.backend(tunnel, bad).await;
        assert_eq!(backend.state, BackendState::Ejected, "{cause}");
        assert_eq!(backend.cause.as_deref(), Some(cause));
        assert_eq!((backend.attempts_failed, backend.traffic.bytes_in), (1, 0), "{cause}");
        drop(client);
        scene.daemon.close(tunnel).await;
        assert_eq!(scene.backend_failures(reason).await, before, "a closed tunnel has no series");
    }
}

/// The same for a certificate that is no good.
async fn check_certificate(scene: &Scene, issued: &Issued, cause: &str) {
    let echo = Echo::start();
    let bad = server_showing(issued, echo.addr());
    check(scene, bad.addr(), "", "certificate", &format!("TLS: its certificate {cause}")).await;
    assert_eq!(echo.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_no_good_is_refused_as_what_it_is() {
    let scene = Scene::start().await;
    let unknown = "is of no authority that is believed, or lacks those in between";
    check_certificate(&scene, &Authority::new("others").issue(HERE), unknown).await;
    check_certificate(&scene, &Issued::by_itself(HERE), unknown).await;
    // The authority in between is not shown.
    let between = scene.authority.below("between");
    check_certificate(&scene, &between.issue(HERE), unknown).await;
    let forged = "was not signed by whom it names";
    check_certificate(&scene, &Authority::new("tests").issue(HERE), forged).await;
    let name = "is not for `127.0.0.1` but for `a.example`, `*.b.example`, `127.0.0.2`";
    let issued = scene.authority.issue(&["a.example", "*.b.example", "127.0.0.2"]);
    check_certificate(&scene, &issued, name).await;
    let expired = scene.authority.issue_with(HERE, |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 2);
    });
    let sentence = "has expired: it was good until 2020-01-02T00:00:00Z";
    check_certificate(&scene, &expired, sentence).await;
    let early = scene.authority.issue_with(HERE, |params| {
        params.not_before = rcgen::date_time_ymd(3000, 1, 1);
        params.not_after = rcgen::date_time_ymd(3000, 1, 2);
    });
    check_certificate(&scene, &early, "is not good before 3000-01-01T00:00:00Z").await;
    let purpose = scene.authority.issue_with(HERE, |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    check_certificate(&scene, &purpose, "is not for servers").await;
    let authority = scene.authority.issue_with(HERE, |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let sentence = "is that of an authority, which no server may show";
    check_certificate(&scene, &authority, sentence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_shown_whole_is_believed() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let between = scene.authority.below("between");
    let server = server_showing(&between.issue(HERE).with_chain(&between), echo.addr());
    let tunnel = scene.originate(server.addr(), "").await;
    exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_do_the_handshake_is_told_by_what_it_does() {
    let scene = Scene::start().await;
    let plain = Greeter::start("220 mail.example ESMTP\r\n");
    check(&scene, plain.addr(), "", "not-tls", "TLS: it does not speak TLS").await;
    let http = Backend::start(Answerer::new(Reply::status(400)));
    check(&scene, http.addr(), "", "not-tls", "TLS: it does not speak TLS").await;
    let closed = "TLS: it closed the connection in the middle of the handshake";
    let closing = Backend::start(Answerer::new(Reply::End));
    check(&scene, closing.addr(), "", "closed", closed).await;
    let resetting = Backend::start(Resetter::new().reading(1));
    check(&scene, resetting.addr(), "", "closed", closed).await;
    let stalling = Recorder::start();
    let late = "TLS: no end of its handshake within 200ms";
    check(&scene, stalling.addr(), ",connect-timeout=200ms", "timeout", late).await;
    // A hello of a server that says nothing more.
    let half = Backend::start(Answerer::new(Reply::Banner(vec![22, 3, 3, 0, 90, 2, 0, 0, 86])));
    check(&scene, half.addr(), ",connect-timeout=200ms", "timeout", late).await;
    let alert = Backend::start(Answerer::new(Reply::Answer(vec![21, 3, 3, 0, 2, 2, 40])));
    let refused = "TLS: it refused with the alert HandshakeFailure";
    check(&scene, alert.addr(), "", "alert", refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_an_attempt_is_a_failure_or_a_timeout() {
    let (scene, stalling) = (Scene::start().await, Recorder::start());
    let plain = Greeter::start("hello");
    let backends = format!("{},{}", stalling.addr(), plain.addr());
    let options = ",name=bad,connect-timeout=200ms,retries=1,check-interval=off,fail-timeout=5m";
    let tunnel = scene.originate(backends, options).await;
    is_reset(tunnel).await;
    eventually!(scene.daemon.ended(tunnel, "connect-failed").await == 1);
    for outcome in ["failure", "timeout"] {
        let series = format!("plexy_backend_connect_attempts_total{{outcome=\"{outcome}\"");
        assert_eq!(scene.counted(&series).await, 1, "{outcome}");
    }
    for reason in ["not-tls", "timeout"] {
        assert_eq!(scene.backend_failures(reason).await, 1, "{reason}");
    }
    let explained = scene.daemon.line().await.ask("explain bad").await;
    for cause in ["it does not speak TLS", "no end of its handshake within 200ms"] {
        assert!(explained.contains(&format!("(TLS: {cause})")), "{explained}");
    }
    // The client's bytes were for neither of them.
    assert!(stalling.ended(1).await[0].bytes.starts_with(&[22, 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_does_the_handshake_too_and_ends_the_ejection_only_by_that() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let bad = server_showing(&Issued::by_itself(HERE), echo.addr());
    let tunnel = scene.originate(bad.addr(), ",retries=0,check-interval=50ms,name=db").await;
    is_reset(tunnel).await;
    let probed = bad.accepted();
    eventually!(bad.accepted() > probed + 2);
    assert_eq!(scene.only_backend(tunnel).await.state, BackendState::Ejected);

    bad.kill().await;
    let issued = scene.authority.issue(HERE);
    let good = TlsServer::new(&TlsServerOptions::of(&issued), echo.addr());
    let good = Backend::at(bad.addr(), good);

    eventually!(scene.only_backend(tunnel).await.state == BackendState::Up);
    assert!(!good.character().seen().is_empty());
    exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;
}
