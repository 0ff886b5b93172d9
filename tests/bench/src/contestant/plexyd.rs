//! How plexyd is built and started.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::Site;
use crate::child::Launch;

/// Builds the plexyd of this workspace as it is released, and returns the program.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    build_of("plexyd")
}

/// The same of any program of this workspace.
pub(crate) fn build_of(program: &str) -> anyhow::Result<PathBuf> {
    // Set by `cargo run`, which is the usual way to come here.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(cargo)
        .args(["build", "--release", "--locked", "--package", program, "--bin", program])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo; name a program with --plexyd")?;
    ensure!(output.status.success(), "{program} cannot be built");
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter_map(|it| Some(it.get("executable")?.as_str()?.to_owned()));
    Ok(programs.next().context("cargo has built no program")?.into())
}

/// One thread of the data path, like the others.
pub(super) fn arguments(launch: Launch, site: Site<'_>) -> Launch {
    let metrics = site.metrics.to_string();
    let launch = launch.argument("--workers").argument("1").env("RUNTIME_DIRECTORY", site.home);
    let launch = launch.argument("--prometheus-socket").argument(metrics);
    let options = match site.certificate {
        Some(file) => format!("[tls-cert=\"{0}\",tls-key=\"{0}\"]", file.display()),
        None => String::new(),
    };
    site.tunnels.iter().fold(launch, |launch, (listen, backend)| {
        launch.argument(format!("{listen}={backend}{options}"))
    })
}
