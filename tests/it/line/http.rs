//! A browser that is made to send something to the line protocol changes nothing.

use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::tool::Tool;

/// Sends all of it at once; the session must end by itself, and the tunnel must live.
async fn check(head: &str) {
    let daemon = Daemon::start().await;
    let tunnel = daemon.open("127.0.0.1:9").await;
    let mut client = LineClient::connect_text(daemon.control_addr()).await;

    client.send(format!("{head}\r\nclose {tunnel}\r\nping\r\n").as_bytes()).await;

    let mut answer = String::new();
    while let Some(line) = client.next_line().await {
        answer.push_str(&line);
    }
    assert!(answer.ends_with("not HTTP; session ended\n"), "{head:?}: {answer:?}");
    assert!(!answer.contains("OK"), "{head:?}: {answer:?}");
    assert_eq!(daemon.statuses().len(), 1, "{head:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_line_ends_the_session_and_nothing_behind_it_is_executed() {
    for head in [
        "GET / HTTP/1.1",
        "POST / HTTP/1.1",
        "HEAD / HTTP/1.0",
        "PUT /x HTTP/1.1",
        "DELETE /x HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "PATCH / HTTP/1.1",
        "CONNECT localhost:1 HTTP/1.1",
        "TRACE / HTTP/1.1",
        "get / http/1.1",
        "Host: localhost",
        "host:localhost",
        "MADE-UP / HTTP/1.1\r\nHost: localhost",
    ] {
        check(head).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_with_commands_in_its_body_changes_nothing_and_is_logged() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let daemon = Process::start(
        env!("CARGO_BIN_EXE_plexyd-under-test"),
        &["--control-socket", "127.0.0.1:0", "0=127.0.0.1:9[name=db]"],
    )
    .await;
    let url = format!("http://{}/", daemon.control_addr());

    let run =
        curl.run(["-sS", "--http0.9", "--noproxy", "*", "--data-binary", "\nclose db\n", &url]);
    run.output().await;

    eventually!(daemon.says("an HTTP request on a control socket"), "{}", daemon.log());
    let mut line = LineClient::connect(daemon.control_addr()).await;
    assert_eq!(line.ask("status").await, "OK: Tunnels: 1\n");
    assert!(!daemon.says("tunnel closed"), "{}", daemon.log());
}
