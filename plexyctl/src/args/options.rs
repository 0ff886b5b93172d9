//! The options of `plexyctl`, which hold for every command.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use plexy_shared::units::{ValueError, parse_duration};

use super::{ExportFormat, Order};
use crate::client::Endpoint;

/// How long a command may be given.
const TIMEOUT_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(3_600);

/// For how long somebody may wait for connections to end.
const WAIT_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(86_400);

/// The variable that says where plexyd is.
pub(crate) const ENDPOINT: &str = "PLEXY_ENDPOINT";

/// The variable that names a context.
pub(crate) const CONTEXT: &str = "PLEXY_CONTEXT";

/// The client of Plexy: one command to plexyd, and its answer.
#[derive(Debug, Clone, Parser)]
#[command(name = "plexyctl", version, max_term_width = 100)]
pub(crate) struct Options {
    /// Where plexyd is: unix:/path, ws://host:port or, with TLS, wss://host:port; http and https
    /// mean the same [default: that of the configuration file, else the first socket that answers,
    /// of those that plexyd makes by itself]
    #[arg(long, global = true, value_name = "URL", env = ENDPOINT, value_parser = endpoint)]
    pub(crate) endpoint: Option<Endpoint>,

    /// The context, by its name: where plexyd is and how it is reached, as the configuration file says
    #[arg(long, global = true, value_name = "NAME", env = CONTEXT)]
    pub(crate) context: Option<String>,

    /// Do what changes anything in a protected context, and apply what resets connections unasked
    #[arg(long, global = true)]
    pub(crate) yes: bool,

    /// How answers, and errors, are written
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,

    /// Print only the address of what was opened, or the names of a list; else nothing
    #[arg(short, long, global = true, conflicts_with = "output")]
    pub(crate) quiet: bool,

    /// Show the token in this file to plexyd; doors of TCP may want one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Trust the CAs in this file (PEM) for wss:// [default: those of the system]
    #[arg(long, global = true, value_name = "FILE", env = "PLEXY_CA")]
    pub(crate) ca: Option<PathBuf>,

    /// Show plexyd the certificate in this file (PEM), with its chain
    #[arg(long, global = true, value_name = "FILE", env = "PLEXY_CERT")]
    pub(crate) cert: Option<PathBuf>,

    /// Its key (PEM) [default: in the same file]
    #[arg(long, global = true, value_name = "FILE", env = "PLEXY_KEY")]
    pub(crate) key: Option<PathBuf>,

    /// The name that the certificate of plexyd has to have [default: the host of the endpoint]
    #[arg(long, global = true, value_name = "NAME", env = "PLEXY_SERVER_NAME")]
    pub(crate) server_name: Option<String>,

    /// How long to wait for the whole command, 100ms to 1h
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = timeout)]
    pub(crate) timeout: Duration,

    /// After drain, disable, remove, switch and close: wait until the connections that it is about
    /// have ended; after open, add and enable: until the backends that are checked are up. For so
    /// long at most, 100ms to 24h [without a value: 24h]
    #[arg(long, global = true, value_name = "DURATION", num_args = 0..=1, require_equals = true,
        default_missing_value = "24h", value_parser = wait)]
    pub(crate) wait: Option<Duration>,

    /// Do nothing, and tell what would be done: plexyd looks for everything that stands against it
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,

    /// Leave out the first line of tables and CSV
    #[arg(long, global = true)]
    pub(crate) no_headers: bool,

    /// Only these columns of a list, by their keys, in this order
    #[arg(
        long,
        global = true,
        value_name = "KEY,…",
        value_delimiter = ',',
        conflicts_with = "quiet"
    )]
    pub(crate) columns: Vec<String>,

    /// Sort a list by this column; a dash before it reverses
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        allow_hyphen_values = true,
        conflicts_with = "quiet"
    )]
    pub(crate) sort_by: Option<Order>,

    /// Whether terminals get colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,

    /// Without a command: do those in this file, one a line; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Without a command: do these, with ; between them
    #[arg(short, long, value_name = "COMMANDS", conflicts_with = "file")]
    pub(crate) command: Option<String>,

    /// Go on behind a command that has failed; the exit code is that of the first one
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// How `export` writes, where that was chosen.
    #[arg(skip)]
    pub(crate) export: Option<ExportFormat>,

    /// One that is about TLS and stands on the command line: there it is meant for this command.
    #[arg(skip)]
    pub(crate) tls_option: Option<&'static str>,

    /// The options with a variable that stand on the command line, by their ids: there they count more.
    #[arg(skip)]
    pub(crate) said: Vec<&'static str>,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// The same with every column.
    Wide,
    /// Lists with a line for each thing to say.
    Vertical,
    /// One JSON document.
    Json,
    /// One JSON document a line, of what comes again and again: `top` and `events follow`.
    Ndjson,
    /// One name a line.
    Name,
    /// Lists as CSV: every column, values as they are.
    Csv,
}

/// Whether there is colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On terminals that have it.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    text.parse::<Endpoint>().map_err(|error| match error.suggestion() {
        Some(meant) => format!("{error}; did you mean `{meant}`?"),
        None => error.to_string(),
    })
}

pub(super) fn timeout(text: &str) -> Result<Duration, ValueError> {
    parse_duration(text, &TIMEOUT_RANGE)
}

fn wait(text: &str) -> Result<Duration, ValueError> {
    parse_duration(text, &WAIT_RANGE)
}
