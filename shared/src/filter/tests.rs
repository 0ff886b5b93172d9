use proptest::prelude::*;

use super::*;
use crate::error::Refusal;

#[track_caller]
fn check(text: &str, printed: &str) {
    let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(filter.to_string(), printed, "{text}");
    assert_eq!(printed.parse(), Ok(filter), "{printed}");
}

#[track_caller]
fn refused(text: &str, code: &str, span: std::ops::Range<usize>, sentence: &str) {
    let refusal = Refusal::from(text.parse::<Filter>().expect_err(text));
    let told = refusal.to_string();
    assert_eq!(refusal.code.as_str(), code, "{text}: {told}");
    assert_eq!(refusal.span, Some(span), "{text}: {told}");
    assert!(told.contains(sentence), "{text}: {told}");
}

#[test]
fn every_key_and_operator_is_read_and_printed_in_one_way() {
    check("tunnel=db", "tunnel=db");
    check("TUNNEL != 3000", "tunnel!=127.0.0.1:3000");
    check("tunnel=\"unix:/run/my app\"", "tunnel=\"unix:/run/my app\"");
    check("backend=db.example:5432", "backend=db.example:5432");
    check("backend!=80", "backend!=127.0.0.1:80");
    check("client=10.0.0.1", "client=10.0.0.1");
    check("client=10.1.2.3/8", "client=10.0.0.0/8");
    check("client != ::1/128", "client!=::1");
    check("client=UNIX", "client=unix");
    check("age<1", "age<1s");
    check("idle >= 1.5m", "idle>=90s");
    check("bytes>10m", "bytes>10m");
    check("bytes-in<=1024k", "bytes-in<=1m");
    check("Bytes-Out!=0", "bytes-out!=0");
    check("RATE >= 1024k", "rate>=1m");
    check("bytes=7", "bytes=7");
    check("phase=Half-Closed", "phase=half-closed");
    check("phase!=closing", "phase!=closing");
    check("sni=A.example", "sni=a.example");
    check("SNI != *.a.example", "sni!=*.a.example");
    check("tls=1.3", "tls=1.3");
    check("TLS != None", "tls!=none");
    check("subject=CN=a*", "subject=CN=a*");
    check("subject != \"CN=a b, O=\\\"c\\\"\"", "subject!=\"CN=a b, O=\\\"c\\\"\"");
    let digits = "0123456789abcdef".repeat(4);
    check(&format!("fingerprint={}", digits.to_uppercase()), &format!("fingerprint={digits}"));
    check(" age>1s  AND idle>1s\tand bytes<1k ", "age>1s and idle>1s and bytes<1k");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    refused("", "missing-argument", 0..0, "expected a test like `idle>10m`");
    refused("idel>1s", "unknown-option", 0..4, "did you mean `idle`?");
    refused("id=7", "unknown-option", 0..2, "unknown key `id`");
    refused("x", "unknown-option", 0..1, "expected tunnel, backend, client, age, idle");
    refused("idle", "missing-argument", 4..4, "behind `idle`");
    refused("idle 10m", "missing-argument", 5..8, "expected `=`");
    refused("idle>", "missing-argument", 5..5, "expected a value of `idle`");
    refused("idle>5d", "invalid-value", 5..7, "unknown unit");
    refused("idle>-1s", "out-of-range", 5..8, "negative");
    refused("age>87601h", "out-of-range", 4..10, "0s to 87600h");
    refused("bytes>ten", "invalid-value", 6..9, "not a size");
    refused("bytes>1025t", "out-of-range", 6..11, "0 to 1024t");
    refused("bytes==1", "invalid-value", 6..8, "not a size");
    refused("client>10.0.0.0/8", "unexpected-argument", 6..7, "expected `=` or `!=`");
    refused("client=10.0.0.0/33", "invalid-value", 7..18, "not a client");
    refused("client=host", "invalid-value", 7..11, "a network like `10.0.0.0/8`");
    refused("phase=relayng", "invalid-value", 6..13, "did you mean `relaying`?");
    refused("sni=10.0.0.1", "invalid-value", 4..12, "names only");
    refused("sni>a.example", "unexpected-argument", 3..4, "no more or less");
    refused("tls=1.1", "invalid-value", 4..7, "1.2, 1.3, none");
    refused("tls>1.2", "unexpected-argument", 3..4, "no more or less");
    refused("subject=\"\"", "invalid-value", 8..10, "missing");
    refused("subject=a\"b", "invalid-value", 8..11, "between quotes");
    refused("fingerprint=ab:cd", "invalid-value", 12..17, "64 hexadecimal digits");
    refused("tunnel<=db", "unexpected-argument", 6..8, "no more or less");
    refused("tunnel=a..b:x", "invalid-address", 7..13, "port");
    refused("backend=*:80", "invalid-address", 8..12, "");
    refused("age>1s or idle>1s", "unexpected-argument", 7..9, "all tests have to hold");
    refused("age>1s an idle>1s", "unexpected-argument", 7..9, "did you mean `and`?");
    refused("age>1s and", "missing-argument", 10..10, "expected a test");
    refused("client=\x1b[31m", "invalid-syntax", 7..8, r"`\u{1b}`");
    refused("é>1", "unknown-option", 0..2, "at column 1");
}

