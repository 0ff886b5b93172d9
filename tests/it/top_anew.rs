//! Somebody who looks at a daemon that says nothing any more begins anew.

use plexy_tests::eventually;
use rustix::process::Signal;

use crate::shell::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn another_connection_is_tried_where_the_daemon_says_nothing() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let top = scene.program(&["top"]).size(160, 30).start();
    eventually!(top.shows("live") && top.shows("db"), "{}", top.screen());
    scene.process.signal(Signal::STOP);
    eventually!(top.shows("SILENT"), "{}", top.screen());
    top.press("r");
    // By itself it would wait longer, and then tell that nothing was said.
    eventually!(top.shows("DISCONNECTED"), "{}", top.screen());
    assert!(top.shows("no answer within"), "{}", top.screen());
    scene.process.signal(Signal::CONT);
    top.press("r");
    eventually!(top.shows("live") && !top.shows("DISCONNECTED"), "{}", top.screen());
}
