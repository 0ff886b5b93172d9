//! Prometheus, scraping one target every second.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::daemon::HttpClient;
use crate::tool::Tool;

use super::{Kind, Server, Site, asks};

/// A Prometheus that forgets everything at its end.
#[derive(Debug, Clone)]
pub struct Prometheus {
    target: SocketAddr,
}

impl Prometheus {
    /// Starts one that scrapes `/metrics` there; nothing where it is not installed.
    pub async fn scraping(target: SocketAddr) -> Option<Server<Self>> {
        Server::start(Self { target }).await
    }
}

impl Server<Prometheus> {
    /// The first value of an expression, now.
    pub async fn query(&self, expression: &str) -> Option<f64> {
        let escape = |byte: u8| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        let query: String = expression.bytes().map(escape).collect();
        let path = format!("/api/v1/query?query={query}");
        let answer: Value = HttpClient::Tcp(self.addr()).get(&path).await.json();
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

impl Kind for Prometheus {
    fn find(&self) -> Option<Tool> {
        Tool::find("prometheus", "prometheus")
    }

    fn prepare(&self, site: &Site) -> io::Result<()> {
        let text = format!(
            "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: plexyd\n    \
             static_configs:\n      - targets: ['{}']\n",
            self.target
        );
        fs::write(site.home().join("prometheus.yml"), text)
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = Command::new(site.tool().path());
        command.arg(format!("--config.file={}", site.home().join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", site.home().join("data").display()));
        command.arg(format!("--web.listen-address={}", site.addr()));
        command
    }

    async fn answers(&self, site: &Site) -> bool {
        asks(site.addr(), b"GET /-/ready HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK").await
    }
}
