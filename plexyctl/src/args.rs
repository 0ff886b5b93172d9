//! The command line of `plexyctl`.

use clap::Parser;

/// The client of Plexy. It comes next: nothing is built yet but this text.
#[derive(Debug, Parser)]
#[command(name = "plexyctl", version, about)]
pub(crate) struct Args {}
