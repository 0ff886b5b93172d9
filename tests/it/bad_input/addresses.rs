//! Listen addresses that cannot be had: taken by a tunnel in any spelling, taken by another
//! program, or not for this user.

use std::net::TcpListener;

use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::port::Port;
use plexy_tests::tool::Tool;
use rustix::process::geteuid;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn one_address_in_any_spelling_is_one_tunnel() {
    let mut scene = Scene::new().await;
    let port = scene.tunnel.port();
    for listen in [
        format!("{port}"),
        format!("0{port}"),
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("localhost.:{port}"),
        format!("\"127.0.0.1:{port}\""),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("[::ffff:7f00:1]:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::ffff:0.0.0.0]:{port}"),
        format!("*:{port}"),
    ] {
        let why = format!("tunnel `db` is open on `127.0.0.1:{port}`");
        scene.refuses(&format!("open {listen}=4000"), &why).await;
    }
    // The same tunnel again is no conflict, in whatever spelling.
    let same = format!("localhost:{port}={}[name=db]", scene.echo.addr());
    assert_eq!(scene.ask(&format!("open {same}")).await, "OK: unchanged\n");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_is_in_the_way_of_all_it_covers() {
    let mut scene = Scene::new().await;
    let opened = scene.ask("open *:0=4000").await;
    let port = opened.trim().rsplit_once(':').unwrap().1;
    for listen in ["127.0.0.1", "127.0.0.2", "localhost", "0.0.0.0", "[::]", "[::1]", "*"] {
        let why = format!("tunnel `*:{port}` is open");
        scene.refuses(&format!("open {listen}:{port}=4001"), &why).await;
    }
    scene.ask(&format!("close *:{port}")).await;
    let opened = scene.ask("open [::]:0=4000").await;
    let port = opened.trim().rsplit_once(':').unwrap().1;
    let why = format!("tunnel `[::]:{port}` is open");
    for listen in ["[::1]", "[::]", "*"] {
        scene.refuses(&format!("open {listen}:{port}=4001"), &why).await;
    }
    // `[::]` is IPv6 only, so nothing of IPv4 is in its way.
    scene.ask(&format!("open 127.0.0.1:{port}=4001")).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_path_are_taken_once() {
    let mut scene = Scene::new().await;
    let why = format!("the name `db` is taken by the tunnel on `{}`", scene.tunnel);
    scene.refuses("open 0=4000[name=db]", &why).await;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.sock");
    scene.ask(&format!("open unix:{}=4000", path.display())).await;
    let again = format!("open unix:{}=4001", path.display());
    scene.refuses(&again, "is open").await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_another_program_has_is_not_ours() {
    let mut scene = Scene::new().await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = other.local_addr().unwrap();
    for listen in
        [addr.to_string(), format!("*:{}", addr.port()), format!("0.0.0.0:{}", addr.port())]
    {
        scene.refuses(&format!("open {listen}=4000"), "another program listens on").await;
    }
    drop(other);
    scene.ask(&format!("open {addr}=4000")).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_socket_is_no_tunnels_address() {
    let mut scene = Scene::new().await;
    let control = scene.daemon.control_addr();
    let why = format!("`{control}`: a socket of plexyd itself is open there");
    scene.refuses(&format!("open {control}=4000"), &why).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_no_socket_is_left_alone() {
    let mut scene = Scene::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let why = "there is a file that is not a socket";
    scene.refuses(&format!("open unix:{}=4000", file.display()), why).await;
    scene.refuses(&format!("open unix:{}=4000", folder.path().display()), why).await;
    scene.refuses("open unix:/no/such/folder/t.sock=4000", "cannot listen on").await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_not_of_this_machine_are_refused() {
    let mut scene = Scene::new().await;
    scene.refuses("open 192.0.2.1:3000=4000", "cannot listen on `192.0.2.1:3000`").await;
    scene.refuses("open nowhere.invalid:3000=4000", "`nowhere.invalid`").await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_below_1024_needs_a_permission() {
    let Some(unprivileged) = Unprivileged::find() else { return };
    let control = Port::reserve().addr();
    let arguments = ["--control-socket", &control.to_string()];
    let process = unprivileged.start(&arguments).await;
    let mut line = LineClient::connect(control).await;
    let why = "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE (see man plexyd, PRIVILEGES)\n";

    assert_eq!(
        line.ask("open 81=4000").await,
        format!("ERROR: cannot listen on `127.0.0.1:81`: {why}")
    );
    assert_eq!(line.ask("open *:81=4000").await, format!("ERROR: cannot listen on `*:81`: {why}"));

    assert_eq!(line.ask("status").await, "OK: Tunnels: 0\n");
    drop(process);
}

/// plexyd as a user who may nothing.
struct Unprivileged {
    /// A program that takes the privileges away first; none where the test has none itself.
    setpriv: Option<Tool>,
}

impl Unprivileged {
    fn find() -> Option<Self> {
        let limit = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
        if limit.is_ok_and(|start| start.trim().parse().is_ok_and(|start: u16| start <= 81)) {
            eprintln!("skipped: everybody may listen on port 81 here");
            return None;
        }
        if !geteuid().is_root() {
            return Some(Self { setpriv: None });
        }
        Some(Self { setpriv: Some(Tool::find("setpriv", "util-linux")?) })
    }

    async fn start(&self, arguments: &[&str]) -> Process {
        let program = env!("CARGO_BIN_EXE_plexyd-under-test");
        match &self.setpriv {
            None => Process::start(program, arguments).await,
            Some(setpriv) => {
                let drop =
                    ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
                let arguments = [&drop, [program].as_slice(), arguments].concat();
                Process::start(setpriv.path(), &arguments).await
            }
        }
    }
}
