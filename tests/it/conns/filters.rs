//! `where` finds the connections that are as it says, and no others.

use std::net::SocketAddr;
use std::time::Duration;

use plexy_shared::connection::Phase;
use plexy_tests::backend::{BlackHole, Echo};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::Flow;
use tokio::net::TcpSocket;

use super::{addr, all_counted, client, conns, echoed, ids, row};

async fn client_from(ip: &str, tunnel: SocketAddr, bytes: &[u8]) -> Stream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(ip.parse().unwrap(), 0)).unwrap();
    let mut client = Stream::Tcp(socket.connect(tunnel).await.unwrap());
    echoed(&mut client, bytes).await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_and_operator_finds_what_it_says() {
    let (one, two, hole) = (Echo::start(), Echo::start(), BlackHole::start());
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("my app");
    let daemon = Daemon::start().await;
    let web = daemon.open(&format!("{}[name=web]", one.addr())).await;
    let far = daemon.open(&format!("{}[name=far,connect-timeout=1m]", hole.addr())).await;
    let local = format!("\"unix:{}\"", socket.display());
    daemon.try_open(&format!("{local}={}", two.addr())).await.unwrap();

    // a and b: web to one; c: far to nobody; d: a Unix socket to two.
    let _a = client_from("127.0.0.1", web, b"12345").await;
    let _b = client_from("127.7.7.7", web, &[0; 2_048]).await;
    let _c = Stream::connect(far).await.unwrap();
    eventually!(daemon.connections() == 3);
    let mut d = Stream::connect(socket.as_path()).await.unwrap();
    echoed(&mut d, b"1").await;
    eventually!(conns(&daemon, "where phase=relaying").await.len() == 3);

    all_counted(&daemon).await;

    let all = ids(&daemon, "").await;
    assert_eq!(all.len(), 4);
    let (one, two) = (one.addr(), two.addr());
    for (filter, expected) in [
        ("tunnel=web".to_owned(), "ab"),
        ("tunnel != WEB".to_owned(), "cd"),
        (format!("tunnel={web}"), "ab"),
        (format!("tunnel=localhost:{}", web.port()), "ab"),
        (format!("tunnel={}", far.port()), "c"),
        (format!("tunnel={local}"), "d"),
        ("tunnel=nosuch".to_owned(), ""),
        ("tunnel=nosuch.invalid:1".to_owned(), ""),
        (format!("backend={one}"), "ab"),
        (format!("backend={}", two.port()), "d"),
        (format!("backend!={one}"), "cd"),
        ("backend=10.0.0.1:1".to_owned(), ""),
        ("client=127.0.0.1".to_owned(), "ac"),
        ("client=127.0.0.0/8".to_owned(), "abc"),
        ("client=127.7.0.0/16".to_owned(), "b"),
        ("client!=127.7.0.0/16".to_owned(), "acd"),
        ("client=::/0".to_owned(), ""),
        ("client=unix".to_owned(), "d"),
        ("client!=unix".to_owned(), "abc"),
        ("phase=connecting".to_owned(), "c"),
        ("phase!=connecting".to_owned(), "abd"),
        ("phase=half-closed".to_owned(), ""),
        ("bytes=10".to_owned(), "a"),
        ("bytes!=10".to_owned(), "bcd"),
        ("bytes>10".to_owned(), "b"),
        ("bytes>=10".to_owned(), "ab"),
        ("bytes<10".to_owned(), "cd"),
        ("bytes<=10".to_owned(), "acd"),
        ("bytes-in=2k".to_owned(), "b"),
        ("bytes-in<1".to_owned(), "c"),
        ("bytes-out>=1".to_owned(), "abd"),
        ("bytes-out=5".to_owned(), "a"),
        ("rate>=0".to_owned(), "abcd"),
        ("rate>1g".to_owned(), ""),
        ("age<1h".to_owned(), "abcd"),
        ("age>=0s".to_owned(), "abcd"),
        ("age>1h".to_owned(), ""),
        ("idle<1h".to_owned(), "abcd"),
        ("idle>=0".to_owned(), "abcd"),
        ("idle>1h".to_owned(), ""),
        ("tunnel=web and client=127.7.7.7".to_owned(), "b"),
        ("tunnel=web and bytes<1k and phase=relaying".to_owned(), "a"),
        ("client=127.0.0.0/8 and phase!=connecting and bytes>1g".to_owned(), ""),
    ] {
        let found: String = ids(&daemon, &format!("where {filter}"))
            .await
            .iter()
            .map(|id| ["a", "b", "c", "d"][all.iter().position(|it| it == id).unwrap()])
            .collect();
        assert_eq!(found, expected, "{filter}");
    }
    assert_eq!(ids(&daemon, "web where bytes>10").await, [all[1].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_counts_from_the_last_byte_and_ends_with_the_next_one() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let mut silent = client(tunnel, b"x").await;
    let flow = Flow::paced(tunnel, 1, Duration::from_millis(1)).await.unwrap();
    let id = row(&daemon, &silent).await.id;

    eventually!(ids(&daemon, "where idle>=500ms").await == [id.clone()]);
    let idle = row(&daemon, &silent).await;
    assert!((500..=idle.age_ms).contains(&idle.idle_ms), "{idle:?}");
    assert_eq!(ids(&daemon, "sort -idle limit 1").await, [id]);

    echoed(&mut silent, b"y").await;
    let spoke = row(&daemon, &silent).await;
    assert!(spoke.idle_ms < idle.idle_ms, "{spoke:?}");
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn age_is_that_of_the_connection() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let old = client(tunnel, b"x").await;
    eventually!(!ids(&daemon, "where age>=300ms").await.is_empty());
    let young = client(tunnel, b"x").await;

    let rows = conns(&daemon, "sort age").await;
    let clients: Vec<_> = rows.iter().map(|row| row.client.clone()).collect();
    assert_eq!(clients, [addr(&young), addr(&old)]);
    assert!(rows[0].age_ms < rows[1].age_ms && rows[1].age_ms >= 300, "{rows:?}");
    assert!(rows.iter().all(|row| row.phase == Phase::Relaying));
}
