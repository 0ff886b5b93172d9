//! What a backend answers a check, and whether that is what it should. Plain
//! functions of bytes: they come from the network, and may be anything.

use plexy_shared::spec::{Question, escaped};
use thiserror::Error;

/// How much of an answer is looked at.
pub(super) const ANSWER_BYTES_MAX: usize = 8 * 1024;

/// Header fields that an answer of HTTP may have.
const HEADERS_MAX: usize = 64;

/// How much of a wrong answer is shown.
const SHOWN_BYTES_MAX: usize = 60;

/// The status that is good where none was named.
const GOOD_STATUS: std::ops::Range<u16> = 200..400;

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Fault {
    #[error("closed without an answer")]
    Nothing,
    #[error("wrong answer {0}")]
    Wrong(String),
    #[error("no answer of HTTP: {0}")]
    NotHttp(String),
    #[error("status {0}")]
    Status(u16),
}

/// Whether it is the answer that was wanted, as soon as that can be told. Of an answer that grows,
/// the first `known` bytes have been looked at before.
pub(super) fn judge(
    question: Question<'_>,
    answer: &[u8],
    known: usize,
) -> Option<Result<(), Fault>> {
    match question {
        Question::Connect => Some(Ok(())),
        Question::SendExpect { expect, .. } => {
            // It may have begun in what was there before.
            let begin = known.saturating_sub(expect.len().saturating_sub(1));
            let mut places = answer.get(begin..)?.windows(expect.len().max(1));
            places.any(|place| place == expect).then_some(Ok(()))
        }
        Question::Http { status, .. } => judge_http(status, answer),
    }
}

fn judge_http(wanted: Option<u16>, answer: &[u8]) -> Option<Result<(), Fault>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(answer) {
        // All of its head has to come: a server that hangs in the middle of it is not well.
        Ok(httparse::Status::Partial) => None,
        Err(_) => Some(Err(Fault::NotHttp(shown(answer)))),
        Ok(httparse::Status::Complete(_)) => {
            let status = response.code.unwrap_or_default();
            let is_good = wanted.map_or(GOOD_STATUS.contains(&status), |wanted| wanted == status);
            Some(if is_good { Ok(()) } else { Err(Fault::Status(status)) })
        }
    }
}

/// What is wrong with an answer after which nothing more comes, and which has not been good until
/// then.
pub(super) fn fault_of(question: Question<'_>, answer: &[u8]) -> Fault {
    match question {
        _ if answer.is_empty() => Fault::Nothing,
        Question::Connect | Question::SendExpect { .. } => Fault::Wrong(shown(answer)),
        Question::Http { .. } => Fault::NotHttp(shown(answer)),
    }
}

/// The beginning of an answer, safe to print.
pub(super) fn shown(answer: &[u8]) -> String {
    let beginning = answer.get(..SHOWN_BYTES_MAX);
    let more = if beginning.is_some() { "…" } else { "" };
    format!("\"{}{more}\"", escaped(beginning.unwrap_or(answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP: Question<'_> = Question::Http { path: "/", status: None };

    fn expecting(expect: &[u8]) -> Question<'_> {
        Question::SendExpect { send: &[], expect }
    }

    /// Judges an answer that comes byte by byte, and tells after how many it could.
    #[track_caller]
    fn check(question: Question<'_>, answer: &[u8], expected: Option<(usize, Result<(), Fault>)>) {
        let judged = (1..=answer.len())
            .find_map(|end| Some((end, judge(question, &answer[..end], end - 1)?)));
        assert_eq!(judged, expected, "{}", escaped(answer));
        let at_once = judge(question, answer, 0);
        assert_eq!(at_once.is_some_and(|it| it.is_ok()), expected.is_some_and(|it| it.1.is_ok()));
    }

    #[test]
    fn what_is_expected_may_stand_anywhere() {
        check(expecting(b"+PONG"), b"+PONG\r\n", Some((5, Ok(()))));
        check(expecting(b"PONG"), b"+OK\r\n+PPONG", Some((11, Ok(()))));
        check(expecting(b"\0\xff"), b"a\0\0\xff", Some((4, Ok(()))));
        check(expecting(b"+PONG"), b"-LOADING\r\n", None);
        check(expecting(b"+PONG"), b"+PON", None);
        check(expecting(b"+PONG"), b"", None);
    }

    #[test]
    fn a_status_is_good_once_the_head_is_whole() {
        let head = b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n";
        check(HTTP, &[head, &b"<html>"[..]].concat(), Some((head.len(), Ok(()))));
        check(HTTP, b"HTTP/1.0 399\r\n\r\n", Some((16, Ok(()))));
        check(HTTP, &head[..head.len() - 1], None);
        for status in [199, 400, 503] {
            let answer = format!("HTTP/1.1 {status} x\r\n\r\n");
            let fault = Err(Fault::Status(status));
            check(HTTP, answer.as_bytes(), Some((answer.len(), fault)));
        }
        let only = Question::Http { path: "/", status: Some(503) };
        check(only, b"HTTP/1.1 503 x\r\n\r\n", Some((18, Ok(()))));
        check(only, b"HTTP/1.1 200 x\r\n\r\n", Some((18, Err(Fault::Status(200)))));
    }

    #[test]
    fn what_is_not_http_is_known_early() {
        let banner = b"SSH-2.0-OpenSSH\r\n";
        check(HTTP, banner, Some((1, Err(Fault::NotHttp("\"S\"".to_owned())))));
        let many = format!("HTTP/1.1 200 x\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        assert!(matches!(judge(HTTP, many.as_bytes(), 0), Some(Err(Fault::NotHttp(_)))));
        for bytes in [&b"HTTP/1.1 2\0\0 x\r\n\r\n"[..], b"HTTP/1.1 20", b"\r\n\r\n\0", b"\xff"] {
            assert!(!matches!(judge(HTTP, bytes, 0), Some(Ok(()))), "{}", escaped(bytes));
        }
    }

    #[test]
    fn a_wrong_answer_is_shown_cut_and_harmless() {
        let fault = fault_of(expecting(b"x"), b"-ERR\x1b[2J\r\n");
        assert_eq!(fault.to_string(), r#"wrong answer "-ERR\x1b[2J\r\n""#);
        let fault = fault_of(expecting(b"x"), &[b'a'; 100]);
        assert_eq!(fault.to_string(), format!("wrong answer \"{}…\"", "a".repeat(60)));
        assert_eq!(fault_of(HTTP, b"").to_string(), "closed without an answer");
        assert_eq!(fault_of(HTTP, b"HTTP/1").to_string(), r#"no answer of HTTP: "HTTP/1""#);
    }
}
