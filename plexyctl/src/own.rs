//! Where each command is done that only the client has.

use crate::args::{Options, Own};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Does one: how the program ends, where it was the only one.
pub(crate) fn run(own: &Own, _options: &Options, _output: &Output) -> Result<Exit, Failure> {
    match own {
        Own::Shell => {
            let hint = "the shell comes next; until then, `plexyctl help` lists the commands";
            Err(Failure::usage("a command is missing").with_hint(hint))
        }
    }
}
