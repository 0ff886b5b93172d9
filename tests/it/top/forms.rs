//! Changes by keys: a backend is added, set, drained, enabled, taken out of service and removed, and the
//! options of its tunnel are set. What plexyd says of it afterwards counts.

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;
use plexy_tests::terminal::keys::{CTRL_U, DOWN, ENTER, ESCAPE, UP};
use serde_json::Value;

use super::{Scene, ends, shows, top};
use crate::shell::holds_soon;

/// What is offered once plexyd has told what it would do.
const AGREES: &str = "[ Cancel ]     y  ";

/// The specification that opens the tunnel again.
async fn spec(scene: &Scene) -> String {
    let detail = scene.run(&["detail", "db", "-o", "json"]).output().await.success();
    let detail: Value = serde_json::from_str(&detail).unwrap();
    detail["spec"].as_str().unwrap_or_else(|| panic!("{detail}")).to_owned()
}

/// Goes to the line that says this, which is seen: a row, or a field, by what marks the one that has the
/// keys. One key, and a look where it led.
async fn select(top: &Terminal, mark: &str, text: &str) {
    shows(top, text).await;
    let line = |text: &str| {
        let screen = top.screen();
        let found = screen.lines().enumerate().find(|(_, line)| line.contains(text));
        found.map(|(row, line)| (row, line.to_owned()))
    };
    let is_there = || line(mark).is_some_and(|(_, line)| line.contains(text));
    let goes = async || {
        if !is_there() {
            let before = line(mark);
            top.press(if before < line(text) { DOWN } else { UP });
            holds_soon(|| line(mark) != before).await;
        }
        is_there()
    };
    eventually!(goes().await, "no way to {text:?} in\n{}", top.screen());
}

/// Fills in the field of that name, whatever stands in it.
async fn fill(top: &Terminal, field: &str, value: &str) {
    select(top, "│ ▸", &format!(" {field} ")).await;
    top.press(&format!("{CTRL_U}{value}"));
}

/// Sees the equal command, which may have no room in one line.
async fn is_same_as(top: &Terminal, scene: &Scene, command: &str) {
    let command = format!("Same as: plexyctl --endpoint {} {command}", scene.endpoint());
    let is_told = || {
        let screen = top.screen().replace('│', " ");
        screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(&command)
    };
    eventually!(is_told(), "no {command:?} in\n{}", top.screen());
}

/// Asks, sees the equal command, and agrees.
async fn agrees(top: &Terminal, scene: &Scene, key: &str, command: &str) {
    top.press(key);
    is_same_as(top, scene, command).await;
    shows(top, AGREES).await;
    // Whoever is faster than plexyd tells of the change before is told so, and says it again.
    let is_done = async || {
        top.press("y");
        holds_soon(|| !top.shows("Same as:")).await
    };
    eventually!(is_done().await, "{}", top.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn options_and_backends_are_changed_by_keys() {
    let (one, two) = (Echo::start(), Echo::start());
    let scene = Scene::start(&[&format!("0={}[name=db]", one.addr())]).await;
    let mut top = top(&scene, &["--delay", "250ms"], "▸ ● db").await;

    // An option, after a look at the difference.
    top.press("e");
    shows(&top, "Options of db").await;
    fill(&top, "retries", "7").await;
    is_same_as(&top, &scene, "set db retries=7").await;
    top.press(ENTER);
    shows(&top, "Change db?").await;
    shows(&top, AGREES).await;
    assert!(!spec(&scene).await.contains("retries="), "it was only looked at");
    top.press("y");
    eventually!(spec(&scene).await.contains("retries=7"), "{}", top.screen());
    eventually!(!top.shows("Options of db"), "{}", top.screen());

    // Another backend, which is selected then.
    top.press("b");
    shows(&top, "Add a backend to db").await;
    fill(&top, "address", &two.addr().to_string()).await;
    fill(&top, "weight", "3").await;
    is_same_as(&top, &scene, &format!("add db {}+weight=3", two.addr())).await;
    top.press(ENTER);
    eventually!(spec(&scene).await.contains(&format!("{}+weight=3", two.addr())));
    top.press(ENTER);
    shows(&top, "Tunnels ▸ db").await;
    let selected = format!("▸ ● {}", two.addr());
    shows(&top, &format!("● {}", two.addr())).await;
    select(&top, "▸ ● ", &format!("● {}", two.addr())).await;
    shows(&top, &selected).await;

    // It is set, drained, enabled, disabled, enabled again.
    top.press("e");
    shows(&top, "Attributes of").await;
    fill(&top, "weight", "5").await;
    top.press(ENTER);
    shows(&top, &format!("Change {} of db?", two.addr())).await;
    shows(&top, AGREES).await;
    top.press("y");
    eventually!(spec(&scene).await.contains(&format!("{}+weight=5", two.addr())));
    eventually!(!top.shows("Attributes of"), "{}", top.screen());
    agrees(&top, &scene, "d", &format!("drain db {}", two.addr())).await;
    shows(&top, &format!("▸ ◐ {}", two.addr())).await;
    top.press("u");
    shows(&top, &selected).await;
    agrees(&top, &scene, "D", &format!("disable db {}", two.addr())).await;
    shows(&top, &format!("▸ ○ {}", two.addr())).await;
    top.press("u");
    shows(&top, &selected).await;

    // What it was before can be had back, by what is told.
    agrees(&top, &scene, "x", &format!("remove db {}", two.addr())).await;
    eventually!(!spec(&scene).await.contains(&two.addr().to_string()), "{}", top.screen());
    eventually!(!top.shows(&selected), "{}", top.screen());
    let goes_back = async || {
        top.press(ESCAPE);
        holds_soon(|| top.shows("[1] Tunnels")).await
    };
    eventually!(goes_back().await, "{}", top.screen());

    // The tunnel: drained, and open again.
    agrees(&top, &scene, "d", "drain db").await;
    shows(&top, "▸ ◐ db").await;
    top.press("u");
    shows(&top, "▸ ● db").await;
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_change_by_somebody_else_a_question_can_be_answered_however_seldom_it_is_looked() {
    let echo = Echo::start();
    let scene = Scene::start(&[&format!("0={}[name=db]", echo.addr())]).await;
    let mut top = top(&scene, &["--delay", "1h"], "▸ ● db").await;
    // In the tunnel a question wants nothing to be told that is not told already.
    top.press(ENTER);
    shows(&top, &format!("▸ ● {}", echo.addr())).await;
    top.press("d");
    is_same_as(&top, &scene, &format!("drain db {}", echo.addr())).await;
    shows(&top, AGREES).await;
    scene.does(&["set", "db", "retries=7"]).await;
    top.press("y");
    shows(&top, "Look again: something has changed since you were asked.").await;
    // Not at once: it has to be read first.
    let is_drained = async || {
        top.press("y");
        let detail = scene.run(&["detail", "db", "-o", "json"]).output().await.success();
        let detail: Value = serde_json::from_str(&detail).unwrap();
        detail["backend_list"][0]["admin"]["state"] == "drain"
    };
    eventually!(is_drained().await, "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
}
