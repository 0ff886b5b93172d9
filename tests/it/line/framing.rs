//! Bytes that become lines: ends, blanks, lengths, and what is no text at all.

use plexy_shared::command::LINE_BYTES_MAX;
use plexy_tests::daemon::{Daemon, LineClient};

/// Sends bytes in a session of their own, ends it, and wants exactly this text back.
async fn check(daemon: &Daemon, bytes: impl AsRef<[u8]>, expected: &str) {
    let bytes = bytes.as_ref();
    let mut client = LineClient::connect_text(daemon.control_addr()).await;
    client.send(bytes).await;
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
    assert_eq!(client.finish().await, expected, "after {shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_line_ends_and_blanks_do_not_matter() {
    let daemon = Daemon::start().await;
    for line in ["ping\n", "PING\n", "pInG\r\n", "  ping  \n", "\tping\t\r\n", "ping\r\r\n"] {
        check(&daemon, line, "OK: pong\n").await;
    }
    check(&daemon, "STATUS\tFULL\n", "OK: Tunnels: 0\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_lines_and_comments_are_passed_over() {
    let daemon = Daemon::start().await;
    check(&daemon, "\n\r\n   \n# ping\n  #ping\nping\n", "OK: pong\n").await;
    check(&daemon, "", "").await;
    check(&daemon, "\n\n\n", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_without_a_newline_is_answered() {
    let daemon = Daemon::start().await;
    check(&daemon, "status", "OK: Tunnels: 0\n").await;
    check(&daemon, "ping\nstatus\r", "OK: pong\nOK: Tunnels: 0\n").await;
    check(&daemon, "ping\nexit", "OK: pong\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_come_at_once_are_answered_in_order() {
    let daemon = Daemon::start().await;
    let (mut sent, mut expected) = (String::new(), String::new());
    for number in 0..500 {
        sent.push_str(&format!("close t{number}\nping\n"));
        expected.push_str(&format!(
            "ERROR: no tunnel `t{number}`; `list` shows the tunnels\nOK: pong\n"
        ));
    }
    check(&daemon, sent, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_comes_byte_by_byte_is_one_line() {
    let daemon = Daemon::start().await;
    let mut client = LineClient::connect_text(daemon.control_addr()).await;
    for byte in b"status\r\n" {
        client.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.next_line().await.unwrap(), "OK: Tunnels: 0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_behind_exit_is_executed() {
    let daemon = Daemon::start().await;
    let tunnel = daemon.open("127.0.0.1:9").await;
    let mut client = LineClient::connect_text(daemon.control_addr()).await;
    client.send(format!("exit\nclose {tunnel}\n").as_bytes()).await;
    assert_eq!(client.next_line().await.unwrap(), "\n");
    assert_eq!(client.next_line().await, None);
    assert_eq!(daemon.statuses().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_beyond_64_kib_is_an_error_and_the_session_goes_on() {
    let daemon = Daemon::start().await;
    let too_long = "ERROR: line longer than 65536 bytes\nOK: pong\n";
    check(&daemon, format!("{}\nping\n", "x".repeat(LINE_BYTES_MAX + 1)), too_long).await;
    check(&daemon, format!("{}\r\nping\n", "x".repeat(LINE_BYTES_MAX + 1)), too_long).await;
    check(&daemon, format!("{}\nping\n", "x".repeat(1 << 20)), too_long).await;
    // Without an end, it is told when the client ends.
    let alone = "ERROR: line longer than 65536 bytes\n";
    check(&daemon, "x".repeat(1 << 20), alone).await;
    // The longest line that may be is read.
    check(
        &daemon,
        format!("ping{}\nping\n", " ".repeat(LINE_BYTES_MAX - 4)),
        "OK: pong\nOK: pong\n",
    )
    .await;
    check(&daemon, format!("#{}\r\nping\n", "x".repeat(LINE_BYTES_MAX - 1)), "OK: pong\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_utf8_is_told_with_its_place() {
    let daemon = Daemon::start().await;
    check(
        &daemon,
        b"ping\nab\x80c\nping\n",
        "OK: pong\nERROR: the line is not UTF-8 at byte 3\nOK: pong\n",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_telnet_negotiates_is_no_part_of_a_line() {
    let daemon = Daemon::start().await;
    // DO SUPPRESS-GO-AHEAD, WILL TERMINAL-TYPE, a subnegotiation, NOP.
    let bytes = b"\xff\xfd\x03pi\xff\xfb\x18n\xff\xfa\x18\x00xterm\nclose\xff\xf0g\xff\xf1\r\n";
    check(&daemon, bytes, "OK: pong\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_gets_an_answer_per_line_and_nothing_that_acts_on_a_terminal() {
    let daemon = Daemon::start().await;
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..50 {
        let mut bytes: Vec<u8> = (0..random.usize(1..4_000)).map(|_| random.u8(..)).collect();
        bytes.extend(b"\xff\xf0\nping\n");
        let mut client = LineClient::connect_text(daemon.control_addr()).await;
        client.send(&bytes).await;
        let answer = client.finish().await;
        assert!(answer.ends_with("OK: pong\n"), "{answer:?}");
        assert!(answer.lines().all(|line| line.starts_with("ERROR: ") || line == "OK: pong"));
        let acts = |c: char| c.is_control() && c != '\n';
        assert!(!answer.contains(acts), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn escape_sequences_in_a_name_come_back_escaped() {
    let daemon = Daemon::start().await;
    let mut line = daemon.line().await;
    let red = "\u{1b}[31mred\u{7}";
    for command in [
        format!("close {red}"),
        format!("detail {red}"),
        format!("open 3000=4000[name={red}]"),
        format!("open 3000=4000[{red}=1]"),
        format!("open {red}:1=4000"),
        format!("add {red} 1"),
        format!("add 1 {red}"),
        red.to_owned(),
        format!("help {red}"),
        format!("mode {red}"),
        format!("status {red}"),
        "close \u{202e}evil".to_owned(),
    ] {
        let answer = line.ask(&command).await;
        assert!(answer.starts_with("ERROR: "), "{command:?}: {answer:?}");
        assert!(answer.contains(r"\u{"), "{command:?}: {answer:?}");
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!answer.contains(acts), "{command:?}: {answer:?}");
    }
    assert!(daemon.statuses().is_empty());
}
