//! What `explain` tells, as the line protocol writes it: the steps to being let in, the choice, and each
//! backend.

use plexy_shared::explanation::{AdmissionStep, ExplainedBackend, Explanation, ObjectionInfo};

/// One line for each.
pub(super) fn lines(explanation: &Explanation) -> Vec<String> {
    let steps = explanation.steps.iter().map(step);
    let choice = std::iter::once(choice(explanation));
    steps.chain(choice).chain(explanation.backend_list.iter().map(backend)).collect()
}

fn step(step: &AdmissionStep) -> String {
    let detail = step.detail.as_ref().map(|detail| format!(" ({detail})"));
    format!("step {} = {}{}", step.hurdle, step.result, detail.unwrap_or_default())
}

fn choice(explanation: &Explanation) -> String {
    let Explanation { strategy, choice, picked, all_down, .. } = explanation;
    let mut line = format!("strategy {strategy} = {choice}");
    if let Some(picked) = picked {
        line.push_str(&format!(" {picked}"));
    }
    if let Some(word) = all_down {
        line.push_str(&format!(", all-down: {word}"));
    }
    line
}

fn backend(backend: &ExplainedBackend) -> String {
    let is_eligible = if backend.eligible { "eligible" } else { "not eligible" };
    let mut line = format!("backend {} = {is_eligible}", backend.addr);
    let against: Vec<_> = backend.against.iter().map(ObjectionInfo::to_string).collect();
    if !against.is_empty() {
        let although = if backend.eligible { " although it is" } else { ":" };
        line.push_str(&format!("{although} {}", against.join(" and ")));
    }
    line.push_str(&format!(", weight {}", backend.weight));
    if let Some(weight) = backend.effective_weight {
        line.push_str(&format!(" ({weight} for now)"));
    }
    if backend.backup {
        line.push_str(", backup");
    }
    line.push_str(&format!(", open conns {}", backend.connections));
    if let Some(max) = backend.max_conns {
        line.push_str(&format!(" of {max}"));
    }
    let merits = backend.merits.to_string();
    if !merits.is_empty() {
        line.push_str(&format!(", {merits}"));
    }
    if let Some(percent) = backend.share_percent {
        line.push_str(&format!(", share {percent}%"));
    }
    line
}
