//! The alert rules, and the runbook that they point to.

use plexy_tests::tool::Tool;

use super::{Busy, path, text};

const RULES: &str = "plexy.rules.yml";
const TESTS: &str = "plexy.rules.test.yml";
const RUNBOOK: &str = "RUNBOOK.md";

/// The alerts: the name of each, and the lines that make it.
fn alerts(rules: &str) -> Vec<(&str, &str)> {
    let alerts: Vec<_> =
        rules.split("- alert: ").skip(1).map(|alert| alert.split_once('\n').unwrap()).collect();
    assert_eq!(alerts.len(), 12);
    alerts
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_the_alert_rules_good() {
    let Some(promtool) = Tool::find("promtool", "prometheus") else { return };
    let checked = promtool.run(["check".into(), "rules".into(), path(RULES)]).output().await;
    assert!(checked.success().contains("SUCCESS: 12 rules found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_alert_fires_when_it_should_and_only_then() {
    let Some(promtool) = Tool::find("promtool", "prometheus") else { return };
    let tested = promtool.run(["test".into(), "rules".into(), path(TESTS)]).output().await;
    assert!(tested.success().contains("SUCCESS"));
    let tests = text(TESTS);
    for (name, _) in alerts(&text(RULES)) {
        let expected = format!("alertname: {name}\n        exp_alerts:");
        let is_silent = tests.contains(&format!("{expected} []\n"));
        let is_fired = tests.contains(&format!("{expected}\n"));
        assert!(is_silent && is_fired, "{name} is not tested both ways");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alert_rules_ask_for_what_a_daemon_tells() {
    let told = Busy::start().await.metrics().await;
    Busy::check(&told, &text(RULES));
    Busy::check(&told, &text(TESTS));
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let (rules, runbook) = (text(RULES), text(RUNBOOK));
    let alerts = alerts(&rules);
    for (name, lines) in &alerts {
        for key in ["severity", "summary", "description"] {
            assert!(lines.contains(&format!(" {key}: ")), "{name} has no {key}");
        }
        let url = lines.lines().find_map(|line| line.trim().strip_prefix("runbook_url: "));
        let (file, anchor) = url.and_then(|url| url.split_once('#')).expect(name);
        assert!(file.starts_with("https://") && file.ends_with(RUNBOOK), "{name}: {file}");
        assert_eq!(anchor, name.to_lowercase());
    }
    let headings: Vec<_> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let names: Vec<_> = alerts.iter().map(|(name, _)| *name).collect();
    assert_eq!(headings, names);
}
