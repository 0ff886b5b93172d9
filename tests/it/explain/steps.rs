//! Whether a client would be let in, step by step.

use plexy_shared::error::{Code, Refusal};
use plexy_tests::backend::{Echo, Greeter};
use plexy_tests::daemon::HttpClient;
use plexy_tests::eventually;
use plexy_tests::traffic::Flow;

use super::*;
use crate::client::is_reset;
use crate::process::{PLEXYCTL, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_network_that_decides_is_named_and_other_clients_are_let_in() {
    let greeter = Greeter::start("a");
    let daemon = Daemon::start().await;
    let lists = "allow=127.0.0.0/8,deny=127.0.7.0/24";
    let tunnel = daemon.open(&format!("{}[{lists}]", greeter.addr())).await;

    let unknown = explain(&daemon, tunnel, None).await;
    let denied = explain(&daemon, tunnel, Some(Ipv4Addr::new(127, 0, 7, 1))).await;
    let foreign = explain(&daemon, tunnel, Some(Ipv4Addr::new(192, 0, 2, 1))).await;
    let allowed = explain(&daemon, tunnel, Some(HERE)).await;

    let allow_deny = |it| at(it, Hurdle::AllowDeny).unwrap();
    assert_eq!(outcome(&unknown), (Admission::ByClient, Choice::Picked));
    assert_eq!(allow_deny(&denied), (Admission::Refused, "deny 127.0.7.0/24"));
    assert_eq!(allow_deny(&foreign), (Admission::Refused, "it is on no list"));
    assert_eq!(allow_deny(&allowed), (Admission::Passed, "allow 127.0.0.0/8"));
    assert_eq!(outcome(&allowed), (Admission::Passed, Choice::Picked));
    assert_eq!(client(HERE, tunnel).await.0, 'a');
    assert_eq!(daemon.rejected(tunnel).await, 0, "asking is no client");
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_and_rates_are_told_with_their_counts_and_asking_takes_nothing_of_them() {
    let greeter = Greeter::start("a");
    let daemon = Daemon::start().await;
    // At one in a minute no second one may come for long.
    let limits = "max-conns-per-source=2,conn-rate=1/m";
    let tunnel = daemon.open(&format!("{}[{limits}]", greeter.addr())).await;
    let look = async |of_source, of_rate| {
        for _ in 0..100 {
            let explained = explain(&daemon, tunnel, Some(HERE)).await;
            let source = at(&explained, Hurdle::MaxConnsPerSource);
            assert_eq!(source, Some((Admission::Passed, of_source)));
            assert_eq!(at(&explained, Hurdle::ConnRate), Some((of_rate, "1/m")));
        }
    };
    look("0 of 2", Admission::Passed).await;
    let _client = client(HERE, tunnel).await;
    look("1 of 2", Admission::Refused).await;
    is_reset(tunnel).await;
    eventually!(daemon.rejected(tunnel).await == 1);
    daemon.line().await.ask(&format!("set {tunnel} max-conns-per-source=1")).await;
    let explained = explain(&daemon, tunnel, Some(HERE)).await;
    let sentence = format!("a client from {HERE} is refused by max-conns-per-source (1 of 1)");
    assert_eq!(explained.to_string(), sentence);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_would_be_parked_and_who_finds_no_room_among_them_is_told() {
    let greeter = Greeter::start("a");
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[max-conns=1,queue-timeout=1h]", greeter.addr())).await;
    let told = async || {
        let explained = explain(&daemon, tunnel, None).await;
        let (result, words) = at(&explained, Hurdle::MaxConns).unwrap();
        (result, words.to_owned())
    };
    assert_eq!(told().await, (Admission::Passed, "0 of 1".to_owned()));
    let _first = client(HERE, tunnel).await;
    assert_eq!(told().await, (Admission::Parked, "1 of 1, 0 of 1 parked".to_owned()));
    let _parked = Stream::connect(tunnel).await.unwrap();
    eventually!(daemon.detail(tunnel).await.parked == 1);
    assert_eq!(told().await, (Admission::Refused, "1 of 1, 1 of 1 parked".to_owned()));
    is_reset(tunnel).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_drains_and_one_without_descriptors_say_so() {
    let echo = Echo::start();
    // The reserve, one for the listener, and two for a connection.
    let daemon = Daemon::start_with(|config| config.descriptors_max = Some(280 + 1 + 2)).await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    let starved = explain(&daemon, tunnel, None).await;
    assert_eq!(at(&starved, Hurdle::Descriptors), Some((Admission::Waits, "none are left")));
    assert_eq!(starved.to_string(), "a client waits for descriptors (none are left)");
    assert!(flow.stop().await.fault.is_none());
    eventually!(outcome(&explain(&daemon, tunnel, None).await).0 == Admission::Passed);

    daemon.line().await.ask(&format!("drain {tunnel}")).await;

    let drained = explain(&daemon, tunnel, None).await;
    let (result, words) = at(&drained, Hurdle::Admin).unwrap();
    assert!(result == Admission::Refused && words.starts_with("drain for 0s by line"), "{words}");
    assert!(drained.to_string().starts_with("a client is refused by admin (drain"), "{drained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_unix_socket_have_no_address_and_are_all_alike() {
    let (one, two) = (Greeter::start("a"), Greeter::start("b"));
    let daemon = Daemon::start().await;
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("unix:{}", folder.path().join("in").display());
    let backends = format!("{},{}", one.addr(), two.addr());
    daemon.try_open(&format!("{listen}={backends}[strategy=source-hash]")).await.unwrap();
    let tunnel = listen.parse().unwrap();

    let explained = daemon.service().explain(&tunnel, None, None).await.unwrap();
    let refused = daemon.service().explain(&tunnel, Some(HERE.into()), None).await.unwrap_err();

    let mut stream = Stream::connect(folder.path().join("in").as_path()).await.unwrap();
    let letter = in_time("a greeting", stream.read_u8()).await.unwrap();
    let expected = if letter == b'a' { one.addr() } else { two.addr() };
    assert_eq!(explained.picked, Some(expected.to_string()));
    assert_eq!(Refusal::from(refused).code, Code::UnexpectedArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn plexyctl_writes_a_sentence_and_two_tables() {
    let (one, two) = (Greeter::start("a"), Greeter::start("b"));
    let daemon = Daemon::start().await;
    let backends = format!("{},{}+backup", one.addr(), two.addr());
    let tunnel = daemon.open(&format!("{backends}[strategy=first]")).await;
    let HttpClient::Unix(socket) = daemon.rpc_unix() else { unreachable!("it is a Unix socket") };
    let endpoint = format!("unix:{}", socket.display());
    let tunnel = tunnel.to_string();
    let arguments = ["--endpoint", &endpoint, "explain", &tunnel, "from", "10.1.2.3"];

    let output = run(PLEXYCTL, &arguments).await;

    let picked = one.addr();
    let sentence = format!("a client from 10.1.2.3 is let in, and goes to {picked} by first\n\n");
    let text = output.text();
    assert!(text.starts_with(&sentence), "{text}{}", output.errors());
    let last = text.lines().last().unwrap();
    let cells: Vec<_> = last.split_whitespace().collect();
    let backup = two.addr().to_string();
    assert_eq!(cells, [&*backup, "no", "-", "1,", "backup", "0", "order", "2", "backup"]);
}
