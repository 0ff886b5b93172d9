//! The doors of a daemon that is asked while it runs.

use plexy_tests::daemon::{Daemon, HttpClient, WsClient};
use serde_json::{Value, json};

use crate::process::{PLEXYCTL, run};

/// One thing to ask for, in the words of each door.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// As a line, and as arguments of plexyctl.
    pub(super) line: String,
    /// As a method.
    pub(super) method: &'static str,
    /// Its parameters.
    pub(super) params: Value,
}

impl Step {
    pub(super) fn open(spec: &str) -> Self {
        let (line, params) = (format!("open {spec}"), json!({ "spec": spec }));
        Self { line, method: "openTunnel", params }
    }

    /// A shell would split the line so: a specification is quoted there.
    fn arguments(&self) -> Vec<&str> {
        match self.line.split_once(' ') {
            Some(("open", spec)) => vec!["open", spec],
            _ => self.line.split(' ').collect(),
        }
    }
}

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Line,
    HttpTcp,
    HttpUnix,
    WebSocketTcp,
    WebSocketUnix,
    PlexyctlTcp,
    PlexyctlUnix,
}

impl Door {
    pub(super) const ALL: [Self; 7] = [
        Self::Line,
        Self::HttpTcp,
        Self::HttpUnix,
        Self::WebSocketTcp,
        Self::WebSocketUnix,
        Self::PlexyctlTcp,
        Self::PlexyctlUnix,
    ];

    /// Asks: the answer, or the error with its `code`.
    pub(super) async fn ask(self, daemon: &Daemon, step: &Step) -> Result<Value, Value> {
        let params = step.params.clone();
        match self {
            Self::Line => line(daemon, &step.line).await,
            Self::HttpTcp => of_rpc(daemon.rpc().call(step.method, params).await),
            Self::HttpUnix => of_rpc(daemon.rpc_unix().call(step.method, params).await),
            Self::WebSocketTcp => websocket(&daemon.rpc(), step).await,
            Self::WebSocketUnix => websocket(&daemon.rpc_unix(), step).await,
            Self::PlexyctlTcp => plexyctl(&daemon.rpc(), step).await,
            Self::PlexyctlUnix => plexyctl(&daemon.rpc_unix(), step).await,
        }
    }
}

async fn line(daemon: &Daemon, line: &str) -> Result<Value, Value> {
    let mut session = daemon.line().await;
    session.send(format!("mode json\n{line}\n").as_bytes()).await;
    session.next_line().await.expect("the mode is known");
    let answer = session.next_line().await.expect("there is an answer");
    let answer: Value = serde_json::from_str(&answer).expect("the answer is JSON");
    match &answer["error"] {
        Value::Null => Ok(answer["result"].clone()),
        error => Err(error.clone()),
    }
}

fn of_rpc(answer: Result<Value, Value>) -> Result<Value, Value> {
    answer.map_err(|error| json!({ "code": error["data"]["code"], "message": error["message"] }))
}

async fn websocket(door: &HttpClient, step: &Step) -> Result<Value, Value> {
    of_rpc(WsClient::connect(door).await.call(step.method, step.params.clone()).await)
}

async fn plexyctl(door: &HttpClient, step: &Step) -> Result<Value, Value> {
    let endpoint = match door {
        HttpClient::Tcp(addr) => format!("ws://{addr}"),
        HttpClient::Unix(path) => format!("unix:{}", path.display()),
    };
    let arguments = [&["--endpoint", &endpoint, "-o", "json"], &step.arguments()[..]].concat();
    let output = run(PLEXYCTL, &arguments).await;
    let (written, is_error) = match output.status.success() {
        true => (output.text(), false),
        false => (output.errors(), true),
    };
    let mut document: Value = serde_json::from_str(&written).expect("it writes JSON");
    if is_error {
        return Err(document["error"].clone());
    }
    document.as_object_mut().expect("it writes an object").remove("schema");
    Ok(document)
}
