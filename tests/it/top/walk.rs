//! One whole walk, by keys alone: a tunnel is opened, its traffic watched, a connection killed, the tunnel
//! drained, let go on, and closed.

use std::net::SocketAddr;

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;
use plexy_tests::terminal::keys::{DOWN, ENTER, ESCAPE};
use plexy_tests::traffic::Flow;

use super::{Scene, ends, shows, top};
use crate::shell::holds_soon;

/// The first line that says this.
fn row(top: &Terminal, text: &str) -> String {
    let screen = top.screen();
    screen.lines().find(|line| line.contains(text)).unwrap_or_default().to_owned()
}

/// Where it listens, as its name is told by the daemon.
pub(super) async fn listens(scene: &Scene, name: &str) -> SocketAddr {
    let run = scene.run(&["status", "full", "-o", "csv", "--columns", "name,listen"]);
    let listed = run.output().await.success();
    let line = listed.lines().find_map(|line| line.strip_prefix(&format!("{name},")));
    line.expect("it is open").trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_is_opened_watched_drained_and_closed_by_keys() {
    let (scene, echo) = (Scene::start(&["0=4000[name=other]"]).await, Echo::start());
    let mut top = top(&scene, &[], "other").await;

    // A form, whose raw line says the same.
    top.press("o");
    shows(&top, "Open a tunnel").await;
    top.press(&format!("0{DOWN}{}{DOWN}walk", echo.addr()));
    shows(&top, &format!("0={}[name=walk]", echo.addr())).await;
    top.press(ENTER);
    shows(&top, "opened walk").await;

    // Its traffic, found among others; then into it, down to a connection.
    let listen = listens(&scene, "walk").await;
    let mut flows = Vec::new();
    for seed in 0..3 {
        flows.push(Flow::start(listen, seed).await.unwrap());
    }
    top.press("/wlk");
    shows(&top, "no tunnel matches").await;
    // Together with what follows, Escape would be another key.
    top.press(ESCAPE);
    eventually!(!top.shows("match"), "{}", top.screen());
    top.press("/~wlk");
    shows(&top, "1 of 2 match").await;
    top.press(ENTER);
    let carries = || row(&top, "▸ ● walk").contains("1/1     3");
    eventually!(carries(), "{}", top.screen());
    eventually!(!row(&top, "▸ ● walk").contains(" 0       0"), "{}", top.screen());
    top.press(ENTER);
    shows(&top, "Tunnels ▸ walk").await;
    top.press(ENTER);
    shows(&top, "[Connections]").await;
    let connections = || top.screen().matches(" 127.0.0.1:").count();
    eventually!(connections() >= 3, "{}", top.screen());

    // One key ends nothing, nor does Enter; yes does.
    top.press("K");
    shows(&top, "Kill connection").await;
    assert!(top.shows("There is no undo") && top.shows("Same as:  plexyctl"), "{}", top.screen());
    top.press(ENTER);
    eventually!(!top.shows("Kill connection"), "{}", top.screen());
    assert!(flows.iter().all(Flow::is_running));
    top.press("Ky");
    shows(&top, "killed 1 connection").await;
    eventually!(flows.iter().filter(|flow| flow.is_running()).count() == 2);
    let position = flows.iter().position(|flow| !flow.is_running()).unwrap();
    flows.remove(position).cut().await;

    // Back, and a drain with a deadline that is chosen by keys.
    let goes_back = async || {
        top.press(ESCAPE);
        holds_soon(|| top.shows("[1] Tunnels")).await
    };
    eventually!(goes_back().await, "{}", top.screen());
    top.press("d");
    shows(&top, "Drain tunnel walk?").await;
    assert!(top.shows("2 open connections keep"), "{}", top.screen());
    top.press("++");
    shows(&top, "deadline=").await;
    top.press("y");
    shows(&top, "◐ walk").await;
    eventually!(row(&top, "◐ walk").contains("drain"), "{}", top.screen());
    assert!(flows.iter().all(Flow::is_running));
    top.press("u");
    shows(&top, "▸ ● walk").await;

    // To close it with its connections wants its name.
    top.press("c");
    shows(&top, "Close tunnel walk now?").await;
    top.press(&format!("y{ENTER}"));
    assert!(scene.tunnels().await.contains("walk"));
    top.press(ESCAPE);
    eventually!(!top.shows("Close tunnel"), "{}", top.screen());
    top.press("c");
    shows(&top, "Type walk to go on").await;
    top.press(&format!("walk{ENTER}"));
    shows(&top, "closed walk").await;
    for flow in flows {
        flow.cut().await;
    }
    assert!(!scene.tunnels().await.contains("walk"));
    top.press("q");
    ends(&mut top, 0).await;
}
