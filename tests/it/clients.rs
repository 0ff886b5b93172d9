//! The programs with which people talk to a line protocol, each as Debian packages it.

use plexy_tests::daemon::Daemon;
use plexy_tests::tool::{Conversation, Output, Tool};
use plexy_tests::traffic::round_trip;

/// What each program is to do: the last line has no newline.
fn script(tunnel: &str) -> String {
    format!("status\nopen 0=127.0.0.1:9[name=db]\nclose {tunnel}\nstatus full")
}

#[track_caller]
fn check(output: Output, closed: &str) {
    let text = output.text();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.len() == 5, "{text}{}", output.errors());
    assert_eq!(lines[0], "OK: Tunnels: 1");
    assert!(lines[1].starts_with("OK: 127.0.0.1:"), "{text}");
    assert_eq!(&lines[2..4], ["OK", "OK: Tunnels: 1"]);
    let opened = lines[1].trim_start_matches("OK: ");
    assert!(lines[4].starts_with(&format!("\t{opened} = open conns 0, total 0")), "{text}");
    assert!(!text.contains(closed), "{text}");
}

/// Runs a program once, with the whole script as its input.
async fn one_shot(program: &str, package: &str, arguments: &[&str]) {
    let Some(tool) = Tool::find(program, package) else { return };
    let daemon = Daemon::start().await;
    let tunnel = daemon.open("127.0.0.1:9").await.to_string();
    let port = daemon.control_addr().port().to_string();
    let arguments = arguments.iter().map(|argument| argument.replace("PORT", &port));
    let output = tool.run(arguments).input(script(&tunnel)).output().await;
    check(output, &tunnel);
}

#[tokio::test(flavor = "multi_thread")]
async fn openbsd_nc_gets_its_last_line_answered() {
    one_shot("nc.openbsd", "netcat-openbsd", &["-N", "localhost", "PORT"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ncat_gets_its_last_line_answered() {
    one_shot("ncat", "ncat", &["127.0.0.1", "PORT"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn busybox_nc_gets_its_last_line_answered() {
    one_shot("busybox", "busybox", &["nc", "127.0.0.1", "PORT"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn socat_gets_its_last_line_answered() {
    one_shot("socat", "socat", &["-t", "10", "-", "TCP:127.0.0.1:PORT"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_alone_is_enough() {
    let script = "exec 3<>/dev/tcp/127.0.0.1/PORT; cat >&3; echo exit >&3; head -n 5 <&3";
    let Some(bash) = Tool::find("bash", "bash") else { return };
    let daemon = Daemon::start().await;
    let tunnel = daemon.open("127.0.0.1:9").await.to_string();
    let script = script.replace("PORT", &daemon.control_addr().port().to_string());
    let input = format!("{}\n", self::script(&tunnel));
    check(bash.run(["-c", &script]).input(input).output().await, &tunnel);
}

#[tokio::test(flavor = "multi_thread")]
async fn nc_and_socat_reach_the_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("line.sock").display().to_string();
    let daemon = Daemon::start_with(|config| {
        config.control_sockets.push(format!("unix:{socket}").parse().unwrap());
    })
    .await;
    let address = format!("UNIX-CONNECT:{socket}");
    let clients: [(&str, &str, &[&str]); 3] = [
        ("nc.openbsd", "netcat-openbsd", &["-NU", &socket]),
        ("ncat", "ncat", &["-U", &socket]),
        ("socat", "socat", &["-t", "10", "-", &address]),
    ];
    for (program, package, arguments) in clients {
        let Some(tool) = Tool::find(program, package) else { continue };
        let tunnel = daemon.open("127.0.0.1:9").await.to_string();
        let output = tool.run(arguments).input(script(&tunnel)).output().await;
        check(output, &tunnel);
        daemon.close("db").await;
    }
}

/// Types the first lines of every session with a tool that stays open.
async fn talk(mut talk: Conversation, daemon: &Daemon) -> Conversation {
    let echo = plexy_tests::backend::Echo::start();
    talk.type_slowly("status").await;
    talk.wait_for("OK: Tunnels: 0").await;
    talk.type_slowly(&format!("open 0={}[name=db]", echo.addr())).await;
    let opened = talk.wait_for("OK: 127.0.0.1:").await;
    let addr: std::net::SocketAddr = opened.trim_start_matches("OK: ").parse().unwrap();
    round_trip(addr, 10_000).await.unwrap();
    talk.type_slowly("close db").await;
    talk.wait_for("OK").await;
    assert!(daemon.statuses().is_empty());
    talk.send("exit").await;
    talk.expect_line("").await;
    talk
}

#[tokio::test(flavor = "multi_thread")]
async fn telnet_talks_and_is_told_when_the_session_ends() {
    let Some(telnet) = Tool::find("telnet", "inetutils-telnet") else { return };
    let daemon = Daemon::start().await;
    let port = daemon.control_addr().port().to_string();
    let talk = talk(telnet.converse(["127.0.0.1", &port]), &daemon).await;
    let output = talk.ended().await;
    assert!(output.errors().contains("Connection closed by foreign host"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_types_slowly_is_answered_line_by_line() {
    let clients: [(&str, &str, &[&str]); 4] = [
        ("nc.openbsd", "netcat-openbsd", &["127.0.0.1", "PORT"]),
        ("ncat", "ncat", &["-C", "127.0.0.1", "PORT"]),
        ("busybox", "busybox", &["nc", "127.0.0.1", "PORT"]),
        ("socat", "socat", &["-", "TCP:127.0.0.1:PORT,crlf"]),
    ];
    for (program, package, arguments) in clients {
        let Some(tool) = Tool::find(program, package) else { continue };
        let daemon = Daemon::start().await;
        let port = daemon.control_addr().port().to_string();
        let arguments = arguments.iter().map(|argument| argument.replace("PORT", &port));
        talk(tool.converse(arguments), &daemon).await;
    }
}
