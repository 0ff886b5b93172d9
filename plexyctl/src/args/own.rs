//! Commands that only the client has: no other door knows them. Unlike the words of a verb, theirs are
//! read by clap, in the command line and in the shell alike.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use plexy_shared::spec::LiveAction;
use plexy_shared::word::Words;

use super::looks::{Theme, Units};

/// One of them.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Own {
    /// Opens the shell, as plexyctl without a command does on a terminal
    Shell(ShellOptions),
    /// Shows everything that flows, live, on the whole screen, and acts on it; or writes it as lines
    #[command(after_help = TOP)]
    Top(TopOptions),
    /// Does a command again and again, and shows what has changed; any key ends it
    Watch(WatchOptions),
    /// Prints the manual page, for `man -l -`
    Man,
    /// Makes the tunnels what files say, all of it or nothing: opens, changes and, with --prune, closes
    #[command(after_help = APPLY)]
    Apply {
        #[command(flatten)]
        declaration: Declaration,
        /// End with 10 where anything has changed, and with 0 where nothing had to
        #[arg(long)]
        exit_code: bool,
    },
    /// Shows what apply would do; ends with 1 if that is anything
    #[command(after_help = DIFF)]
    Diff {
        #[command(flatten)]
        declaration: Declaration,
    },
    /// Names ways to daemons, and says which of them holds
    #[command(subcommand)]
    Context(ContextCommand),
    /// Tells what holds of options, environment and configuration files
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Tells in one line, and in its exit code, how the tunnels are, as plugins of Nagios do
    #[command(after_help = HEALTH)]
    Health {
        /// These alone, by their names or addresses
        #[arg(value_name = "TUNNEL")]
        tunnels: Vec<String>,
    },
    /// Prints what has a shell complete the words of plexyctl
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Tells what could stand where somebody is typing
    #[command(hide = true)]
    Complete(ToComplete),
}

/// A shell that completes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// What one of them tells of what is typed.
#[derive(Debug, Clone, Args)]
pub(crate) struct ToComplete {
    /// The shell
    pub(crate) shell: Shell,

    /// The words up to the cursor; of bash the line, and the end of it that it replaces
    #[arg(last = true)]
    pub(crate) words: Vec<String>,
}

/// How the shell is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShellOptions {
    /// Read plain lines: no completion, no colours, nothing that moves the cursor
    #[arg(long)]
    pub(crate) no_editor: bool,

    /// What the keys mean
    #[arg(long, value_name = "KEYS", default_value = "emacs")]
    pub(crate) keys: Keys,
}

/// What the keys mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keys {
    /// As in bash.
    #[default]
    Emacs,
    /// As in vi, first in insert mode.
    Vi,
}

/// How the dashboard is, or what is written in its place.
#[derive(Debug, Clone, Args)]
pub(crate) struct TopOptions {
    /// Write one look, with the rates of --delay, and end
    #[arg(long, conflicts_with_all = OF_THE_SCREEN)]
    pub(crate) once: bool,

    /// Write one look behind the other, until Ctrl-C; so it is where standard output is no terminal
    #[arg(long, conflicts_with_all = OF_THE_SCREEN, conflicts_with = "once")]
    pub(crate) batch: bool,

    /// With --batch: so many looks
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "once",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// Time between two looks, 100ms to 1h
    #[arg(short, long, value_name = "DURATION", default_value = "1s", value_parser = super::options::timeout)]
    pub(crate) delay: std::time::Duration,

    /// Which rows
    #[arg(long, value_name = "VIEW", default_value = "tunnels")]
    pub(crate) view: TopView,

    /// Only rows with that text: !text without it, ~text with its letters in between, column:text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,

    /// Change nothing: no key, menu or command that does
    #[arg(long)]
    pub(crate) read_only: bool,

    /// The colours
    #[arg(long, value_name = "THEME", default_value = "auto")]
    pub(crate) theme: Theme,

    /// Draw with characters of ASCII alone
    #[arg(long)]
    pub(crate) ascii: bool,

    /// What bytes are counted in
    #[arg(long, value_name = "UNITS", default_value = "bytes")]
    pub(crate) units: Units,

    /// Leave the mouse to the terminal
    #[arg(long)]
    pub(crate) no_mouse: bool,

    /// Panic, once something is drawn: for a test of what is left of the terminal
    #[arg(long, hide = true)]
    pub(crate) test_panic: bool,
}

