//! Which rows, in which order, and how many.

use serde_json::Value;

use super::Scene;

const TUNNELS: [&str; 3] = [
    "0=127.0.0.1:1,127.0.0.1:2[name=b]",
    "0=127.0.0.1:1[name=a]",
    "0=127.0.0.1:1,127.0.0.1:2,127.0.0.1:3[name=c,strategy=first]",
];

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_and_sorted_before_they_are_sent() {
    let scene = Scene::start(&TUNNELS).await;
    for (words, expected) in [
        ("", "a\nb\nc\n"),
        ("--sort-by opened", "b\na\nc\n"),
        ("--sort-by -name", "c\nb\na\n"),
        ("--sort-by up", "a\nb\nc\n"),
        ("--filter !name:b", "a\nc\n"),
        ("--filter strategy:first", "c\n"),
        ("--filter ~rr", "a\nb\n"),
        ("--filter nothing", ""),
    ] {
        let top = ["top", "--once", "-d", "100ms", "-o", "name"];
        let words: Vec<_> = words.split_whitespace().collect();
        assert_eq!(scene.ask(&[&top[..], &words].concat()).await, expected, "{words:?}");
    }
    let none = scene.run(&["top", "--once", "-d", "100ms", "--filter", "nothing"]).output().await;
    assert_eq!(none.errors(), "no tunnel of 3 is what `--filter` asks for\n");
    // JSON has the same rows in the same order.
    let json = ["top", "--once", "-d", "100ms", "-o", "json", "--sort-by", "-name"];
    let look: Value = serde_json::from_str(&scene.ask(&json).await).unwrap();
    assert_eq!(look["tunnels"]["rows"][0]["name"], "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_and_connections_are_rows_too() {
    let scene = Scene::start(&TUNNELS).await;
    let (echo, flow) = scene.busy("d").await;
    let backends = ["top", "--once", "-d", "100ms", "--view", "backends"];
    let listed = ["--no-headers", "--columns", "tunnel,backend", "--filter", "tunnel:c"];
    let expected = "c  127.0.0.1:1\nc  127.0.0.1:2\nc  127.0.0.1:3\n";
    assert_eq!(scene.ask(&[&backends[..], &listed].concat()).await, expected);
    let connections = ["top", "--once", "-d", "100ms", "--view", "connections", "-o", "csv"];
    let listed = ["--no-headers", "--columns", "tunnel,backend,phase"];
    let expected = format!("d,{},relaying\n", echo.addr());
    assert_eq!(scene.ask(&[&connections[..], &listed].concat()).await, expected);
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_have_no_room_are_told_of() {
    let specs: Vec<_> =
        (0..510).map(|number| format!("0=127.0.0.1:1[name=t{number:03}]")).collect();
    let specs: Vec<_> = specs.iter().map(String::as_str).collect();
    let scene = Scene::start(&specs).await;
    let names = ["top", "--once", "-d", "100ms", "-o", "name", "--sort-by", "-name"];
    let cut = scene.run(&names).output().await;
    let text = cut.text();
    assert_eq!((text.lines().count(), text.lines().next()), (500, Some("t509")));
    let expected = "shown 500 of 510 tunnels; `--filter` and `--sort-by` choose which\n";
    assert_eq!(cut.errors(), expected);
    let json = ["top", "--once", "-d", "100ms", "-o", "json", "--filter", "t0"];
    let look: Value = serde_json::from_str(&scene.ask(&json).await).unwrap();
    let rows = &look["tunnels"];
    assert_eq!((&rows["total"], &rows["matched"]), (&510.into(), &100.into()));
    assert_eq!(rows["rows"].as_array().unwrap().len(), 100);
}
