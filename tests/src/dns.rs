//! A name server whose answers a test changes while it runs, on 127.0.0.1 over UDP and TCP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::zone::Zone;

mod zone;

/// The most that is taken as one question over UDP.
const DATAGRAM: usize = 4096;

/// How many ports are tried until one is free over both UDP and TCP.
const ATTEMPTS: usize = 16;

/// A name server that knows what it is told. Names are compared without case and final dot; a name
/// it was not told does not exist (NXDOMAIN), and a type without address has an empty answer.
#[derive(Debug)]
pub struct Dns {
    addr: SocketAddr,
    zone: Arc<Zone>,
    _stop: DropGuard,
}

impl Dns {
    /// Starts an empty one on a free port.
    pub async fn start() -> Self {
        for _ in 0..ATTEMPTS {
            if let Ok((udp, tcp)) = sockets().await {
                let addr = tcp.local_addr().expect("a bound socket has an address");
                let zone = Arc::new(Zone::default());
                let stop = CancellationToken::new();
                let serving = serve(Arc::clone(&zone), udp, tcp);
                tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
                return Self { addr, zone, _stop: stop.drop_guard() };
            }
        }
        panic!("no port of {ATTEMPTS} was free over both UDP and TCP");
    }

    /// The address to ask, over UDP or TCP.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Gives `name` these addresses, in this order, and a time to live in seconds. No address at
    /// all is a name that exists and has none.
    pub fn set(&self, name: &str, addresses: impl IntoIterator<Item = IpAddr>, ttl_s: u32) {
        self.zone.set(name, addresses.into_iter().collect(), ttl_s);
    }

    /// Forgets `name`: it is NXDOMAIN.
    pub fn remove(&self, name: &str) {
        self.zone.remove(name);
    }

    /// Answers each question with SERVFAIL, or no longer does.
    pub fn fail(&self, failing: bool) {
        self.zone.fail(failing);
    }

    /// Answers nothing at all, or does again.
    pub fn silent(&self, silent: bool) {
        self.zone.silent(silent);
    }

    /// How many questions there were for `name`, of any type; unanswered ones count too.
    #[must_use]
    pub fn asked(&self, name: &str) -> usize {
        self.zone.asked(name, |_| true)
    }

    /// How many questions there were for the IPv4 addresses of `name`: one for each time it was
    /// resolved, where a resolver asks for IPv6 addresses too.
    #[must_use]
    pub fn asked_ipv4(&self, name: &str) -> usize {
        self.zone.asked(name, |kind| kind == RecordType::A)
    }
}

/// Two sockets with the same port. The other of the pair may be taken, which is no reason to fail.
async fn sockets() -> io::Result<(UdpSocket, TcpListener)> {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let udp = UdpSocket::bind(tcp.local_addr()?).await?;
    Ok((udp, tcp))
}

async fn serve(zone: Arc<Zone>, udp: UdpSocket, tcp: TcpListener) {
    tokio::join!(serve_udp(&zone, &udp), serve_tcp(&zone, &tcp));
}

async fn serve_udp(zone: &Zone, socket: &UdpSocket) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        // An error here is about an earlier answer (its asker is gone), not about this socket.
        let Ok((read, asker)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if let Some(answer) = answer(zone, &buffer[..read]) {
            socket.send_to(&answer, asker).await.ok();
        }
    }
}

async fn serve_tcp(zone: &Arc<Zone>, listener: &TcpListener) {
    // Dropped with this, the connections end with the server.
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(converse(Arc::clone(zone), stream));
        }
    }
}

/// Questions and answers on one TCP connection, each behind its length, until the asker ends it.
async fn converse(zone: Arc<Zone>, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut question = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut question).await?;
        if let Some(answer) = answer(&zone, &question) {
            stream.write_u16(u16::try_from(answer.len()).map_err(io::Error::other)?).await?;
            stream.write_all(&answer).await?;
        }
    }
}

