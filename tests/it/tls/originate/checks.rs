//! Checks of backends that speak TLS.

use std::net::SocketAddr;

use plexy_shared::info::{BackendState, CheckState};
use plexy_tests::backend::{Answerer, Backend, Echo, Greeter, Reply, TlsServer};
use plexy_tests::certificate::{Authority, Issued, TlsServerOptions};
use plexy_tests::eventually;

use super::{HERE, Scene, server_showing};
use crate::tls::ONLY_1_3;

const SOON: &str = ",check-interval=50ms,fall=1,rise=1";

impl Scene {
    /// Whether the checks of the only backend say that.
    async fn says(&self, tunnel: SocketAddr, state: CheckState) -> bool {
        let check = self.only_backend(tunnel).await.check.unwrap();
        check.state == state
    }

    /// What the last check has found wrong.
    async fn found(&self, tunnel: SocketAddr) -> String {
        self.only_backend(tunnel).await.check.unwrap().failure.unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_is_down_while_its_certificate_is_no_good() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let good = scene.server(echo.addr());
    let tunnel = scene.originate(good.addr(), &format!(",check=tls{SOON}")).await;
    eventually!(scene.says(tunnel, CheckState::Up).await);
    // It is looked at each time: no check goes on where an earlier one was.
    eventually!(good.character().seen().len() > 3);
    assert!(good.character().seen().iter().all(|seen| !seen.is_resumed));

    good.kill().await;
    let issued = Issued::by_itself(HERE);
    let bad = TlsServer::new(&TlsServerOptions::of(&issued), echo.addr());
    let bad = Backend::at(good.addr(), bad);

    let unknown = "TLS: its certificate is of no authority that is believed";
    eventually!(scene.found(tunnel).await.starts_with(unknown));
    assert_eq!(scene.only_backend(tunnel).await.state, BackendState::Down);

    bad.kill().await;
    let issued = scene.authority.issue(HERE);
    let again = TlsServer::new(&TlsServerOptions::of(&issued), echo.addr());
    let _again = Backend::at(good.addr(), again);
    eventually!(scene.says(tunnel, CheckState::Up).await);
    assert_eq!(scene.only_backend(tunnel).await.attempts_failed, 0, "no client was needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_clients_speak_tls_themselves_a_check_asks_only_whether_the_backend_does() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = server_showing(&Authority::new("others").issue(&["a.example"]), echo.addr());
    let options = format!("[check=tls{SOON}]");
    let named = format!("{}+sni=*.example+sni=a.example{options}", server.addr());
    let tunnel = scene.daemon.open(&named).await;
    eventually!(scene.says(tunnel, CheckState::Up).await);
    assert_eq!(server.character().seen()[0].name.as_deref(), Some("a.example"));

    let plain = Greeter::start("220 mail.example ESMTP\r\n");
    let tunnel = scene.daemon.open(&format!("{}{options}", plain.addr())).await;
    eventually!(scene.says(tunnel, CheckState::Down).await);
    assert_eq!(scene.found(tunnel).await, "TLS: it does not speak TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_us_behind_the_handshake_is_down() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let issued = scene.authority.issue(HERE);
    let options = TlsServerOptions {
        clients: Some(&scene.authority),
        versions: ONLY_1_3,
        ..TlsServerOptions::of(&issued)
    };
    let server = TlsServer::start(&options, echo.addr());
    let tunnel = scene.originate(server.addr(), &format!(",check=tls{SOON}")).await;
    eventually!(scene.says(tunnel, CheckState::Down).await);
    let found = scene.found(tunnel).await;
    assert!(found.contains("it refused with an alert behind the handshake"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_inside_of_tls_is_answered_there() {
    let scene = Scene::start().await;
    let web = Backend::start(Answerer::new(Reply::status(200)));
    let secure = scene.server(web.addr());
    let tunnel = scene.originate(secure.addr(), &format!(",check=http{SOON}")).await;
    eventually!(scene.says(tunnel, CheckState::Up).await);
    assert!(web.character().last_asked().starts_with("GET / HTTP/1.1\r\n"));
    web.character().reply(Reply::status(503));
    eventually!(scene.found(tunnel).await == "status 503");
    web.character().reply(Reply::End);
    eventually!(scene.found(tunnel).await == "closed without an answer");

    let echo = Echo::start();
    let secure = scene.server(echo.addr());
    let asks = |send: &str| {
        format!(
            ",check=send-expect,check-send=\"{send}\",check-expect=pong,check-timeout=500ms{SOON}"
        )
    };
    let good = scene.originate(secure.addr(), &asks("a pong")).await;
    let bad = scene.originate(secure.addr(), &asks("a ping")).await;
    eventually!(scene.says(good, CheckState::Up).await);
    eventually!(scene.says(bad, CheckState::Down).await);
    assert_eq!(scene.found(bad).await, "no answer within 500ms, only \"a ping\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_only_connects_does_no_handshake() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = server_showing(&Issued::by_itself(HERE), echo.addr());
    let tunnel = scene.originate(server.addr(), &format!(",check=tcp{SOON}")).await;
    eventually!(scene.says(tunnel, CheckState::Up).await);
    eventually!(server.accepted() > 2);
    assert!(server.character().seen().is_empty());
}
