//! The dashboard under load, as the README shows it. `PLEXY_CAPTURE` names a folder: there the screen is
//! written as text and as a picture, once its graphs are full.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use plexy_tests::backend::{Echo, Refuser};
use plexy_tests::eventually;
use plexy_tests::terminal::Program;
use plexy_tests::traffic::{Flow, round_trip};
use tokio::task::JoinSet;

use super::{PLEXYCTL, Scene};

/// How long graphs take to be full.
const FULL: Duration = Duration::from_secs(45);

/// The load: so many connections of each tunnel that live, each with a pause between two pieces.
const LIVING: [(&str, u64, Duration); 4] = [
    ("web", 60, Duration::from_millis(20)),
    ("mqtt", 102, Duration::from_millis(400)),
    ("cache", 14, Duration::from_millis(200)),
    ("ssh-bastion", 9, Duration::from_secs(1)),
];

/// Tunnels that are well, degraded, down, and draining.
async fn opened(
    scene: &Scene,
    echo: SocketAddr,
    refuser: SocketAddr,
) -> Vec<(&'static str, SocketAddr)> {
    let mut opened = Vec::new();
    for (name, rest) in [
        (
            "web",
            format!(
                "{echo},{refuser}[name=web,strategy=least-conn,max-fails=3,check=tcp,check-interval=1s]"
            ),
        ),
        ("mqtt", format!("{echo}[name=mqtt,strategy=random]")),
        ("cache", format!("{echo}[name=cache]")),
        ("ssh-bastion", format!("{echo}[name=ssh-bastion,max-conns=50]")),
        ("db-ro", format!("{refuser}[name=db-ro,check=tcp,check-interval=1s,on-all-down=refuse]")),
    ] {
        let spec = format!("0={rest}");
        let listen = scene.ask(&["-q", "open", &spec]).await;
        opened.push((name, listen.trim().parse().unwrap()));
    }
    opened
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_shows_what_flows() {
    let scene = Scene::start(&[]).await;
    let (echo, refuser) = (Echo::start(), Refuser::start());
    let tunnels = opened(&scene, echo.addr(), refuser.addr()).await;
    let addr = |name: &str| tunnels.iter().find(|(it, _)| *it == name).unwrap().1;
    let mut flows = Vec::new();
    for (name, count, pause) in LIVING {
        for seed in 0..count {
            flows.push(Flow::paced(addr(name), seed, pause).await.unwrap());
        }
    }
    // Those that come and go.
    let mut visits = JoinSet::new();
    let web = addr("web");
    visits.spawn(async move {
        loop {
            round_trip(web, 2_000).await.ok();
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    });
    scene.ask(&["drain", "cache"]).await;
    let endpoint = scene.endpoint();
    let words = ["--endpoint", &endpoint, "top", "--theme", "dark"];
    let terminal = Program::new(PLEXYCTL, &words).size(80, 24).start();
    for shown in ["web", "mqtt", "cache", "ssh-bastion", "db-ro", "Tunnels"] {
        eventually!(terminal.shows(shown), "{shown}: {}", terminal.screen());
    }
    if let Some(folder) = std::env::var_os("PLEXY_CAPTURE").map(PathBuf::from) {
        tokio::time::sleep(FULL).await;
        std::fs::write(folder.join("top.txt"), terminal.screen() + "\n").unwrap();
        std::fs::write(folder.join("top.svg"), terminal.picture()).unwrap();
    }
    terminal.press("q");
    eventually!(terminal.is_sane());
    visits.shutdown().await;
}
