//! Names change while the tunnel runs.

use plexy_tests::backend::BlackHole;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::Ending;
use tokio::io::AsyncWriteExt;

use super::{answered, comes_to, greeters, hello, saying};

async fn ask(daemon: &Daemon, command: &str) {
    let answer = daemon.line().await.ask(command).await;
    assert!(answer.starts_with("OK"), "{command}: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_and_go_with_backends_and_by_set() {
    let [a, b, c] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;
    let one = comes_to(tunnel, Some("one.example"), "a").await;

    daemon.add(tunnel, &format!("{}+sni=*.example", b.addr())).await.unwrap();
    comes_to(tunnel, Some("two.example"), "b").await;
    comes_to(tunnel, Some("one.example"), "a").await;
    ask(&daemon, &format!("set {tunnel} {} sni=two.example sni=three.example", b.addr())).await;
    comes_to(tunnel, Some("three.example"), "b").await;
    assert_eq!(daemon.backend(tunnel, b.addr()).await.sni, ["two.example", "three.example"]);
    ask(&daemon, &format!("set {tunnel} {} sni=", b.addr())).await;
    comes_to(tunnel, Some("four.example"), "b").await;
    daemon.remove(tunnel, &a.addr().to_string()).await.unwrap();
    // No backend has a name any more: nobody is asked for one.
    comes_to(tunnel, Some("one.example"), "b").await;
    let mut plain = saying(tunnel, b"hello").await;
    answered(&mut plain, "b", b"hello").await;
    ask(&daemon, &format!("switch {tunnel} to {}+sni=five.example", c.addr())).await;
    comes_to(tunnel, Some("five.example"), "c").await;

    // Who was there all the while was left alone.
    for mut client in [one, plain] {
        client.write_all(b"more").await.unwrap();
        answered(&mut client, "", b"more").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_backend_goes_the_new_way_by_its_name() {
    let [a, b] = greeters();
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let rest = format!("{}[connect-timeout=200ms,retries=0]", hole.addr());
    let tunnel = daemon.open(&rest).await;
    let bytes = hello(Some("one.example"));
    // Nobody has asked it for a name yet.
    let mut client = saying(tunnel, &bytes).await;
    eventually!(daemon.connections() == 1);

    let names = format!("{}+sni=one.example,{}", a.addr(), b.addr());
    ask(&daemon, &format!("switch {tunnel} to {names}")).await;

    answered(&mut client, "a", &bytes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_told_a_name_goes_on_where_names_say_nothing_any_more() {
    let [a] = greeters();
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let rest = format!("{}+sni=one.example[connect-timeout=200ms,retries=0]", hole.addr());
    let tunnel = daemon.open(&rest).await;
    let bytes = hello(Some("one.example"));
    let mut client = saying(tunnel, &bytes).await;
    eventually!(daemon.connections() == 1);

    ask(&daemon, &format!("switch {tunnel} to {}", a.addr())).await;

    answered(&mut client, "a", &bytes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_hears_that_nobody_has_its_name_any_more() {
    let [a] = greeters();
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let rest = format!("{}+sni=one.example[connect-timeout=200ms,retries=0]", hole.addr());
    let tunnel = daemon.open(&rest).await;
    let mut client = saying(tunnel, &hello(Some("one.example"))).await;
    eventually!(daemon.connections() == 1);

    ask(&daemon, &format!("switch {tunnel} to {}+sni=two.example", a.addr())).await;

    let heard = Ending::of(&mut client).await.unwrap().0;
    assert_eq!(heard, [21, 3, 1, 0, 2, 2, 112]);
    eventually!(daemon.ended(tunnel, "tls").await == 1);
    assert_eq!(a.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_counts_as_it_does_when_it_is_told() {
    let [a, b] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;
    let bytes = hello(Some("two.example"));
    let mut client = saying(tunnel, &bytes[..30]).await;
    eventually!(daemon.connections() == 1);

    daemon.add(tunnel, &format!("{}+sni=two.example", b.addr())).await.unwrap();
    client.write_all(&bytes[30..]).await.unwrap();

    answered(&mut client, "b", &bytes).await;
}
