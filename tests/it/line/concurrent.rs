//! Several sessions at once: each change is whole, and nobody waits for somebody else's mistake.

use std::net::{Ipv4Addr, UdpSocket};

use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually::in_time;
use plexy_tests::port::Port;
use plexy_tests::traffic::Flow;
use plexyd::NameServers;
use tokio::task::JoinSet;

/// Sessions at once.
const SESSIONS: usize = 16;

/// Rounds of each session.
const ROUNDS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_open_the_same_address_one_has_it() {
    let daemon = Daemon::start().await;
    for _ in 0..ROUNDS {
        let port = Port::reserve();
        let mut all = JoinSet::new();
        for number in 0..SESSIONS {
            let mut line = daemon.line().await;
            let command = format!("open {}=127.0.0.1:{}", port.addr(), number + 1);
            all.spawn(async move { line.ask(&command).await });
        }
        let answers = all.join_all().await;
        let opened = answers.iter().filter(|answer| *answer == "OK\n").count();
        let refused = answers.iter().filter(|answer| answer.contains("is open")).count();
        assert_eq!((opened, refused), (1, SESSIONS - 1), "{answers:?}");
        daemon.close(port.addr()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_from_many_sessions_leave_what_they_should_and_no_flow_notices() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=shared]", echo.addr())).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();

    let mut all = JoinSet::new();
    for number in 1..=SESSIONS {
        let mut line = daemon.line().await;
        let echo = echo.addr();
        all.spawn(async move {
            for _ in 0..ROUNDS {
                for command in [
                    format!("open 0={echo}[name=own{number}]"),
                    format!("add shared 127.0.0.1:{number}"),
                    format!("add own{number} 127.0.0.1:{number}"),
                    format!("detail own{number}"),
                    format!("remove shared 127.0.0.1:{number}"),
                    "status full".to_owned(),
                    format!("close own{number}"),
                ] {
                    let answer = line.ask(&command).await;
                    assert!(answer.starts_with("OK"), "{command}: {answer}");
                }
            }
        });
    }
    all.join_all().await;

    assert!(flow.stop().await.fault.is_none());
    let detail = daemon.detail(tunnel).await;
    assert_eq!(daemon.statuses().len(), 1);
    assert_eq!(detail.backend_list.len(), 1);
    // Every change has had a revision of its own: the next one is the number of all.
    let changes = 1 + SESSIONS * ROUNDS * 5;
    assert_eq!(daemon.close(tunnel).await.revision, changes as u64 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_holds_up_nobody_else() {
    // A name server that takes questions and never answers.
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = NameServers::One(silent.local_addr().unwrap());
    let daemon = Daemon::start_with(|config| config.name_servers = server).await;
    daemon.open("127.0.0.1:9[name=db]").await;
    for command in [
        "open slow.example:1=4000",
        "close slow.example:1",
        "add slow.example:1 4000",
        "remove slow.example:1 4000",
        "detail slow.example:1",
    ] {
        let (mut stuck, mut other) = (daemon.line().await, daemon.line().await);
        stuck.send(format!("{command}\n").as_bytes()).await;
        // Asked, and not answered yet.
        assert_eq!(other.ask("status").await, "OK: Tunnels: 1\n");

        let changes = async {
            for change in ["add db 127.0.0.1:10", "remove db 127.0.0.1:10"] {
                assert_eq!(other.ask(change).await, "OK\n");
            }
        };

        tokio::select! {
            biased;
            answer = stuck.next_line() => panic!("{command} was answered first: {answer:?}"),
            () = in_time("a change by somebody else", changes) => {}
        }
    }
}
