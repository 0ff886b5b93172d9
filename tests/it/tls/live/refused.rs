//! New files that are no good: what was there goes on, and it is told what is wrong with which.

use std::fs;

use plexy_tests::backend::Echo;
use plexy_tests::eventually;

use super::super::{Scene, exchange};
use super::{NAME, both, events, open_in, put, shown};

/// What `detail` says of files that are no good.
async fn refused(scene: &Scene, tunnel: impl ToString) -> Option<String> {
    scene.daemon.detail(tunnel).await.files_refused.map(|refused| refused.why)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_pair_is_told_through_every_door_and_a_good_one_mends_it() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, ",name=web").await;
    let before = shown(&scene, tunnel).await;
    let metric = async |value: u8| {
        let text = scene.daemon.monitor().get("/metrics").await.body;
        let series = "plexy_tls_certificate_last_reload_successful{tunnel=\"web\"}";
        text.contains(&format!("{series} {value}\n"))
    };
    assert!(metric(1).await);

    put(scene.path("a.pem"), "no PEM");

    let why = format!("`{}`: it holds no certificate in PEM", scene.path("a.pem"));
    eventually!(refused(&scene, tunnel).await.as_deref() == Some(why.as_str()));
    assert_eq!(shown(&scene, tunnel).await, before);
    assert!(metric(0).await);
    let told = events(&scene, "certificate-refused").await;
    let expected = format!("warning certificate-refused, tunnel web, {why}");
    assert!(told.len() == 1 && told[0].contains(&expected), "{told:?}");
    let line = scene.daemon.line().await.ask("detail web").await;
    assert!(line.contains("\tcertificate files bad for ") && line.contains(&why), "{line}");
    let info = scene.daemon.rpc().call("tunnelInfo", serde_json::json!({ "tunnel": "web" })).await;
    assert_eq!(info.unwrap()["files_refused"]["why"], why);

    let next = scene.issue("a.pem", &[NAME]);
    eventually!(shown(&scene, tunnel).await == next.der());
    eventually!(metric(1).await);
    assert_eq!(refused(&scene, tunnel).await, None);
    exchange(&mut scene.client().connect(tunnel, NAME).await.unwrap(), b"hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bad_and_is_again_as_it_is_in_use_is_told_as_good() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let text = fs::read_to_string(scene.path("a.pem")).unwrap();
    fs::remove_file(scene.path("a.pem")).unwrap();
    let why = format!("`{}`: there is no such file", scene.path("a.pem"));
    eventually!(refused(&scene, tunnel).await.as_deref() == Some(why.as_str()));
    put(scene.path("a.pem"), &text);
    eventually!(refused(&scene, tunnel).await.is_none());
    eventually!(events(&scene, "certificate-changed").await.len() == 1);
    let told = events(&scene, "certificate-changed").await;
    assert!(told[0].contains("the files are good again, and say what is in use"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_pair_is_told_if_its_own_does_not_come() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = open_in(&scene, &echo, "tls.crt", "tls.key").await;
    let before = shown(&scene, tunnel).await;
    let next = scene.authority.issue(&[NAME]);

    put(scene.path("tls.crt"), &next.certificate);

    let (cert, key) = (scene.path("tls.crt"), scene.path("tls.key"));
    let why = format!("`{key}`: its private key is not that of the certificate in `{cert}`");
    eventually!(refused(&scene, tunnel).await.as_deref() == Some(why.as_str()));
    assert_eq!(shown(&scene, tunnel).await, before);
    put(scene.path("tls.key"), &next.key);
    eventually!(shown(&scene, tunnel).await == next.der());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_read_is_told_with_its_file_whatever_is_wrong_with_it() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = open_in(&scene, &echo, "tls.crt", "tls.key").await;
    let (before, key) = (shown(&scene, tunnel).await, scene.path("tls.key"));
    let text = fs::read_to_string(&key).unwrap();
    let changes: [(&dyn Fn(), &str); 4] = [
        (&|| fs::remove_file(&key).unwrap(), "there is no such file"),
        (&|| fs::create_dir(&key).unwrap(), "it is a directory, and no file"),
        (
            &|| {
                fs::remove_dir(&key).unwrap();
                fs::write(&key, &text[..text.len() / 2]).unwrap();
            },
            "line 1: what begins here has no end: the file is cut off",
        ),
        (&|| put(&key, "\n"), "it is empty"),
    ];
    for (change, what) in changes {
        change();
        let why = format!("`{key}`: {what}");
        eventually!(refused(&scene, tunnel).await.as_deref() == Some(why.as_str()), "{why}");
        assert_eq!(shown(&scene, tunnel).await, before);
    }
    put(&key, &text);
    eventually!(refused(&scene, tunnel).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_pair_of_several_keeps_all_of_them_and_no_other_tunnel() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    for file in ["a.pem", "b.pem", "c.pem"] {
        scene.issue(file, &[NAME]);
    }
    let certs = |files: &[&str]| {
        files.iter().map(|file| format!("tls-cert={}", scene.path(file))).collect::<Vec<_>>()
    };
    let open = async |files: &[&str]| {
        scene.daemon.open(&format!("{}[{}]", echo.addr(), certs(files).join(","))).await
    };
    let (several, one) = (open(&["a.pem", "b.pem"]).await, open(&["c.pem"]).await);
    let before = shown(&scene, several).await;
    put(scene.path("b.pem"), "");
    let a = scene.issue("a.pem", &[NAME]);
    let c = scene.issue("c.pem", &[NAME]);
    eventually!(shown(&scene, one).await == c.der());
    eventually!(refused(&scene, several).await.is_some());
    assert_eq!(shown(&scene, several).await, before);
    put(scene.path("b.pem"), &both(&scene.authority.issue(&[NAME])));
    eventually!(shown(&scene, several).await == a.der());
}
