//! plexyctl comes next: it says so, and fails.

use super::run;

const PLEXYCTL: &str = env!("CARGO_BIN_EXE_plexyctl-under-test");

#[tokio::test(flavor = "multi_thread")]
async fn plexyctl_says_that_it_comes_next_and_fails() {
    let output = run(PLEXYCTL, &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.errors().starts_with("plexyctl comes next"), "{}", output.errors());
    assert!(output.errors().contains("nc 127.0.0.1 9999"), "{}", output.errors());
    assert_eq!(output.text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn plexyctl_knows_its_version_and_no_command_yet() {
    let version = run(PLEXYCTL, &["--version"]).await.success();
    assert_eq!(version, format!("plexyctl {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(PLEXYCTL, &["status"]).await.status.code(), Some(2));
}
