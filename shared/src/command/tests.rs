use std::time::Duration;

use super::*;
use crate::error::Refusal;
use crate::spec::{BackendAddr, LiveAction, TunnelRef};

#[track_caller]
fn parsed(line: &str) -> Request {
    Request::parse(line).expect(line).expect(line)
}

#[track_caller]
fn refused(line: &str, code: &str, column: usize, sentence: &str) {
    let refusal = Refusal::from(Request::parse(line).expect_err(line));
    let text = refusal.to_string();
    assert_eq!(refusal.code.as_str(), code, "{line}: {text}");
    assert!(text.contains(sentence), "{line}: {text}");
    assert!(text.contains(&format!("at column {column}")), "{line}: {text}");
}

#[test]
fn every_example_of_every_verb_parses() {
    for verb in VERBS {
        for example in verb.examples {
            parsed(example);
        }
    }
}

#[test]
fn verbs_are_read_in_any_case_and_by_their_aliases() {
    assert_eq!(parsed("STATUS"), Request::Status(Detail::Count));
    assert_eq!(parsed("  Status   LONG  "), Request::Status(Detail::Full));
    assert_eq!(parsed("list"), Request::Status(Detail::Full));
    assert_eq!(parsed("QUIT"), Request::Exit);
    assert!(matches!(parsed("show web"), Request::Detail(_)));
}

#[test]
fn conns_takes_its_clauses_in_any_order_and_kill_ids_or_a_filter() {
    use crate::connection::{ConnectionId, ConnectionQuery, KillOrder, Sort};
    use crate::filter::Key;

    let query = |line| match parsed(line) {
        Request::Conns(query) => *query,
        other => unreachable!("{other:?}"),
    };
    let kill = |line| match parsed(line) {
        Request::Kill(order) => order,
        other => unreachable!("{other:?}"),
    };
    let filter = || "idle > 1m and bytes<1k".parse().unwrap();
    let tunnel = || Some("db".parse().unwrap());
    assert_eq!(query("conns"), ConnectionQuery::default());
    let sort = Sort { key: Key::Bytes, is_descending: true };
    let expected = ConnectionQuery { tunnel: tunnel(), filter: filter(), sort, limit: 7 };
    assert_eq!(query("conns db where idle > 1m and bytes<1k sort -bytes limit 7"), expected);
    assert_eq!(query("CONNS db LIMIT 7 Sort -BYTES Where idle>1m AND bytes<1k"), expected);
    assert_eq!(query("conns limit 10000"), ConnectionQuery { limit: 10_000, ..Default::default() });

    assert_eq!(
        kill("kill 7 18446744073709551615"),
        KillOrder::Ids(vec![ConnectionId(7), ConnectionId(u64::MAX),])
    );
    let order = |tunnel| KillOrder::Where { tunnel, filter: filter() };
    assert_eq!(kill("kill where idle>1m and bytes<1k"), order(None));
    assert_eq!(kill("kill db where idle>1m and bytes<1k"), order(tunnel()));
    assert!(matches!(kill("kill 3000 where age>1s"), KillOrder::Where { tunnel: Some(_), .. }));
}

