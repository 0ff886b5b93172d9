//! The example configuration.

use std::fs;

use super::text;
use crate::process::{PLEXYD, run};
use crate::rpc_tls::authority::Authority;

/// The example, with a token and certificates of this test, and whatever is changed in it, is good.
async fn check(change: impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let (file, token) = (folder.path().join("plexy.toml"), folder.path().join("token"));
    fs::write(&token, "sesame-open").unwrap();
    let authority = Authority::new();
    let server = authority.server();
    let text = change(&text("plexy.toml"))
        .replace("/etc/plexy/token", token.to_str().unwrap())
        .replace("/etc/plexy/proxy.pem", &server.cert)
        .replace("/etc/plexy/proxy.key", &server.key)
        .replace("/etc/plexy/clients-ca.pem", &authority.ca());
    fs::write(&file, text).unwrap();
    let output = run(PLEXYD, &["--check", "--config", file.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_configuration_is_good() {
    check(str::to_owned).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_example_configuration_leaves_out_is_good_too() {
    // Prose has a blank behind its `#`; a tunnel is indented.
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') || setting.starts_with("    \"") => {
            format!("{setting}\n")
        }
        _ => format!("{line}\n"),
    };
    let uncommented = |text: &str| -> String { text.lines().map(line).collect() };
    assert!(uncommented(&text("plexy.toml")).contains("\n    \"*:5432="), "it has no tunnel");
    check(uncommented).await;
}