/// The answer to a message, or nothing where it is none that this server answers.
fn answer(zone: &Zone, question: &[u8]) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?;
    let (code, records) = zone.ask(query, records)?;
    let mut answer = Message::response(asked.metadata.id, OpCode::Query);
    answer.metadata.response_code = code;
    answer.metadata.authoritative = true;
    answer.metadata.recursion_desired = asked.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    answer.add_answers(records);
    answer.to_vec().ok()
}

/// The records for a name that exists: those of its addresses that are of the type asked for.
fn records(query: &Query, addresses: &[IpAddr], ttl_s: u32) -> (ResponseCode, Vec<Record>) {
    let of_type = addresses.iter().filter_map(|address| match (query.query_type(), address) {
        (RecordType::A, IpAddr::V4(v4)) => Some(RData::A((*v4).into())),
        (RecordType::AAAA, IpAddr::V6(v6)) => Some(RData::AAAA((*v6).into())),
        _ => None,
    });
    let records =
        of_type.map(|data| Record::from_rdata(query.name().clone(), ttl_s, data)).collect();
    (ResponseCode::NoError, records)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;
    use std::time::Duration;

    use hickory_proto::rr::Name;
    use tokio::time::timeout;

    use super::*;
    use crate::eventually::in_time;

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    fn question(name: &str, kind: RecordType) -> Vec<u8> {
        let mut message = Message::query();
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        message.to_vec().unwrap()
    }

    /// Asks over UDP.
    async fn ask(dns: &Dns, name: &str, kind: RecordType) -> Message {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        socket.send_to(&question(name, kind), dns.addr()).await.unwrap();
        let mut buffer = [0; DATAGRAM];
        let (read, _) = in_time("the answer", socket.recv_from(&mut buffer)).await.unwrap();
        Message::from_vec(&buffer[..read]).unwrap()
    }

    fn addresses(message: &Message) -> Vec<(IpAddr, u32)> {
        let of_records = message.answers.iter().filter_map(|r| Some((r.data.ip_addr()?, r.ttl)));
        of_records.collect()
    }

    #[tokio::test]
    async fn answers_follow_what_the_test_says() {
        let dns = Dns::start().await;
        let code = async |name| ask(&dns, name, RecordType::A).await.metadata.response_code;
        assert_eq!(code("db.test.").await, ResponseCode::NXDomain);

        dns.set("db.test", [V4, V6], 7);
        assert_eq!(addresses(&ask(&dns, "DB.test.", RecordType::A).await), [(V4, 7)]);
        assert_eq!(addresses(&ask(&dns, "db.test.", RecordType::AAAA).await), [(V6, 7)]);
        assert_eq!((dns.asked("db.test"), dns.asked_ipv4("db.test")), (3, 2));

        dns.fail(true);
        assert_eq!(code("db.test.").await, ResponseCode::ServFail);
        dns.fail(false);
        dns.remove("db.test");
        assert_eq!(code("db.test.").await, ResponseCode::NXDomain);
    }

    #[tokio::test]
    async fn a_silent_server_counts_and_says_nothing() {
        let dns = Dns::start().await;
        dns.silent(true);
        let asked = ask(&dns, "db.test.", RecordType::A);
        assert!(timeout(Duration::from_millis(50), asked).await.is_err());
        assert_eq!(dns.asked("db.test"), 1);
    }

    #[tokio::test]
    async fn tcp_is_answered_too_until_the_server_is_dropped() {
        let dns = Dns::start().await;
        dns.set("db.test", [V4], 7);
        let mut stream = TcpStream::connect(dns.addr()).await.unwrap();
        for _ in 0..2 {
            let question = question("db.test.", RecordType::A);
            stream.write_u16(question.len().try_into().unwrap()).await.unwrap();
            stream.write_all(&question).await.unwrap();
            let mut answer = vec![0; stream.read_u16().await.unwrap().into()];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(addresses(&Message::from_vec(&answer).unwrap()), [(V4, 7)]);
        }
        drop(dns);
        assert_eq!(in_time("the end", stream.read(&mut [0])).await.unwrap(), 0);
    }
}
