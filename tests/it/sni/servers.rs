//! Real clients and servers of TLS: each client gets the certificate of the server that has its name,
//! and checks it.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::server::{Kind, Server, Site};
use plexy_tests::tool::{Output, Tool};

use super::refused;

/// An nginx with a certificate of its own for these names, whose first one it answers with.
#[derive(Debug)]
struct Secure(&'static [&'static str]);

impl Secure {
    async fn start(names: &'static [&'static str]) -> Option<Server<Self>> {
        Tool::find("openssl", "openssl")?;
        Server::start(Self(names)).await
    }
}

impl Kind for Secure {
    fn find(&self) -> Option<Tool> {
        Tool::find("nginx", "nginx")
    }

    fn prepare(&self, site: &Site) -> io::Result<()> {
        let folder = site.home();
        fs::create_dir(folder.join("temp"))?;
        certify(folder, self.0)?;
        fs::write(folder.join("nginx.conf"), config(site.addr(), self.0[0]))
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = Command::new(site.tool().path());
        command.arg("-p").arg(site.home()).args(["-c", "nginx.conf", "-e", "stderr"]);
        command.current_dir(site.home());
        command
    }

    async fn answers(&self, site: &Site) -> bool {
        tokio::net::TcpStream::connect(site.addr()).await.is_ok()
    }
}

/// A certificate that vouches for itself, and its key.
fn certify(folder: &Path, names: &[&str]) -> io::Result<()> {
    let alternatives: Vec<_> = names.iter().map(|name| format!("DNS:{name}")).collect();
    let status = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-noenc", "-days", "2", "-keyout", "key.pem", "-out", "certificate.pem"])
        .args(["-subj", &format!("/CN={}", names[0])])
        .args(["-addext", &format!("subjectAltName={}", alternatives.join(","))])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("openssl has made no certificate")) }
}

fn config(addr: SocketAddr, name: &str) -> String {
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    server {{
        listen {addr} ssl;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{ return 200 \"{name}\\n\"; }}
    }}
}}
"
    )
}

/// Two servers, and a tunnel to both.
struct Scene {
    one: Server<Secure>,
    two: Server<Secure>,
    daemon: Daemon,
    tunnel: SocketAddr,
}

impl Scene {
    async fn start() -> Option<Self> {
        let one = Secure::start(&["one.example"]).await?;
        let two = Secure::start(&["two.example", "*.two.example"]).await?;
        let daemon = Daemon::start().await;
        let names = "+sni=two.example+sni=*.two.example";
        let backends = format!("{}+sni=one.example,{}{names}", one.addr(), two.addr());
        let tunnel = daemon.open(&backends).await;
        Some(Self { one, two, daemon, tunnel })
    }

    /// What `openssl s_client` says through the tunnel.
    async fn s_client(&self, openssl: &Tool, arguments: &[&str]) -> Output {
        let tunnel = self.tunnel.to_string();
        let fixed = ["s_client", "-connect", &tunnel];
        openssl.run([&fixed, arguments].concat()).output().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_gets_the_answer_and_the_certificate_of_the_server_that_it_asks_for() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let Some(scene) = Scene::start().await else { return };
    for (name, server) in
        [("one.example", &scene.one), ("two.example", &scene.two), ("x.two.example", &scene.two)]
    {
        let authority = server.site().home().join("certificate.pem");
        let way = format!("{name}:443:{}", scene.tunnel);
        let url = format!("https://{name}/");
        let authority = authority.to_str().unwrap();
        let arguments =
            ["-sS", "--noproxy", "*", "--connect-to", &way, "--cacert", authority, &url];
        let output = curl.run(arguments).output().await;
        assert_eq!(output.text(), format!("{}\n", server.kind().0[0]), "{}", output.errors());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_gets_each_certificate_in_every_version_and_an_alert_for_a_strange_name() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let Some(scene) = Scene::start().await else { return };
    for version in ["-tls1_2", "-tls1_3"] {
        for (name, subject) in [("one.example", "one.example"), ("a.two.example", "two.example")] {
            let output = scene.s_client(&openssl, &["-servername", name, version]).await;
            let said = output.text();
            assert!(said.contains(&format!("subject=CN = {subject}\n")), "{version}: {said}");
        }
    }
    for arguments in [&["-servername", "three.example"][..], &["-noservername"]] {
        let output = scene.s_client(&openssl, arguments).await;
        let errors = output.errors();
        assert!(errors.contains("alert number 112"), "{arguments:?}: {errors}{}", output.text());
    }
    eventually!(refused(&scene.daemon, scene.tunnel, "unknown-name").await == 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_name_gets_everybody_else() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let Some(scene) = Scene::start().await else { return };
    let line = format!("set {} {} sni=", scene.tunnel, scene.two.addr());
    let answer = scene.daemon.line().await.ask(&line).await;
    assert!(answer.starts_with("OK"), "{answer}");
    for arguments in [&["-servername", "three.example"][..], &["-noservername"]] {
        let said = scene.s_client(&openssl, arguments).await.text();
        assert!(said.contains("subject=CN = two.example\n"), "{arguments:?}: {said}");
    }
}
