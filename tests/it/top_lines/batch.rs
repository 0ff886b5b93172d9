//! One look behind the other.

use plexy_tests::eventually;
use plexy_tests::terminal::Program;
use plexy_tests::tool::Tool;
use rustix::process::Signal;

use super::{PLEXYCTL, Scene, signal};

const TUNNEL: &str = "0=127.0.0.1:1[name=a]";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_written_again_behind_an_empty_line() {
    let scene = Scene::start(&[TUNNEL]).await;
    let text = scene.ask(&["top", "--batch", "-n", "3", "-d", "100ms"]).await;
    let looks: Vec<_> = text.split("\n\n").collect();
    assert_eq!(looks.len(), 3, "{text}");
    assert!(looks.iter().all(|look| look.lines().count() == 4), "{text}");
    assert!(!text.contains('\x1b'), "nothing is drawn over: {text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_terminal_lines_are_written_and_that_is_told() {
    let scene = Scene::start(&[TUNNEL]).await;
    let implied = scene.run(&["top", "-n", "2", "-d", "100ms", "-o", "name"]).output().await;
    assert_eq!(implied.text(), "a\na\n");
    assert_eq!(implied.errors(), "standard output is no terminal: as with --batch\n");
    // A script does it like any other command.
    let script = "top --once -d 100ms -o name; top --batch -n 2 -d 100ms -o name";
    assert_eq!(scene.ask(&["-c", script]).await, "a\na\na\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_is_the_end_of_what_has_no_other_one() {
    let scene = Scene::start(&[TUNNEL]).await;
    for (words, code) in [(vec!["--batch"], 0), (vec!["--batch", "-n", "1000000"], 130)] {
        let top = [&words[..], &["-d", "100ms", "-o", "name"]].concat();
        let mut lines = scene.goes_on(&top);
        lines.expect_line("a").await;
        lines.expect_line("a").await;
        signal(&lines, Signal::INT);
        let ended = lines.ended().await;
        assert_eq!((ended.status.code(), ended.errors().as_str()), (Some(code), ""), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_quietly_when_its_reader_goes_away() {
    let Some(bash) = Tool::find("bash", "bash") else { return };
    let scene = Scene::start(&[TUNNEL]).await;
    let script = format!(
        "{PLEXYCTL} --endpoint {} top --batch -d 100ms | head -n 1; echo ${{PIPESTATUS[0]}}",
        scene.endpoint()
    );
    let output = bash.run(["-c", &script]).output().await;
    assert_eq!(output.text().lines().last(), Some("0"), "{}", output.errors());
    assert_eq!(output.errors(), "");
}

/// `top` in a terminal ends as what was wrongly asked for, with that sentence.
async fn refused(scene: &Scene, words: &[&str], term: &str, sentence: &str) {
    let endpoint = scene.endpoint();
    let words = [&["--endpoint", endpoint.as_str(), "top"], words].concat();
    let mut terminal = Program::new(PLEXYCTL, &words).size(120, 24).env("TERM", term).start();
    let mut ended = None;
    eventually!(
        {
            ended = ended.take().or_else(|| terminal.ended());
            ended.is_some() && terminal.shows(sentence)
        },
        "{}",
        terminal.screen()
    );
    assert_eq!(ended.map(|status| status.exit_code()), Some(2), "{words:?}");
    assert!(terminal.is_sane());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_only_written_on_gets_no_screen() {
    let scene = Scene::start(&[TUNNEL]).await;
    refused(&scene, &[], "dumb", "`plexyctl top --batch` writes lines").await;
    refused(&scene, &["-o", "json"], "xterm", "`-o` is for lines").await;
    refused(&scene, &["-n", "3"], "xterm", "`--once` and `--batch` write lines").await;
}
