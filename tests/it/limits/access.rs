//! `allow` and `deny`.

use std::net::{Ipv4Addr, SocketAddr};

use plexy_tests::backend::Greeter;
use plexy_tests::daemon::{Daemon, HttpClient};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use serde_json::json;

use super::{BANNER, Scene, clients, from, greeted, rejected};
use crate::client::is_reset;

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const THERE: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 2);

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_allowed_is_reset() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    for (options, here, there) in [
        ("deny=127.1.0.0/16", true, false),
        ("deny=127.0.0.0/8,allow=127.0.0.1", true, false),
        ("allow=127.0.0.0/8,deny=127.0.0.1", false, true),
        ("allow=10.0.0.0/8", false, false),
        ("deny=10.0.0.0/8", true, true),
        ("allow=::/0", false, false),
    ] {
        let tunnel = daemon.open(&format!("{}[{options}]", greeter.addr())).await;
        assert_eq!(from(HERE, tunnel).await.is_some(), here, "{options}");
        assert_eq!(from(THERE, tunnel).await.is_some(), there, "{options}");
        let refused = u64::from(!here) + u64::from(!there);
        eventually!(rejected(&daemon, tunnel, "refused").await == refused, "{options}");
    }
    let events = daemon.line().await.ask("events").await;
    assert!(events.contains("connections-refused"), "{events}");
    assert!(events.contains(": `allow` and `deny` do not let it in"), "{events}");
    assert!(!events.contains("limit-reached"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_the_same_whichever_socket_it_comes_to() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    // Here clients of IPv4 come with addresses of IPv6.
    let all = Port::reserve().addr();
    let spec = format!("*:{}={}[deny=127.1.0.0/16,deny=::1]", all.port(), greeter.addr());
    daemon.try_open(&spec).await.unwrap();
    let mapped = SocketAddr::from((HERE, all.port()));
    assert!(from(HERE, mapped).await.is_some());
    assert!(from(THERE, mapped).await.is_none());
    is_reset(SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, all.port()))).await;

    let listen = daemon.try_open(&format!("[::1]:0={}[allow=::1]", greeter.addr())).await.unwrap();
    let mut client = clients(listen.parse::<SocketAddr>().unwrap(), 1).await.remove(0);
    greeted(&mut client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_unix_socket_have_no_address_to_be_refused_for() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("listen.sock");
    let spec = format!("unix:{}={}[allow=10.0.0.0/8]", path.display(), greeter.addr());
    daemon.try_open(&spec).await.unwrap();
    let mut client = clients(&*path, 1).await.remove(0);
    greeted(&mut client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_networks_go_through_file_and_rpc() {
    const NETWORKS: u32 = 100_000;
    let greeter = Greeter::start(BANNER);
    let (port, second) = (Port::reserve(), Port::reserve());
    let base = u32::from(Ipv4Addr::new(10, 0, 0, 0));
    let network = |number: u32| format!("deny={}/31", Ipv4Addr::from(base + 2 * number));
    let networks: Vec<_> = (0..NETWORKS).map(network).collect();
    let options = format!("{},deny=127.1.0.0/16", networks.join(","));
    let spec = format!("{}={}[name=long,{options}]", port.addr(), greeter.addr());
    let scene = Scene::with(&spec).await;
    assert!(from(HERE, port.addr()).await.is_some());
    assert!(from(THERE, port.addr()).await.is_none());

    // As it was written, through another door, and the same again there.
    let rpc = HttpClient::Unix(scene.process.rpc_socket());
    let told = rpc.call("tunnelInfo", json!({"tunnel": "long"})).await.unwrap();
    assert_eq!(told["spec"], spec);
    let other = spec.replace(&port.addr().to_string(), &second.addr().to_string());
    let other = other.replace("name=long,", "");
    let opened = rpc.call("openTunnel", json!({"spec": other})).await.unwrap();
    assert_eq!(opened["result"], "opened");
    assert!(from(THERE, second.addr()).await.is_none());
    let again = rpc.call("openTunnel", json!({"spec": other})).await.unwrap();
    assert_eq!(again["result"], "unchanged");
}
