//! Completion of plexyctl in real shells, in a terminal: what stands on the line after Tab.

mod scene;

use plexy_tests::daemon::Process;
use rustix::process::Signal;

use crate::process::{PLEXYCTL, PLEXYD, run};
use scene::{Kind, Scene, check};

const DB: &str = "127.0.0.1:0=10.0.0.1:80,10.0.0.2:80[name=database,check=none]";

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_program_are_completed_without_a_daemon() {
    for kind in Kind::ALL {
        let Some(scene) = Scene::new(*kind, None) else { continue };
        check(&scene, "deta", "detail ").await;
        check(&scene, "--output=j", "--output=json ").await;
        check(&scene, "-o js", "-o json ").await;
        check(&scene, "completions z", "completions zsh ").await;
        check(&scene, "set db retr", "set db retries=").await;
        check(&scene, "help tun", "help tunnel ").await;
        check(&scene, "top --bat", "top --batch ").await;
        check(&scene, "top --theme col", "top --theme colorblind ").await;
        check(&scene, "top --theme=li", "top --theme=light ").await;
        check(&scene, "top --view b", "top --view backends ").await;
        check(&scene, "top --units i", "top --units iec ").await;
        // What is only for tests is offered to nobody.
        check(&scene, "top --test", "top --test").await;
        check(&scene, "open '3000=1[strategy=rand", "open '3000=1[strategy=random").await;
        check(&scene, "conns where pha", "conns where phase=").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_and_their_backends_are_completed_with_what_the_daemon_has() {
    let process = Process::start(PLEXYD, &[DB, "127.0.0.1:0=10.9.9.9:80"]).await;
    let endpoint = format!("unix:{}", process.rpc_socket().display());
    let list = run(PLEXYCTL, &["--endpoint", &endpoint, "-o", "json", "list"]).await.success();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let listens: Vec<_> = list["tunnel_list"].as_array().unwrap().iter().collect();
    let port = |place: usize| {
        let listen = listens[place]["listen"].as_str().unwrap();
        listen.rsplit(':').next().unwrap().to_owned()
    };
    let (named, other) = (port(0), port(1));
    // As much of the port as is not the other one's too.
    let begun = named.bytes().zip(other.bytes()).take_while(|(one, two)| one == two).count() + 1;
    for kind in Kind::ALL {
        let Some(scene) = Scene::new(*kind, Some(&process)) else { continue };
        check(&scene, "detail datab", "detail database ").await;
        let (typed, whole) = (&named[..begun], format!("detail 127.0.0.1:{named} "));
        check(&scene, &format!("detail 127.0.0.1:{typed}"), &whole).await;
        check(&scene, "drain database 10.0.0.2", "drain database 10.0.0.2:80 ").await;
        check(&scene, "drain database 10.0.0.2:8", "drain database 10.0.0.2:80 ").await;
        // Another tunnel's backend is none of this one.
        check(&scene, "drain database 10.9.9.", "drain database 10.9.9.").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_does_not_answer_is_not_waited_for() {
    let process = Process::start(PLEXYD, &[DB]).await;
    process.signal(Signal::STOP);
    for kind in Kind::ALL {
        let Some(scene) = Scene::new(*kind, Some(&process)) else { continue };
        // Were it waited for it, the next word would not come either.
        check(&scene, "detail datab", "detail datab").await;
        check(&scene, "set database retr", "set database retries=").await;
    }
    process.signal(Signal::CONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_completed_where_a_file_is_wanted_and_nowhere_else() {
    for kind in Kind::ALL {
        let Some(scene) = Scene::new(*kind, None) else { continue };
        scene.make("authority.pem");
        check(&scene, "--ca author", "--ca authority.pem ").await;
        check(&scene, "--ca=author", "--ca=authority.pem ").await;
        check(&scene, "-f author", "-f authority.pem ").await;
        check(&scene, "load author", "load authority.pem ").await;
        check(&scene, "detail author", "detail author").await;
    }
}