impl TopOptions {
    /// Whether lines are written in any case.
    pub(crate) fn is_lines(&self) -> bool {
        self.once || self.batch
    }

    /// Whether they are written until somebody has enough of them.
    pub(crate) fn is_endless(&self) -> bool {
        self.batch && !self.once && self.count.is_none()
    }
}

/// Options that say something of the whole screen alone.
const OF_THE_SCREEN: [&str; 5] = ["read_only", "theme", "ascii", "units", "no_mouse"];

/// Which rows are seen first, or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TopView {
    /// The tunnels.
    Tunnels,
    /// The backends of all tunnels.
    Backends,
    /// The live connections.
    Connections,
}

/// What is watched.
#[derive(Debug, Clone, Args)]
pub(crate) struct WatchOptions {
    /// Time between two looks, 100ms to 1h
    #[arg(short = 'n', long, value_name = "DURATION", default_value = "2s", value_parser = super::options::timeout)]
    pub(crate) every: std::time::Duration,

    /// The command
    #[arg(required = true, num_args = 1.., value_name = "COMMAND")]
    pub(crate) words: Vec<String>,
}

const TOP: &str = "Examples:
  plexyctl top
  plexyctl top --once --filter '!health:ok'
  plexyctl top --batch -n 60 -d 1s -o csv --columns time,name,conns,in,out
  plexyctl top --once -o json --sort-by -out

The keys of --sort-by and of --filter are those of --columns, but for connections, where they are
those of `conns`. plexyd sorts, and tells up to 500 rows; of how many, is told too.
On the screen `?` lists the keys.";

const APPLY: &str = "Examples:
  plexyctl apply -f tunnels.toml
  plexyctl export | ssh other plexyctl apply -f - --prune --yes";

const DIFF: &str = "Examples:
  plexyctl diff -f tunnels.toml
  plexyctl diff -f /etc/plexy/tunnels.d --prune

Exit codes: 0 nothing differs, 1 something does, more than 1 an error";

/// What the exit codes of `health` mean.
const HEALTH: &str = "Exit codes:
  0  OK        every backend is up that is to be
  1  WARNING   a backend is down, a tunnel drains, a certificate ends within 14 days, or its files are bad
  2  CRITICAL  a tunnel has no backend that is up, a certificate has expired, or plexyd accepts no clients
  3  UNKNOWN   plexyd does not answer, there is no such tunnel, or the command line is wrong";

/// What can be done about contexts.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ContextCommand {
    /// Adds one: of --endpoint (without, the daemon of this machine), --token-file and the options of TLS
    Add {
        /// How it is called
        name: String,
        /// Every change there wants --yes
        #[arg(long)]
        protected: bool,
        /// Nothing is changed there, by whatever command
        #[arg(long)]
        read_only: bool,
    },
    /// Makes one that which holds where nothing else is said
    Use {
        /// Which
        #[arg(required_unless_present = "none")]
        name: Option<String>,
        /// None: the daemon of this machine, or that of `endpoint`
        #[arg(long, conflicts_with = "name")]
        none: bool,
    },
    /// Shows all of them
    List,
    /// Takes one away
    Remove {
        /// Which
        name: String,
    },
    /// Shows one, or that which holds
    Show {
        /// Which
        name: Option<String>,
    },
}

/// What can be done about the configuration.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Shows each value that holds
    Show {
        /// And where it comes from
        #[arg(long)]
        origin: bool,
    },
}

/// What shall be.
#[derive(Debug, Clone, Args)]
pub(crate) struct Declaration {
    /// The tunnels: TOML or JSON with `tunnels`, as the configuration of plexyd, or a specification a
    /// line; of a folder, every .toml, .json and .plexy; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Close every tunnel that is not there; its connections are reset, as with close, or get what is
    /// said here
    #[arg(long, value_name = "LIVE", num_args = 0..=1, require_equals = true,
        default_missing_value = "kill", value_parser = live)]
    pub(crate) prune: Option<LiveAction>,
}

/// How `export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A file for --config, load and apply.
    Toml,
    /// The same in JSON, for apply.
    Json,
    /// A specification a line, for apply.
    Spec,
}

fn live(text: &str) -> Result<LiveAction, String> {
    let known = |action: &LiveAction| action.as_str().eq_ignore_ascii_case(text);
    LiveAction::ALL.iter().copied().find(known).ok_or_else(|| "keep, drain or kill".to_owned())
}
