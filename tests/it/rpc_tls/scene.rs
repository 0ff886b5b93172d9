//! A plexyd whose JSON-RPC is reached over TLS, and those who ask it.

use plexy_tests::daemon::{HttpClient, Process};
use plexy_tests::tool::{Output, Tool};
use serde_json::{Value, json};

use super::authority::{Authority, Files};
use crate::process::{PLEXYCTL, PLEXYD, run};

/// The token of those daemons that have one.
pub(super) const TOKEN: &str = "sesame-open-wide";

pub(super) struct Scene {
    pub(super) process: Process,
    pub(super) authority: Authority,
    pub(super) server: Files,
}

impl Scene {
    /// One that listens on a free port of 127.0.0.1, with these further arguments.
    pub(super) async fn start(arguments: &[&str]) -> Self {
        Self::start_with(Authority::new(), "tls:127.0.0.1:0", arguments).await
    }

    pub(super) async fn start_with(authority: Authority, socket: &str, arguments: &[&str]) -> Self {
        let server = authority.server();
        let sockets = ["--rpc-socket", socket, "--prometheus-socket", "127.0.0.1:0"];
        let files = ["--rpc-tls-cert", &server.cert, "--rpc-tls-key", &server.key];
        let process = Process::start(PLEXYD, &[&sockets, &files, arguments].concat()).await;
        Self { process, authority, server }
    }

    pub(super) fn port(&self) -> u16 {
        self.process.rpc_tls_addr().port()
    }

    /// Where it is, by that name.
    pub(super) fn endpoint(&self, host: &str) -> String {
        format!("wss://{host}:{}", self.port())
    }

    /// Asks by plexyctl, which trusts the authority, with these further words.
    pub(super) async fn ask(&self, words: &[&str]) -> Output {
        let (endpoint, ca) = (self.endpoint("localhost"), self.authority.ca());
        run(PLEXYCTL, &[&["--endpoint", &endpoint, "--ca", &ca], words].concat()).await
    }

    /// The same with a certificate.
    pub(super) async fn ask_as(&self, client: &Files, words: &[&str]) -> Output {
        let shown = ["--cert", &client.cert, "--key", &client.key];
        self.ask(&[&shown, words].concat()).await
    }

    /// Calls a method by curl, which trusts the authority, with these further words: the status and
    /// the body.
    pub(super) async fn curl(&self, curl: &Tool, words: &[&str], method: &str) -> (String, Value) {
        let url = format!("https://localhost:{}/", self.port());
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string();
        let ca = self.authority.ca();
        let fixed = ["-sS", "--cacert", &ca, "-H", "content-type: application/json"];
        let rest = ["-d", &call, "-w", "\n%{http_version} %{http_code}", &url];
        let output = curl.run([&fixed[..], &rest, words].concat()).output().await;
        let text = output.success();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    pub(super) async fn metrics(&self) -> String {
        HttpClient::Tcp(self.process.metrics_addr()).get("/metrics").await.body
    }

    /// How many handshakes have ended so.
    pub(super) async fn handshakes(&self, outcome: &str) -> u64 {
        let series = format!("plexy_rpc_tls_handshakes_total{{outcome=\"{outcome}\"}} ");
        let metrics = self.metrics().await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(&series));
        line.unwrap_or_else(|| panic!("no {series}: {metrics}")).parse().unwrap()
    }
}

/// A file with the token, for as long as the folder is there.
pub(super) fn token_file() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, TOKEN).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

#[track_caller]
pub(super) fn fails(output: &Output, code: i32, sentences: &[&str]) {
    let errors = output.errors();
    assert_eq!(output.status.code(), Some(code), "{errors}");
    for sentence in sentences {
        assert!(errors.contains(sentence), "{sentence}: {errors}");
    }
}
