//! Which backend a client would get, and why not the others.

use plexy_shared::spec::OnAllDown;
use plexy_tests::backend::{Backend, Greeter, Refuser};
use plexy_tests::eventually;

use super::*;
use crate::client::is_reset;

/// Backends that greet with `a`, `b` and so on.
fn greeters(count: usize) -> Vec<Backend<Greeter>> {
    ('a'..).take(count).map(|letter| Greeter::start(letter.to_string())).collect()
}

fn one_of<T: Copy>(all: &[T]) -> T {
    all[fastrand::usize(0..all.len())]
}

/// Another weight, mark, limit or state for one of the backends.
fn change(tunnel: SocketAddr, backend: &Backend<Greeter>) -> String {
    let addr = backend.addr();
    match fastrand::u8(0..7) {
        0 => format!("set {tunnel} {addr} weight={}", fastrand::u8(1..5)),
        1 => format!("set {tunnel} {addr} backup={}", one_of(&["on", "off"])),
        2 => format!("set {tunnel} {addr} max-conns={}", one_of(&["1", "2", "4", "none"])),
        3 => format!("drain {tunnel} {addr}"),
        4 => format!("disable {tunnel} {addr}"),
        _ => format!("enable {tunnel} {addr}"),
    }
}

/// What is told is what the next client gets, whatever was changed, with one backend that is ejected.
async fn is_what_the_next_client_gets(strategy: &str) {
    let (greeters, refuser) = (greeters(4), Refuser::start());
    let daemon = Daemon::start().await;
    let mut backends = vec![refuser.addr().to_string()];
    backends.extend(greeters.iter().map(|greeter| greeter.addr().to_string()));
    let options = format!("strategy={strategy},check-interval=off,fail-timeout=5m");
    let tunnel = daemon.open(&format!("{}[{options}]", backends.join(","))).await;
    let ejected =
        async || !backend(&explain(&daemon, tunnel, None).await, refuser.addr()).against.is_empty();
    for last in 1..=200 {
        if ejected().await {
            break;
        }
        client(Ipv4Addr::new(127, 0, 2, last), tunnel).await;
    }
    assert!(ejected().await, "{strategy}: nobody came to the one that is dead");
    eventually!(daemon.connections() == 0);
    let (mut line, mut clients, mut compared) = (daemon.line().await, Vec::new(), 0);
    for round in 0..60 {
        let command = change(tunnel, one_of(&greeters.iter().collect::<Vec<_>>()));
        let answer = line.ask(&command).await;
        assert!(answer.starts_with("OK"), "{command}: {answer}");
        let from = Ipv4Addr::new(127, 0, 1, fastrand::u8(1..255));
        let explained = explain(&daemon, tunnel, Some(from)).await;
        for _ in 0..3 {
            let again = explain(&daemon, tunnel, Some(from)).await;
            assert_eq!(again.picked, explained.picked, "asking changes nothing");
        }
        let dead = backend(&explained, refuser.addr());
        assert!(against(dead).contains(&Objection::Ejected), "{dead:?}");
        let is_let_in = explained.admission == Admission::Passed && !dead.eligible;
        if is_let_in && matches!(outcome(&explained).1, Choice::Picked | Choice::Shared) {
            let (letter, stream) = client(from, tunnel).await;
            let place = usize::from(letter as u8 - b'a');
            let got = backend(&explained, greeters[place].addr());
            let context = format!("{strategy} in round {round} after {command}: {explained:#?}");
            assert!(got.eligible && got.share_percent.unwrap() > 0.0, "{letter}: {context}");
            assert!(
                explained.picked.as_ref().is_none_or(|it| *it == got.addr),
                "{letter}: {context}"
            );
            clients.push(stream);
            compared += 1;
        }
        if clients.len() > 5 || fastrand::u8(0..3) == 0 && !clients.is_empty() {
            clients.swap_remove(fastrand::usize(0..clients.len()));
            eventually!(daemon.connections() == clients.len());
        }
    }
    assert!(compared > 20, "{strategy}: {compared}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_what_the_next_client_gets_whatever_was_changed() {
    for strategy in ["round-robin", "least-conn", "first", "source-hash", "two-choices"] {
        is_what_the_next_client_gets(strategy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_looks_between_clients_change_no_order() {
    let greeters = greeters(3);
    let daemon = Daemon::start().await;
    let addrs: Vec<_> = greeters.iter().map(|it| it.addr().to_string()).collect();
    let backends = format!("{}+weight=5,{},{}", addrs[0], addrs[1], addrs[2]);
    let tunnel = daemon.open(&backends).await;
    let mut letters = String::new();
    for _ in 0..7 {
        let mut told = Vec::new();
        for _ in 0..100 {
            told.push(explain(&daemon, tunnel, None).await.picked.unwrap());
        }
        let (letter, _) = client(HERE, tunnel).await;
        letters.push(letter);
        let got = &addrs[usize::from(letter as u8 - b'a')];
        assert!(told.iter().all(|it| it == got), "{letter}: {told:?}");
    }
    assert_eq!(letters, "aabacaa");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_against_a_backend_is_told_and_what_comes_next() {
    let (greeters, refuser) = (greeters(4), Refuser::start());
    let daemon = Daemon::start().await;
    let addrs: Vec<_> = greeters.iter().map(Backend::addr).collect();
    let backends = format!(
        "{}+max-conns=1,{}+backup,{},{},{},b.invalid:1",
        addrs[0],
        addrs[1],
        addrs[2],
        addrs[3],
        refuser.addr()
    );
    let options = "strategy=first,check=tcp,check-interval=1h";
    let tunnel = daemon.open(&format!("{backends}[{options}]")).await;
    let mut line = daemon.line().await;
    line.ask(&format!("drain {tunnel} {}", addrs[2])).await;
    line.ask(&format!("disable {tunnel} {}", addrs[3])).await;
    let dead = async || against(backend(&explain(&daemon, tunnel, None).await, refuser.addr()));
    eventually!(dead().await == [Objection::Down]);
    let name = async || explain(&daemon, tunnel, None).await.backend_list.pop().unwrap();
    eventually!(name().await.against[0].cause.as_ref().is_some_and(|it| !it.contains("being")));

    let before = explain(&daemon, tunnel, None).await;
    let _full = client(HERE, tunnel).await;
    let after = explain(&daemon, tunnel, None).await;

    assert_eq!(before.picked, Some(addrs[0].to_string()));
    assert_eq!(against(backend(&before, addrs[1])), [Objection::Backup]);
    assert_eq!(against(backend(&before, addrs[2])), [Objection::Drain]);
    assert_eq!(against(backend(&before, addrs[3])), [Objection::Disabled]);
    assert_eq!(against(&name().await), [Objection::Unresolved]);
    let down = &backend(&before, refuser.addr()).against[0];
    assert!(down.cause.is_some() && down.next_ms.unwrap() > 60_000, "{down:?}");
    // The only one without the mark is full by now, so the backup is what is left.
    assert_eq!(after.picked, Some(addrs[1].to_string()));
    assert_eq!(against(backend(&after, addrs[0])), [Objection::MaxConns]);
    assert!(after.backend_list.iter().filter(|it| it.eligible).count() == 1, "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_are_down_the_words_of_the_option_say_what_comes() {
    let refuser = Refuser::start();
    let daemon = Daemon::start().await;
    let options = "check=tcp,check-interval=1h";
    let tunnel = daemon.open(&format!("{}[{options}]", refuser.addr())).await;
    let is_down = async || explain(&daemon, tunnel, None).await.all_down.is_some();
    eventually!(is_down().await);
    let tried = explain(&daemon, tunnel, None).await;
    assert!(tried.all_down == Some(OnAllDown::TryAll.into()) && tried.backend_list[0].eligible);
    assert_eq!(tried.picked, Some(refuser.addr().to_string()));

    let mut line = daemon.line().await;
    line.ask(&format!("set {tunnel} on-all-down=refuse")).await;

    let refused = explain(&daemon, tunnel, None).await;
    assert_eq!(outcome(&refused).1, Choice::Refused);
    assert!(refused.to_string().ends_with("is reset (all-down: refuse)"), "{refused}");
    is_reset(tunnel).await;
    line.ask(&format!("disable {tunnel} {}", refuser.addr())).await;
    assert_eq!(outcome(&explain(&daemon, tunnel, None).await).1, Choice::None);
}
