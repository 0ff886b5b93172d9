//! TLS with clients and with backends: who gets in with what, and how the bytes and the ends go.

mod bytes;
mod certificates;
mod ends;
mod files;
mod flood;
mod hostile;
mod keys;
mod live;
mod originate;
mod peers;
mod tools;

use std::net::SocketAddr;
use std::time::Duration;

use plexy_tests::backend::{Backend, Character, Echo, Greeter, Recorder};
use plexy_tests::certificate::{Authority, Issued, TlsClient, TlsClientOptions};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, NamedGroup, ProtocolVersion, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What a client speaks that knows one version.
pub(crate) const ONLY_1_2: &[&SupportedProtocolVersion] = &[&TLS12];
pub(crate) const ONLY_1_3: &[&SupportedProtocolVersion] = &[&TLS13];

/// A daemon, and what a tunnel needs to terminate TLS.
pub(crate) struct Scene {
    pub(crate) daemon: Daemon,
    pub(crate) authority: Authority,
    pub(crate) folder: TempDir,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { daemon: Daemon::start().await, authority: Authority::new("tests"), folder }
    }

    /// Writes a pair for these names into a file; what was written.
    pub(crate) fn issue(&self, file: &str, names: &[&str]) -> Issued {
        let issued = self.authority.issue(names);
        issued.write(&self.folder, file);
        issued
    }

    /// The path of a file, as an option takes it.
    pub(crate) fn path(&self, file: &str) -> String {
        self.folder.path().join(file).display().to_string()
    }

    /// Opens a tunnel with a certificate for `a.example` to that backend.
    pub(crate) async fn open<C: Character>(
        &self,
        backend: &Backend<C>,
        options: &str,
    ) -> SocketAddr {
        self.issue("a.pem", &["a.example"]);
        let rest = format!("{}[tls-cert={}{options}]", backend.addr(), self.path("a.pem"));
        self.daemon.open(&rest).await
    }

    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::new(&self.authority)
    }

    /// What a family of metrics says, by the labels behind the tunnel.
    pub(crate) async fn counted(&self, series: &str) -> u64 {
        let text = self.daemon.monitor().get("/metrics").await.body;
        let line = text.lines().find(|line| {
            line.starts_with(series.split('{').next().unwrap())
                && series.split('{').nth(1).is_none_or(|labels| line.contains(labels))
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// How often TLS with a client has failed for that reason.
    pub(crate) async fn failures(&self, reason: &str) -> u64 {
        self.counted(&format!("plexy_tls_failures_total{{reason=\"{reason}\"}}")).await
    }
}

/// What makes every family of TLS tell something: a tunnel that terminates it, a client, and one that
/// speaks something else.
pub(crate) struct Busy {
    /// The options of the tunnel.
    pub(crate) options: String,
    authority: Authority,
}

impl Busy {
    pub(crate) fn new(folder: &std::path::Path) -> Self {
        let authority = Authority::new("tests");
        let cert = authority.issue(&["a.example"]).write(folder, "busy.pem");
        Self { options: format!("tls-cert={}", cert.display()), authority }
    }

    /// The specification behind `=` of a tunnel that speaks TLS with that tunnel, once it has failed to do
    /// so with another backend.
    pub(crate) fn outward(other: SocketAddr, tunnel: SocketAddr) -> String {
        format!("{other},{tunnel}[name=outward,strategy=first,backend-tls,backend-verify=off]")
    }

    /// Has it do both.
    pub(crate) async fn visit_outward(outward: SocketAddr) {
        let mut client = tokio::net::TcpStream::connect(outward).await.unwrap();
        exchange(&mut client, b"hello").await;
    }

    pub(crate) async fn visit(&self, tunnel: SocketAddr) {
        let client = TlsClient::new(&self.authority);
        let mut client = client.connect(tunnel, "a.example").await.unwrap();
        exchange(&mut client, b"hello").await;
        client.shutdown().await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        let mut other = tokio::net::TcpStream::connect(tunnel).await.unwrap();
        other.write_all(b"hello").await.unwrap();
        other.read_to_end(&mut Vec::new()).await.unwrap();
    }
}

pub(crate) async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), text: &[u8]) {
    stream.write_all(text).await.unwrap();
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_speaks_tls_with_its_clients_and_none_with_its_backends() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;

    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    exchange(&mut client, b"hello").await;

    let (_, tls) = client.get_ref();
    assert_eq!(tls.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let group = tls.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
    assert_eq!(
        scene.counted("plexy_tls_handshakes_total{version=\"1.3\",resumed=\"false\"").await,
        1
    );
    let detail = scene.daemon.detail(tunnel).await;
    let certificate = &detail.tls.unwrap().certificates[0];
    assert_eq!(
        (&certificate.names[..], certificate.issuer.as_str()),
        (&["a.example".to_owned()][..], "CN=tests")
    );
    let told = scene.daemon.line().await.ask(&format!("detail {tunnel}")).await;
    assert!(told.contains("\tcertificate for a.example, issuer CN=tests, serial "), "{told}");
    assert!(told.contains(&format!("sha256 {}", certificate.fingerprint)), "{told}");
    assert_eq!(scene.counted("plexy_tunnel_info{tls=\"terminate\"").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_speaks_first_is_heard() {
    let (scene, greeter) = (Scene::start().await, Greeter::start("welcome"));
    let tunnel = scene.open(&greeter, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    let mut greeting = [0; 7];
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"welcome");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_that_of_the_name_a_client_asks_for() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let first = scene.issue("first.pem", &["a.example", "127.0.0.1"]);
    let wild = scene.issue("wild.pem", &["*.b.example"]);
    let exact = scene.issue("exact.pem", &["x.b.example"]);
    let certs: Vec<_> = ["first.pem", "wild.pem", "exact.pem"]
        .map(|file| format!("tls-cert={}", scene.path(file)))
        .into();
    let tunnel = scene.daemon.open(&format!("{}[{}]", echo.addr(), certs.join(","))).await;
    let shown = [
        ("a.example", &first),
        ("y.b.example", &wild),
        ("x.b.example", &exact),
        // No name is sent for an address.
        ("127.0.0.1", &first),
    ];
    for (name, issued) in shown {
        let client = scene.client().connect(tunnel, name).await.unwrap();
        let certificates = client.get_ref().1.peer_certificates().unwrap();
        assert_eq!(certificates[0], issued.der(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_is_agreed_on_or_the_client_is_refused() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, ",tls-alpn=h2,tls-alpn=http/1.1").await;
    let client = |alpn| {
        let options = TlsClientOptions { alpn, ..TlsClientOptions::of(&scene.authority) };
        TlsClient::with(&options)
    };
    let both = client(&["http/1.1", "h2"]).connect(tunnel, "a.example").await.unwrap();
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let none = client(&[]).connect(tunnel, "a.example").await.unwrap();
    assert_eq!(none.get_ref().1.alpn_protocol(), None);

    let refused = client(&["imap"]).connect(tunnel, "a.example").await.unwrap_err().to_string();

    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    eventually!(scene.failures("alpn").await == 1);
    eventually!(scene.daemon.ended(tunnel, "tls").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_those_that_may_be_spoken() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let (both, new) = (scene.open(&echo, "").await, scene.open(&echo, ",tls-min=1.3").await);
    let client = |versions| {
        let options = TlsClientOptions { versions, ..TlsClientOptions::of(&scene.authority) };
        TlsClient::with(&options)
    };
    for (versions, version) in
        [(ONLY_1_2, ProtocolVersion::TLSv1_2), (ONLY_1_3, ProtocolVersion::TLSv1_3)]
    {
        let mut stream = client(versions).connect(both, "a.example").await.unwrap();
        exchange(&mut stream, b"hello").await;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version));
    }
    let refused = client(ONLY_1_2).connect(new, "a.example").await.unwrap_err().to_string();
    assert!(refused.contains("ProtocolVersion"), "{refused}");
    eventually!(scene.failures("version").await == 1);
    client(ONLY_1_3).connect(new, "a.example").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_shows_a_certificate_where_it_has_to() {
    let (scene, recorder) = (Scene::start().await, Recorder::start());
    let others = Authority::new("others");
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    let ca = format!(",tls-client-ca={}", scene.path("ca.pem"));
    let required = scene.open(&recorder, &ca).await;
    let requested = scene.open(&recorder, &format!("{ca},tls-client-auth=request")).await;
    let (good, bad) = (scene.authority.issue(&["me"]), others.issue(&["me"]));
    let connect = async |tunnel, certificate| {
        let options = TlsClientOptions { certificate, ..TlsClientOptions::of(&scene.authority) };
        let mut stream = TlsClient::with(&options).connect(tunnel, "a.example").await?;
        // In TLS 1.3 a client is done before its certificate is looked at.
        stream.write_all(b"hello").await?;
        stream.shutdown().await?;
        stream.read_to_end(&mut Vec::new()).await
    };

    connect(required, Some(&good)).await.unwrap();
    connect(requested, Some(&good)).await.unwrap();
    connect(requested, None).await.unwrap();
    let missing = connect(required, None).await.unwrap_err().to_string();
    assert!(missing.contains("CertificateRequired"), "{missing}");
    for tunnel in [required, requested] {
        let unknown = connect(tunnel, Some(&bad)).await.unwrap_err().to_string();
        assert!(unknown.contains("UnknownCA"), "{unknown}");
    }
    eventually!(scene.counted("plexy_tls_failures_total{reason=\"certificate\"").await > 0);
    // Those who were refused never reached the backend.
    assert_eq!(recorder.accepted(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_goes_on_where_it_was_with_a_ticket() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    for versions in [ONLY_1_3, ONLY_1_2] {
        let options = TlsClientOptions { versions, ..TlsClientOptions::of(&scene.authority) };
        let client = TlsClient::with(&options);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = client.connect(tunnel, "a.example").await.unwrap();
            exchange(&mut stream, b"hello").await;
            let found = stream.get_ref().1.handshake_kind();
            let is_kind = match kind {
                HandshakeKind::Resumed => found == Some(HandshakeKind::Resumed),
                _ => found != Some(HandshakeKind::Resumed),
            };
            assert!(is_kind, "{found:?}");
        }
    }
    for version in ["1.2", "1.3"] {
        let series = format!("plexy_tls_handshakes_total{{version=\"{version}\",resumed=\"true\"");
        assert_eq!(scene.counted(&series).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_one_tunnel_is_worth_nothing_at_another() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let (one, other) = (scene.open(&echo, "").await, scene.open(&echo, "").await);
    let client = scene.client();
    exchange(&mut client.connect(one, "a.example").await.unwrap(), b"hello").await;
    let mut stream = client.connect(other, "a.example").await.unwrap();
    exchange(&mut stream, b"hello").await;
    assert_ne!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_tls_change_for_new_clients_and_live_ones_go_on() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let mut before = scene.client().connect(tunnel, "a.example").await.unwrap();
    exchange(&mut before, b"before").await;
    let other = scene.issue("b.pem", &["b.example"]);
    let mut line = scene.daemon.line().await;

    let answer = line.ask(&format!("set {tunnel} tls-cert={}", scene.path("b.pem"))).await;

    assert!(answer.starts_with("OK"), "{answer}");
    let mut after = scene.client().connect(tunnel, "b.example").await.unwrap();
    assert_eq!(after.get_ref().1.peer_certificates().unwrap()[0], other.der());
    exchange(&mut after, b"after").await;
    exchange(&mut before, b"still").await;

    // Without it the tunnel carries what comes.
    let answer = line.ask(&format!("set {tunnel} tls-cert=none")).await;
    assert!(answer.starts_with("OK"), "{answer}");
    let mut plain = tokio::net::TcpStream::connect(tunnel).await.unwrap();
    exchange(&mut plain, b"plain").await;
    exchange(&mut before, b"still").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_tls_connection_is_ended_like_any_other() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, ",idle-timeout=200ms").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    exchange(&mut client, b"hello").await;
    let ended = tokio::time::timeout(Duration::from_secs(30), client.read_u8()).await.unwrap();
    assert!(ended.is_err());
    eventually!(scene.daemon.ended(tunnel, "idle").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_decide_behind_the_handshake_too() {
    let scene = Scene::start().await;
    let (named, other) = (Greeter::start("named"), Greeter::start("other"));
    let cert = scene.issue("all.pem", &["a.example", "c.example"]);
    let rest = format!("{}+sni=a.example,{}", named.addr(), other.addr());
    let rest = format!("{rest}[name=both,tls-cert={}]", scene.path("all.pem"));
    let tunnel = scene.daemon.open(&rest).await;
    for (name, greeting) in [("a.example", b"named"), ("c.example", b"other")] {
        let mut client = scene.client().connect(tunnel, name).await.unwrap();
        assert_eq!(client.get_ref().1.peer_certificates().unwrap()[0], cert.der());
        let mut said = [0; 5];
        client.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, greeting, "{name}");
        let conns = scene.daemon.line().await.ask(&format!("conns where sni={name}")).await;
        assert!(conns.starts_with("OK: Connections: 1\n"), "{conns}");
    }
    // Nobody is there for it: it has its TLS, and is reset.
    scene.daemon.line().await.ask(&format!("remove both {}", other.addr())).await;
    let mut refused = scene.client().connect(tunnel, "c.example").await.unwrap();
    assert!(refused.read_u8().await.is_err());
    eventually!(
        scene.counted("plexy_tunnel_hellos_refused_total{cause=\"unknown-name\"").await == 1
    );
}
