//! Which backend a client comes to by its name, and what that backend gets.

use plexy_tests::backend::{Recorder, Refuser};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::Ending;
use tokio::io::AsyncWriteExt;

use super::{comes_to, greeters, hello, message, record, refused, saying};

#[tokio::test(flavor = "multi_thread")]
async fn the_most_exact_name_decides_and_others_go_to_who_has_no_name() {
    let [a, b, c] = greeters();
    let daemon = Daemon::start().await;
    let names = "+sni=one.example+sni=two.example";
    let backends = format!("{}{names},{}+sni=*.example,{}", a.addr(), b.addr(), c.addr());
    let tunnel = daemon.open(&backends).await;

    for (name, banner) in [
        (Some("one.example"), "a"),
        (Some("TWO.Example"), "a"),
        (Some("three.example"), "b"),
        (Some("x.three.example"), "c"),
        (Some("example"), "c"),
        (Some("one.example.org"), "c"),
        (None, "c"),
    ] {
        comes_to(tunnel, name, banner).await;
    }

    assert_eq!((a.accepted(), b.accepted(), c.accepted()), (2, 1, 4));
    // What has come back was the banner, and the hello as it was.
    eventually!(daemon.connections() == 0);
    assert_eq!(daemon.detail(tunnel).await.status.traffic.connections_total, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_backends_have_names_others_are_told_that_theirs_is_unknown() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;

    for name in [Some("two.example"), Some("x.one.example"), None] {
        let mut client = saying(tunnel, &hello(name)).await;
        // The alert 112, unrecognized_name, and a clean end.
        client.shutdown().await.unwrap();
        let heard = Ending::of(&mut client).await.unwrap();
        assert_eq!(heard, (vec![21, 3, 1, 0, 2, 2, 112], Ending::Fin), "{name:?}");
    }

    eventually!(daemon.ended(tunnel, "tls").await == 3);
    assert_eq!(refused(&daemon, tunnel, "unknown-name").await, 3);
    assert_eq!(a.accepted(), 0);
    comes_to(tunnel, Some("one.example"), "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_that_comes_byte_by_byte_and_in_many_records_arrives_as_it_was() {
    let recorder = Recorder::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", recorder.addr())).await;
    let torn = message([3, 3], Some("one.example"));
    let torn: Vec<u8> = torn.chunks(3).flat_map(|fragment| record(22, fragment)).collect();
    let early = [torn, record(23, &[5; 10_000])].concat();

    let mut client = tokio::net::TcpStream::connect(tunnel).await.unwrap();
    client.set_nodelay(true).unwrap();
    for byte in &early[..500] {
        client.write_all(&[*byte]).await.unwrap();
    }
    client.write_all(&early[500..]).await.unwrap();
    client.shutdown().await.unwrap();

    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Fin));
    let records = recorder.ended(1).await;
    assert!(records[0].bytes == early, "{} bytes", records[0].bytes.len());
    assert_eq!(records[0].ending, Some(Ending::Fin));
    let traffic = daemon.detail(tunnel).await.status.traffic;
    assert_eq!(traffic.bytes_in, early.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn hellos_that_are_cut_anywhere_come_to_the_same_backend() {
    let [a, b] = greeters();
    let daemon = Daemon::start().await;
    let backends = format!("{}+sni=one.example,{}+sni=two.example", a.addr(), b.addr());
    let tunnel = daemon.open(&backends).await;
    for (name, banner) in [("one.example", "a"), ("two.example", "b")] {
        let bytes = hello(Some(name));
        for _ in 0..20 {
            let cuts = [fastrand::usize(..bytes.len()), fastrand::usize(..bytes.len())];
            let (from, to) = (cuts[0].min(cuts[1]), cuts[0].max(cuts[1]));
            let mut client = Stream::connect(tunnel).await.unwrap();
            for piece in [&bytes[..from], &bytes[from..to], &bytes[to..]] {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            super::answered(&mut client, banner, &bytes).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failover_stays_among_those_who_have_the_name() {
    let [a, b] = greeters();
    let refuser = Refuser::start();
    let daemon = Daemon::start().await;
    let set = format!("{}+sni=one.example,{}+sni=one.example", refuser.addr(), a.addr());
    let options = "[retries=2,check-interval=off,strategy=first]";
    let tunnel = daemon.open(&format!("{set},{}{options}", b.addr())).await;

    comes_to(tunnel, Some("one.example"), "a").await;
    assert_eq!(daemon.backend(tunnel, refuser.addr()).await.state.as_str(), "ejected");
    comes_to(tunnel, Some("one.example"), "a").await;
    comes_to(tunnel, None, "b").await;

    // Nobody is left of them, and the one without a name is none of them.
    a.kill().await;
    let mut client = saying(tunnel, &hello(Some("one.example"))).await;
    assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);
    eventually!(daemon.ended(tunnel, "connect-failed").await == 1);
    assert_eq!(b.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_set_has_its_own_turns() {
    let [a, b, c, d] = greeters();
    let daemon = Daemon::start().await;
    let of = |name: &str, greeter: &plexy_tests::backend::Backend<_>| {
        format!("{}+sni={name}.example", greeter.addr())
    };
    let backends = [of("one", &a), of("one", &b), of("two", &c), of("two", &d)].join(",");
    let tunnel = daemon.open(&backends).await;
    // One after the other, as an unlucky order of clients would have both sets at the same places.
    for _ in 0..6 {
        for name in ["one.example", "two.example"] {
            let mut client = saying(tunnel, &hello(Some(name))).await;
            client.shutdown().await.unwrap();
            Ending::of(&mut client).await.unwrap();
        }
    }
    assert_eq!([&a, &b, &c, &d].map(|it| it.accepted()), [3; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_a_name_that_does_not_come_delays_nobody() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        slow.push(saying(tunnel, &hello(Some("one.example"))[..20]).await);
    }
    eventually!(daemon.connections() == 50);

    for _ in 0..10 {
        comes_to(tunnel, Some("one.example"), "a").await;
    }
    assert_eq!(a.accepted(), 10);
}
