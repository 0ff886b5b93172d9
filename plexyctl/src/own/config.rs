//! `config`: what holds, and who says so.

use crate::answer::Answer;
use crate::args::{ConfigCommand, Options};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, SETTINGS};

pub(super) fn run(
    command: &ConfigCommand,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    let ConfigCommand::Show { origin } = command;
    output.check_keys(Some(&SETTINGS))?;
    let settings = Config::of_user()?.settings(options)?;
    output.answer(&Answer::Settings { settings, has_origins: *origin })?;
    Ok(Exit::Done)
}
