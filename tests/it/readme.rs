//! The README tells the truth: its examples run, its tables are the code's.

use std::path::Path;
use std::process::Command;

use plexy_shared::command::VERBS;
use plexy_shared::rpc::{METHODS, MethodRow};
use plexy_shared::spec::{ATTRIBUTES, OPTIONS, TunnelSpec};
use plexy_tests::backend::{Echo, Refuser};
use plexy_tests::daemon::{Daemon, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::tool::Tool;
use plexy_tests::traffic::round_trip;
use plexyd::{ClientCertificates, RpcTls};

use crate::rpc_tls::authority::{Authority, Files};

const PLEXYD: &str = env!("CARGO_BIN_EXE_plexyd-under-test");
const PLEXYCTL: &str = env!("CARGO_BIN_EXE_plexyctl-under-test");
const BENCH: &str = env!("CARGO_BIN_EXE_plexy-bench-under-test");

pub(crate) fn readme() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    std::fs::read_to_string(file).expect("there is a README")
}

/// The code blocks of a language.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<String> {
    let open = format!("\n```{language}\n");
    let blocks = text.split(&open).skip(1);
    blocks.map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_tunnel_of_the_readme_is_one() {
    let blocks = blocks(&readme(), "tunnel");
    assert!(!blocks.is_empty());
    for line in blocks.iter().flat_map(|block| block.lines()) {
        line.parse::<TunnelSpec>().unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_configuration_of_the_readme_is_good() {
    let blocks = blocks(&readme(), "toml");
    assert!(!blocks.is_empty());
    for block in blocks {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, block).unwrap();
        let path = file.path().to_str().unwrap();
        let output = crate::process::run(PLEXYD, &["--check", "--config", path]).await;
        assert_eq!(output.status.code(), Some(0), "{}", output.errors());
    }
}

#[test]
fn the_tables_of_the_readme_are_those_of_the_code() {
    let readme = readme();
    let code = |text: &str| {
        if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) }
    };
    let named = |name: &str, aliases: &[&str]| {
        let aliases: Vec<_> = aliases.iter().map(|alias| format!("`{alias}`")).collect();
        if aliases.is_empty() {
            format!("`{name}`")
        } else {
            format!("`{name}` ({})", aliases.join(", "))
        }
    };
    let mut rows = Vec::new();
    for row in OPTIONS {
        let name = named(row.key, row.aliases);
        rows.push(format!("| {name} | {} | {} | {} |", row.value, row.default(), row.meaning));
    }
    for row in ATTRIBUTES {
        let cells =
            [format!("`{}`", row.key), row.value.into(), row.default.into(), row.meaning.into()];
        rows.push(format!("| {} |", cells.join(" | ")).replace("|  |", "| |"));
    }
    for verb in VERBS {
        let cells = [named(verb.name, verb.aliases), code(verb.usage), verb.help.to_owned()];
        rows.push(format!("| {} |", cells.join(" | ")).replace("|  |", "| |"));
    }
    for method in METHODS {
        let row = format!("| `{}` | {} | {} |", method.name, parameters(method), method.summary);
        rows.push(row.replace("|  |", "| |"));
    }
    let missing: Vec<_> = rows.iter().filter(|row| !readme.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "README lacks these rows: {missing:#?}");
    // No row too many: the header and the rule of each of three tables, and the limits.
    let limits = readme.split("| limit | |").nth(1).unwrap().lines().filter(|l| l.starts_with('|'));
    // The header and the rule of the methods; the metrics have a test of their own.
    let metrics = table_of_metrics(&readme).count() + 2;
    let others = 2 * 3 + 1 + limits.count() + 2 + metrics;
    let lines = readme.lines().filter(|line| line.starts_with('|')).count();
    assert_eq!(lines, rows.len() + others, "README has rows that the code does not have");
}

/// The names of a method's parameters, those marked that may be left out.
fn parameters(method: &MethodRow) -> String {
    let document = plexy_shared::rpc::openrpc("0");
    let described = document["methods"].as_array().unwrap();
    let described = described.iter().find(|it| it["name"] == method.name).unwrap();
    if described["paramStructure"] == "by-position" {
        return "its number, in an array".to_owned();
    }
    let mark = |is_required: bool| if is_required { "" } else { "?" };
    let name = |it: &serde_json::Value| {
        format!("`{}{}`", it["name"].as_str().unwrap(), mark(it["required"] == true))
    };
    let names: Vec<_> = described["params"].as_array().unwrap().iter().map(name).collect();
    names.join(", ")
}

