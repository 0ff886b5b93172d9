//! Checks of real servers, as somebody would write them.

use plexy_shared::info::CheckState;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::server::{Nginx, Postgres, Redis};
use plexy_tests::tool::Tool;
use rustix::process::{Pid, Signal, kill_process};

use super::{checked, says};

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_or_is_gone_is_down() {
    let Some(mut redis) = Redis::start().await else { return };
    let daemon = Daemon::start().await;
    let options = "check=send-expect,check-send=\"PING\\r\\n\",check-expect=\"+PONG\",\
                   check-interval=50ms,check-timeout=500ms";
    let tunnel = daemon.open(&format!("{}[{options}]", redis.addr())).await;
    eventually!(says(&daemon, tunnel, redis.addr(), CheckState::Up).await);

    // It is there, and connecting works, but it does not answer.
    let pid = Pid::from_raw(redis.pid().unwrap().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    eventually!(says(&daemon, tunnel, redis.addr(), CheckState::Down).await);
    let cause = checked(&daemon, tunnel, redis.addr()).await.failure;
    assert_eq!(cause.as_deref(), Some("no answer within 500ms"));
    kill_process(pid, Signal::CONT).unwrap();
    eventually!(says(&daemon, tunnel, redis.addr(), CheckState::Up).await);

    redis.kill();
    eventually!(says(&daemon, tunnel, redis.addr(), CheckState::Down).await);
    let cause = checked(&daemon, tunnel, redis.addr()).await.failure;
    assert_eq!(cause.as_deref(), Some("connection refused"));
    redis.restart().await;
    eventually!(says(&daemon, tunnel, redis.addr(), CheckState::Up).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_go_to_the_redis_that_is_the_master() {
    let Some(one) = Redis::start().await else { return };
    let port = one.addr().port().to_string();
    let Some(two) = Redis::start_with(&["--replicaof", "127.0.0.1", &port]).await else { return };
    let Some(cli) = Tool::find("redis-cli", "redis-tools") else { return };
    let daemon = Daemon::start().await;
    let options = "check=send-expect,check-send=\"INFO replication\\r\\n\",\
                   check-expect=role:master,check-interval=50ms,check-timeout=500ms";
    let tunnel = daemon.open(&format!("{},{}[{options}]", one.addr(), two.addr())).await;
    let ask = async |port: u16, command: &[&str]| {
        let port = port.to_string();
        let arguments = [&["-p", &port], command].concat();
        cli.run(arguments).output().await.success().trim().to_owned()
    };
    for (master, replica) in [(&one, &two), (&two, &one)] {
        ask(master.addr().port(), &["replicaof", "no", "one"]).await;
        let port = master.addr().port().to_string();
        ask(replica.addr().port(), &["replicaof", "127.0.0.1", &port]).await;
        eventually!(says(&daemon, tunnel, replica.addr(), CheckState::Down).await);
        eventually!(says(&daemon, tunnel, master.addr(), CheckState::Up).await);
        let cause = checked(&daemon, tunnel, replica.addr()).await.failure.unwrap();
        assert!(cause.starts_with("no answer within 500ms, only \"$"), "{cause}");
        for _ in 0..4 {
            // A replica takes no writes.
            assert_eq!(ask(tunnel.port(), &["set", "key", "value"]).await, "OK");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_moves_to_the_nginx_that_says_that_it_is_the_one() {
    let Some(one) = Nginx::start().await else { return };
    let Some(two) = Nginx::start().await else { return };
    let Some(curl) = Tool::find("curl", "curl") else { return };
    one.serve("who", b"one");
    two.serve("who", b"two");
    one.serve("primary", b"");
    let daemon = Daemon::start().await;
    let options = "check=http,check-path=/primary,check-interval=50ms,on-all-down=refuse";
    let tunnel = daemon.open(&format!("{},{}[{options}]", one.addr(), two.addr())).await;
    let url = one.url_through(tunnel, "who");
    let get = async || curl.run(["-sS", "--fail", "--noproxy", "*", &url]).output().await.success();
    eventually!(says(&daemon, tunnel, two.addr(), CheckState::Down).await);
    assert_eq!(checked(&daemon, tunnel, two.addr()).await.failure.as_deref(), Some("status 404"));
    for _ in 0..4 {
        assert_eq!(get().await, "one");
    }

    one.withdraw("primary");
    two.serve("primary", b"");

    eventually!(says(&daemon, tunnel, one.addr(), CheckState::Down).await);
    eventually!(says(&daemon, tunnel, two.addr(), CheckState::Up).await);
    for _ in 0..4 {
        assert_eq!(get().await, "two");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_is_asked_in_its_own_protocol() {
    let Some(postgres) = Postgres::start().await else { return };
    let daemon = Daemon::start().await;
    // SSLRequest, which every server of PostgreSQL answers with one letter.
    let options = "check=send-expect,check-send=\\x00\\x00\\x00\\x08\\x04\\xd2\\x16\\x2f,\
                   check-expect=N,check-interval=50ms";
    let tunnel = daemon.open(&format!("{}[{options}]", postgres.addr())).await;
    eventually!(says(&daemon, tunnel, postgres.addr(), CheckState::Up).await);
}
