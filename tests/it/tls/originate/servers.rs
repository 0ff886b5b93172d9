//! Servers as people run them: each speaks TLS, and its own client does not.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::process::Command;

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::server::{Kind, Redis, Server, Site};
use plexy_tests::tool::Tool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{HERE, Scene};
use crate::client::is_reset;
use crate::tls::bytes::round_trip;

/// A server with a certificate and its key in one file.
#[derive(Debug)]
struct Secure {
    pem: String,
    program: Program,
}

#[derive(Debug)]
enum Program {
    /// Answers over HTTP.
    Nginx,
    /// Hands on what comes.
    HaProxy(SocketAddr),
    /// Says each line backwards.
    OpenSsl(&'static str),
}

impl Secure {
    async fn start(scene: &Scene, program: Program) -> Option<Server<Self>> {
        scene.issue("server.pem", HERE);
        Server::start(Self { pem: scene.path("server.pem"), program }).await
    }
}

impl Kind for Secure {
    fn find(&self) -> Option<Tool> {
        let program = match self.program {
            Program::Nginx => "nginx",
            Program::HaProxy(_) => "haproxy",
            Program::OpenSsl(_) => "openssl",
        };
        Tool::find(program, program)
    }

    fn prepare(&self, site: &Site) -> io::Result<()> {
        let (addr, pem) = (site.addr(), &self.pem);
        let config = match self.program {
            Program::Nginx => format!(
                "daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen {addr} ssl;
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        location / {{ return 200 \"fine\\n\"; }}
    }}
}}
"
            ),
            Program::HaProxy(behind) => format!(
                "defaults
    mode tcp
    timeout connect 10s
    timeout client 1m
    timeout server 1m
listen secure
    bind {addr} ssl crt {pem}
    server behind {behind}
"
            ),
            Program::OpenSsl(_) => String::new(),
        };
        fs::write(site.home().join("config"), config)
    }

    fn command(&self, site: &Site) -> Command {
        let (mut command, addr) = (Command::new(site.tool().path()), site.addr().to_string());
        let pem = self.pem.as_str();
        match self.program {
            Program::Nginx => {
                command.arg("-p").arg(site.home()).args(["-c", "config", "-e", "stderr"])
            }
            Program::HaProxy(_) => command.args(["-db", "-f", "config"]),
            Program::OpenSsl(version) => command.args([
                "s_server", "-accept", &addr, "-cert", pem, "-key", pem, "-rev", "-quiet", version,
            ]),
        };
        command.current_dir(site.home());
        command
    }

    async fn answers(&self, site: &Site) -> bool {
        TcpStream::connect(site.addr()).await.is_ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_answers_curl_that_speaks_no_tls() {
    let (scene, Some(curl)) = (Scene::start().await, Tool::find("curl", "curl")) else { return };
    let Some(nginx) = Secure::start(&scene, Program::Nginx).await else { return };
    let tunnel = scene.originate(nginx.addr(), ",check=http,check-interval=50ms").await;
    for _ in 0..3 {
        let url = format!("http://{tunnel}/");
        let output = curl.run(["-sS", "--noproxy", "*", &url]).output().await;
        assert_eq!(output.text(), "fine\n", "{}", output.errors());
    }
    let resumed = "plexy_backend_tls_handshakes_total{resumed=\"true\"";
    assert_eq!(scene.counted(resumed).await, 2);
    // It answers no `close_notify`, so that nobody knows whether it had more to say; the client that
    // had ended before is why it is over.
    eventually!(scene.daemon.ended(tunnel, "client-fin").await == 3);
    assert_eq!(scene.backend_failures("truncated").await, 3);

    let other = scene.originate(nginx.addr(), ",backend-alpn=imap,retries=0").await;
    is_reset(other).await;
    let cause = scene.only_backend(other).await.cause.unwrap();
    assert_eq!(cause, "TLS: it refused with the alert NoApplicationProtocol");
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_carries_much_both_ways_and_its_ends() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let Some(haproxy) = Secure::start(&scene, Program::HaProxy(echo.addr())).await else { return };
    let tunnel = scene.originate(haproxy.addr(), "").await;
    for seed in 0..3 {
        round_trip(TcpStream::connect(tunnel).await.unwrap(), seed, 4 * 1024 * 1024).await;
    }
    eventually!(scene.daemon.ended(tunnel, "client-fin").await == 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_says_a_line_backwards_in_either_version() {
    let scene = Scene::start().await;
    for version in ["-tls1_2", "-tls1_3"] {
        let Some(server) = Secure::start(&scene, Program::OpenSsl(version)).await else { return };
        let tunnel = scene.originate(server.addr(), "").await;
        for _ in 0..2 {
            let mut client = TcpStream::connect(tunnel).await.unwrap();
            client.write_all(b"hello\n").await.unwrap();
            let mut answer = [0; 6];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"olleh\n");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_asks_for_a_certificate_is_checked_and_benchmarked() {
    let Some(benchmark) = Tool::find("redis-benchmark", "redis-tools") else { return };
    let (scene, port) = (Scene::start().await, Port::reserve());
    scene.issue("server.pem", HERE);
    scene.issue("ours.pem", &["us"]);
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    let (pem, ca) = (scene.path("server.pem"), scene.path("ca.pem"));
    let secure = port.addr().port().to_string();
    let arguments = [
        ["--tls-port", &secure],
        ["--tls-cert-file", &pem],
        ["--tls-key-file", &pem],
        ["--tls-ca-cert-file", &ca],
        ["--tls-auth-clients", "yes"],
    ];
    let Some(_redis) = Redis::start_with(arguments.as_flattened()).await else { return };
    let options = format!(
        ",backend-cert={},check=send-expect,check-send=\"PING\\r\\n\",check-expect=\"+PONG\",check-interval=50ms",
        scene.path("ours.pem")
    );
    let tunnel = scene.originate(port.addr(), &options).await;
    let is_up = async || {
        let check = scene.only_backend(tunnel).await.check.unwrap();
        check.state == plexy_shared::info::CheckState::Up
    };
    eventually!(is_up().await);
    let through = tunnel.port().to_string();
    let arguments = ["-h", "127.0.0.1", "-p", &through, "-t", "ping,set,get", "-n", "2000"];
    let output = benchmark.run([&arguments[..], &["-q", "-c", "20"]].concat()).output().await;
    let (errors, text) = (output.errors(), output.success());
    assert!(text.contains("GET: ") && text.contains("requests per second"), "{text}{errors}");
    assert!(!format!("{text}{errors}").to_lowercase().contains("error"), "{text}{errors}");
    assert_eq!(scene.only_backend(tunnel).await.attempts_failed, 0);
}
