//! What the service is shipped with: units, example configuration, alert rules, dashboard.

mod configuration;
mod dashboard;
mod rules;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plexy_tests::backend::{Backend, Echo, Refuser};
use plexy_tests::certificate::Authority;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::round_trip;
use plexyd::{ClientCertificates, RpcTls};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// Told only by a daemon that has a state file.
const OF_STATE: &str = "plexy_state_last_commit_successful";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../plexyd/packaging").join(name)
}

#[track_caller]
fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A daemon that has something to tell in every family.
struct Busy {
    daemon: Daemon,
    _echo: Backend<Echo>,
    _refuser: Refuser,
    _held: TcpStream,
    _folder: TempDir,
}

impl Busy {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("tests");
        let cert = authority.issue(&["localhost"]).write(&folder, "cert.pem");
        let tls = RpcTls { cert, key: None, clients: ClientCertificates::NotAsked };
        let daemon = Daemon::start_with(|config| {
            config.rpc_tls_sockets = vec!["127.0.0.1:0".parse().unwrap()];
            config.rpc_tls = Some(tls.clone());
        })
        .await;
        let (echo, refuser) = (Echo::start(), Refuser::start());
        let shown = tls.cert.display();
        daemon.open(&format!("{}[name=certified,tls-cert={shown}]", echo.addr())).await;
        let options = "name=busy,max-conns=1,queue-timeout=0,check=tcp,check-interval=1s";
        let rest = format!("{},{}[{options}]", echo.addr(), refuser.addr());
        let tunnel = daemon.open(&rest).await;
        for _ in 0..2 {
            round_trip(tunnel, 10).await.unwrap();
            eventually!(daemon.status(tunnel).await.traffic.connections == 0);
        }
        let held = TcpStream::connect(tunnel).await.unwrap();
        // It may hear of the reset while it connects still.
        let _refused = TcpStream::connect(tunnel).await;
        eventually!(daemon.rejected(tunnel).await == 1);
        daemon.rpc().call("ping", serde_json::json!({})).await.unwrap();
        Self { daemon, _echo: echo, _refuser: refuser, _held: held, _folder: folder }
    }

    /// The metrics that it tells, each with its labels.
    async fn metrics(&self) -> BTreeMap<String, BTreeSet<String>> {
        let scrape = self.daemon.monitor().get("/metrics").await.body;
        let mut metrics = BTreeMap::<String, BTreeSet<String>>::new();
        for line in scrape.lines().filter(|line| !line.starts_with('#')) {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            metrics.entry(name.to_owned()).or_default().extend(labels_of(labels));
        }
        metrics
    }

    /// That every metric in this text is told by a daemon, and has the labels that it is selected by.
    #[track_caller]
    fn check(told: &BTreeMap<String, BTreeSet<String>>, expressions: &str) {
        let mut mentioned = 0;
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for (start, _) in expressions.match_indices(is_of_name) {
            let (before, rest) = expressions.split_at(start);
            let name = rest.split(|c| !is_of_name(c)).next().unwrap();
            let is_ours = name.starts_with("plexy_") || name.starts_with("process_");
            if !is_ours || name == OF_STATE || before.ends_with(is_of_name) {
                continue;
            }
            mentioned += 1;
            let labels = told.get(name).unwrap_or_else(|| panic!("no daemon tells `{name}`"));
            let selector = rest[name.len()..].strip_prefix('{').unwrap_or_default();
            let of_prometheus = ["job".to_owned(), "instance".to_owned()];
            for label in labels_of(selector.split('}').next().unwrap()) {
                let is_known = labels.contains(&label) || of_prometheus.contains(&label);
                assert!(is_known, "`{name}` has no label `{label}`, but {labels:?}");
            }
        }
        assert!(mentioned > 5, "the expressions were not understood");
    }
}

/// The names in `a="b",c=~"d"`.
fn labels_of(selector: &str) -> impl Iterator<Item = String> + '_ {
    // What stands in quotes is every second part.
    let outside = selector.split('"').step_by(2);
    let name = |part: &str| part.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    outside.map(name).filter(|name| !name.is_empty())
}
