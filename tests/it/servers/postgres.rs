//! PostgreSQL through a tunnel: pgbench and psql while backends come, go and die.

use std::net::SocketAddr;

use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::server::{Postgres, Server};
use plexy_tests::tool::Tool;

/// A server with the tables of pgbench, and a tunnel to it.
async fn scene() -> Option<(Server<Postgres>, Tool, Daemon, SocketAddr)> {
    let postgres = Postgres::start().await?;
    let pgbench = postgres.client("pgbench")?;
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[check-interval=50ms]", postgres.addr())).await;
    let url = postgres.url_through(tunnel);
    let made = pgbench.run(["--initialize", "--quiet", "--scale=1", &url]).output().await;
    assert!(made.is_success(), "{}", made.errors());
    Some((postgres, pgbench, daemon, tunnel))
}

/// Runs pgbench with these arguments while a backend is added and removed all the time.
async fn runs_through_changes(arguments: &[&str]) {
    let Some((postgres, pgbench, daemon, tunnel)) = scene().await else { return };
    let url = postgres.url_through(tunnel);
    let common = ["--select-only", "--no-vacuum", "--client=4", "--jobs=2"];
    let run = pgbench.run(common.iter().chain(arguments).copied().chain([url.as_str()]));
    let running = tokio::spawn(run.output());

    // The same server under another address, so that whoever gets it is served.
    let again = format!("localhost:{}", postgres.addr().port());
    let mut changes = 0;
    while !running.is_finished() {
        let moved = daemon.status(tunnel).await.traffic.bytes_out;
        daemon.add(tunnel, &again).await.unwrap();
        eventually!(running.is_finished() || daemon.status(tunnel).await.traffic.bytes_out > moved);
        daemon.remove(tunnel, &again).await.unwrap();
        changes += 1;
    }

    let text = running.await.unwrap().success();
    assert!(text.contains("number of failed transactions: 0"), "{text}");
    assert!(changes > 1, "nothing was changed under it");
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbench_keeps_its_connections_while_backends_come_and_go() {
    runs_through_changes(&["--transactions=1000"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbench_connects_anew_for_each_transaction_while_backends_come_and_go() {
    runs_through_changes(&["--connect", "--transactions=50"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_back_through_the_same_tunnel() {
    let Some((mut postgres, pgbench, daemon, tunnel)) = scene().await else { return };
    let url = postgres.url_through(tunnel);
    let bench = async || {
        pgbench.run(["--select-only", "--no-vacuum", "--transactions=20", &url]).output().await
    };
    assert!(bench().await.is_success());

    postgres.kill();
    assert!(!bench().await.is_success());
    postgres.restart().await;

    eventually!(daemon.backend(tunnel, postgres.addr()).await.state.as_str() == "up");
    let text = bench().await.success();
    assert!(text.contains("number of failed transactions: 0"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_answers_through_a_unix_socket_tunnel() {
    let Some(postgres) = Postgres::start().await else { return };
    let Some(psql) = postgres.client("psql") else { return };
    let daemon = Daemon::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".s.PGSQL.5432");
    daemon.try_open(&format!("unix:{}={}", path.display(), postgres.addr())).await.unwrap();
    let host = folder.path().display().to_string();
    let sql = "select sum(length(repeat('x', n))) from generate_series(1, 1000) n";
    let arguments = ["-h", &host, "-U", "postgres", "-Atc", sql];
    assert_eq!(psql.run(arguments).output().await.success(), "500500\n");
}
