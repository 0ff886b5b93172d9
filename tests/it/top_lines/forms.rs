//! Tables, JSON, JSON a line, CSV and names.

use plexy_tests::tool::Tool;
use serde_json::Value;

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn one_look_is_two_lines_of_sums_and_the_tunnels() {
    let scene = Scene::start(&["0=127.0.0.1:1[name=quiet]"]).await;
    let (_echo, flow) = scene.busy("busy").await;
    let text = scene.ask(&["top", "--once"]).await;
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].contains("Z plexyd ") && lines[0].contains("  tunnels 2  "), "{text}");
    assert!(lines[1].starts_with("conns 1  new/s "), "{text}");
    let titles: Vec<_> = lines[2].split_whitespace().collect();
    let expected = ["NAME", "LISTEN", "STATE", "UP", "CONNS", "NEW/S", "IN/S", "OUT/S", "ERR/S"];
    assert_eq!(titles, expected);
    assert_eq!(lines.len(), 5, "{text}");

    let rows = scene.ask(&["top", "--once", "--no-headers", "--columns", "health,name"]).await;
    assert_eq!(rows, "ok  busy\nok  quiet\n");
    let wide = scene.ask(&["top", "--once", "-o", "wide"]).await;
    assert!(wide.contains("STRATEGY"), "{wide}");
    let vertical = scene.ask(&["top", "--once", "-o", "vertical"]).await;
    assert!(vertical.starts_with("*** busy\n"), "{vertical}");
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_the_reply_as_it_came_with_rates_that_are_real() {
    let scene = Scene::start(&[]).await;
    let (_echo, flow) = scene.busy("busy").await;
    let look: Value =
        serde_json::from_str(&scene.ask(&["top", "--once", "-o", "json"]).await).unwrap();
    assert_eq!(
        (&look["schema"], &look["sums"]["tunnels"]["ok"]),
        (&"plexy.top/1".into(), &1.into())
    );
    assert!(look["over_ms"].as_u64() > Some(0), "{look}");
    let row = &look["tunnels"]["rows"][0];
    assert_eq!((&row["name"], &row["connections"]), (&"busy".into(), &1.into()), "{look}");
    assert!(row["rate_in"].as_u64() > Some(0) && row["rate_out"].as_u64() > Some(0), "{look}");
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_of_a_program_that_reads_lines_is_one() {
    let scene = Scene::start(&["0=127.0.0.1:1[name=a]"]).await;
    let text = scene.ask(&["top", "--batch", "-n", "3", "-d", "100ms", "-o", "ndjson"]).await;
    let looks: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(looks.len(), 3, "{text}");
    let moments: Vec<_> = looks.iter().map(|look| look["monotonic_ms"].as_u64().unwrap()).collect();
    assert!(moments.is_sorted() && moments[0] < moments[2], "{moments:?}");
    assert!(looks.iter().all(|look| look["schema"] == "plexy.top/1"));

    // What comes once is one document in any case.
    for (words, code) in [("list", 2), ("health", 3), ("conns", 2), ("events", 2)] {
        let refused = scene.run(&[words, "-o", "ndjson"]).output().await;
        assert_eq!(refused.status.code(), Some(code), "{words}");
        let error: Value = serde_json::from_str(refused.errors().trim_end()).unwrap();
        assert_eq!(error["error"]["hint"], "`-o json` is one document", "{words}");
        assert_eq!(refused.errors().lines().count(), 1, "{words}");
    }
    let mut follower = super::tool(super::PLEXYCTL).converse([
        "--endpoint",
        &scene.endpoint(),
        "-o",
        "ndjson",
        "events",
        "follow",
    ]);
    let event: Value = serde_json::from_str(&follower.wait_for("daemon-ready").await).unwrap();
    assert_eq!(event["severity"], "info");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_csv_say_of_which_look_they_are_below_one_line_of_keys() {
    let Some(python) = Tool::find("python3", "python3") else { return };
    let scene = Scene::start(&["0=127.0.0.1:1[name=a]", "0=127.0.0.1:1[name=b]"]).await;
    let csv = scene.ask(&["top", "--batch", "-n", "2", "-d", "100ms", "-o", "csv"]).await;
    let read = "import csv, json, sys; print(json.dumps(list(csv.DictReader(sys.stdin))))";
    let rows = python.run(["-c", read]).input(csv).output().await.success();
    let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "a", "b"]);
    assert_eq!(rows[0]["time"], rows[1]["time"]);
    assert_ne!(rows[0]["time"], rows[2]["time"]);
    assert_eq!((&rows[0]["up"], &rows[0]["in"]), (&"1".into(), &"0".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_do_not_go_together_are_refused() {
    let scene = Scene::start(&[]).await;
    for (words, sentence) in [
        ("top --once --batch", "cannot be used with"),
        ("top --batch --theme mono", "cannot be used with"),
        ("top --once -n 3", "cannot be used with"),
        ("top --once -o json --columns name", "`--columns` does not go with `-o json`"),
        ("top --once --columns nmae", "there is no column `nmae`"),
        ("top --once --sort-by nmae", "`nmae` is not one of health, name, "),
        ("top --once --view connections --sort-by up", "`up` is not one of id, tunnel, "),
        ("top --once --dry-run", "nothing to try out"),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let refused = scene.run(&words).output().await;
        assert_eq!(refused.status.code(), Some(2), "{words:?}");
        assert!(refused.errors().contains(sentence), "{words:?}: {}", refused.errors());
        assert_eq!(refused.text(), "", "{words:?}");
    }
}
