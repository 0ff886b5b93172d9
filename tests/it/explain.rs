//! `explain`: what a client would meet if it came now, and that it is what the next client meets.

mod picks;
mod steps;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use plexy_shared::explanation::{
    Admission, AdmissionStep, Choice, ExplainedBackend, Explanation, Hurdle, Objection,
};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually::in_time;
use plexy_tests::stream::Stream;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

async fn explain(daemon: &Daemon, tunnel: SocketAddr, from: Option<Ipv4Addr>) -> Explanation {
    let tunnel = tunnel.to_string().parse().unwrap();
    let explained = daemon.service().explain(&tunnel, from.map(IpAddr::V4), None).await;
    explained.expect("there is such a tunnel")
}

/// A client with this address, and the one letter that its backend greets with.
async fn client(from: Ipv4Addr, tunnel: SocketAddr) -> (char, Stream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = Stream::from(socket.connect(tunnel).await.unwrap());
    let letter = in_time("a greeting", stream.read_u8()).await.unwrap();
    (letter.into(), stream)
}

/// What the client gets at one hurdle, and the words about it; nothing where it is none.
fn at(explanation: &Explanation, hurdle: Hurdle) -> Option<(Admission, &str)> {
    let is_it = |step: &&AdmissionStep| step.hurdle == hurdle;
    let step = explanation.steps.iter().find(is_it)?;
    Some((step.result.known().unwrap(), step.detail.as_deref().unwrap_or_default()))
}

fn backend(explanation: &Explanation, addr: SocketAddr) -> &ExplainedBackend {
    let addr = addr.to_string();
    explanation.backend_list.iter().find(|backend| backend.addr == addr).unwrap()
}

fn against(backend: &ExplainedBackend) -> Vec<Objection> {
    backend.against.iter().map(|it| it.objection.known().unwrap()).collect()
}

fn outcome(explanation: &Explanation) -> (Admission, Choice) {
    (explanation.admission.known().unwrap(), explanation.choice.known().unwrap())
}
