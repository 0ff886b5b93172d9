//! How far a connection has come, and that it can be ended in each phase.

use std::io;

use plexy_shared::connection::Phase;
use plexy_shared::spec::LiveAction;
use plexy_tests::backend::{Backend, BlackHole, Character, Echo};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, reset};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{client, conns, echoed, ids, kill, row};

/// Hears the client out, and keeps its own direction open.
struct Keeper;

impl Character for Keeper {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        stream.read_to_end(&mut Vec::new()).await?;
        std::future::pending().await
    }
}

/// Ends the only connection of a tunnel, which has to be in this phase.
async fn ends(daemon: &Daemon, mut client: Stream, phase: Phase) {
    eventually!(row(daemon, &client).await.phase == phase);
    let killed = kill(daemon, &format!("where phase={phase}")).await.unwrap();
    assert_eq!((killed.killed, killed.ids.len(), killed.gone.len()), (1, 1, 0));
    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_connects_has_no_backend_and_can_be_killed() {
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[connect-timeout=1m]", hole.addr())).await;
    let client = Stream::connect(tunnel).await.unwrap();
    eventually!(daemon.connections() == 1);

    let shown = row(&daemon, &client).await;
    assert_eq!((shown.backend, shown.bytes_in, shown.rate_in), (None, 0, 0));
    // Nothing has ever gone.
    let (age, idle) = (shown.age_ms, shown.idle_ms);
    assert!(age.abs_diff(idle) <= 1_000, "{age} {idle}");
    ends(&daemon, client, Phase::Connecting).await;

    assert_eq!(daemon.ended(tunnel, "killed").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_parked_has_no_backend_and_can_be_killed() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[max-conns=1,queue-timeout=1m]", echo.addr())).await;
    let mut held = client(tunnel, b"x").await;
    let mut parked = Stream::connect(tunnel).await.unwrap();
    eventually!(row(&daemon, &parked).await.phase == Phase::Parked);
    let shown = row(&daemon, &parked).await;
    assert_eq!((shown.backend, shown.bytes_in), (None, 0));

    let killed = kill(&daemon, "where phase=parked").await.unwrap();

    assert_eq!((killed.killed, killed.ids), (1, vec![shown.id]));
    assert_eq!(Ending::of(&mut parked).await.unwrap(), (Vec::new(), Ending::Reset));
    eventually!(daemon.connections() == 1);
    // It was never let in.
    assert_eq!((daemon.ended(tunnel, "killed").await, daemon.rejected(tunnel).await), (0, 1));
    echoed(&mut held, b"y").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_client_has_finished_is_half_closed_and_can_be_killed() {
    let keeper = Backend::start(Keeper);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&keeper.addr().to_string()).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    eventually!(row(&daemon, &client).await.phase == Phase::Relaying);
    client.shutdown().await.unwrap();

    ends(&daemon, client, Phase::HalfClosed).await;

    assert_eq!(daemon.ended(tunnel, "killed").await, 1);
    eventually!(keeper.live() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_a_closed_tunnel_are_closing_and_are_found_by_its_name() {
    let (echo, hole) = (Echo::start(), BlackHole::start());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=db]", echo.addr())).await;
    let holed = daemon.open(&format!("{}[name=far,connect-timeout=1m]", hole.addr())).await;
    let (drained, connecting) = (client(tunnel, b"x").await, Stream::connect(holed).await.unwrap());
    eventually!(daemon.connections() == 2);
    let drain = LiveAction::Drain.into();
    daemon.try_close("db", drain).await.unwrap();
    daemon.try_close("far", drain).await.unwrap();

    let phases = async || {
        let rows = conns(&daemon, "sort tunnel").await;
        rows.into_iter().map(|row| (row.tunnel, row.phase.known())).collect::<Vec<_>>()
    };
    let closing = |name: &str| (name.to_owned(), Some(Phase::Closing));
    assert_eq!(phases().await, [closing("db"), closing("far")]);

    // Another one may have the name by now.
    daemon.open(&format!("{}[name=db]", echo.addr())).await;
    let by_name = conns(&daemon, "db").await;
    assert_eq!((by_name.len(), by_name[0].listen.clone()), (1, tunnel.to_string()));
    let by_addr = ids(&daemon, &tunnel.to_string()).await;
    assert_eq!((by_addr.len(), &by_addr), (1, &ids(&daemon, "where tunnel=DB").await));
    reset(connecting);
    eventually!(daemon.connections() == 1);
    ends(&daemon, drained, Phase::Closing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_a_removed_backend_are_closing_and_the_others_are_not() {
    let (stays, leaves) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{},{}", stays.addr(), leaves.addr())).await;
    let _clients = [client(tunnel, b"x").await, client(tunnel, b"x").await];
    daemon.remove(tunnel, &leaves.addr().to_string()).await.unwrap();

    for (backend, phase) in [(&stays, Phase::Relaying), (&leaves, Phase::Closing)] {
        let rows = conns(&daemon, &format!("where backend={}", backend.addr())).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].phase, phase);
    }
}
