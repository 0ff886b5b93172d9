//! Limits and backends change at random while a crowd comes, of whom some wait, some give up and some
//! are refused: each is counted once, and at the end nobody is there.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use plexy_tests::backend::{Backend, Echo};
use plexy_tests::daemon::{Daemon, LineClient};
use plexy_tests::eventually;
use plexy_tests::eventually::in_time;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, reset};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

const VISITORS: usize = 32;
const CHANGES: usize = 400;
const BACKENDS: usize = 4;

/// Where they come from.
const SOURCES: [Ipv4Addr; 3] =
    [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];

/// So that there are many changes in the life of the crowd, and it gets somewhere between them.
const CHANGE_PAUSE: Duration = Duration::from_millis(2);

/// Options that are set at random.
const SETTINGS: [(&str, &[&str]); 5] = [
    ("max-conns", &["none", "1", "3", "10", "1000"]),
    ("queue-timeout", &["0", "20ms", "1m"]),
    ("max-conns-per-source", &["none", "2", "8"]),
    ("conn-rate", &["none", "1000/s", "600/m"]),
    ("on-all-down", &["try-all", "refuse"]),
];

const PLACES: [&str; 4] = ["none", "1", "2", "5"];

fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.usize(..of.len())]
}

fn change(rng: &mut Rng, backends: &[SocketAddr]) -> String {
    let backend = *pick(rng, backends);
    match rng.u8(..12) {
        0..=4 => {
            let (key, values) = pick(rng, &SETTINGS);
            format!("set way {key}={}", pick(rng, values))
        }
        5 | 6 => format!("set way {backend} max-conns={}", pick(rng, &PLACES)),
        7 => format!("add way {backend}+max-conns={}", pick(rng, &PLACES)),
        8 => format!("remove way {backend}"),
        9 => {
            let places = [pick(rng, &PLACES), pick(rng, &PLACES)];
            let [one, other] = [backends[0], backends[1]];
            format!("switch way to {one}+max-conns={},{other}+max-conns={}", places[0], places[1])
        }
        10 => format!("{} way {backend}", pick(rng, &["drain", "disable"])),
        _ => format!("enable way {backend}"),
    }
}

/// Makes changes.
async fn work(mut line: LineClient, backends: &[SocketAddr], mut rng: Rng) {
    let mut made = 0;
    while made < CHANGES {
        let command = change(&mut rng, backends);
        let answer = line.ask(&command).await;
        let refusals = ["has no backend", "last backend", "already"];
        let is_expected = refusals.iter().any(|refusal| answer.contains(refusal));
        assert!(answer.starts_with("OK") || is_expected, "{command}: {answer}");
        made += usize::from(answer.starts_with("OK: changed"));
        tokio::time::sleep(CHANGE_PAUSE).await;
    }
}

/// A client from there; none where it hears of its reset at once.
async fn arrive(source: Ipv4Addr, tunnel: SocketAddr) -> Option<Stream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    match in_time("a connection", socket.connect(tunnel)).await {
        Ok(stream) => Some(Stream::from(stream)),
        Err(error) => {
            assert_eq!(Ending::try_from(error).unwrap(), Ending::Reset);
            None
        }
    }
}

/// Comes once and goes in one of the ways there are; whether it was served.
async fn visit(tunnel: SocketAddr, rng: &mut Rng) -> bool {
    let Some(mut stream) = arrive(*pick(rng, &SOURCES), tunnel).await else { return false };
    let stay = Duration::from_millis(rng.u64(..10));
    match rng.u8(..5) {
        0 => reset(stream),
        1 => drop(stream),
        2 => {
            tokio::time::sleep(stay).await;
            reset(stream);
        }
        _ => {
            let told = stream.write_all(b"hello").await;
            tokio::time::sleep(stay).await;
            if told.is_err() || stream.shutdown().await.is_err() {
                return false;
            }
            let ended = in_time("an end", Ending::of(&mut stream)).await;
            return ended.is_ok_and(|(bytes, ending)| bytes == b"hello" && ending == Ending::Fin);
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_is_counted_once_and_nobody_is_left() {
    let seed = fastrand::u64(..);
    eprintln!("the seed is {seed}");
    let echoes: Vec<Backend<Echo>> = (0..BACKENDS).map(|_| Echo::start()).collect();
    let addrs: Vec<_> = echoes.iter().map(Backend::addr).collect();
    let daemon = Daemon::start_with(|config| {
        config.workers = std::num::NonZeroUsize::new(2).unwrap();
    })
    .await;
    let tunnel = daemon.open(&format!("{},{}[name=way,max-conns=3]", addrs[0], addrs[1])).await;
    let over = Arc::new(AtomicBool::new(false));
    let rng = |number: usize| Rng::with_seed(seed.wrapping_add(number as u64));
    let visitor = |number| {
        let (mut rng, over) = (rng(number), Arc::clone(&over));
        async move {
            let (mut visits, mut served) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                served += u64::from(visit(tunnel, &mut rng).await);
                visits += 1;
            }
            (visits, served)
        }
    };
    let visitors: Vec<_> = (0..VISITORS).map(|number| tokio::spawn(visitor(number))).collect();
    work(daemon.line().await, &addrs, rng(VISITORS)).await;
    over.store(true, Ordering::Relaxed);
    let (mut visits, mut served) = (0, 0);
    for visitor in visitors {
        let (more, of_them) = visitor.await.unwrap();
        visits += more;
        served += of_them;
    }

    assert!(served > 100, "{served} of {visits} were served");
    let sum = |reasons: &[plexy_shared::info::EndedInfo]| -> u64 {
        reasons.iter().map(|it| it.connections).sum()
    };
    let detail = async || daemon.detail("way").await;
    let counted = async || sum(&detail().await.ended) + sum(&detail().await.rejected);
    // The last of them may not have been accepted yet, and leaves the queue a moment after its end.
    eventually!(counted().await == visits, "{visits} visits: {:?}", detail().await);
    eventually!(daemon.connections() == 0 && detail().await.parked == 0);
    let detail = detail().await;
    let (ended, rejected) = (sum(&detail.ended), sum(&detail.rejected));
    assert_eq!(ended, detail.status.traffic.connections_total, "{detail:?}");
    assert_eq!(ended + rejected, visits, "{detail:?}");
    assert!(rejected > 0 && detail.rejected.len() > 1, "{detail:?}");
    assert_eq!((detail.parked, detail.status.traffic.connections), (0, 0));
    assert!(detail.backend_list.iter().all(|backend| backend.traffic.connections == 0));
    eventually!(echoes.iter().all(|echo| echo.live() == 0));

    // No source has a connection that has gone.
    let mut line = daemon.line().await;
    line.ask(&format!("switch way to {}", addrs[3])).await;
    line.ask("set way max-conns= conn-rate= max-conns-per-source=2").await;
    let mut all = Vec::new();
    for _ in 0..2 {
        for source in SOURCES {
            all.push(arrive(source, tunnel).await.expect("it may come"));
        }
    }
    eventually!(echoes[3].live() == all.len());
}
