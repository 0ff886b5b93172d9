//! Every verb: what it answers, and how it says no.

use std::net::SocketAddr;

use plexy_shared::command::VERBS;
use plexy_shared::spec::OPTIONS;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, LineClient};
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, Flow};

/// A daemon with one tunnel to an echo, and a session.
async fn scene() -> (Daemon, SocketAddr, SocketAddr, LineClient) {
    let backend = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=db]", backend.addr())).await;
    let line = daemon.line().await;
    let addr = backend.addr();
    // It lives as long as the runtime of the test.
    std::mem::forget(backend);
    (daemon, tunnel, addr, line)
}

#[track_caller]
fn check(answer: &str, expected: &str) {
    assert_eq!(answer, format!("{expected}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn open_carries_as_soon_as_it_has_answered() {
    let (daemon, _, backend, mut line) = scene().await;
    let answer = line.ask(&format!("open 0={backend}")).await;
    let listen = answer.strip_prefix("OK: ").expect("the taken port is told").trim();
    let flow = Flow::start(listen.parse::<SocketAddr>().unwrap(), 1).await.unwrap();
    assert!(flow.stop().await.fault.is_none());

    check(&line.ask(&format!("open {listen}={backend}")).await, "OK: unchanged");
    assert_eq!(daemon.statuses().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn close_resets_the_connections_and_frees_the_port() {
    let (daemon, tunnel, backend, mut line) = scene().await;
    let flow = Flow::start(tunnel, 1).await.unwrap();

    check(&line.ask("close db").await, "OK");

    assert!(Stream::connect(tunnel).await.is_err());
    assert!(flow.cut().await.fault.is_some());
    check(&line.ask("status").await, "OK: Tunnels: 0");
    check(&line.ask(&format!("open {tunnel}={backend}")).await, "OK");
    assert_eq!(daemon.statuses().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn close_drain_lets_the_connections_finish() {
    let (daemon, tunnel, _, mut line) = scene().await;
    let flow = Flow::start(tunnel, 1).await.unwrap();

    check(&line.ask("close db drain").await, "OK");

    assert!(Stream::connect(tunnel).await.is_err());
    let before = flow.bytes();
    plexy_tests::eventually!(flow.bytes() > before);
    assert!(flow.stop().await.fault.is_none());
    plexy_tests::eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_at_its_deadline_with_a_reset() {
    let (_daemon, tunnel, _, mut line) = scene().await;
    let mut client = Stream::connect(tunnel).await.unwrap();

    check(&line.ask(&format!("close {tunnel} drain deadline=50ms")).await, "OK");

    assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_full_long_and_list_are_the_same_and_in_order_of_opening() {
    let (daemon, first, backend, mut line) = scene().await;
    let second = daemon.open(&backend.to_string()).await;

    let full = line.ask("status full").await;

    let nothing = "open conns 0, total 0, bytes sent 0, received 0";
    let expected =
        format!("OK: Tunnels: 2\n\t{first} = {nothing}, name db\n\t{second} = {nothing}\n");
    assert_eq!(full, expected);
    assert_eq!(line.ask("status long").await, full);
    assert_eq!(line.ask("list").await, full);
}

#[tokio::test(flavor = "multi_thread")]
async fn detail_shows_the_spec_the_options_and_the_backends() {
    let (_daemon, tunnel, backend, mut line) = scene().await;
    let detail = line.ask("detail db").await;
    assert!(detail.starts_with(&format!("OK: {tunnel}\n")), "{detail}");
    assert!(detail.contains(&format!("\tspec {tunnel}={backend}[name=db]\n")), "{detail}");
    assert!(detail.contains("\toption strategy = round-robin\n"), "{detail}");
    assert!(detail.contains(&format!("\tbackend {backend} = up for ")), "{detail}");
    assert_eq!(detail.lines().filter(|line| !line.starts_with('\t')).count(), 1, "{detail}");
    assert!(line.ask("show db").await.starts_with("OK: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn add_and_remove_change_the_set() {
    let (daemon, tunnel, backend, mut line) = scene().await;
    check(&line.ask("add db 127.0.0.1:9+weight=3").await, "OK");
    assert_eq!(daemon.backend(tunnel, "127.0.0.1:9").await.weight, 3);
    check(&line.ask("add db 127.0.0.1:9+weight=3").await, "OK: unchanged");
    check(&line.ask(&format!("remove {tunnel} {backend}")).await, "OK");
    assert_eq!(daemon.detail(tunnel).await.backend_list.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_version_and_auth_answer() {
    let (_daemon, _, _, mut line) = scene().await;
    check(&line.ask("ping").await, "OK: pong");
    let version = line.ask("version").await;
    let expected =
        format!("OK: plexyd {}, pid {}, up ", env!("CARGO_PKG_VERSION"), std::process::id());
    assert!(version.starts_with(&expected), "{version}");
    check(&line.ask("auth nobody-asked-for-it").await, "OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_explains_every_verb_by_name_and_alias() {
    let (_daemon, _, _, mut line) = scene().await;
    let list = line.ask("help").await;
    for verb in VERBS {
        assert!(list.contains(&format!("\t{}", verb.name.to_uppercase())), "{list}");
        let help = line.ask(&format!("help {}", verb.name)).await;
        assert!(help.starts_with(&format!("OK: {}", verb.name.to_uppercase())), "{help}");
        assert!(help.contains(verb.help) && help.contains(verb.examples[1]), "{help}");
        let related = format!("\n\tsee also: {}\n", verb.related.join(", "));
        assert!(help.contains(&related), "{help}");
        let methods = format!("\n\tin JSON-RPC: {}\n", verb.methods.join(", "));
        assert_eq!(help.contains(&methods), !verb.methods.is_empty(), "{help}");
        for argument in verb.explained() {
            let line = format!("\n\t{}: {}\n", argument.term, argument.meaning);
            assert!(help.contains(&line), "{help}");
        }
        for alias in verb.aliases {
            assert_eq!(line.ask(&format!("HELP {alias}")).await, help);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_knows_the_grammar_of_a_tunnel_and_every_example() {
    let (_daemon, _, _, mut line) = scene().await;
    let grammar = line.ask("help tunnel").await;
    assert!(grammar.starts_with("OK: the grammar of a tunnel\n\tA tunnel: local="), "{grammar}");
    assert!(OPTIONS.iter().all(|row| grammar.contains(&format!("\n\t  {}", row.key))), "{grammar}");
    let examples = line.ask("HELP examples").await;
    let all: String =
        VERBS.iter().flat_map(|it| it.examples).map(|it| format!("\t{it}\n")).collect();
    assert_eq!(examples, format!("OK: examples\n{all}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_has_an_answer_that_helps() {
    let (_daemon, tunnel, backend, mut line) = scene().await;
    let cases = [
        ("opne 1=2", "unknown verb `opne` at column 1; did you mean `open`?".to_owned()),
        ("xyzzy", "unknown verb `xyzzy` at column 1; `help` lists the verbs".to_owned()),
        ("open", "expected a tunnel like `3000=10.0.0.1:5432` at column 5".to_owned()),
        ("close", "expected a tunnel: its name or its listen address at column 6".to_owned()),
        ("close nobody", "no tunnel `nobody`; `list` shows the tunnels".to_owned()),
        (
            "close db now",
            "unexpected `now` at column 10; expected keep or drain or kill".to_owned(),
        ),
        ("close db drain deadline=x", "`deadline`: ".to_owned()),
        ("close db drain deadline=1s x", "unexpected `x` at column 28".to_owned()),
        ("status ful", "unexpected `ful` at column 8; did you mean `full`?".to_owned()),
        ("status full x", "unexpected `x` at column 13; status takes [full|long]".to_owned()),
        ("detail", "expected a tunnel".to_owned()),
        ("detail 1", "no tunnel `127.0.0.1:1`".to_owned()),
        ("add db", "expected a backend like `10.0.0.1:5432` at column 7".to_owned()),
        ("add nobody 1:1", "`1` is not an IPv4 address at column 12".to_owned()),
        ("add db 127.0.0.1:0", "port 0 cannot be connected to at column 8".to_owned()),
        (
            "add db 1+wieght=2",
            "unknown attribute `wieght` of a backend at column 10; did you mean `weight`?"
                .to_owned(),
        ),
        ("remove db 1", "tunnel `db` has no backend `127.0.0.1:1`; `detail` shows".to_owned()),
        ("ping pong", "unexpected `pong` at column 6; ping takes nothing".to_owned()),
        ("help me", "unknown verb `me` at column 6".to_owned()),
        ("mode", "expected a mode".to_owned()),
        ("mode xml", "unexpected `xml` at column 6; expected text or script or json".to_owned()),
        ("auth", "expected a token".to_owned()),
        ("exit now", "unexpected `now` at column 6; exit takes nothing".to_owned()),
    ];
    let own = [
        (
            format!("add db {backend}+weight=9"),
            format!("tunnel `db` has backend `{backend}` already"),
        ),
        (format!("remove db {backend}"), format!("`{backend}` is the last backend of tunnel `db`")),
        (
            format!("add db {tunnel}"),
            format!("backend `{tunnel}` is the tunnel on `{tunnel}` itself"),
        ),
    ];
    let cases = cases.into_iter().map(|(line, error)| (line.to_owned(), error)).chain(own);
    for (command, error) in cases {
        let answer = line.ask(&command).await;
        assert!(answer.starts_with(&format!("ERROR: {error}")), "{command}: {answer}");
        assert_eq!(answer.lines().count(), 1, "{command}: {answer}");
    }
    assert_eq!(line.ask("ping").await, "OK: pong\n", "the session goes on");
}
