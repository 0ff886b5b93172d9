//! plexyd as a service of systemd, of which a small stand-in of our own plays the part.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use plexy_tests::backend::{Echo, Greeter};
use plexy_tests::daemon::{HttpClient, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::systemd::Systemd;
use plexy_tests::thread::HeldThread;
use plexy_tests::traffic::{Flow, round_trip};
use rustix::process::Signal;
use tokio::io::AsyncReadExt;

use crate::process::PLEXYD;

const CONTROL: [&str; 2] = ["--control-socket", "127.0.0.1:0"];

/// How often the service is started again under load.
const RESTARTS: usize = 10;

async fn ask(process: &Process, command: &str) -> String {
    LineClient::connect(process.control_addr()).await.ask(command).await
}

/// Has it end, as `systemctl stop` does.
async fn stop(process: &mut Process) {
    process.signal(Signal::TERM);
    assert!(process.ended().await.success(), "{}", process.log());
}

/// What the greeter behind a tunnel says.
async fn greeting(tunnel: SocketAddr) -> std::io::Result<[u8; 5]> {
    let mut stream = Stream::connect(tunnel).await?;
    let mut text = [0; 5];
    stream.read_exact(&mut text).await?;
    Ok(text)
}

/// The name under which the socket of a tunnel is kept.
fn kept_as(tunnel: SocketAddr) -> String {
    let digits: String = tunnel.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("tunnel-{digits}")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_what_the_service_does() {
    let systemd = Systemd::start();
    let echo = Echo::start();
    let spec = format!("0={}", echo.addr());
    let arguments = [&CONTROL[..], &["--shutdown-deadline", "1h", &spec]].concat();

    let mut process = systemd.start_service(PLEXYD, &arguments).await;

    assert_eq!(ask(&process, "ping").await, "OK: pong\n", "it is ready when it says so");
    let status = "STATUS=tunnels: 1; connections: 0".to_owned();
    eventually!(systemd.last("STATUS=") == Some(status.clone()));
    ask(&process, "open 0=nosuch.invalid:1").await;
    let down = "STATUS=tunnels: 2, 1 down; connections: 0".to_owned();
    eventually!(systemd.last("STATUS=") == Some(down.clone()), "{:?}", systemd.last("STATUS="));

    process.signal(Signal::HUP);
    eventually!(systemd.count("RELOADING=1") == 1);
    assert!(systemd.last("MONOTONIC_USEC=").is_some());
    eventually!(systemd.count("READY=1") == 2);

    process.signal(Signal::TERM);
    eventually!(systemd.count("STOPPING=1") == 1);
    assert!(process.ended().await.success());
    assert_eq!(systemd.count("WATCHDOG=1"), 0, "nobody has asked for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_hears_of_the_data_path_and_not_of_a_clock() {
    let systemd = Systemd::start();
    let watchdog = [("WATCHDOG_USEC", "400000")];
    let arguments = [&CONTROL[..], &["--workers", "2"]].concat();
    let process = systemd.spawn(PLEXYD, &arguments, &[], &watchdog);
    eventually!(systemd.count("WATCHDOG=1") > 3, "{}", process.log());

    // One thread of the data path does not turn; all others do.
    let held = HeldThread::of(process.pid(), "worker-1");

    eventually!(process.says("a worker does not turn"), "{}", process.log());
    let heard = systemd.count("WATCHDOG=1");
    assert_eq!(ask(&process, "ping").await, "OK: pong\n");
    eventually!(process.log().matches("a worker does not turn").count() > 3);
    assert_eq!(systemd.count("WATCHDOG=1"), heard);
    drop(held);
    eventually!(systemd.count("WATCHDOG=1") > heard + 3, "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_it_listens_on_are_used_by_their_name() {
    let systemd = Systemd::start();
    let folder = tempfile::tempdir().unwrap();
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (control, metrics, tunnel, unused) = (listen(), listen(), listen(), listen());
    let rpc = UnixListener::bind(folder.path().join("rpc.sock")).unwrap();
    let echo = Echo::start();
    let tunnel_addr = tunnel.local_addr().unwrap();
    let spec = format!("{tunnel_addr}={}[name=web]", echo.addr());
    let process = systemd.spawn(
        PLEXYD,
        &[&spec],
        &[
            ("control", &control),
            ("metrics", &metrics),
            ("rpc", &rpc),
            ("tunnel-web", &tunnel),
            ("what", &unused),
        ],
        &[],
    );
    eventually!(systemd.count("READY=1") == 1, "{}", process.log());

    let mut line = LineClient::connect(control.local_addr().unwrap()).await;
    assert_eq!(line.ask("status").await, "OK: Tunnels: 1\n");
    let rpc = HttpClient::Unix(folder.path().join("rpc.sock"));
    assert_eq!(rpc.call("ping", serde_json::json!({})).await.unwrap(), "pong");
    assert!(!process.rpc_socket().exists(), "one that is passed replaces the one of its own");
    let scrape = HttpClient::Tcp(metrics.local_addr().unwrap()).get("/metrics").await;
    assert!(scrape.body.contains("plexy_ready 1"));
    round_trip(tunnel_addr, 10_000).await.unwrap();
    eventually!(process.says("name=\"what\""), "{}", process.log());
    // Nobody else listens there: whoever comes is refused once the last copy is closed.
    let unused_addr = unused.local_addr().unwrap();
    drop(unused);
    // A process that another test is just starting may hold one for a moment.
    eventually!(Stream::connect(unused_addr).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_tunnel_refuses_clients_although_its_socket_was_kept() {
    let systemd = Systemd::start();
    let echo = Echo::start();
    let port = Port::reserve();
    let spec = format!("{}={}", port.addr(), echo.addr());
    let process = systemd.start_service(PLEXYD, &[&CONTROL[..], &[&spec]].concat()).await;
    eventually!(systemd.kept() == [kept_as(port.addr())]);

    assert_eq!(ask(&process, &format!("close {}", port.addr())).await, "OK\n");

    assert!(Stream::connect(port.addr()).await.is_err());
    eventually!(systemd.kept().is_empty());
    assert_eq!(ask(&process, &format!("open {spec}")).await, "OK\n");
    round_trip(port.addr(), 10_000).await.unwrap();
    eventually!(systemd.kept() == [kept_as(port.addr())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_restarts_under_load_refuse_no_connection() {
    let systemd = Systemd::start();
    let greeter = Greeter::start("hello");
    let folder = tempfile::tempdir().unwrap();
    let state = format!("--state={}", folder.path().join("state").display());
    let arguments = [&CONTROL[..], &[&state]].concat();
    let mut process = systemd.start_service(PLEXYD, &arguments).await;
    let opened = ask(&process, &format!("open 0={}", greeter.addr())).await;
    let tunnel: SocketAddr = opened.trim().trim_start_matches("OK: ").parse().unwrap();
    let (enough, stopped) = tokio::sync::watch::channel(false);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let stopped = stopped.clone();
            tokio::spawn(async move {
                let mut greeted = 0_u64;
                while !*stopped.borrow() {
                    let heard = greeting(tunnel).await;
                    assert_eq!(heard.map_err(|error| error.to_string()), Ok(*b"hello"));
                    greeted += 1;
                }
                greeted
            })
        })
        .collect();
    for restart in 0..RESTARTS {
        stop(&mut process).await;
        process = systemd.start_service(PLEXYD, &arguments).await;
        assert_eq!(ask(&process, "status").await, "OK: Tunnels: 1\n", "restart {restart}");
        let revision = ask(&process, "history").await;
        assert!(revision.contains("opened"), "{revision}");
    }
    enough.send(true).unwrap();
    let mut greeted = 0;
    for client in clients {
        greeted += client.await.unwrap();
    }
    assert!(greeted > 100, "{greeted} connections in {RESTARTS} restarts");
    eprintln!("{greeted} connections in {RESTARTS} restarts, none refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_of_a_tunnel_that_is_no_more_is_given_up() {
    let systemd = Systemd::start();
    let echo = Echo::start();
    let port = Port::reserve();
    let spec = format!("{}={}", port.addr(), echo.addr());
    let mut process = systemd.start_service(PLEXYD, &[&CONTROL[..], &[&spec]].concat()).await;
    eventually!(systemd.kept().len() == 1);
    stop(&mut process).await;

    let process = systemd.start_service(PLEXYD, &CONTROL).await;

    eventually!(systemd.kept().is_empty(), "{}", process.log());
    eventually!(Stream::connect(port.addr()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_may_listen_elsewhere_after_a_restart() {
    let systemd = Systemd::start();
    let echo = Echo::start();
    let port = Port::reserve();
    let spec = format!("{}={}", port.addr(), echo.addr());
    let mut process = systemd.start_service(PLEXYD, &[&CONTROL[..], &[&spec]].concat()).await;
    eventually!(systemd.kept().len() == 1);
    for listen in [format!("*:{}", port.addr().port()), port.addr().to_string()] {
        stop(&mut process).await;
        let spec = format!("{listen}={}", echo.addr());
        process = systemd.start_service(PLEXYD, &[&CONTROL[..], &[&spec]].concat()).await;
        round_trip(port.addr(), 10_000).await.unwrap();
        eventually!(systemd.kept().len() == 1, "{:?}", systemd.kept());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_of_a_kept_socket_has_to_lead_to_it() {
    let systemd = Systemd::start();
    let echo = Echo::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tunnel.sock");
    let spec = format!("unix:{}={}", path.display(), echo.addr());
    let arguments = [&CONTROL[..], &[&spec]].concat();
    let mut process = systemd.start_service(PLEXYD, &arguments).await;
    eventually!(systemd.kept().len() == 1);
    stop(&mut process).await;
    let waiting = std::os::unix::net::UnixStream::connect(&path).expect("it goes on listening");

    process = systemd.start_service(PLEXYD, &arguments).await;
    let carried = "open conns 1, total 1,";
    eventually!(ask(&process, "status full").await.contains(carried), "who waited is let in");
    drop(waiting);
    stop(&mut process).await;

    // Somebody has taken the file away: it is made anew.
    std::fs::remove_file(&path).unwrap();
    process = systemd.start_service(PLEXYD, &arguments).await;
    std::os::unix::net::UnixStream::connect(&path).expect("it listens");
    eventually!(systemd.kept().len() == 1 && systemd.kept_listening() == 1);
    stop(&mut process).await;

    // Somebody else listens there: the start fails, and they go on.
    std::fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    let mut process = systemd.spawn(PLEXYD, &arguments, &[], &[]);
    assert_eq!(process.ended().await.code(), Some(1), "{}", process.log());
    eventually!(process.says("another program listens"), "{}", process.log());
    assert!(path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_a_door_that_systemd_has_made_is_left_to_it() {
    let systemd = Systemd::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let control = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    for start in 1..=2 {
        let mut process = systemd.spawn(PLEXYD, &[], &[("control", &control)], &[]);
        eventually!(systemd.count("READY=1") == start, "{}", process.log());
        eventually!(process.says("SocketMode=0660 closes it"), "{}", process.log());
        stop(&mut process).await;
        assert!(path.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_sockets_are_counted_once_against_the_limit() {
    let systemd = Systemd::start();
    let specs: Vec<_> = (0..200).map(|count| format!("0=4000[name=t{count}]")).collect();
    let folder = tempfile::tempdir().unwrap();
    let state = format!("--state={}", folder.path().join("state").display());
    let limited = ["-c", "ulimit -n 600; exec \"$@\"", "sh", PLEXYD, &state];
    let limited = [&limited[..], &CONTROL].concat();
    let ready = |process: Process| async {
        process.ready().await;
        process
    };
    let mut process = ready(systemd.spawn("sh", &limited, &[], &[])).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    rpc.call("openTunnels", serde_json::json!({ "specs": specs })).await.unwrap();
    eventually!(systemd.kept().len() == 200);
    for _ in 0..2 {
        stop(&mut process).await;
        process = ready(systemd.spawn("sh", &limited, &[], &[])).await;
        assert_eq!(ask(&process, "status").await, "OK: Tunnels: 200\n", "{}", process.log());
    }
    assert_eq!(systemd.kept_listening(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_leaves_kept_sockets_to_the_next_daemon() {
    let systemd = Systemd::start();
    let echo = Echo::start();
    let specs: Vec<_> = (0..100).map(|_| format!("0={}", echo.addr())).collect();
    let folder = tempfile::tempdir().unwrap();
    let state = format!("--state={}", folder.path().join("state").display());
    let arguments = [&CONTROL[..], &[&state]].concat();
    let mut process = systemd.start_service(PLEXYD, &arguments).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let reply = rpc.call("openTunnels", serde_json::json!({ "specs": specs })).await.unwrap();
    let listen: SocketAddr = reply["tunnels"][99]["listen"].as_str().unwrap().parse().unwrap();
    eventually!(systemd.kept().len() == 100);
    let flow = Flow::start(listen, 1).await.unwrap();

    process.signal(Signal::TERM);
    process.signal(Signal::INT);

    assert!(process.ended().await.success());
    assert!(flow.cut().await.fault.is_some());
    assert_eq!(systemd.kept_listening(), 100);
    let _process = systemd.start_service(PLEXYD, &arguments).await;
    round_trip(listen, 10_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_is_slow_hears_all_of_it_in_the_end() {
    let systemd = Systemd::start();
    let specs: Vec<_> = (0..500).map(|_| "0=4000".to_owned()).collect();
    systemd.be_deaf(true);
    let arguments: Vec<&str> =
        CONTROL.iter().copied().chain(specs.iter().map(String::as_str)).collect();
    let process = systemd.spawn(PLEXYD, &arguments, &[], &[]);
    process.ready().await;
    let opened = ask(&process, "open 0=4000").await;
    assert!(opened.starts_with("OK"), "{opened}");
    assert_eq!(systemd.count("READY=1"), 0);

    systemd.be_deaf(false);

    eventually!(systemd.count("READY=1") == 1);
    eventually!(systemd.kept().len() == 501, "{}", systemd.kept().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_is_gone_or_deaf_holds_up_nobody() {
    let gone = Systemd::start();
    let echo = Echo::start();
    let process = gone.start_service(PLEXYD, &CONTROL).await;
    drop(gone);
    let open = |count: u32| format!("open 0={}[name=t{count}]", echo.addr());
    for count in 0..200 {
        let answer = ask(&process, &open(count)).await;
        assert!(answer.starts_with("OK"), "{answer}");
    }
    eventually!(process.says("systemd cannot be told anything"), "{}", process.log());

    // Its queue is full, and it takes nothing out of it.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let _deaf = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let mut process = Process::start_with(PLEXYD, &CONTROL, &variables).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let specs: Vec<_> = (0..1_500).map(|count| format!("0=4000[name=t{count}]")).collect();
    rpc.call("openTunnels", serde_json::json!({ "specs": specs })).await.unwrap();
    eventually!(process.says("systemd does not listen"), "{}", process.log());
    stop(&mut process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_successor_nobody_waits_for_one() {
    let systemd = Systemd::start();
    let echo = Echo::start();
    let port = Port::reserve();
    let spec = format!("{}={}", port.addr(), echo.addr());
    let mut process = systemd.start_service(PLEXYD, &[&CONTROL[..], &[&spec]].concat()).await;
    let flow = Flow::start(port.addr(), 1).await.unwrap();

    process.signal(Signal::QUIT);

    eventually!(Stream::connect(port.addr()).await.is_err(), "{}", process.log());
    eventually!(systemd.kept().is_empty());
    eventually!(systemd.last("EXTEND_TIMEOUT_USEC=").is_some(), "it may take longer");
    assert!(flow.stop().await.fault.is_none());
    assert!(process.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn quit_waits_for_the_last_connection_without_a_deadline() {
    let echo = Echo::start();
    let spec = format!("0={}", echo.addr());
    let arguments = [&CONTROL[..], &["--shutdown-deadline", "100ms", &spec]].concat();
    let mut process = Process::start(PLEXYD, &arguments).await;
    let tunnel = crate::process::tunnel_of(&process).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();

    process.signal(Signal::QUIT);

    eventually!(process.says("SIGQUIT: ending"), "{}", process.log());
    eventually!(Stream::connect(tunnel).await.is_err());
    let until = std::time::Instant::now() + Duration::from_millis(300);
    let moved = flow.bytes();
    eventually!(std::time::Instant::now() > until && flow.bytes() > moved + 100_000);
    assert!(flow.stop().await.fault.is_none());
    assert!(process.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deaf_manager_has_not_heard_is_no_more_than_what_there_is() {
    let systemd = Systemd::start();
    let port = Port::reserve();
    let process = systemd.start_service(PLEXYD, &CONTROL).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    systemd.be_deaf(true);
    // More than the kernel holds for it.
    for _ in 0..1_500 {
        assert_eq!(line.ask(&format!("open {}=4000", port.addr())).await, "OK\n");
        assert_eq!(line.ask(&format!("close {}", port.addr())).await, "OK\n");
    }
    assert_eq!(line.ask(&format!("open {}=4000", port.addr())).await, "OK\n");
    let open = plexy_tests::descriptors::of(process.pid()).unwrap();

    systemd.be_deaf(false);

    eventually!(systemd.kept() == [kept_as(port.addr())] && systemd.kept_listening() == 1);
    let told = systemd.count("FDSTORE=1");
    assert!(told < 1_000, "{told} of 1501 were told");
    assert!(open < 100, "{open} descriptors were open");
}
