//! `apply`: the tunnels become what files say, by one call, and only if that is what was shown.

use std::io::{self, BufRead, IsTerminal};

use plexy_shared::plan::ApplyReply;
use plexy_shared::rpc::{ApplyTunnels, ApplyTunnelsParams};
use plexy_shared::units::counted;

use super::plan::Plan;
use crate::answer::Answer;
use crate::args::{Declaration, Options};
use crate::exit::{ClientCode, Exit};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;
use crate::tier;

pub(super) async fn run(
    declaration: &Declaration,
    has_exit_code: bool,
    link: &mut Link,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    output.check_keys(None)?;
    if let Some(context) = link.read_only_for(options) {
        return Err(tier::unwritable(context));
    }
    if let Some(context) = link.protected().filter(|_| !options.yes && !options.dry_run) {
        return Err(tier::unagreed(context));
    }
    let plan = Plan::of(declaration, link, options, output).await?;
    let is_same = plan.reply.is_same();
    let answer = if options.dry_run {
        Answer::Planned(plan.reply)
    } else if is_same {
        Answer::Applied(ApplyReply { dry_run: false, ..plan.reply })
    } else {
        agree(&plan.reply, declaration, options, output)?;
        let params = ApplyTunnelsParams::of_plan(plan.params.clone(), &plan.reply.plan);
        let reply = plan.ask::<ApplyTunnels>(&params, "plexyctl diff", link, options).await;
        Answer::Applied(reply?)
    };
    output.answer(&answer)?;
    Ok(if has_exit_code && !is_same { Exit::Changed } else { Exit::Done })
}

/// Whether it may be done: where live connections would be reset, somebody has to say so.
fn agree(
    planned: &ApplyReply,
    declaration: &Declaration,
    options: &Options,
    output: &Output,
) -> Result<(), Failure> {
    let ended = planned.ended();
    if ended == 0 || options.yes {
        return Ok(());
    }
    let resets = format!("{} would be reset", counted(ended, "connection"));
    // What is read from there is the declaration, and no answer.
    let is_input = declaration.file.as_os_str() == "-";
    if is_input || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let failure =
            Failure::usage(format!("{resets}, and nobody can be asked: nothing was done"));
        return Err(failure.with_hint("`--yes` does it, `plexyctl diff` shows it"));
    }
    output.preview(planned);
    output.ask(&format!("{resets}. Apply? [y/N] "));
    let mut said = String::new();
    let read = io::stdin().lock().read_line(&mut said);
    match read.map(|_| said.trim().to_ascii_lowercase()) {
        Ok(said) if said == "y" || said == "yes" => Ok(()),
        Ok(_) | Err(_) => Err(Failure::new(ClientCode::Declined, "nothing was done")),
    }
}