/// The rows of the metrics: name, and what they tell.
fn table_of_metrics(readme: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `plexy_"));
    rows.map(|row| (row.split('`').next().unwrap(), row.rsplit(" | ").next().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_metrics_is_what_a_busy_daemon_tells() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().join("state"));
    // Nobody is there, nor asked before the first minute is over.
    let otlp = plexyd::OtlpSettings::to("http://127.0.0.1:9", 1.0).unwrap();
    let authority = Authority::new();
    let Files { cert, key } = authority.server();
    let daemon = Daemon::start_with(|config| {
        config.state = state;
        config.otlp = Some(otlp);
        config.rpc_tls_sockets.push("127.0.0.1:0".parse().unwrap());
        let (cert, key) = (cert.into(), Some(key.into()));
        config.rpc_tls = Some(RpcTls { cert, key, clients: ClientCertificates::NotAsked });
    })
    .await;
    let (echo, refuser) = (Echo::start(), Refuser::start());
    let options = "max-conns=1,queue-timeout=50ms,check=tcp,check-interval=50ms";
    let rest = format!("{},{}[{options}]", echo.addr(), refuser.addr());
    let tunnel = daemon.open(&rest).await;
    for _ in 0..2 {
        round_trip(tunnel, 10).await.unwrap();
        eventually!(daemon.status(tunnel).await.traffic.connections == 0);
    }
    let _held = tokio::net::TcpStream::connect(tunnel).await.unwrap();
    // It may hear of the reset while it connects still.
    let _refused = tokio::net::TcpStream::connect(tunnel).await;
    eventually!(daemon.rejected(tunnel).await == 1);
    let routing = daemon.open(&format!("{}+sni=a.example", echo.addr())).await;
    crate::client::is_reset_after(routing, b"no hello").await;
    eventually!(daemon.monitor().get("/metrics").await.body.contains("plexy_backend_checks_total"));
    daemon.line().await.ask(&format!("drain {tunnel} {}", refuser.addr())).await;
    daemon.rpc().call("ping", serde_json::json!({})).await.unwrap();
    let tls = crate::tls::Busy::new(folder.path());
    let secure = daemon.open(&format!("{}[{}]", echo.addr(), tls.options)).await;
    tls.visit(secure).await;
    let outward = daemon.open(&crate::tls::Busy::outward(echo.addr(), secure)).await;
    crate::tls::Busy::visit_outward(outward).await;
    eventually!(daemon.monitor().get("/metrics").await.body.contains("plexy_tls_failures_total"));
    let scrape = daemon.monitor().get("/metrics").await.body;
    let told: Vec<_> = scrape
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP plexy_")?.split_once(' '))
        .map(|(name, help)| (name.to_owned(), format!("{help} |")))
        .collect();
    let readme = readme();
    let written: Vec<_> =
        table_of_metrics(&readme).map(|(name, help)| (name.to_owned(), help.to_owned())).collect();
    assert_eq!(written, told);
}

/// A command of the README and what it prints.
struct Step {
    command: String,
    output: String,
}

fn steps(block: &str) -> Vec<Step> {
    let commands = format!("\n{block}");
    let steps = commands.split("\n$ ").skip(1);
    let split = |step: &str| {
        let (command, output) = step.split_once('\n').unwrap_or((step, ""));
        Step { command: command.to_owned(), output: output.to_owned() }
    };
    steps.map(split).collect()
}

/// Times differ from one run to the next.
fn without_times(text: &str) -> String {
    let words = text.trim_end().split(' ').map(|word| {
        let number = word.trim_end_matches(',').trim_end_matches('s');
        if number != word && number.parse::<f64>().is_ok() && word.contains('s') {
            word.replace(number, "N")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_of_the_readme_comes_out_as_it_is_written() {
    let Some(bash) = Tool::find("bash", "bash") else { return };
    if Tool::find("nc.openbsd", "netcat-openbsd").is_none() {
        return;
    }
    let ports = [
        ("9999", Port::reserve()),
        ("9998", Port::reserve()),
        ("9997", Port::reserve()),
        ("3000", Port::reserve()),
    ];
    let ours = |text: &str| {
        let replace = |text: String, (theirs, port): &(&str, Port)| {
            text.replace(theirs, &port.addr().port().to_string())
        };
        ports.iter().fold(text.replace("nc -N", "nc.openbsd -N"), replace)
    };
    let mut plexyd: Option<Process> = None;
    let mut ran = 0;
    for step in blocks(&readme(), "console").iter().flat_map(|block| steps(block)) {
        let command = ours(&step.command);
        if let Some(arguments) =
            command.strip_prefix("cargo run --release --locked --bin plexyd -- ")
        {
            let arguments: Vec<_> = arguments.split(' ').collect();
            plexyd = Some(Process::start(PLEXYD, &arguments).await);
            continue;
        }
        if command.starts_with("cargo test") {
            continue;
        }
        let socket = plexyd.as_ref().map(|it| it.rpc_socket().display().to_string());
        let socket = socket.unwrap_or_default();
        let command = command.replace("/run/plexy/rpc.sock", &socket);
        let command =
            command.replace("plexyctl ", &format!("{PLEXYCTL} --endpoint unix:{socket} "));
        let output = bash.run(["-c", &command]).output().await;
        let (expected, found) = (without_times(&ours(&step.output)), without_times(&output.text()));
        assert_eq!(found, expected, "$ {command}\n{}", output.errors());
        ran += 1;
    }
    assert!(plexyd.is_some(), "the README starts plexyd");
    assert!(ran >= 8, "the README was not understood: {ran} commands");
}

#[test]
fn the_help_of_the_programs_names_every_option_of_the_readme() {
    let help = |program: &str, command: &[&str]| {
        let help = Command::new(program).args(command).arg("--help").output().unwrap();
        String::from_utf8(help.stdout).unwrap()
    };
    let own: [&[&str]; 8] = [
        &["context", "add"],
        &["context", "use"],
        &["config", "show"],
        &["shell"],
        &["top"],
        &["watch"],
        &["apply"],
        &["export"],
    ];
    let own = own.iter().map(|command| help(PLEXYCTL, command)).collect::<String>();
    let help = help(PLEXYD, &[]) + &help(PLEXYCTL, &[]) + &help(BENCH, &[]) + &own;
    let readme = readme();
    for word in readme.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        let is_of_plexyd = word.starts_with("--") && word.contains(char::is_alphabetic);
        let is_of_others =
            ["--release", "--locked", "--bin", "--workspace", "--unix-socket", "--cacert", "--now"]
                .contains(&word);
        if is_of_plexyd && !is_of_others {
            assert!(help.contains(word), "`{word}` is not an option of ours");
        }
    }
}