#[test]
fn close_knows_how_to_drain() {
    let drain = |line| match parsed(line) {
        Request::Close { live, .. } => live,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(drain("close 3000"), LiveAction::Kill.into());
    assert_eq!(drain("close 3000 keep"), LiveAction::Keep.into());
    assert_eq!(drain("close 3000 drain"), LiveAction::Drain.into());
    let deadline = Some(Duration::from_secs(90));
    let drained = LiveChoice { action: LiveAction::Drain, deadline };
    assert_eq!(drain("close web drain deadline=90s"), drained);
}

#[test]
fn what_live_connections_get_is_said_once() {
    let live = |line| match parsed(line) {
        Request::Remove { live, .. } | Request::Switch { live, .. } => live,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(live("remove web 4000"), None);
    assert_eq!(live("remove web 4000+weight=2 KILL"), Some(LiveAction::Kill.into()));
    let deadline = Some(Duration::from_secs(1));
    let drained = Some(LiveChoice { action: LiveAction::Drain, deadline });
    assert_eq!(live("remove web 4000 drain deadline=1s"), drained);
    assert_eq!(live("switch web to 4000,4001+backup"), None);
    assert_eq!(live("switch web to 4000 drain deadline=1s"), drained);
    for line in [
        "remove web 4000 kill deadline=1s",
        "remove web 4000 deadline=1s",
        "switch web 4000",
        "switch web to 4000, 4001",
        "switch web to 4000,4000",
        "switch web to",
    ] {
        assert!(Request::parse(line).is_err(), "{line}");
    }
}

#[test]
fn set_is_of_a_tunnel_or_of_a_backend() {
    let text = |line| match parsed(line) {
        Request::Set { tunnel, settings } => format!("{tunnel}: {settings}"),
        Request::SetBackend { tunnel, backend, settings } => {
            format!("{tunnel} {backend}: {settings}")
        }
        other => unreachable!("{other:?}"),
    };
    assert_eq!(text("set web retries=5 name="), "web: retries=5 name=");
    assert_eq!(text("set web Remote-TLS retries=5"), "web: backend-tls=on retries=5");
    assert_eq!(
        text("set 3000 4000 weight=5 backup"),
        "127.0.0.1:3000 127.0.0.1:4000: weight=5 backup=on"
    );
    for line in ["set web", "set web 4000", "set web weight=5", "set web 4000 retries=5"] {
        assert!(Request::parse(line).is_err(), "{line}");
    }
}

#[test]
fn drain_and_enable_are_of_a_tunnel_or_of_a_backend() {
    let web: TunnelRef = "web".parse().unwrap();
    let backend: BackendAddr = "4000".parse().unwrap();
    let drained = |backend, deadline| Request::Drain { tunnel: web.clone(), backend, deadline };
    assert_eq!(parsed("drain web"), drained(None, None));
    assert_eq!(parsed("drain web 4000"), drained(Some(backend.clone()), None));
    let deadline = Some(Duration::from_secs(5));
    assert_eq!(parsed("drain web deadline=5s"), drained(None, deadline));
    assert_eq!(parsed("drain web 4000 deadline=5s"), drained(Some(backend.clone()), deadline));
    let enabled = |backend| Request::Enable { tunnel: web.clone(), backend };
    assert_eq!(parsed("undrain web"), enabled(None));
    assert_eq!(parsed("enable web 4000"), enabled(Some(backend.clone())));
    assert_eq!(parsed("disable web 4000"), Request::Disable { tunnel: web.clone(), backend });
    for line in ["drain", "drain web 4000 now", "enable web 4000 5000", "disable web"] {
        assert!(Request::parse(line).is_err(), "{line}");
    }
}

#[test]
fn empty_lines_and_comments_ask_for_nothing() {
    for line in ["", "   ", "\r", "# open 1=2", "  # x"] {
        assert_eq!(Request::parse(line), Ok(None), "{line:?}");
    }
}

#[test]
fn events_are_asked_for_by_number_and_by_count_in_any_order() {
    let events = |line| match parsed(line) {
        Request::Events { range, follow } => (range.after, range.last, follow),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(events("events"), (None, None, false));
    assert_eq!(events("events 1000"), (None, Some(1_000), false));
    assert_eq!(events("EVENTS FOLLOW"), (None, None, true));
    assert_eq!(events("events after=0"), (Some(0), None, false));
    for line in ["events 7 after=9 follow", "events follow AFTER=9 7"] {
        assert_eq!(events(line), (Some(9), Some(7), true), "{line}");
    }
    assert_eq!(events("events after=18446744073709551615").0, Some(u64::MAX));
}

#[test]
fn what_is_explained_may_be_of_a_client_with_an_address_and_a_name() {
    let web: TunnelRef = "web".parse().unwrap();
    let explained = |from: Option<&str>, sni: Option<&str>| Request::Explain {
        tunnel: web.clone(),
        from: from.map(|ip| ip.parse().unwrap()),
        sni: sni.map(|name| name.parse().unwrap()),
    };
    assert_eq!(parsed("explain web"), explained(None, None));
    assert_eq!(parsed("explain web FROM 2001:db8::7"), explained(Some("2001:db8::7"), None));
    assert_eq!(parsed("explain web from ::ffff:10.1.2.3"), explained(Some("10.1.2.3"), None));
    assert_eq!(parsed("explain web sni A.example"), explained(None, Some("a.example")));
    let both = explained(Some("10.1.2.3"), Some("a.example"));
    assert_eq!(parsed("explain web from 10.1.2.3 SNI a.example"), both);
    assert_eq!(parsed("explain web sni a.example from 10.1.2.3"), both);
}

#[test]
fn changes_are_counted_from_the_newest() {
    assert_eq!(parsed("history"), Request::History(HISTORY_DEFAULT));
    assert_eq!(parsed("history 1000"), Request::History(1_000));
    assert_eq!(parsed("undo"), Request::Undo(1));
    assert_eq!(parsed("UNDO 3"), Request::Undo(3));
}

#[test]
fn a_file_may_stand_in_quotes() {
    let file = |line| match parsed(line) {
        Request::Load(file) => file,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(file("load /etc/plexy/more.toml"), "/etc/plexy/more.toml");
    assert_eq!(file("load \"/srv/my tunnels.toml\""), "/srv/my tunnels.toml");
    assert_eq!(file(r#"load "/srv/a \"b\" \\c""#), r#"/srv/a "b" \c"#);
    assert_eq!(file("load é,[x]=y"), "é,[x]=y");
}

#[test]
fn a_bad_line_is_refused_with_its_place() {
    refused("frobnicate", "unknown-verb", 1, "`help` lists the verbs");
    refused("  clsoe 3000", "unknown-verb", 3, "did you mean `close`?");
    refused("open", "missing-argument", 5, "expected a tunnel");
    refused("open 3000", "invalid-syntax", 10, "expected `=`");
    refused("open 3000=4000[stratgy=random]", "unknown-option", 16, "`strategy`");
    refused("status fulll", "unexpected-argument", 8, "did you mean `full`?");
    refused("status full more", "unexpected-argument", 13, "status takes [full|long]");
    refused("ping pong", "unexpected-argument", 6, "ping takes nothing");
    refused("close 3000 drian", "unexpected-argument", 12, "did you mean `drain`?");
    refused("close 3000 drain 5s", "unexpected-argument", 18, "deadline=DURATION");
    refused("close 3000 drain deadline=-1", "out-of-range", 18, "negative");
    refused("add 3000", "missing-argument", 9, "expected a backend");
    refused("add 3000 4000+wieght=2", "unknown-option", 15, "did you mean `weight`?");
    refused("detail 3000:4000:5", "invalid-address", 8, "brackets");
    refused("help opne", "unknown-verb", 6, "did you mean `open`?");
    refused("mode xml", "unexpected-argument", 6, "text or script or json");
    refused("open 3000=é:80", "invalid-address", 11, "not a host name");
    refused("events 0", "out-of-range", 8, "1 to 1000");
    refused("events 1001", "out-of-range", 8, "1 to 1000");
    refused("events 1 2", "unexpected-argument", 10, "after=NUMBER");
    refused("events -1", "unexpected-argument", 8, "after=NUMBER");
    refused("events folow", "unexpected-argument", 8, "did you mean `follow`?");
    refused("events follow follow", "unexpected-argument", 15, "unexpected `follow`");
    refused("events after=x", "invalid-value", 8, "after");
    refused("events after=-1", "out-of-range", 8, "after");
    refused("events after=18446744073709551616", "out-of-range", 8, "after");
    refused("events after=1 after=2", "unexpected-argument", 16, "after=2");
    refused("explain", "missing-argument", 8, "expected a tunnel");
    refused("explain db form 10.1.2.3", "unexpected-argument", 12, "did you mean `from`?");
    refused("explain db from", "missing-argument", 16, "an IP address");
    refused("explain db from 10.1.2.0/24", "invalid-value", 17, "not an IP address");
    refused("explain db from 10.1.2.3 now", "unexpected-argument", 26, "expected sni");
    refused("explain db sni", "missing-argument", 15, "a name");
    refused("explain db sni *.a.example", "invalid-value", 16, "several names");
    refused("explain db sni a.example sni b.example", "unexpected-argument", 26, "expected from");
    refused("history 0", "out-of-range", 9, "1 to 1000");
    refused("history all", "invalid-value", 9, "all");
    refused("history 1 2", "unexpected-argument", 11, "history takes [N]");
    refused("undo 1001", "out-of-range", 6, "1 to 1000");
    refused("undo 1.5", "invalid-value", 6, "1.5");
    refused("undo -1", "out-of-range", 6, "negative");
    refused("load", "missing-argument", 5, "expected a file");
    refused("load a b", "unexpected-argument", 8, "load takes file");
    refused("save x", "unexpected-argument", 6, "save takes nothing");
    refused("reload x", "unexpected-argument", 8, "reload takes nothing");
    refused("export x", "unexpected-argument", 8, "export takes nothing");
    refused("conns db 1", "unexpected-argument", 10, "where or sort or limit");
    refused("conns a..b:x", "invalid-address", 7, "port");
    refused("conns db wher idle>1s", "unexpected-argument", 10, "did you mean `where`?");
    refused("conns where", "missing-argument", 12, "expected a test");
    refused("conns where idel>1s", "unknown-option", 13, "did you mean `idle`?");
    refused("conns wo where é>1s", "unknown-option", 16, "unknown key `é`");
    refused("conns where idle>1s or age>1s", "unexpected-argument", 21, "and or sort or limit");
    refused("conns sort", "missing-argument", 11, "a key to sort by");
    refused("conns sort byts", "invalid-value", 12, "did you mean `bytes`?");
    refused("conns sort id sort id", "unexpected-argument", 15, "unexpected `sort`");
    refused("conns limit 0", "out-of-range", 13, "1 to 10000");
    refused("conns limit 10001", "out-of-range", 13, "1 to 10000");
    refused("kill", "missing-argument", 5, "the id of a connection");
    refused("kill db", "invalid-value", 6, "as `conns` shows it");
    refused("kill 1 db", "invalid-value", 8, "as `conns` shows it");
    refused("kill 1 where", "missing-argument", 13, "expected a test");
    refused("kill where tunnel>db", "unexpected-argument", 18, "no more or less");
    refused("kill where age>1s sort id", "unexpected-argument", 19, "kill takes ID");
    refused("open \x1b[31m=80", "invalid-syntax", 6, r"`\u{1b}`");
}
