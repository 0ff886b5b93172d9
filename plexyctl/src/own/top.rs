//! `top`: the dashboard where there is a screen, and lines where there is none, or nobody wants one.

mod lines;
mod wanted;

use std::io::{self, IsTerminal};

use crate::args::{Format, Options, TopOptions};
use crate::dashboard;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Output;
use lines::Lines;

/// Decides, and does it.
pub(super) async fn run(
    top: &TopOptions,
    link: &mut Link,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    let wanted = wanted::checked(top, options)?;
    if top.once {
        return Lines::new(wanted, top, options, output)?.once(link).await;
    }
    let is_terminal = io::stdout().is_terminal();
    if top.batch || !is_terminal {
        let lines = Lines::new(wanted, top, options, output)?;
        if !top.batch {
            output.note("standard output is no terminal: as with --batch");
        }
        return lines.batch(link).await;
    }
    check_screen(top, options)?;
    dashboard::run(top, &wanted, link, options).await
}

/// What is for lines alone says nothing of a screen.
fn check_screen(top: &TopOptions, options: &Options) -> Result<(), Failure> {
    let is_for_lines = [
        ("-n", top.count.is_some()),
        ("-o", !matches!(options.output, Format::Table | Format::Wide)),
        ("-q", options.quiet),
        ("--columns", !options.columns.is_empty()),
        ("--no-headers", options.no_headers),
    ];
    match is_for_lines.into_iter().find(|(_, is_said)| *is_said) {
        None => Ok(()),
        Some((option, _)) => {
            let message = format!("`{option}` is for lines, and the dashboard takes the screen");
            Err(Failure::usage(message).with_hint("`--once` and `--batch` write lines"))
        }
    }
}
