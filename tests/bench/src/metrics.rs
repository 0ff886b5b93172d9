//! What plexyd tells Prometheus of itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// One scrape.
#[derive(Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// Scrapes.
    pub(crate) fn scrape(addr: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(addr).context("plexyd serves no metrics")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // As 1.0, so that the answer comes in one piece and ends with the connection.
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(Self(answer))
    }

    /// The value of a series without labels.
    pub(crate) fn value(&self, name: &str) -> anyhow::Result<f64> {
        let value = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.with_context(|| format!("plexyd has no metric `{name}`"))?;
        Ok(value.trim().parse()?)
    }
}
