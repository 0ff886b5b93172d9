//! `watch`: a look again and again.

use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;
use rustix::process::Signal;

use super::Scene;

async fn shows(shell: &Terminal, text: &str) {
    eventually!(shell.shows(text), "no {text:?} in\n{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_bold_until_a_key_is_pressed() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let shell = scene.shell().await;
    shell.enter("watch -n 100ms list --columns name,backends");
    shows(&shell, "every 100ms: list").await;
    shows(&shell, "BACKENDS").await;
    assert!(!shell.shows("plexy:local>"), "{}", shell.screen());
    scene.does(&["add", "db", "4001"]).await;
    eventually!(shell.style("2").is_some_and(|it| it.is_bold), "{}", shell.screen());
    // A daemon that answers nothing holds up no key.
    scene.process.signal(Signal::STOP);
    shell.press("q");
    eventually!(shell.last_line() == "plexy:local>", "{}", shell.screen());
    scene.process.signal(Signal::CONT);
    for (line, message) in [
        ("watch close db", "does not change anything again and again"),
        ("watch events follow", "goes on by itself"),
        ("watch", "required"),
    ] {
        shell.enter(line);
        shows(&shell, message).await;
    }
    let mut shell = scene.shell().await;
    shell.enter("watch list");
    shows(&shell, "every 2s").await;
    shell.signal(Signal::TERM);
    eventually!(shell.ended().is_some(), "{}", shell.screen());
    assert!(shell.is_sane());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_look_has_the_room_that_there_is_now() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let watch = scene.program(&["watch", "-n", "100ms", "list"]).size(40, 24).start();
    shows(&watch, "NAME").await;
    assert!(!watch.shows("TOTAL"), "{}", watch.screen());
    watch.resize(100, 24);
    shows(&watch, "TOTAL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_is_one_as_it_is_without_watch() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let socket = scene.home().join("a b");
    let listen = format!("unix:{}", socket.display());
    scene.does(&["open", &format!("\"{listen}\"=4001[name=blank]")]).await;
    let watch = scene.program(&["watch", "detail", &listen]).start();
    shows(&watch, "blank").await;
    // Without the word it would be another command.
    let mut empty = scene.program(&["watch", "conns", ""]).start();
    eventually!(empty.ended().is_some(), "{}", empty.screen());
    assert_eq!(empty.ended().unwrap().exit_code(), 2);
    shows(&empty, "the argument behind `conns` is empty").await;
}
