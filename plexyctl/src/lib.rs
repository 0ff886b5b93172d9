#![doc = include_str!("../README.md")]

mod answer;
mod args;
mod client;
mod commands;
mod complete;
mod config;
mod consequence;
mod dashboard;
mod declared;
mod exit;
mod failure;
mod invocation;
mod link;
mod manual;
mod output;
mod own;
mod safe;
mod script;
mod shell;
mod tier;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::error::ErrorKind;

use answer::Answer;
use args::{Args, Asked, Options, Own, ShellOptions, help_for};
use commands::Command;
use complete::without_options;
use exit::{ClientCode, Exit};
use failure::Failure;
use link::Link;
use output::Output;
use script::Source;

/// How `health` ends where it cannot tell how the tunnels are, whatever the reason is: every other number
/// would be read as a state of theirs.
const HEALTH_UNKNOWN: Exit = Exit::NotFound;

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let exit = match Args::read(given.iter().cloned()) {
        Ok(args) => run(&args),
        Err(error) => explain(&error, &given),
    };
    exit.into()
}

fn run(args: &Args) -> Exit {
    let output = Output::new(&args.options);
    done(args, &output).unwrap_or_else(|failure| {
        output.failure(&failure);
        match args.asked {
            Asked::Own(Own::Health { .. }) => HEALTH_UNKNOWN,
            _ => failure.exit(),
        }
    })
}

fn done(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let options = &args.options;
    match (&args.asked, source(options)) {
        (Asked::Line(line), None) => one(line, options, output).map(|()| Exit::Done),
        (Asked::Own(Own::Shell(shell)), None) => shell::run(shell, options),
        (Asked::Own(own), None) => {
            let mut link = Link::new(options);
            wait_for(own::run(own, link.as_mut(), options, output, own::Present::Somebody))
        }
        (Asked::Help(topic), None) => output.text(&help_for(topic.as_deref())?).map(|_| Exit::Done),
        (Asked::Nothing, Some(source)) => wait_for(script::run(source, options, output)),
        (Asked::Line(_) | Asked::Own(_) | Asked::Help(_), Some(_)) => {
            let message = "a script and a command do not go together";
            Err(Failure::usage(message).with_hint("`-c` and `-f` stand alone"))
        }
        (Asked::Nothing, None) if io::stdin().is_terminal() => {
            shell::run(&ShellOptions::default(), options)
        }
        (Asked::Nothing, None) => wait_for(script::run(Source::Input, options, output)),
    }
}

/// Where the options say that a script is.
fn source(options: &Options) -> Option<Source> {
    let file = options.file.as_ref().map(|file| match file.to_str() {
        Some("-") => Source::Input,
        _ => Source::File(file.clone()),
    });
    file.or_else(|| options.command.clone().map(Source::Argument))
}

fn one(line: &str, options: &Options, output: &Output) -> Result<(), Failure> {
    let command = Command::read(line)?;
    output.check(command.request())?;
    let is_version = command.is_version();
    let mut tell = |answer: &Answer| {
        let wanted = output.answer(answer)?;
        output.warn_of_skew(answer);
        Ok(wanted)
    };
    let asked = async { command.run(&mut Link::new(options)?, options, &mut tell).await };
    wait_for(asked).inspect_err(|_| {
        if is_version {
            // What is wrong is told in any case.
            output.answer(&Answer::Version(None)).ok();
        }
    })
}

fn wait_for<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(ClientCode::Unreachable, format!("cannot wait for an answer: {error}"))
    })?;
    let done = runtime.block_on(work);
    // A thread may still read standard input.
    runtime.shutdown_background();
    done
}

/// What clap has to say: help for those who ask, and what is wrong.
fn explain(error: &clap::Error, given: &[OsString]) -> Exit {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_line = wants(given, "ndjson");
    if is_help || !(is_line || wants(given, "json")) {
        // A reader that went away needs no explanation.
        error.print().unwrap_or_default();
    } else {
        let failure = Failure::of_args(error).with_hint("see `plexyctl --help`");
        output::failure_as_json(&failure, is_line);
    }
    match is_help {
        true => Exit::Done,
        false if is_of_health(given) => HEALTH_UNKNOWN,
        false => Exit::Usage,
    }
}

/// Whether the command is `health`, on a command line that could not be read.
fn is_of_health(given: &[OsString]) -> bool {
    let words: Vec<&str> = given.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let command = args::command();
    without_options(&words, &command).first() == Some(&"health")
}

/// Whether a format was asked for on a command line that could not be read.
fn wants(given: &[OsString], format: &str) -> bool {
    let is_pair = |pair: &[OsString]| matches!(pair, [option, value] if (option == "-o" || option == "--output") && value == format);
    let is_one = |word: &OsString| {
        let value =
            ["--output=", "-o=", "-o"].iter().find_map(|it| word.to_str()?.strip_prefix(it));
        value == Some(format)
    };
    given.windows(2).any(is_pair) || given.iter().any(is_one)
}
