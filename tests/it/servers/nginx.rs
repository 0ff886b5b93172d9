//! A large download from nginx through a tunnel that changes under it.

use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::server::Nginx;
use plexy_tests::tool::Tool;
use plexy_tests::traffic::Pattern;

const BYTES: u64 = 100_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_download_is_whole_while_tunnels_and_backends_change() {
    let Some(nginx) = Nginx::start().await else { return };
    let Some(curl) = Tool::find("curl", "curl") else { return };
    nginx.serve_pattern("large", 7, BYTES);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&nginx.addr().to_string()).await;
    let url = nginx.url_through(tunnel, "large");

    let download = curl.run(["-sS", "--fail", "--noproxy", "*", "--limit-rate", "50M", &url]);
    let running = tokio::spawn(download.output());
    eventually!(daemon.status(tunnel).await.traffic.bytes_out > 1_000_000);
    let mut changes = 0;
    while !running.is_finished() {
        let moved = daemon.status(tunnel).await.traffic.bytes_out;
        let other = daemon.open(&nginx.addr().to_string()).await;
        daemon.add(tunnel, "127.0.0.1:9").await.unwrap();
        if changes == 0 {
            // Even the backend of the download itself.
            daemon.remove(tunnel, &nginx.addr().to_string()).await.unwrap();
            daemon.add(tunnel, &nginx.addr().to_string()).await.unwrap();
        }
        daemon.close(other).await;
        daemon.remove(tunnel, "127.0.0.1:9").await.unwrap();
        changes += 1;
        eventually!(running.is_finished() || daemon.status(tunnel).await.traffic.bytes_out > moved);
    }

    let output = running.await.unwrap();
    assert!(output.is_success(), "{}", output.errors());
    assert_eq!(output.stdout.len() as u64, BYTES);
    Pattern::new(7).check(&output.stdout).unwrap();
    assert!(changes > 5, "only {changes} changes under it");
    // The last of them is counted a moment after it is here.
    eventually!(daemon.status(tunnel).await.traffic.bytes_out > BYTES);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_downloads_survive_a_killed_server() {
    let Some(one) = Nginx::start().await else { return };
    let Some(mut two) = Nginx::start().await else { return };
    let Some(curl) = Tool::find("curl", "curl") else { return };
    for nginx in [&one, &two] {
        nginx.serve("small", b"hello");
    }
    let daemon = Daemon::start().await;
    let rest = format!("{},{}[check-interval=50ms]", one.addr(), two.addr());
    let tunnel = daemon.open(&rest).await;
    let url = one.url_through(tunnel, "small");
    let get = async || curl.run(["-sS", "--fail", "--noproxy", "*", &url]).output().await.success();
    assert_eq!((get().await, get().await), ("hello".to_owned(), "hello".to_owned()));

    two.kill();
    for _ in 0..10 {
        assert_eq!(get().await, "hello", "a new client goes to the one that lives");
    }
    two.restart().await;

    eventually!(daemon.backend(tunnel, two.addr()).await.state.as_str() == "up");
    let before = daemon.backend(tunnel, two.addr()).await.traffic.connections_total;
    for _ in 0..4 {
        assert_eq!(get().await, "hello");
    }
    let after = daemon.backend(tunnel, two.addr()).await.traffic.connections_total;
    assert!(after > before, "it is used again");
}
