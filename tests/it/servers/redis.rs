//! Redis through a tunnel: what its own benchmark says while backends come, go and die.

use std::net::SocketAddr;

use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::server::{Redis, Server};
use plexy_tests::tool::{Output, Tool};

fn tools() -> Option<(Tool, Tool)> {
    let package = "redis-tools";
    Some((Tool::find("redis-benchmark", package)?, Tool::find("redis-cli", package)?))
}

/// One short round with `clients` connections, all of them new.
async fn round(benchmark: &Tool, tunnel: SocketAddr, clients: usize) -> Output {
    let (port, clients) = (tunnel.port().to_string(), clients.to_string());
    let arguments =
        ["-h", "127.0.0.1", "-p", &port, "-t", "ping,set,get", "-n", "2000", "-q", "-c", &clients];
    benchmark.run(arguments).output().await
}

#[track_caller]
fn is_clean(output: Output) {
    let errors = output.errors();
    let text = output.success();
    assert!(text.contains("GET: ") && text.contains("requests per second"), "{text}{errors}");
    assert!(
        !text.to_lowercase().contains("error") && !errors.to_lowercase().contains("error"),
        "{text}{errors}"
    );
}

async fn commands(server: &Server<Redis>, cli: &Tool) -> u64 {
    let port = server.addr().port().to_string();
    let info = cli.run(["-p", &port, "info", "stats"]).output().await.success();
    let line = info.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
    line.unwrap().trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_and_removing_a_backend_costs_a_benchmark_no_error() {
    let Some((benchmark, cli)) = tools() else { return };
    let Some(one) = Redis::start().await else { return };
    let Some(two) = Redis::start().await else { return };
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&one.addr().to_string()).await;

    let (changing, tool) = (tunnel, benchmark.clone());
    let running = tokio::spawn(async move {
        for _ in 0..6 {
            is_clean(round(&tool, changing, 20).await);
        }
    });
    let mut changes = 0;
    while !running.is_finished() {
        let moved = daemon.status(tunnel).await.traffic.bytes_out;
        daemon.add(tunnel, &two.addr().to_string()).await.unwrap();
        eventually!(running.is_finished() || daemon.status(tunnel).await.traffic.bytes_out > moved);
        daemon.remove(tunnel, &two.addr().to_string()).await.unwrap();
        changes += 1;
    }

    running.await.unwrap();
    assert!(changes > 1, "nothing was changed under it");
    assert!(commands(&two, &cli).await > 10, "the second server was used too");
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_costs_only_its_own_connections_and_comes_back() {
    let Some((benchmark, cli)) = tools() else { return };
    let Some(one) = Redis::start().await else { return };
    let Some(mut two) = Redis::start().await else { return };
    let daemon = Daemon::start().await;
    let rest = format!("{},{}[check-interval=50ms]", one.addr(), two.addr());
    let tunnel = daemon.open(&rest).await;
    is_clean(round(&benchmark, tunnel, 10).await);
    assert!(commands(&two, &cli).await > 1_000, "both are used");

    two.kill();

    // No round after the kill has an error: new connections go to the one that lives.
    for _ in 0..3 {
        is_clean(round(&benchmark, tunnel, 10).await);
    }
    assert_eq!(daemon.backend(tunnel, two.addr()).await.state.as_str(), "ejected");

    two.restart().await;

    eventually!(daemon.backend(tunnel, two.addr()).await.state.as_str() == "up");
    for _ in 0..3 {
        is_clean(round(&benchmark, tunnel, 10).await);
    }
    assert!(commands(&two, &cli).await > 1_000, "it is used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_benchmark_leaves_the_connections_of_the_other_alone() {
    let Some((benchmark, cli)) = tools() else { return };
    let Some(one) = Redis::start().await else { return };
    let Some(mut two) = Redis::start().await else { return };
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{},{}", one.addr(), two.addr())).await;
    let port = tunnel.port().to_string();
    // Subscribers hold their connections, one after the other on each server.
    let mut subscribers: Vec<_> =
        (0..10).map(|_| cli.converse(["-p", &port, "subscribe", "news"])).collect();
    for subscriber in &mut subscribers {
        subscriber.wait_for("1").await;
    }
    let benchmarked = benchmark.clone();
    let running = tokio::spawn(async move { round(&benchmarked, tunnel, 20).await });
    let moved = daemon.backend(tunnel, two.addr()).await.traffic.connections_total;
    eventually!(daemon.backend(tunnel, two.addr()).await.traffic.connections_total > moved + 5);

    two.kill();

    // The benchmark gives up where it loses a connection; that is its way, not the tunnel's.
    running.await.unwrap();
    eventually!(daemon.backend(tunnel, two.addr()).await.traffic.connections == 0);
    let port = one.addr().port().to_string();
    let publish = cli.run(["-p", &port, "publish", "news", "hello"]).output().await;
    assert_eq!(publish.success(), "5\n", "every subscriber of the other one is there");
    is_clean(round(&benchmark, tunnel, 20).await);
}
