//! What `explain` tells, for people: a sentence, then what a client meets, then the backends.

use plexy_shared::explanation::{AdmissionStep, ExplainedBackend, Explanation};

use super::super::safe::safe;
use super::super::units::short;
use super::{aligned, number, or_nothing, text};

pub(in super::super) fn explained(explanation: &Explanation, has_headers: bool) -> String {
    let sentence = safe(&explanation.to_string());
    let steps = steps(&explanation.steps, has_headers);
    format!("{sentence}\n\n{steps}\n{}", backends(&explanation.backend_list, has_headers))
}

fn steps(steps: &[AdmissionStep], has_headers: bool) -> String {
    let columns = [text("STEP"), text("RESULT"), text("DETAIL")];
    let row = |step: &AdmissionStep| {
        let detail = or_nothing(step.detail.as_deref());
        [safe(step.hurdle.as_str()), safe(step.result.as_str()), detail]
    };
    aligned(columns, steps.iter().map(row), has_headers)
}

fn backends(backends: &[ExplainedBackend], has_headers: bool) -> String {
    let columns = [
        text("BACKEND"),
        text("ELIGIBLE"),
        number("SHARE"),
        number("WEIGHT"),
        number("CONN"),
        text("BY"),
        text("AGAINST"),
    ];
    let row = |backend: &ExplainedBackend| {
        let share = backend.share_percent.map(|percent| format!("{percent}%"));
        let against: Vec<_> = backend.against.iter().map(ToString::to_string).collect();
        let nothing_said = |words: String| (!words.is_empty()).then_some(words);
        [
            safe(&backend.addr),
            if backend.eligible { "yes" } else { "no" }.to_owned(),
            or_nothing(share.as_deref()),
            weight(backend),
            connections(backend),
            or_nothing(nothing_said(backend.merits.to_string()).as_deref()),
            or_nothing(nothing_said(against.join("; ")).as_deref()),
        ]
    };
    aligned(columns, backends.iter().map(row), has_headers)
}

/// All of it, behind what of it counts for now.
fn weight(backend: &ExplainedBackend) -> String {
    let now = backend.effective_weight.map(|weight| format!("{weight} of "));
    let backup = if backend.backup { ", backup" } else { "" };
    format!("{}{}{backup}", now.unwrap_or_default(), backend.weight)
}

fn connections(backend: &ExplainedBackend) -> String {
    let live = short(backend.connections);
    backend.max_conns.map_or(live.clone(), |max| format!("{live}/{}", short(max.into())))
}

#[cfg(test)]
mod tests {
    use plexy_shared::explanation::{Admission, Choice, Hurdle, Merits, Objection, ObjectionInfo};
    use plexy_shared::weight::Weight;

    use super::*;

    #[test]
    fn each_step_and_each_backend_has_a_line_and_nothing_acts_on_a_terminal() {
        let step = |hurdle: Hurdle, detail: Option<&str>| AdmissionStep {
            hurdle: hurdle.into(),
            result: Admission::Passed.into(),
            detail: detail.map(str::to_owned),
        };
        let picked = ExplainedBackend {
            addr: "10.0.0.1:80".to_owned(),
            eligible: true,
            against: Vec::new(),
            weight: 3,
            effective_weight: Some(Weight::in_thousandths(550)),
            backup: false,
            connections: 1_240,
            max_conns: Some(2_000),
            merits: Merits { load: Some(1.5), ..Merits::default() },
            share_percent: Some(100.0),
        };
        let ejected = ObjectionInfo {
            objection: Objection::Ejected.into(),
            seconds: Some(9),
            cause: Some("refused\x1b[2J".to_owned()),
            next_ms: None,
        };
        let other = ExplainedBackend {
            addr: "10.0.0.2:80".to_owned(),
            eligible: false,
            against: vec![ejected],
            effective_weight: None,
            backup: true,
            max_conns: None,
            merits: Merits::default(),
            share_percent: None,
            ..picked.clone()
        };
        let explanation = Explanation {
            listen: "127.0.0.1:3000".to_owned(),
            name: None,
            revision: 1,
            from: None,
            sni: None,
            admission: Admission::Passed.into(),
            steps: vec![step(Hurdle::Admin, None), step(Hurdle::MaxConns, Some("1 of 9"))],
            strategy: "least-conn".to_owned(),
            all_down: None,
            choice: Choice::Picked.into(),
            picked: Some(picked.addr.clone()),
            backend_list: vec![picked, other],
        };
        let expected = "\
a client is let in, and goes to 10.0.0.1:80 by least-conn

STEP       RESULT  DETAIL
admin      passed  -
max-conns  passed  1 of 9

BACKEND      ELIGIBLE  SHARE     WEIGHT         CONN  BY        AGAINST
10.0.0.1:80  yes        100%  0.55 of 3  1.24k/2.00k  load 1.5  -
10.0.0.2:80  no            -  3, backup        1.24k  -         ejected for 9s (refused\\u{1b}[2J)
";
        assert_eq!(explained(&explanation, true), expected);
    }
}
