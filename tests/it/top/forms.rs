//! Changes by keys: a backend is added, set, drained, enabled, taken out of service and removed, and the
//! options of its tunnel are set. What plexyd says of it afterwards counts.

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::terminal::keys::{CTRL_U, DOWN, ENTER, ESCAPE};
use plexy_tests::terminal::{Program, Terminal};
use serde_json::Value;

use super::{Scene, ends, shows};
use crate::process::PLEXYCTL;
use crate::shell::holds_soon;

/// The specification that opens the tunnel again.
async fn spec(scene: &Scene) -> String {
    let detail = scene.run(&["detail", "db", "-o", "json"]).output().await.success();
    let detail: Value = serde_json::from_str(&detail).unwrap();
    detail["spec"].as_str().unwrap_or_else(|| panic!("{detail}")).to_owned()
}

/// Fills in the field of that name, whatever stands above it and in it.
async fn fill(top: &Terminal, field: &str, value: &str) {
    let has_keys = || {
        let line = |line: &str| line.contains('▸') && line.contains(&format!(" {field} "));
        top.screen().lines().any(line)
    };
    let goes_there = async || {
        if !has_keys() {
            top.press(DOWN);
        }
        holds_soon(has_keys).await
    };
    eventually!(goes_there().await, "no field {field} in\n{}", top.screen());
    top.press(&format!("{CTRL_U}{value}"));
}

/// Asks, sees the equal command, and agrees.
async fn agrees(top: &Terminal, key: &str, command: &str) {
    top.press(key);
    shows(top, &format!("Same as:  plexyctl {command}")).await;
    top.press("y");
    eventually!(!top.shows("Same as:"), "{}", top.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn options_and_backends_are_changed_by_keys() {
    let (one, two) = (Echo::start(), Echo::start());
    let scene = Scene::start(&[&format!("0={}[name=db]", one.addr())]).await;
    // Where it is, the equal commands need not say then.
    let program = Program::new(PLEXYCTL, &["top"]).env("PLEXY_ENDPOINT", scene.endpoint());
    let mut top = program.env("HOME", scene.home()).start();
    shows(&top, "db").await;

    // An option, after a look at the difference.
    top.press("e");
    shows(&top, "Options of db").await;
    fill(&top, "retries", "7").await;
    shows(&top, "Same as:  plexyctl set db retries=7").await;
    top.press(ENTER);
    eventually!(top.shows("retries=7") && top.shows("y "), "{}", top.screen());
    assert!(!spec(&scene).await.contains("retries="), "it was only looked at");
    top.press("y");
    eventually!(spec(&scene).await.contains("retries=7"), "{}", top.screen());
    eventually!(!top.shows("Options of db"), "{}", top.screen());

    // Another backend, which is selected then.
    top.press("b");
    shows(&top, "Add a backend to db").await;
    fill(&top, "address", &two.addr().to_string()).await;
    fill(&top, "weight", "3").await;
    shows(&top, &format!("plexyctl add db {}+weight=3", two.addr())).await;
    top.press(ENTER);
    eventually!(spec(&scene).await.contains(&format!("{}+weight=3", two.addr())));
    top.press(ENTER);
    shows(&top, "Tunnels ▸ db").await;
    let selected = format!("▸ ● {}", two.addr());
    let goes_there = async || {
        top.press(DOWN);
        holds_soon(|| top.shows(&selected)).await
    };
    eventually!(top.shows(&two.addr().to_string()), "{}", top.screen());
    eventually!(goes_there().await, "{}", top.screen());

    // It is set, drained, enabled, disabled, enabled again.
    top.press("e");
    shows(&top, "Attributes of").await;
    fill(&top, "weight", "5").await;
    top.press(ENTER);
    eventually!(top.shows("weight=5") && top.shows("y "), "{}", top.screen());
    top.press("y");
    eventually!(spec(&scene).await.contains(&format!("{}+weight=5", two.addr())));
    eventually!(!top.shows("Attributes of"), "{}", top.screen());
    agrees(&top, "d", &format!("drain db {}", two.addr())).await;
    shows(&top, &format!("▸ ◐ {}", two.addr())).await;
    top.press("u");
    shows(&top, &selected).await;
    agrees(&top, "D", &format!("disable db {}", two.addr())).await;
    shows(&top, &format!("▸ ○ {}", two.addr())).await;
    top.press("u");
    shows(&top, &selected).await;

    // What it was before can be had back, by what is told.
    agrees(&top, "x", &format!("remove db {}", two.addr())).await;
    eventually!(!spec(&scene).await.contains(&two.addr().to_string()), "{}", top.screen());
    eventually!(!top.shows(&selected), "{}", top.screen());
    top.press(ESCAPE);
    let goes_back = async || {
        top.press(ESCAPE);
        holds_soon(|| top.shows("[1] Tunnels")).await
    };
    eventually!(goes_back().await, "{}", top.screen());

    // The tunnel: drained, and open again.
    agrees(&top, "d", "drain db").await;
    shows(&top, "▸ ◐ db").await;
    top.press("u");
    shows(&top, "▸ ● db").await;
    top.press("q");
    ends(&mut top, 0).await;
}
