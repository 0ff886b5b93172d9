//! Where each command is done that only the client has.

mod apply;
mod completions;
mod config;
mod context;
mod diff;
mod health;
mod plan;
mod top;
mod watch;

use crate::args::{Options, Own};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::link::Link;
use crate::manual;
use crate::output::Output;

/// Who can be asked something meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Present {
    /// Whoever is at the terminal, if somebody is.
    Somebody,
    /// Nobody, as in a script.
    Nobody,
}

/// Does one, in a session or alone: how the program ends, where it was the last one. Where there is no
/// link, it may do without one.
pub(crate) async fn run(
    own: &Own,
    link: Result<&mut Link, &mut Failure>,
    options: &Options,
    output: &Output,
    present: Present,
) -> Result<Exit, Failure> {
    if options.dry_run && !matches!(own, Own::Apply { .. }) {
        let failure = Failure::usage("there is nothing to try out: no tunnel changes by it");
        return Err(failure.with_hint("leave `--dry-run` out"));
    }
    if !matches!(own, Own::Top(_)) {
        output.check_once()?;
    }
    match own {
        Own::Apply { declaration, exit_code } => {
            let link = link.map_err(|failure| failure.clone())?;
            apply::run(declaration, *exit_code, link, options, output, present).await
        }
        Own::Diff { declaration } => diff::run(declaration, link, options, output).await,
        // Where it is no session it never comes here.
        Own::Shell(_) => Err(Failure::usage("this is a session already")),
        Own::Top(top) => {
            let link = link.map_err(|failure| failure.clone())?;
            top::run(top, link, options, output).await
        }
        Own::Watch(watched) => {
            let link = link.map_err(|failure| failure.clone())?;
            watch::run(watched, link, options, output).await
        }
        Own::Man => output.text(&manual::page()?).map(|_| Exit::Done),
        Own::Completions { shell } => output.text(completions::script(*shell)).map(|_| Exit::Done),
        Own::Complete(asked) => output.text(&completions::answer(asked).await).map(|_| Exit::Done),
        Own::Context(command) => context::run(command, options, output),
        Own::Config(command) => config::run(command, options, output),
        Own::Health { tunnels } => health::run(tunnels, link, options, output).await,
    }
}
