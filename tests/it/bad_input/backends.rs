//! Backends that a tunnel cannot have, cannot lose, or does not have.

use plexy_tests::traffic::round_trip;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn the_last_backend_stays() {
    let mut scene = Scene::new().await;
    let echo = scene.echo.addr();
    let why = format!("`{echo}` is the last backend of tunnel `db`; add another one first");
    scene.refuses(&format!("remove db {echo}"), &why).await;
    scene.refuses(&format!("remove db localhost:{}", echo.port()), "has no backend").await;
    round_trip(scene.tunnel, 1_000).await.unwrap();
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_cannot_be_changed() {
    let mut scene = Scene::new().await;
    for line in ["close nobody", "detail nobody", "add nobody 4000", "remove nobody 4000"] {
        scene.refuses(line, "no tunnel `nobody`").await;
    }
    for line in ["close 1", "close unix:/no/such", "close *:1", "close nowhere.invalid:1"] {
        scene.refuses(line, "no tunnel").await;
    }
    // The address of a tunnel, but not its identity.
    let port = scene.tunnel.port();
    scene.refuses(&format!("close *:{port}"), "no tunnel").await;
    scene.refuses(&format!("close 127.0.0.2:{port}"), "no tunnel").await;
    scene.refuses("remove db 4000", "has no backend `127.0.0.1:4000`").await;
    scene.refuses("close dbx", "no tunnel `dbx`").await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_to_itself_is_refused_in_any_spelling() {
    let mut scene = Scene::new().await;
    let free = plexy_tests::port::Port::reserve();
    let port = free.addr().port();
    for spec in [
        format!("{port}={port}"),
        format!("{port}=localhost:{port}"),
        format!("{port}=4000,[::ffff:127.0.0.1]:{port}+backup"),
        format!("*:{port}=127.0.0.1:{port}"),
        format!("*:{port}=[::1]:{port}"),
        format!("*:{port}=127.9.9.9:{port}"),
        format!("0.0.0.0:{port}=127.0.0.1:{port}"),
        format!("[::]:{port}=[::1]:{port}"),
        "unix:/tmp/plexy-self.sock=unix:/tmp/plexy-self.sock".to_owned(),
    ] {
        scene.refuses(&format!("open {spec}"), "itself").await;
    }
    assert!(!std::path::Path::new("/tmp/plexy-self.sock").exists());

    let tunnel = scene.tunnel;
    scene.refuses(&format!("add db {tunnel}"), "itself").await;
    scene.refuses(&format!("add db localhost:{}", tunnel.port()), "itself").await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_is_in_a_tunnel_once() {
    let mut scene = Scene::new().await;
    let echo = scene.echo.addr();
    scene.ask(&format!("add db {echo}")).await;
    scene.refuses(&format!("add db {echo}+weight=2"), "already; `set` changes").await;
    scene.refuses(&format!("add db {echo}+backup"), "already; `set` changes").await;
    assert_eq!(scene.daemon.detail(scene.tunnel).await.backend_list.len(), 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_that_are_no_addresses_are_refused() {
    let mut scene = Scene::new().await;
    for (backend, why) in [
        ("4000,4001", "at column 12"),
        ("*:4000", "is no address to connect to"),
        ("0", "port 0 cannot be connected to"),
        ("4000[name=x]", "at column 12"),
        ("4000 4001", "at column"),
        ("4000+weight=0", "`weight`"),
        ("4000+wieght=1", "did you mean `weight`?"),
        ("\"unix:/x", "the quote is not closed"),
    ] {
        scene.refuses(&format!("add db {backend}"), why).await;
    }
    scene.end().await;
}
