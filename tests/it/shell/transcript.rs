//! The session that the README shows is typed, and what it shows comes out.

use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::terminal::Program;

use super::{Scene, ready};
use crate::process::PLEXYCTL;
use crate::readme::{blocks, readme};

/// A line that is typed behind a prompt, or an answer behind a question.
fn typed(line: &str) -> Option<(&str, &str)> {
    let marks = ["plexy:local> ", "go on? (y/N) "];
    marks.iter().find_map(|mark| {
        let end = line.find(mark)? + mark.len();
        line.split_at_checked(end)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_the_readme_comes_out_as_it_is_written() {
    let port = Port::reserve();
    let ours = |text: &str| text.replace("3000", &port.addr().port().to_string());
    let scene = Scene::start(&[]).await;
    // The commands that the shell shows lead here, where the README has a plexyd that needs no words.
    let way = format!("plexyctl --endpoint {} ", scene.endpoint());
    let plain = |shown: &str| shown.replace(&way, "plexyctl ");
    let program = Program::new(PLEXYCTL, &[]).env("PLEXY_ENDPOINT", scene.endpoint());
    let program = program.env("HOME", scene.home()).env("XDG_STATE_HOME", scene.home());
    let mut shell = ready(program.size(140, 100).start()).await;
    let blocks = blocks(&readme(), "plexyctl");
    let [block] = blocks.as_slice() else { panic!("there are {} sessions", blocks.len()) };
    let mut seen = 0;
    for line in block.lines() {
        if let Some((mark, words)) = typed(line) {
            eventually!(
                shell.last_line().starts_with(mark.trim_end()),
                "{line}:\n{}",
                shell.screen()
            );
            shell.enter(&ours(words));
            seen += 1;
        } else {
            let line = ours(line);
            let shows = || shell.screen().lines().any(|shown| plain(shown) == line);
            eventually!(shows(), "no {line:?} in\n{}", shell.screen());
        }
    }
    assert!(seen > 8, "the README was not understood: {seen} lines");
    eventually!(shell.ended().is_some(), "{}", shell.screen());
    drop(port);
}
