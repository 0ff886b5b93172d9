//! `apply`: the tunnels become what files say, by one call, and only if that is what was shown.

use std::io::{self, BufRead, IsTerminal};
use std::time::Duration;

use plexy_shared::plan::ApplyReply;
use plexy_shared::rpc::{ApplyTunnels, ApplyTunnelsParams};
use plexy_shared::units::counted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::time::sleep;

use super::Present;
use super::plan::Plan;
use crate::answer::Answer;
use crate::args::{Declaration, Options};
use crate::client::interrupted;
use crate::exit::{ClientCode, Exit};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;
use crate::tier;

/// How often it is looked whether somebody has answered.
const TYPED: Duration = Duration::from_millis(50);

pub(super) async fn run(
    declaration: &Declaration,
    has_exit_code: bool,
    link: &mut Link,
    options: &Options,
    output: &Output,
    present: Present,
) -> Result<Exit, Failure> {
    output.check_keys(None)?;
    if let Some(context) = link.read_only_for(options) {
        return Err(tier::unwritable(context));
    }
    if let Some(context) = link.protected_for(options) {
        return Err(tier::unagreed(context));
    }
    let plan = Plan::of(declaration, link, options, output).await?;
    let is_same = plan.reply.is_same();
    let answer = if options.dry_run {
        Answer::Planned(plan.reply)
    } else if is_same {
        Answer::Applied(ApplyReply { dry_run: false, ..plan.reply })
    } else {
        agree(&plan.reply, declaration, options, output, present).await?;
        let params = ApplyTunnelsParams::of_plan(plan.params.clone(), &plan.reply.plan);
        let reply = plan.ask::<ApplyTunnels>(&params, "plexyctl diff", link, options).await;
        Answer::Applied(reply?)
    };
    output.answer(&answer)?;
    Ok(if has_exit_code && !is_same { Exit::Changed } else { Exit::Done })
}

/// Whether it may be done: where live connections would be reset, somebody has to say so.
async fn agree(
    planned: &ApplyReply,
    declaration: &Declaration,
    options: &Options,
    output: &Output,
    present: Present,
) -> Result<(), Failure> {
    let ended = planned.ended();
    if ended == 0 || options.yes {
        return Ok(());
    }
    let resets = format!("{} would be reset", counted(ended, "connection"));
    // What is read from there is the declaration, and no answer.
    let is_nobody = present == Present::Nobody || declaration.file.as_os_str() == "-";
    if is_nobody || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let failure =
            Failure::usage(format!("{resets}, and nobody can be asked: nothing was done"));
        return Err(failure.with_hint("`--yes` does it, `plexyctl diff` shows it"));
    }
    output.preview(planned);
    output.ask(&format!("{resets}. Apply? [y/N] "));
    let said = tokio::select! {
        biased;
        () = interrupted() => {
            output.ask("\n");
            return Err(Failure::new(ClientCode::Interrupted, "interrupted: nothing was done"));
        }
        said = answer() => said,
    };
    match said {
        Ok(said) if said == "y" || said == "yes" => Ok(()),
        Ok(_) | Err(_) => Err(Failure::new(ClientCode::Declined, "nothing was done")),
    }
}

/// What somebody types. It is read once it is there: a thread that waited for it would take what is
/// typed next where nobody waits for this any more.
async fn answer() -> io::Result<String> {
    let input = io::stdin();
    loop {
        let mut asked = [PollFd::new(&input, PollFlags::IN)];
        if poll(&mut asked, Some(&Timespec::default()))? > 0 {
            let mut said = String::new();
            input.lock().read_line(&mut said)?;
            return Ok(said.trim().to_ascii_lowercase());
        }
        sleep(TYPED).await;
    }
}
