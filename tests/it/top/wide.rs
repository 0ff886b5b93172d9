//! A terminal of 160x50, with traffic: all of it at once, and the lower half follows the selection.

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::terminal::keys::DOWN;
use plexy_tests::traffic::round_trip;
use tokio::net::TcpStream;

use super::walk::listens;
use super::{Scene, ends, shows};

/// What is sent, so that there is something to be seen.
const BYTES: u64 = 4_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn all_is_seen_at_once_and_the_lower_half_follows_the_selection() {
    let echo = Echo::start();
    let spec = |name, retries| format!("0={}[name={name},retries={retries}]", echo.addr());
    let scene = Scene::start(&[&spec("db", 4), &spec("web", 7)]).await;
    let mut top = scene.program(&["top", "--delay", "250ms"]).size(160, 50).start();
    shows(&top, "▸ ● db").await;
    for text in ["╭ In ─", "╭ Out ─", "╭ Connections ─", "╭ Backend connect ─", "STRATEGY"]
    {
        assert!(top.shows(text), "no {text:?} in\n{}", top.screen());
    }
    for pane in ["backends", "connect time", "top connections by rate", "options"] {
        shows(&top, &format!("db ▸ {pane}")).await;
    }
    shows(&top, "retries 4").await;
    // Of nothing, no time is told.
    assert!(top.shows("p50 —   p99 —"), "{}", top.screen());

    // What flows is seen, first in the sums, then of what is selected.
    let web = listens(&scene, "web").await;
    round_trip(web, BYTES).await.unwrap();
    eventually!(top.shows("max ") && !top.shows("max 0 B/s"), "{}", top.screen());
    assert!(!top.shows("p50 —   p99 —"), "{}", top.screen());
    let open = TcpStream::connect(web).await.unwrap();
    let client = open.local_addr().unwrap().to_string();
    shows(&top, "1 open").await;
    assert!(!top.shows(&client), "{}", top.screen());
    top.press(DOWN);
    shows(&top, "▸ ● web").await;
    for pane in ["backends", "connect time", "top connections by rate", "options"] {
        shows(&top, &format!("web ▸ {pane}")).await;
    }
    shows(&top, "retries 7").await;
    shows(&top, &client).await;
    assert!(!top.shows("db ▸"), "{}", top.screen());
    drop(open);
    eventually!(!top.shows(&client), "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
}
