//! What is asked before something is done that cannot be taken back.

use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;
use plexy_tests::terminal::keys::CTRL_C;
use tokio::net::{TcpListener, TcpStream};

use super::Scene;

async fn asks(shell: &Terminal, question: &str) {
    eventually!(shell.last_line() == question, "{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_resets_connections_wants_the_name_and_tells_how_many() {
    let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tunnel = format!("0={}[name=db]", backend.local_addr().unwrap());
    let scene = Scene::start(&[&tunnel]).await;
    let listen = scene.run(&["list", "--no-headers"]).output().await.success();
    let listen = listen.split_whitespace().nth(1).unwrap().to_owned();
    let _clients =
        [TcpStream::connect(&listen).await.unwrap(), TcpStream::connect(&listen).await.unwrap()];
    let open = async || scene.run(&["conns", "-q"]).output().await.success().lines().count();
    eventually!(open().await == 2);

    let shell = scene.shell().await;
    for refusal in ["", "y", "DB"] {
        shell.enter("close db");
        asks(&shell, "type `db` to go on:").await;
        assert!(shell.shows("2 open connections are reset at once"), "{}", shell.screen());
        assert!(shell.shows("same as: plexyctl --endpoint unix:/"), "{}", shell.screen());
        shell.enter(refusal);
        asks(&shell, "plexy:local>").await;
    }
    shell.enter("kill where tunnel=db");
    asks(&shell, "type `kill` to go on:").await;
    shell.press(CTRL_C);
    asks(&shell, "plexy:local>").await;
    assert_eq!(open().await, 2);
    assert_eq!(scene.tunnels().await, "db\n");

    shell.enter("close db");
    asks(&shell, "type `db` to go on:").await;
    shell.enter("db");
    eventually!(scene.tunnels().await.is_empty(), "{}", shell.screen());
    assert_eq!(open().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_enough_for_what_ends_by_itself_and_nothing_is_asked_where_it_can_be_undone() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let shell = scene.shell().await;
    shell.enter("add db 4001");
    eventually!(shell.shows("added 127.0.0.1:4001"), "{}", shell.screen());
    shell.enter("remove db 4001");
    asks(&shell, "go on? (y/N)").await;
    shell.enter("");
    eventually!(shell.shows("nothing was done"), "{}", shell.screen());
    shell.enter("remove db 4001");
    asks(&shell, "go on? (y/N)").await;
    shell.enter("y");
    eventually!(shell.shows("removed 127.0.0.1:4001"), "{}", shell.screen());
    // What is only tried out is not asked about, and what was pasted behind a no is not done.
    shell.enter("close db --dry-run");
    eventually!(shell.shows("would close"), "{}", shell.screen());
    shell.press("\x1b[200~drain db\nadd db 4002\x1b[201~");
    shell.enter("");
    asks(&shell, "go on? (y/N)").await;
    shell.enter("n");
    asks(&shell, "plexy:local>").await;
    assert!(!scene.run(&["detail", "db"]).output().await.success().contains("4002"));
    // What is wrong is told, and nothing is asked about it.
    shell.enter("drain nobody");
    eventually!(shell.shows("no tunnel `nobody`"), "{}", shell.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_against_a_change_is_told_before_it_is_typed() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let folder = scene.home().join("config/plexy");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("plexyctl.toml");
    for (settings, prompt) in [
        ("protected = true", "plexy:local!>"),
        ("read-only = true", "plexy:local (read-only)>"),
        ("protected = true\nread-only = true", "plexy:local! (read-only)>"),
    ] {
        let endpoint = scene.endpoint();
        std::fs::write(&file, format!("[context.look]\nendpoint = \"{endpoint}\"\n{settings}\n"))
            .unwrap();
        asks(&scene.program(&[]).start(), prompt).await;
    }
}
