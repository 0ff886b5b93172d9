//! Clients that begin with something else than a hello: each is ended, told why where it would
//! understand that, and counted; and the tunnel lives.

use std::net::SocketAddr;
use std::time::Duration;

use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, reset};
use tokio::io::AsyncWriteExt;

use super::{comes_to, greeters, hello, message, record, refused, saying};

/// Longer than a hello may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client hears that says this, and then ends its side.
async fn heard(tunnel: SocketAddr, bytes: &[u8]) -> (Vec<u8>, Ending) {
    let mut client = Stream::connect(tunnel).await.unwrap();
    // A reset may be quicker than all of it.
    client.write_all(bytes).await.ok();
    client.shutdown().await.ok();
    Ending::of(&mut client).await.unwrap()
}

fn alert(description: u8) -> Vec<u8> {
    vec![21, 3, 1, 0, 2, 2, description]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_hello_is_ended_and_counted_and_the_tunnel_lives() {
    let [a, b] = greeters();
    let daemon = Daemon::start().await;
    // One without a name does not get them either.
    let backends = format!("{}+sni=one.example,{}", a.addr(), b.addr());
    let tunnel = daemon.open(&backends).await;
    let garbage = {
        let mut bytes = vec![0x80];
        bytes.extend((0..5_000).map(|_| fastrand::u8(..)));
        bytes
    };
    let good = message([3, 3], Some("one.example"));
    let lying = {
        let mut message = good.clone();
        // The length of all extensions.
        message[46] += 1;
        record(22, &message)
    };
    let twice = {
        let entry = [&[0][..], &super::vector(b"one.example")].concat();
        let name = [&[0, 0][..], &super::vector(&super::vector(&entry))].concat();
        let extensions = super::vector(&name.repeat(2));
        let body = [&good[4..45], &extensions].concat();
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        record(22, &[&[1], &length[1..], &body].concat())
    };
    let cases: [(&str, Vec<u8>, Option<u8>, &str); 12] = [
        ("garbage", garbage, None, "not-tls"),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n".to_vec(), None, "not-tls"),
        ("SSL 2.0", vec![0x80, 46, 1, 0, 2, 0, 21, 0, 0, 0, 16, 1, 0, 128], None, "not-tls"),
        ("a letter", b"x".to_vec(), None, "not-tls"),
        ("an empty record", record(22, &[]), Some(50), "malformed"),
        ("another message", record(22, &[2, 0, 0, 1, 0]), Some(10), "malformed"),
        ("a length that lies", lying, Some(50), "malformed"),
        ("two names", twice, Some(47), "malformed"),
        ("a name with a zero", hello(Some("one\0.example")), Some(47), "malformed"),
        ("64 KiB", record(22, &[1, 1, 0, 0, 3, 3]), Some(47), "too-large"),
        ("half of a hello", hello(Some("one.example"))[..50].to_vec(), None, "cut"),
        (
            "a record that is longer than it may be",
            vec![22, 3, 1, 0x48, 0, 1],
            Some(22),
            "malformed",
        ),
    ];
    let mut counts = std::collections::BTreeMap::new();
    for (what, bytes, told, cause) in &cases {
        let (answer, ending) = heard(tunnel, bytes).await;
        match told {
            Some(told) => assert_eq!((answer, ending), (alert(*told), Ending::Fin), "{what}"),
            None => assert_eq!((answer, ending), (Vec::new(), Ending::Reset), "{what}"),
        }
        let count = counts.entry(*cause).or_insert(0);
        *count += 1;
        eventually!(refused(&daemon, tunnel, cause).await == *count, "{what}");
    }

    eventually!(daemon.ended(tunnel, "tls").await == cases.len() as u64);
    assert_eq!((a.accepted(), b.accepted()), (0, 0));
    comes_to(tunnel, Some("one.example"), "a").await;
    comes_to(tunnel, None, "b").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_without_end_is_held_up_to_its_bound() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;
    let mut client = saying(tunnel, &record(22, &[1, 0, 0xff, 0])).await;
    let piece = record(22, &[9]).repeat(100);
    let mut sent = 0;

    // Until nobody takes it: far before the end of what it says it has.
    while client.write_all(&piece).await.is_ok() {
        sent += piece.len();
        assert!(sent < 16 << 20, "it is taken for ever");
    }

    eventually!(refused(&daemon, tunnel, "too-large").await == 1);
    eventually!(daemon.ended(tunnel, "tls").await == 1);
    comes_to(tunnel, Some("one.example"), "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_too_little_has_its_time_and_is_reset() {
    let [a, b] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example,{}", a.addr(), b.addr())).await;
    // It waits for its server to speak first, as one of a mail server does.
    let mut silent = Stream::connect(tunnel).await.unwrap();
    let mut half = saying(tunnel, &hello(Some("one.example"))[..60]).await;

    eventually!(within PATIENCE, refused(&daemon, tunnel, "timeout").await == 2);

    for client in [&mut silent, &mut half] {
        assert_eq!(Ending::of(client).await.unwrap(), (Vec::new(), Ending::Reset));
    }
    eventually!(daemon.ended(tunnel, "tls").await == 2);
    comes_to(tunnel, Some("one.example"), "a").await;
    assert_eq!(b.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_before_its_hello_has_left_by_itself() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;

    assert_eq!(heard(tunnel, b"").await, (Vec::new(), Ending::Reset));
    eventually!(daemon.ended(tunnel, "client-fin").await == 1);
    reset(Stream::connect(tunnel).await.unwrap());
    eventually!(daemon.ended(tunnel, "client-reset").await == 1);
    assert_eq!(daemon.ended(tunnel, "tls").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_are_for_the_backend_to_refuse() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;
    for version in [[3, 0], [3, 1], [3, 2]] {
        let bytes = record(22, &message(version, Some("one.example")));
        let mut client = saying(tunnel, &bytes).await;
        super::answered(&mut client, "a", &bytes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_hear_why_is_reset_all_the_same() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;
    let mut client = saying(tunnel, &hello(Some("two.example"))).await;

    // It does not end its side: that is waited for, and not for ever.
    eventually!(daemon.ended(tunnel, "tls").await == 1);

    let heard = Ending::of(&mut client).await.unwrap().0;
    assert_eq!(heard, alert(112));
    assert_eq!(daemon.connections(), 0);
}
