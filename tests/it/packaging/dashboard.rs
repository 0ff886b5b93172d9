//! The dashboard for Grafana.

use std::collections::BTreeSet;
use std::time::Duration;

use plexy_tests::daemon::HttpClient;
use plexy_tests::eventually;
use plexy_tests::server::Prometheus;
use plexy_tests::tool::Tool;
use serde_json::{Value, json};

use super::{Busy, OF_STATE, text};

/// How long Prometheus may take to have scraped often enough for a rate.
const PROMETHEUS_PATIENCE: Duration = Duration::from_secs(30);

/// What Grafana itself knows.
const OF_GRAFANA: [&str; 4] = ["__rate_interval", "__value", "__data", "__url_time_range"];

fn dashboard() -> Value {
    serde_json::from_str(&text("plexy.dashboard.json")).unwrap()
}

#[track_caller]
fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).expect(pointer)
}

#[track_caller]
fn string<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {value}"))
}

/// Every value below a key of this name, wherever it stands.
fn below<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(key));
            map.values().for_each(|value| below(value, key, found));
        }
        Value::Array(array) => array.iter().for_each(|value| below(value, key, found)),
        _ => {}
    }
}

/// What Prometheus is asked by panels and annotations.
fn expressions(dashboard: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    below(dashboard, "expr", &mut found);
    found.into_iter().map(|value| value.as_str().unwrap()).collect()
}

/// The names behind `$` and `${`.
fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_what_a_daemon_tells() {
    let dashboard = dashboard();
    let mut asked = Vec::new();
    for key in ["expr", "definition"] {
        below(&dashboard, key, &mut asked);
    }
    let asked: Vec<_> = asked.into_iter().map(|value| value.as_str().unwrap()).collect();
    Busy::check(&Busy::start().await.metrics().await, &asked.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_understands_every_expression_of_the_dashboard() {
    let Some(promtool) = Tool::find("promtool", "prometheus") else { return };
    let dashboard = dashboard();
    let rule = |(number, expression): (usize, &str)| {
        let expression = expression.replace("$__rate_interval", "1m");
        json!({"record": format!("panel:{number}"), "expr": expression})
    };
    let rules: Vec<_> = expressions(&dashboard).into_iter().enumerate().map(rule).collect();
    // JSON is YAML.
    let file = tempfile::NamedTempFile::new().unwrap();
    let groups = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    std::fs::write(file.path(), groups.to_string()).unwrap();
    let checked = promtool.run(["check".into(), "rules".into(), file.path().to_owned()]);
    let checked = checked.output().await;
    assert!(checked.is_success(), "{}{}", checked.text(), checked.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_shows_something_of_a_busy_daemon() {
    let busy = Busy::start().await;
    let HttpClient::Tcp(addr) = busy.daemon.monitor() else { unreachable!() };
    let Some(prometheus) = Prometheus::scraping(addr).await else { return };
    let dashboard = dashboard();
    for expression in expressions(&dashboard) {
        // The one that is good news as long as it finds nothing, and the one that needs a state file.
        if expression.ends_with("successful{job=~\"$job\", instance=~\"$instance\"} == 0")
            || expression.contains(OF_STATE)
        {
            continue;
        }
        let mut query = expression.replace("$__rate_interval", "1m");
        for variable in ["job", "instance", "tunnel", "backend"] {
            query = query.replace(&format!("\"${variable}\""), "\".+\"");
        }
        eventually!(
            within PROMETHEUS_PATIENCE,
            prometheus.query(&query).await.is_some(),
            "nothing is found by {query}"
        );
    }
}

#[test]
fn every_variable_of_the_dashboard_is_there_and_of_use() {
    let dashboard = dashboard();
    let variables = list(&dashboard, "/templating/list");
    let names: Vec<_> = variables.iter().map(|it| string(it, "/name")).collect();
    assert_eq!(names, ["datasource", "job", "instance", "tunnel", "backend"]);
    for variable in &variables[1..] {
        assert!(variable["multi"] == true && variable["includeAll"] == true, "{variable}");
        assert_eq!(variable["query"]["query"], variable["definition"]);
    }
    let text = text("plexy.dashboard.json");
    let used: BTreeSet<_> =
        variables_in(&text).filter(|name| !OF_GRAFANA.contains(name) && *name != "__all").collect();
    assert_eq!(used, names.into_iter().collect());
}

#[test]
fn everything_in_the_dashboard_asks_the_chosen_data_source() {
    let dashboard = dashboard();
    let mut sources = Vec::new();
    below(&dashboard, "datasource", &mut sources);
    // Grafana's own annotations, which every dashboard has.
    sources.retain(|source| source["type"] != "grafana");
    let chosen = json!({"type": "prometheus", "uid": "${datasource}"});
    assert!(sources.iter().all(|source| **source == chosen), "{sources:?}");
    let queries = list(&dashboard, "/panels").iter().filter(|panel| panel["type"] != "row");
    for panel in queries {
        assert_eq!(panel["datasource"], chosen, "{}", panel["title"]);
        assert!(list(panel, "/targets").iter().all(|target| target["datasource"] == chosen));
    }
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    let dashboard = dashboard();
    assert_eq!(string(&dashboard, "/uid"), "plexy");
    let (rows, panels): (Vec<_>, Vec<_>) =
        list(&dashboard, "/panels").iter().partition(|panel| panel["type"] == "row");
    let rows: Vec<_> = rows.iter().map(|row| string(row, "/title")).collect();
    assert_eq!(rows, ["Overview", "Tunnels", "Backends", "Latency", "Errors", "Process"]);
    for panel in panels {
        for pointer in ["/title", "/description", "/fieldConfig/defaults/unit"] {
            assert!(!string(panel, pointer).is_empty());
        }
        for target in list(panel, "/targets") {
            let is_named = target["legendFormat"].is_string() || target["format"] == "table";
            assert!(is_named, "{} has no legend", panel["title"]);
        }
    }
}

#[test]
fn no_panel_covers_another() {
    let dashboard = dashboard();
    let panels = list(&dashboard, "/panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut covered = BTreeSet::new();
    for panel in panels {
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{} is too wide", panel["title"]);
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(covered.insert((x, y)), "{} covers another panel", panel["title"]);
            }
        }
    }
}
