use std::time::Duration;

use plexy_shared::spec::TunnelSpec;
use serde_json::json;

use super::*;

fn unix(path: &str) -> Endpoint {
    format!("unix:{path}").parse().unwrap()
}

fn refusal_of(spec: &str) -> ClientError {
    let refusal = Refusal::from(spec.parse::<TunnelSpec>().unwrap_err()).of_parameter("spec");
    ClientError::Refused(Box::new(CallError::from(refusal)))
}

fn lost(is_change: bool) -> ClientError {
    ClientError::Unanswered { silence: Silence::Lost, is_change }
}

#[test]
fn a_refusal_points_into_the_line_that_was_typed() {
    let spec = "3000=4000[stratgy=random]";
    let line = format!("open {spec}");
    let failure = Failure::of_call(refusal_of(spec), &line, &json!({ "spec": spec }), "");
    let place = failure.place.unwrap();
    assert_eq!(place.text.get(place.span), Some("stratgy"));
    assert_eq!(place.text, line);
}

#[test]
fn a_refusal_of_what_was_rewritten_points_into_what_was_sent() {
    let spec = "3000=4000[stratgy=random]";
    let line = "open 3000 = 4000[stratgy=random]";
    let place = Failure::of_call(refusal_of(spec), line, &json!({ "spec": spec }), "").place;
    assert_eq!(place.unwrap().text, spec);
}

#[test]
fn a_change_that_may_have_happened_is_not_called_unreachable() {
    let failure = Failure::of_call(lost(true), "close web", &json!({}), "plexyctl detail web");
    assert_eq!((failure.code.as_str(), failure.exit()), ("outcome-unknown", Exit::Refused));
    assert!(failure.hint.unwrap().contains("plexyctl detail web"));
    assert_eq!(Failure::of_call(lost(false), "list", &json!({}), "").exit(), Exit::Unreachable);
}

#[test]
fn a_socket_that_may_not_be_used_says_more_than_one_that_is_not_there() {
    let tried = vec![
        (unix("/a"), ConnectError::NoSocket),
        (unix("/b"), ConnectError::TokenMissing),
        (unix("/c"), ConnectError::NobodyListens),
    ];
    let failure = Failure::from(Unreached(tried));
    assert_eq!(failure.exit(), Exit::Permission);
    assert_eq!(failure.details.len(), 3);
    assert!(failure.hint.unwrap().contains("--token-file"));
}

#[test]
fn whoever_does_not_wait_gets_an_exit_code_of_their_own() {
    let gave_up = |impatience| {
        Failure::from(Unreached(vec![(unix("/a"), ConnectError::GaveUp(impatience))])).exit()
    };
    assert_eq!(gave_up(Impatience::DeadlinePassed(Duration::from_secs(1))), Exit::Deadline);
    assert_eq!(gave_up(Impatience::Interrupted), Exit::Interrupted);
    assert_eq!(Failure::from(Unreached(Vec::new())).exit(), Exit::Unreachable);
}
