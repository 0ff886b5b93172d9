//! What is typed, and what comes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;
use plexy_tests::terminal::keys::{CTRL_C, CTRL_R, CTRL_U, ENTER, TAB, UP};
use vt100::Color;

use super::{Scene, completes, holds_soon, leave, ready};

/// The prompt, with what is typed behind it.
fn prompt(typed: &str) -> String {
    format!("plexy:local> {typed}").trim_end().to_owned()
}

async fn shows(shell: &Terminal, text: &str) {
    eventually!(shell.shows(text), "no {text:?} in\n{}", shell.screen());
}

async fn last(shell: &Terminal, line: &str) {
    eventually!(shell.last_line() == line, "the last line is not {line:?} in\n{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_done_and_the_shell_is_left() {
    let scene = Scene::start(&[]).await;
    let mut shell = scene.shell().await;
    assert!(shell.shows("`help` lists the commands"), "{}", shell.screen());
    shell.enter("open 0=4000[name=db]");
    shows(&shell, "opened db: ").await;
    assert_eq!(scene.tunnels().await, "db\n");
    last(&shell, &prompt("")).await;
    shell.enter("clsoe db");
    shows(&shell, "did you mean `close`?").await;
    last(&shell, "✖ plexy:local>").await;
    shell.press(UP);
    last(&shell, "✖ plexy:local> clsoe db").await;
    shell.press(CTRL_C);
    last(&shell, "✖ plexy:local>").await;
    shell.press(CTRL_C);
    // The greeting has said so, too.
    eventually!(shell.screen().matches("Ctrl-D leaves\n").count() == 2, "{}", shell.screen());
    last(&shell, "✖ plexy:local>").await;
    shell.press(ENTER);
    leave(&mut shell).await;
    assert!(shell.is_sane());
}

#[tokio::test(flavor = "multi_thread")]
async fn tab_completes_from_what_there_is() {
    let scene = Scene::start(&["0=4000[name=database]", "0=4001+weight=2,4002[name=web]"]).await;
    let shell = scene.shell().await;
    shell.press(&format!("det{TAB}"));
    shows(&shell, "> detail").await;
    completes(&shell, "detail da", &prompt("detail database")).await;
    completes(&shell, "drain w", &prompt("drain web")).await;
    // The backends of that tunnel, in a menu.
    let tries = async || {
        shell.press(&format!("{CTRL_U}drain web {TAB}"));
        holds_soon(|| shell.shows("127.0.0.1:4001")).await
    };
    eventually!(tries().await, "{}", shell.screen());
    assert!(!shell.shows("127.0.0.1:4000"), "{}", shell.screen());
    shell.press(&format!("{CTRL_U}set web strat{TAB}"));
    last(&shell, &prompt("set web strategy=")).await;
    shell.press(&format!("two{TAB}"));
    last(&shell, &prompt("set web strategy=two-choices")).await;
    // What was opened in between is offered too.
    shell.press(CTRL_U);
    shell.enter("open 0=4003[name=queue]");
    shows(&shell, "opened queue").await;
    completes(&shell, "detail qu", &prompt("detail queue")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_coloured_and_its_shape_is_shown() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let shell = scene.shell().await;
    shell.press("drain");
    shows(&shell, "drain tunnel [backend] [deadline=DURATION]").await;
    assert!(shell.style("drain").unwrap().is_bold);
    assert!(shell.style("tunnel [").unwrap().is_dim);
    // What plexyd says of it may come behind the key.
    let is_known = async || {
        shell.press(&format!("{CTRL_U}drain db"));
        holds_soon(|| shell.style("db").is_some_and(|it| it.colour == Color::Idx(2))).await
    };
    eventually!(is_known().await, "{}", shell.screen());
    shell.press(&format!("{CTRL_U}open 1=2[stratgy=x]"));
    let is_wrong = |text: &str| shell.style(text).is_some_and(|it| it.is_underlined);
    eventually!(is_wrong("stratgy"), "{}", shell.screen());
    assert!(!is_wrong("open"));
    // What only has to go on is not wrong.
    shell.press(&format!("{CTRL_U}open 1=2[strat"));
    last(&shell, &prompt("open 1=2[strat")).await;
    assert!(!is_wrong("strat"));

    // Where colours are not wanted there are none, nor hints, which nobody could tell apart.
    let shell = ready(scene.program(&[]).env("NO_COLOR", "1").start()).await;
    shell.press("drain");
    last(&shell, &prompt("drain")).await;
    shell.press(" db nothing");
    last(&shell, &prompt("drain db nothing")).await;
    assert_eq!(shell.style("drain").unwrap().colour, Color::Default);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_kept_for_the_next_time_but_for_secrets() {
    let scene = Scene::start(&[]).await;
    let mut shell = scene.shell().await;
    for (line, answer) in [
        ("ping", "pong"),
        ("export", "tunnels = ["),
        (" list", "no tunnels are open"),
        ("open 0=4000[check=send-expect,check-send=\"AUTH x\",check-expect=OK,name=s]", "opened s"),
    ] {
        shell.enter(line);
        shows(&shell, answer).await;
    }
    leave(&mut shell).await;
    let file = scene.home().join("state/plexy/history");
    assert_eq!(fs::read_to_string(&file).unwrap(), "ping\nexport\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let shell = scene.shell().await;
    shell.press("pi");
    shows(&shell, "> ping").await;
    shell.press(&format!("{CTRL_U}{CTRL_R}exp"));
    shows(&shell, "export").await;
    // The first takes it over, the second does it.
    shell.press(ENTER);
    last(&shell, &prompt("export")).await;
    shell.press(ENTER);
    shows(&shell, "tunnels = [").await;
    // It is shown before it is done.
    shell.enter("!!");
    last(&shell, &prompt("export")).await;
    shell.press(ENTER);
    eventually!(shell.screen().matches("tunnels = [").count() == 2, "{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_is_done_line_by_line_until_one_fails() {
    let scene = Scene::start(&[]).await;
    let shell = scene.shell().await;
    shell.press("\x1b[200~open 0=4000[name=a]\nopen 0=4000 \\\n  [name=b]\ndetail c\nopen 0=1[name=d]\x1b[201~");
    shell.press(ENTER);
    shows(&shell, "no tunnel `c`").await;
    assert_eq!(scene.tunnels().await, "a\nb\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_through_a_pager_or_to_another_program() {
    let tunnels: Vec<_> = (0..40).map(|number| format!("0=4000[name=t{number}]")).collect();
    let tunnels: Vec<_> = tunnels.iter().map(String::as_str).collect();
    let scene = Scene::start(&tunnels).await;
    let shell = scene.shell().await;
    shell.enter("list -q | grep -c t1");
    shows(&shell, "\n11\n").await;
    shell.enter("list -o json | head -c 12");
    shows(&shell, "\"schema").await;
    // A reader that fails is its own matter.
    shell.enter("ping | false");
    shell.enter("list -q | wc -l");
    shows(&shell, "\n40\n").await;
    last(&shell, &prompt("")).await;
    let paged = ready(scene.program(&[]).env("PAGER", "sed s/t39/PAGED/").start()).await;
    paged.enter("list");
    shows(&paged, "PAGED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_vi_and_formats_can_be_set() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let shell = scene.shell().await;
    shell.enter("set output json");
    shell.enter("ping");
    shows(&shell, "plexy.ping/1").await;
    shell.enter("list -o table");
    shows(&shell, "LISTEN").await;
    // What is typed while other keys come to be is lost: not before each prompt is there.
    last(&shell, &prompt("")).await;
    shell.enter("set keys vi");
    shows(&shell, &prompt("set keys vi")).await;
    last(&shell, &prompt("")).await;
    shell.press("pong");
    last(&shell, &prompt("pong")).await;
    shell.press("\x1b");
    last(&shell, "plexy:local: pong").await;
    shell.press("0lri");
    last(&shell, "plexy:local: ping").await;
}
