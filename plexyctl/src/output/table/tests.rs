use plexy_shared::connection::ConnectionInfo;
use plexy_shared::info::{
    AdminInfo, BackendInfo, BackendState, BackendTlsInfo, CertificateInfo, CheckInfo, CheckState,
    EjectionInfo, EndedInfo, Origin, Reason, RefusedInfo, TlsInfo, Traffic, TunnelInfo,
    TunnelStatus,
};
use plexy_shared::spec::{AdminState, TlsVersion};
use plexy_shared::weight::Weight;
use plexy_shared::word::Word;

use super::super::layout::Layout;
use super::super::screen::Screen;
use super::super::view::View;
use super::*;
use crate::args::Format;

const VIEW: View = View { format: Format::Table, columns: None, order: None };

fn layout(has_headers: bool) -> Layout<'static> {
    Layout::new(&VIEW, has_headers, Screen::PIPE)
}

fn list(all: &[TunnelStatus], has_headers: bool) -> String {
    layout(has_headers).table(tunnels(all))
}

fn detail(info: &TunnelInfo) -> String {
    super::detail(info, &layout(true))
}

fn conns(connections: &[ConnectionInfo]) -> String {
    layout(true).table(briefly(connections))
}

const TRAFFIC: Traffic =
    Traffic { connections: 3, connections_total: 1_240, bytes_in: 42_100_000, bytes_out: 999 };

fn tunnel(name: Option<&str>) -> TunnelStatus {
    let name = name.map(str::to_owned);
    TunnelStatus {
        listen: "127.0.0.1:8080".to_owned(),
        name,
        traffic: TRAFFIC,
        backends_up: 1,
        backends: 2,
        admin: None,
    }
}

fn admin(state: AdminState, deadline_ms: Option<u64>) -> AdminInfo {
    let by = Some("rpc uid=0".to_owned());
    AdminInfo { state: state.into(), seconds: 7, by, deadline_ms }
}

fn info() -> TunnelInfo {
    let backend = BackendInfo {
        addr: "10.0.0.1:80".to_owned(),
        admin: admin(AdminState::Drain, Some(4_000)),
        state: Word::Unknown("resting".into()),
        state_seconds: 72,
        cause: Some("refused\x1b[2J".to_owned()),
        next_ms: Some(1_500),
        check: Some(CheckInfo {
            state: CheckState::Down.into(),
            state_seconds: 62,
            streak: 3,
            streak_of: 3,
            failure: Some("wrong answer \x1b[2J".to_owned()),
            took_us: Some(12_345),
            next_ms: 4_001,
        }),
        ejection: Some(EjectionInfo {
            seconds: 9,
            cause: "refused\x1b[2J".to_owned(),
            probe_ms: Some(1_500),
            ends_ms: None,
        }),
        weight: 3,
        effective_weight: Some(Weight::in_thousandths(550)),
        backup: true,
        max_conns: None,
        sni: vec!["a.example".to_owned(), "*.b\x1b[2J".to_owned()],
        traffic: TRAFFIC,
        attempts_failed: 37,
        addresses: Vec::new(),
    };
    let up = BackendInfo {
        admin: admin(AdminState::Ready, None),
        state: BackendState::Up.into(),
        cause: None,
        next_ms: None,
        check: None,
        ejection: None,
        weight: 1,
        effective_weight: None,
        backup: false,
        max_conns: Some(200),
        sni: Vec::new(),
        ..backend.clone()
    };
    TunnelInfo {
        status: tunnel(Some("web")),
        spec: "127.0.0.1:8080=10.0.0.1:80[name=web]".to_owned(),
        origin: Origin::Runtime.into(),
        revision: 7,
        age_seconds: 61,
        admin_info: admin(AdminState::Drain, None),
        parked: 2,
        options: Vec::new(),
        tls: Some(TlsInfo {
            certificates: vec![CertificateInfo {
                file: "/etc/a.pem".to_owned(),
                names: vec!["a.example".to_owned(), "*.b.example\x1b[31m".to_owned()],
                subject: "CN=a.example".to_owned(),
                issuer: "CN=tests".to_owned(),
                serial: "01:02".to_owned(),
                not_before: "2026-01-01T00:00:00Z".to_owned(),
                not_after: "2027-01-01T00:00:00Z".to_owned(),
                days_left: 35,
                fingerprint: "ab".repeat(32),
            }],
        }),
        backend_tls: Some(BackendTlsInfo { verified: false, certificate: None }),
        files_refused: Some(RefusedInfo { seconds: 12, why: "`/etc/a.pem`: \x1b[2J".to_owned() }),
        ended: vec![EndedInfo { reason: Reason::ClientFin.into(), connections: 12 }],
        rejected: Vec::new(),
        backend_list: vec![backend, up],
    }
}

#[test]
fn columns_stand_in_line() {
    let list = list(&[tunnel(Some("web")), tunnel(None)], true);
    let expected = "\
NAME  LISTEN           UP  CONN  TOTAL     IN  OUT
web   127.0.0.1:8080  1/2     3  1.24k  42.1M  999
-     127.0.0.1:8080  1/2     3  1.24k  42.1M  999
";
    assert_eq!(list, expected);
}

#[test]
fn headers_can_be_left_out() {
    assert!(list(&[tunnel(Some("web"))], false).starts_with("web  127.0.0.1:8080"));
}

