//! What the command line can say, and how it is refused.

use std::net::TcpListener;
use std::process::Stdio;

use plexy_shared::spec::{ATTRIBUTES, OPTIONS, TunnelSpec};
use plexy_tests::backend::Echo;
use plexy_tests::daemon::LineClient;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::round_trip;

use super::{PLEXYD, plexyd, run, tunnel_of};

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_from_arguments_carry_and_are_listed_in_order() {
    let echo = Echo::start();
    let (one, two) =
        (format!("0={}[name=one]", echo.addr()), format!("0={}[name=two]", echo.addr()));
    let process = plexyd(&[&one, &two, "--workers", "2"]).await;

    round_trip(tunnel_of(&process).await, 100_000).await.unwrap();

    let mut line = LineClient::connect(process.control_addr()).await;
    let status = line.ask("status full").await;
    assert!(status.find("name one").unwrap() < status.find("name two").unwrap(), "{status}");
    assert!(line.ask("detail one").await.contains("\torigin args, "));
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_that_cannot_be_opened_make_the_start_fail_all_of_them_listed() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let free = Port::reserve().addr();
    let (good, bad) = (format!("{free}=4000"), format!("{taken}=4000"));
    let itself = "unix:/tmp/plexy-itself=unix:/tmp/plexy-itself";

    let output = run(PLEXYD, &[&good, &bad, itself, "--control-socket", "127.0.0.1:0"]).await;

    let errors = output.errors();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("cannot open every tunnel:"), "{errors}");
    let said = format!("  {taken}=127.0.0.1:4000: another program listens on `{taken}`");
    assert!(errors.contains(&said), "{errors}");
    assert!(errors.contains(&format!("  {itself}: backend ")), "{errors}");
    assert!(!errors.contains(&format!("  {good}")), "{errors}");
    assert!(Stream::connect(free).await.is_err(), "the good one is closed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tunnels_on_one_address_cannot_both_be_opened() {
    let free = Port::reserve().addr();
    let (one, two) = (format!("{free}=4000"), format!("localhost:{}=4001", free.port()));
    let output = run(PLEXYD, &[&one, &two]).await;
    assert_eq!(output.status.code(), Some(1), "{}", output.errors());
    assert!(output.errors().contains(&format!("tunnel `{free}` is open")), "{}", output.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_tunnels_are_all_listed_with_a_mark_under_the_place() {
    let output = run(PLEXYD, &["3000", "3000=4000[stratgy=random]", "1=2", "70000=1"]).await;

    let errors = output.errors();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("\n  3000\n      ^\n"), "{errors}");
    let marked = "did you mean `strategy`?\n  3000=4000[stratgy=random]\n            ^^^^^^^\n";
    assert!(errors.contains(marked), "{errors}");
    assert!(errors.contains("\n  70000=1\n  ^^^^^\n"), "{errors}");
    assert!(errors.contains("`plexyd --help-tunnel`"), "{errors}");
    assert_eq!(output.text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_stands_under_the_place_behind_wide_and_wild_characters() {
    let output = run(PLEXYD, &["3000=ü:1", "3000=4000[name=\u{1b}[31m]"]).await;
    let errors = output.errors();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("\n  3000=ü:1\n       ^^^\n"), "{errors}");
    assert!(!errors.contains('\u{1b}'), "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_socket_that_cannot_be_had_makes_the_start_fail() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let output = run(PLEXYD, &["--control-socket", &taken]).await;
    assert_eq!(output.status.code(), Some(1), "{}", output.errors());
    let said = format!("cannot open the control socket `{taken}`");
    assert!(output.errors().contains(&said), "{}", output.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_that_is_none_is_refused() {
    for arguments in [
        &["--no-such-option"][..],
        &["--control-socket", "nonsense"],
        &["--control-socket"],
        &["--workers", "0"],
        &["--workers", "many"],
        &["--log-level", "loud"],
        &["--log-format", "xml"],
    ] {
        let output = run(PLEXYD, arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", output.errors());
        assert!(output.errors().starts_with("error: "), "{arguments:?}: {}", output.errors());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_tunnel_names_every_option_and_attribute_with_its_default() {
    let text = run(PLEXYD, &["--help-tunnel"]).await.success();
    for row in OPTIONS {
        assert!(text.contains(&format!("\n  {}", row.key)), "{} is missing:\n{text}", row.key);
        assert!(text.contains(&format!("(default: {})", row.default())), "{}:\n{text}", row.key);
        assert!(text.contains(row.meaning), "{}:\n{text}", row.key);
        assert!(row.aliases.iter().all(|alias| text.contains(alias)), "{}:\n{text}", row.key);
    }
    for row in ATTRIBUTES {
        assert!(text.contains(&format!("\n  {}", row.key)), "{} is missing:\n{text}", row.key);
    }
    // Its own examples follow the grammar.
    let examples: Vec<_> =
        text.lines().filter(|line| line.starts_with("  ") && line.contains("00=")).collect();
    assert_eq!(examples.len(), 2, "{text}");
    for example in examples {
        let parsed = example.trim().parse::<TunnelSpec>();
        assert!(parsed.is_ok(), "{example}: {parsed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_into_a_closed_pipe_ends_quietly() {
    for option in ["--help-tunnel", "--help", "--version"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = std::process::Command::new(PLEXYD);
        let output = command.arg(option).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!errors.contains("panicked"), "{option}: {errors}");
        assert_ne!(output.status.code(), Some(101), "{option}: {errors}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_control_sockets_lead_to_the_same_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let unix = folder.path().join("line.sock");
    let second = Port::reserve().addr();
    let (unix_socket, second_socket) = (format!("unix:{}", unix.display()), second.to_string());
    let process =
        plexyd(&["--control-socket", &second_socket, "--control-socket", &unix_socket]).await;
    let mut one = LineClient::connect(process.control_addr()).await;
    let mut two = LineClient::connect(second).await;
    assert!(one.ask("open 0=4000").await.starts_with("OK"));
    assert_eq!(two.ask("status").await, "OK: Tunnels: 1\n");
    assert!(Stream::connect(unix.as_path()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn version_and_help_go_to_standard_output() {
    let version = run(PLEXYD, &["--version"]).await.success();
    assert_eq!(version, format!("plexyd {}\n", env!("CARGO_PKG_VERSION")));
    let help = run(PLEXYD, &["--help"]).await.success();
    for option in [
        "--control-socket",
        "--token-file",
        "--help-tunnel",
        "--log-level",
        "--log-format",
        "--version",
    ] {
        assert!(help.contains(option), "{option} is missing:\n{help}");
    }
}
