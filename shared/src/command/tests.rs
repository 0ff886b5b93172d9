use std::time::Duration;

use super::*;
use crate::error::Refusal;

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
fn close_knows_how_to_drain() {
    let drain = |line| match parsed(line) {
        Request::Close { connections, .. } => connections,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(drain("close 3000"), CloseMode::Reset);
    assert_eq!(drain("close 3000 drain"), CloseMode::Drain { deadline: None });
    let deadline = Some(Duration::from_secs(90));
    assert_eq!(drain("close web drain deadline=90s"), CloseMode::Drain { deadline });
}

#[test]
fn empty_lines_and_comments_ask_for_nothing() {
    for line in ["", "   ", "\r", "# open 1=2", "  # x"] {
        assert_eq!(Request::parse(line), Ok(None), "{line:?}");
    }
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
    refused("open \x1b[31m=80", "invalid-syntax", 6, r"`\u{1b}`");
}
