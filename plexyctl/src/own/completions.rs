//! Completion in bash, zsh and fish. Each gets a few lines of its own language, which ask `plexyctl
//! complete` with what is typed: so what is offered is what this program knows, and what the daemon has,
//! if it answers soon enough.

mod live;
mod offer;
mod typed;

use crate::args::{Shell, ToComplete, command};
use crate::complete::complete;
use offer::Offer;
use typed::Typed;

/// What a shell has to read to complete the words of plexyctl.
pub(crate) fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("completions/plexyctl.bash"),
        Shell::Zsh => include_str!("completions/_plexyctl"),
        Shell::Fish => include_str!("completions/plexyctl.fish"),
    }
}

/// What could stand where somebody is typing, a line each, as that shell wants it. What is wrong with
/// what was typed is said when it is run.
pub(crate) async fn answer(asked: &ToComplete) -> String {
    let Some(typed) = Typed::of(asked) else { return String::new() };
    let snapshot = live::snapshot(&typed).await;
    let line = typed.line();
    let completion = complete(&line, line.len(), &snapshot, &command());
    let offers = completion.candidates.iter().filter_map(|it| Offer::of(it, &line, &typed));
    let offers: String = offers.map(|offer| offer.written(asked.shell, &typed)).collect();
    if completion.is_file { format!("{FILES}\n{offers}") } else { offers }
}

/// The line that stands for the names of files, which a shell knows best. No offer begins so.
const FILES: &str = "\tfiles";

#[cfg(test)]
mod tests;
