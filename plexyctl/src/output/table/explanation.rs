//! What `explain` tells, for people: a sentence, then what a client meets, then the backends.

use plexy_shared::explanation::{AdmissionStep, ExplainedBackend, Explanation};

use super::super::colour::Tint;
use super::super::layout::Layout;
use super::super::listing::{Cell, Column, Listing, Raw, keys as keys_of};
use super::super::safe::safe;
use super::super::units::short;

type Step = Column<AdmissionStep>;
type Backend = Column<ExplainedBackend>;

const STEPS: &[Step] = &[
    Step::text("step", "STEP", |it| Cell::text(it.hurdle.as_str())),
    Step::text("result", "RESULT", |it| {
        let result = it.result.as_str();
        Cell::text(result).tinted(Tint::of_word(result))
    })
    .rank(9),
    Step::text("detail", "DETAIL", |it| Cell::maybe(it.detail.as_deref())).rank(8),
];

const BACKENDS: &[Backend] = &[
    Backend::address("backend", "BACKEND", |it| Cell::text(&it.addr)),
    Backend::text("eligible", "ELIGIBLE", |it| {
        Cell::flag(it.eligible, if it.eligible { "yes" } else { "no" })
    })
    .rank(9),
    Backend::number("share", "SHARE", |it| match it.share_percent {
        None => Cell::nothing(),
        Some(share) => Cell::text(&format!("{share}%")).with_raw(Raw::Number(share)),
    })
    .rank(8),
    Backend::number("weight", "WEIGHT", weight),
    Backend::text("backup", "BACKUP", |it| {
        Cell::flag(it.backup, if it.backup { "yes" } else { "no" })
    })
    .data(),
    Backend::number("connections", "CONN", connections).rank(5),
    Backend::text("by", "BY", |it| Cell::maybe(Some(&it.merits.to_string()))),
    Backend::text("against", "AGAINST", |it| {
        let against: Vec<_> = it.against.iter().map(ToString::to_string).collect();
        Cell::maybe(Some(&against.join("; ")))
    })
    .rank(7),
];

pub(in super::super) fn explained(explanation: &Explanation, layout: &Layout<'_>) -> String {
    let sentence = safe(&explanation.to_string());
    let steps = Listing::new(STEPS, &explanation.steps, |it| it.hurdle.as_str().to_owned());
    let backends = layout.table(backends(&explanation.backend_list));
    format!("{sentence}\n\n{}\n{backends}", layout.table(steps))
}

pub(super) fn backends(backends: &[ExplainedBackend]) -> Listing {
    Listing::new(BACKENDS, backends, |it| it.addr.clone())
}

pub(super) fn keys() -> Vec<&'static str> {
    keys_of(BACKENDS)
}

/// All of it, behind what of it counts for now.
fn weight(backend: &ExplainedBackend) -> Cell {
    let now = backend.effective_weight.map(|weight| format!("{weight} of "));
    let backup = if backend.backup { ", backup" } else { "" };
    let shown = format!("{}{}{backup}", now.unwrap_or_default(), backend.weight);
    Cell::number(backend.weight.into()).shown_as(shown)
}

fn connections(backend: &ExplainedBackend) -> Cell {
    let cell = Cell::count(backend.connections);
    match backend.max_conns {
        None => cell,
        Some(max) => cell.shown_as(format!("{}/{}", short(backend.connections), short(max.into()))),
    }
}

#[cfg(test)]
mod tests {
    use plexy_shared::explanation::{Admission, Choice, Hurdle, Merits, Objection, ObjectionInfo};
    use plexy_shared::weight::Weight;

    use super::super::super::screen::Screen;
    use super::super::super::view::View;
    use super::*;
    use crate::args::Format;

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
        let view = View { format: Format::Table, columns: None, order: None };
        assert_eq!(explained(&explanation, &Layout::new(&view, true, Screen::PIPE)), expected);
    }
}