#[test]
fn a_detail_says_it_all_and_harms_no_terminal() {
    let detail = detail(&info());
    for expected in [
        "opened by    runtime, 1m01s ago\n",
        "backend tls  NOT VERIFIED: whoever is between",
        "certificate  a.example *.b.example\\u{1b}[31m, issuer CN=tests, until 2027-01-01T00:00:00Z (35 days left), sha256 abab",
        "cert files   bad for 12s: `/etc/a.pem`: \\u{1b}[2J\n",
        "connections  3 now, 1.24k in total, 2 parked\n",
        "ended        client-fin 12\n",
        "rejected     -\n",
        "admin        drain for 7s by rpc uid=0\n",
        "10.0.0.1:80  resting  drain, 4s left  1m12s  refused\\u{1b}[2J    2s  0.55 of 3  yes",
        "10.0.0.1:80  up       ready           1m12s  -                    -          1  -",
        "10.0.0.1:80  down 3/3  1m02s  wrong answer \\u{1b}[2J  12.3ms    5s  9s       refused\\u{1b}[2J     2s\n",
        "10.0.0.1:80  none          -  -                            -     -  no       -                     -\n",
        "BACKEND      SNI\n10.0.0.1:80  a.example *.b\\u{1b}[2J\n10.0.0.1:80  all others\n",
    ] {
        assert!(detail.contains(expected), "{expected}\n{detail}");
    }
    assert!(detail.chars().all(|c| c == '\n' || !c.is_control()), "{detail:?}");
}

#[test]
fn where_nothing_is_checked_or_ejected_nothing_is_said_of_it() {
    let mut info = info();
    info.backend_list.remove(0);
    assert!(!detail(&info).contains("EJECTED"));
}

#[test]
fn connections_stand_in_line_and_say_what_is_not_there() {
    let connecting = ConnectionInfo {
        id: "7355149516800000001".to_owned(),
        tunnel: "web\x1b[2J".to_owned(),
        listen: "127.0.0.1:8080".to_owned(),
        client: "10.0.0.7:40312".to_owned(),
        backend: None,
        sni: Some("a.example".to_owned()),
        tls: None,
        tls_resumed: None,
        subject: None,
        fingerprint: None,
        phase: Word::Unknown("napping".into()),
        age_ms: 61_999,
        idle_ms: 999,
        bytes_in: 42_100_000,
        bytes_out: 0,
        rate_in: 1_240,
        rate_out: 0,
        rate_over_ms: 1_000,
    };
    let expected = "\
ID                   TUNNEL        CLIENT          BACKEND  SNI        PHASE      AGE  IDLE     IN  OUT   IN/S  OUT/S
7355149516800000001  web\\u{1b}[2J  10.0.0.7:40312  -        a.example  napping  1m01s    0s  42.1M    0  1.24k      0
";
    assert_eq!(conns(std::slice::from_ref(&connecting)), expected);

    let secured = ConnectionInfo {
        tls: Some(TlsVersion::V13.into()),
        subject: Some("CN=a\x1b[2J".to_owned()),
        ..connecting.clone()
    };
    let table = conns(&[connecting, secured]);
    let words = |line: &'static str| line.split_whitespace().collect::<Vec<_>>();
    let ends = table.lines().map(|line| line.split_whitespace().rev().take(2).collect::<Vec<_>>());
    let expected = ["SUBJECT TLS", "- -", r"CN=a\u{1b}[2J 1.3"].map(words);
    assert_eq!(ends.collect::<Vec<_>>(), expected);
}

#[test]
fn every_column_has_a_key_of_its_own() {
    for line in ["list", "detail web", "conns", "explain web", "events", "history"] {
        let request = Request::parse(line).unwrap().unwrap();
        let keys = keys(&request).expect(line);
        for (at, key) in keys.iter().enumerate() {
            assert!(key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{key}");
            assert!(!keys[..at].contains(key), "{line}: {key} twice");
        }
    }
    let follow = Request::parse("events follow").unwrap().unwrap();
    assert!(keys(&follow).is_none(), "what has no end cannot be sorted");
}

#[test]
fn a_detail_as_a_list_is_all_that_is_known_of_its_backends() {
    let answer = Answer::Detail(Box::new(info()));
    let listing = listing(&answer).unwrap();
    let heads: Vec<_> = listing.heads.iter().map(|head| head.key).collect();
    assert_eq!(heads, keys(&Request::parse("detail web").unwrap().unwrap()).unwrap());
    let csv = super::super::csv::write(&listing, false);
    let expected = "10.0.0.1:80,resting,drain,72,refused\\u{1b}[2J,1.5,3,yes,3,,1240,42100000,999,37,\
                    rpc uid=0,,a.example *.b\\u{1b}[2J,down,62,wrong answer \\u{1b}[2J,0.012345,4.001,\
                    9,refused\\u{1b}[2J,1.5\n";
    assert_eq!(csv.lines().next().map(|line| line.to_owned() + "\n").as_deref(), Some(expected));
}

#[test]
fn all_tables_of_a_detail_have_one_order() {
    let mut info = info();
    info.backend_list[1].addr = "10.0.0.9:80".to_owned();
    info.backend_list[1].sni = vec!["z.example".to_owned()];
    for (order, first) in
        [("check", "10.0.0.1:80"), ("-sni", "10.0.0.9:80"), ("state", "10.0.0.1:80")]
    {
        let view = View { order: Some(order.parse().unwrap()), ..VIEW };
        let text = super::detail(&info, &Layout::new(&view, true, Screen::PIPE));
        let tables = text.split("BACKEND ").skip(1);
        let firsts: Vec<_> = tables.map(|table| table.lines().nth(1).unwrap()).collect();
        assert_eq!(firsts.len(), 3, "{text}");
        assert!(firsts.iter().all(|line| line.starts_with(first)), "{order}: {text}");
    }
}
