//! `diff`: what `apply` would do.

use super::plan::Plan;
use crate::answer::Answer;
use crate::args::{Declaration, Options};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;

/// Shows it. That something differs has the exit code that elsewhere a refusal has, so a refusal has
/// another one here.
pub(super) async fn run(
    declaration: &Declaration,
    link: Result<&mut Link, &mut Failure>,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    let shown = async {
        output.check_keys(None)?;
        let link = link.map_err(|failure| failure.clone())?;
        let plan = Plan::of(declaration, link, options, output).await?;
        let is_same = plan.reply.is_same();
        output.answer(&Answer::Planned(plan.reply))?;
        Ok(if is_same { Exit::Done } else { Exit::Refused })
    };
    match shown.await {
        Err(failure) if Failure::exit(&failure) == Exit::Refused => {
            output.failure(&failure);
            Ok(Exit::Usage)
        }
        shown => shown,
    }
}
