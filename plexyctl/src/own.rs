//! Where each command is done that only the client has.

mod watch;

use crate::args::{Options, Own};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::link::Link;
use crate::manual;
use crate::output::Output;

/// Does one, in a session or alone: how the program ends, where it was the last one.
pub(crate) async fn run(
    own: &Own,
    link: &mut Link,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    match own {
        // Where it is no session it never comes here.
        Own::Shell(_) => Err(Failure::usage("this is a session already")),
        Own::Watch(watched) => watch::run(watched, link, options, output).await,
        Own::Man => manual(output),
    }
}

/// Prints the manual page; no way to a daemon is needed, however wrong the configuration is.
pub(crate) fn manual(output: &Output) -> Result<Exit, Failure> {
    output.text(&manual::page()?).map(|_| Exit::Done)
}
