//! Where each command is done that only the client has.

mod watch;

use crate::args::{Options, Own};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::link::Link;
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
    }
}