#[test]
fn a_filter_has_a_bounded_number_of_tests() {
    let filter = |count: usize| vec!["age>1s"; count].join(" and ");
    assert_eq!(filter(TESTS_MAX).parse::<Filter>().unwrap().tests.len(), TESTS_MAX);
    let error = filter(TESTS_MAX + 1).parse::<Filter>().unwrap_err();
    assert_eq!(error.kind, FilterErrorKind::TooManyTests);
}

#[test]
fn what_is_found_is_compared_with_what_is_wanted() {
    let holding = |found: u64| {
        let holds = |it: &&Comparison| it.holds(&found, &5);
        Comparison::ALL.iter().filter(holds).map(|it| it.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(holding(4), ["<", "<=", "!="]);
    assert_eq!(holding(5), ["<=", "=", ">="]);
    assert_eq!(holding(6), [">=", ">", "!="]);
}

use crate::word::Words;

fn tests() -> impl Strategy<Value = Test> {
    let equality = || proptest::sample::select(Equality::ALL);
    let comparison = || proptest::sample::select(Comparison::ALL);
    let time = || (0..10 * 365 * 24 * 3_600_000_u64).prop_map(Duration::from_millis);
    let size = || 0..=1_u64 << 50;
    let text = |it: &'static [&'static str]| proptest::sample::select(it);
    let tunnels = text(&["db", "*:80", "[::1]:3", "\"unix:/a b\"", "unix:/run/x", "h.example:0"]);
    let backends = text(&["10.0.0.1:5", "[2001:db8::1]:9", "b.example:1", "\"unix:/a,b\""]);
    let clients = text(&["unix", "10.0.0.0/8", "::/0", "2001:db8::/32", "192.0.2.7"]);
    prop_oneof![
        (equality(), tunnels).prop_map(|(it, text)| Test::Tunnel(it, text.parse().unwrap())),
        (equality(), backends).prop_map(|(it, text)| Test::Backend(it, text.parse().unwrap())),
        (equality(), clients).prop_map(|(it, text)| Test::Client(it, text.parse().unwrap())),
        (equality(), proptest::sample::select(Phase::ALL)).prop_map(|(it, to)| Test::Phase(it, to)),
        (equality(), proptest::option::of(proptest::sample::select(TlsVersion::ALL)))
            .prop_map(|(it, to)| Test::Tls(it, to)),
        (equality(), "[a-zA-Z=,*é]{1,9}( |\\\\\\\\|\\\\\"|x){0,3}")
            .prop_map(|(it, text)| { Test::Subject(it, format!("\"{text}\"").parse().unwrap()) }),
        (equality(), proptest::array::uniform32(0..=u8::MAX))
            .prop_map(|(it, bytes)| Test::Fingerprint(it, Fingerprint(bytes))),
        (comparison(), time()).prop_map(|(it, to)| Test::Age(it, to)),
        (comparison(), time()).prop_map(|(it, to)| Test::Idle(it, to)),
        (comparison(), size()).prop_map(|(it, to)| Test::Bytes(it, to)),
        (comparison(), size()).prop_map(|(it, to)| Test::BytesIn(it, to)),
        (comparison(), size()).prop_map(|(it, to)| Test::BytesOut(it, to)),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(tests in proptest::collection::vec(tests(), 1..=8)) {
        let filter = Filter { tests };
        prop_assert_eq!(filter.to_string().parse(), Ok(filter));
    }

    #[test]
    fn nothing_panics_and_every_span_is_within(text in "[ -~é\t]{0,40}") {
        if let Err(error) = text.parse::<Filter>() {
            prop_assert!(text.get(error.span.clone()).is_some(), "{text}: {error:?}");
        }
    }

    #[test]
    fn nothing_near_the_grammar_panics(
        words in proptest::collection::vec(
            proptest::sample::select(vec!["idle", "client", ">", "=", "!=", "10m", "and", "\"", "::1/"]),
            0..12,
        ),
    ) {
        for text in [words.join(" "), words.concat()] {
            if let Err(error) = text.parse::<Filter>() {
                prop_assert!(text.get(error.span.clone()).is_some(), "{text}: {error:?}");
            }
        }
    }
}
