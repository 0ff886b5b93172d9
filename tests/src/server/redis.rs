//! `redis-server`, without persistence.

use std::process::Command;

use crate::tool::Tool;

use super::{Kind, Server, Site, asks};

/// A Redis that keeps everything in memory: killed, it forgets.
#[derive(Debug, Clone, Default)]
pub struct Redis {
    arguments: Vec<String>,
}

impl Redis {
    /// Starts one; nothing where it is not installed.
    pub async fn start() -> Option<Server<Self>> {
        Server::start(Self::default()).await
    }

    /// Starts one with further arguments (`["--maxclients", "10"]`).
    pub async fn start_with(arguments: &[&str]) -> Option<Server<Self>> {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Server::start(Self { arguments }).await
    }
}

impl Kind for Redis {
    fn find(&self) -> Option<Tool> {
        Tool::find("redis-server", "redis-server")
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = Command::new(site.tool().path());
        command.args(["--bind", "127.0.0.1", "--port", &site.addr().port().to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir"]);
        command.arg(site.home()).args(&self.arguments);
        command
    }

    async fn answers(&self, site: &Site) -> bool {
        asks(site.addr(), b"PING\r\n", b"+PONG\r\n").await
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn redis_answers_dies_and_comes_back_on_its_port() {
        let Some(mut redis) = Redis::start().await else {
            return;
        };
        let Some(cli) = Tool::find("redis-cli", "redis-tools") else {
            return;
        };
        let port = redis.addr().port().to_string();
        let set = cli.run(["-p", &port, "set", "key", "value"]).output().await;
        assert_eq!(set.success(), "OK\n");

        let first = redis.pid();
        redis.kill();
        assert!(TcpStream::connect(redis.addr()).await.is_err());
        redis.restart().await;

        assert_ne!(redis.pid(), first);
        let get = cli.run(["-p", &port, "get", "key"]).output().await;
        assert_eq!(get.success(), "\n", "nothing persists");
    }

    #[tokio::test]
    #[should_panic(expected = "ended at its start")]
    async fn a_server_that_cannot_start_shows_its_log() {
        let Some(_redis) = Redis::start_with(&["--no-such-option", "1"]).await else {
            panic!("skipped, as if it ended at its start");
        };
    }
}
