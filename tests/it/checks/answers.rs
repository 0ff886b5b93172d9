//! What may come back from a backend that is asked, and what is made of it.

use plexy_shared::info::CheckState;
use plexy_tests::backend::{Answerer, BlackHole, Refuser, Reply};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;

use super::{checked, count, says};

const PONG: &str = "check=send-expect,check-send=\"PING\\r\\n\",check-expect=\"+PONG\"";

async fn open(
    daemon: &Daemon,
    backend: impl std::fmt::Display,
    options: &str,
) -> std::net::SocketAddr {
    daemon.open(&format!("{backend}[check-interval=50ms,check-timeout=300ms,{options}]")).await
}

/// That this reply is no good, for this cause and with this outcome.
async fn fails(options: &str, reply: Reply, cause: &str, outcome: &str) {
    let (daemon, backend) = (Daemon::start().await, Answerer::start(reply));
    let tunnel = open(&daemon, backend.addr(), options).await;
    eventually!(says(&daemon, tunnel, backend.addr(), CheckState::Down).await);
    let check = checked(&daemon, tunnel, backend.addr()).await;
    let failure = check.failure.unwrap();
    assert!(failure.starts_with(cause), "{options}: {failure}");
    assert!(count(&daemon, outcome).await >= 3, "{options}: {failure}");
    let state = daemon.backend(tunnel, backend.addr()).await;
    assert_eq!((state.state.as_str(), state.cause), ("down", Some(failure)));
}

/// That this reply is good.
async fn works(options: &str, reply: Reply) {
    let (daemon, backend) = (Daemon::start().await, Answerer::start(reply));
    let tunnel = open(&daemon, backend.addr(), options).await;
    eventually!(says(&daemon, tunnel, backend.addr(), CheckState::Up).await, "{options}");
    assert_eq!(checked(&daemon, tunnel, backend.addr()).await.failure, None);
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_expected_is_found_wherever_it_stands() {
    works(PONG, Reply::Answer(bytes("+PONG\r\n"))).await;
    works(PONG, Reply::Answer(bytes("noise\r\n+PONG\r\n"))).await;
    works(PONG, Reply::Slow(bytes("+PONG"))).await;
    works(PONG, Reply::Endless(bytes("+PONG!"))).await;
    works("check=send-expect,check-expect=220", Reply::Banner(bytes("220 mail ready\r\n"))).await;
    works("check=tcp", Reply::Silence).await;
    works("check=tcp", Reply::Reset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_status_is_good_whatever_comes_behind_it() {
    works("check=http", Reply::status(200)).await;
    works("check=http", Reply::status(302)).await;
    works("check=http,check-expect=503", Reply::status(503)).await;
    works("check=http", Reply::Endless(bytes("HTTP/1.1 200 OK\r\n\r\na"))).await;
    works("check=http", Reply::Banner(bytes("HTTP/1.1 204 No Content\r\n\r\n"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_expected_is_wrong_and_shown() {
    let wrong = "wrong-answer";
    let loading = Reply::Answer(bytes("-LOADING\x1b\r\n"));
    fails(PONG, loading, r#"wrong answer "-LOADING\x1b\r\n""#, wrong).await;
    fails(
        PONG,
        Reply::Endless(bytes("a")),
        &format!("wrong answer \"{}…\"", "a".repeat(60)),
        wrong,
    )
    .await;
    fails("check=http", Reply::status(503), "status 503", wrong).await;
    fails("check=http,check-expect=503", Reply::status(200), "status 200", wrong).await;
    let garbage = Reply::Banner(vec![0, 255, b'\n']);
    fails("check=http", garbage, r#"no answer of HTTP: "\x00\xff\n""#, wrong).await;
    let endless = Reply::Endless(bytes("HTTP/1.1 200 OK\r\nA: b"));
    fails("check=http", endless, r#"no answer of HTTP: "HTTP/1.1 200 OK\r\nA: bbb"#, wrong).await;
    let cut = Reply::Answer(bytes("HTTP/1.1 200 OK\r\n"));
    fails("check=http", cut, r#"no answer of HTTP: "HTTP/1.1 200 OK\r\n""#, wrong).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_in_time_has_not_answered() {
    fails(PONG, Reply::Silence, "no answer within 300ms", "timeout").await;
    fails("check=http", Reply::Silence, "no answer within 300ms", "timeout").await;
    let slow = Reply::Slow(bytes(&"b".repeat(200)));
    fails(PONG, slow, "no answer within 300ms, only \"b", "timeout").await;
    let half = Reply::Banner(bytes("HTTP/1.1 200 OK\r\n"));
    let shown = r#"no answer within 300ms, only "HTTP/1.1 200 OK\r\n""#;
    fails("check=http", half, shown, "timeout").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_the_connection_has_failed() {
    fails(PONG, Reply::End, "closed without an answer", "failure").await;
    fails("check=http", Reply::Reset, "connection reset", "failure").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_reached_is_down_for_that() {
    let (daemon, refuser, hole) = (Daemon::start().await, Refuser::start(), BlackHole::start());
    let refused = open(&daemon, refuser.addr(), "check=tcp").await;
    let dropped = open(&daemon, hole.addr(), "check=tcp").await;
    eventually!(says(&daemon, refused, refuser.addr(), CheckState::Down).await);
    eventually!(says(&daemon, dropped, hole.addr(), CheckState::Down).await);
    let cause = checked(&daemon, refused, refuser.addr()).await.failure;
    assert_eq!(cause.as_deref(), Some("connection refused"));
    let cause = checked(&daemon, dropped, hole.addr()).await.failure;
    assert_eq!(cause.as_deref(), Some("connect timeout after 300ms"));
    assert_eq!(daemon.backend(refused, refuser.addr()).await.attempts_failed, 0, "no client came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_http_names_path_host_and_who_asks() {
    let (daemon, backend) = (Daemon::start().await, Answerer::start(Reply::status(200)));
    let port = backend.addr().port();
    for (spec, host) in [
        (format!("127.0.0.1:9[check-port={port},"), format!("127.0.0.1:{port}")),
        (format!("localhost:{port}["), format!("localhost:{port}")),
    ] {
        let rest = format!("{spec}check=http,check-interval=50ms,check-path=\"/a?b=[1,2]\"]");
        let tunnel = daemon.open(&rest).await;
        let addr = daemon.detail(tunnel).await.backend_list.remove(0).addr;
        eventually!(says(&daemon, tunnel, &addr, CheckState::Up).await, "{addr}");
        let asked = backend.character().last_asked();
        assert!(asked.starts_with("GET /a?b=[1,2] HTTP/1.1\r\n"), "{asked}");
        for header in [&format!("Host: {host}"), "User-Agent: plexyd/", "Connection: close\r\n\r\n"]
        {
            assert!(asked.contains(&format!("\r\n{header}")), "{asked}");
        }
        daemon.close(tunnel).await;
    }
}
