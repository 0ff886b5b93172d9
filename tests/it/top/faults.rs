//! What happens to the daemon while somebody looks: it is killed, restarted, stopped, or lets nobody in.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Instant;

use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::terminal::Program;
use plexy_tests::tool::Tool;
use rustix::process::{Signal, geteuid};

use super::{Scene, ends, shows, top};
use crate::process::{PLEXYCTL, PLEXYD};

/// A group that every system has (`daemon`), other than that of root.
const SOME_GROUP: u32 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_is_told_and_another_one_found() {
    let mut scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "db").await;
    let socket = scene.process.rpc_socket();
    let killed = Instant::now();
    scene.process.signal(Signal::KILL);
    scene.process.ended().await;
    shows(&top, "lost").await;
    println!("told {} ms after plexyd was killed", killed.elapsed().as_millis());
    // What was known stays, and keys are answered.
    assert!(top.shows("db"), "{}", top.screen());
    top.press("2");
    shows(&top, "[2] Backends").await;
    top.press("1");
    shows(&top, "[1] Tunnels").await;
    let arguments = ["--rpc-socket", &format!("unix:{}", socket.display()), "0=4001[name=other]"];
    let started = Instant::now();
    let _next = Process::start(PLEXYD, &arguments).await;
    shows(&top, "other").await;
    println!("back {} ms after another one was started", started.elapsed().as_millis());
    eventually!(!top.shows("lost"), "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_stopped_is_told_and_goes_on() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "db").await;
    shows(&top, "live").await;
    scene.process.signal(Signal::STOP);
    eventually!(!top.shows("live"), "{}", top.screen());
    top.press("3");
    shows(&top, "[3] Connections").await;
    top.press("1");
    scene.process.signal(Signal::CONT);
    shows(&top, "live").await;
    assert!(top.shows("db"), "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_may_not_be_opened_is_told_with_who_may_and_not_tried_again() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let socket = scene.process.rpc_socket();
    let allow = |mode| fs::set_permissions(&socket, Permissions::from_mode(mode)).unwrap();
    fs::set_permissions(socket.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
    // Its group may, and who has made it may not.
    allow(0o060);
    let endpoint = scene.endpoint();
    let arguments = ["--endpoint", &endpoint, "top"];
    let program = if geteuid().is_root() {
        // Root may open everything, and nobody joins its group.
        chown(&socket, None, Some(SOME_GROUP)).unwrap();
        let Some(setpriv) = Tool::find("setpriv", "util-linux") else { return };
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
        Program::new(setpriv.path(), &[&nobody[..], &[PLEXYCTL], &arguments].concat())
    } else {
        Program::new(PLEXYCTL, &arguments)
    };
    let mut top = program.env("HOME", scene.home()).size(160, 24).start();
    shows(&top, "permission denied").await;
    shows(&top, "members of the group").await;
    assert!(top.shows("Not tried again (r tries)"), "{}", top.screen());
    // Keys are answered, and whoever may open it by now says so.
    top.press("2");
    shows(&top, "[2] Backends").await;
    assert!(top.shows("Not tried again (r tries)"), "{}", top.screen());
    allow(0o666);
    top.press("1r");
    shows(&top, "db").await;
    assert!(!top.shows("permission denied"), "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_come_and_go() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "db").await;
    for (columns, rows) in [(20, 5), (80, 24), (160, 50), (1, 1), (60, 10)] {
        top.resize(columns, rows);
        if columns < 60 {
            eventually!(!top.shows("db"), "{columns}x{rows}:\n{}", top.screen());
        } else {
            shows(&top, "db").await;
        }
    }
    top.press("q");
    ends(&mut top, 0).await;
}
