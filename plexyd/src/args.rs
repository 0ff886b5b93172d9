//! The command line of `plexyd`, and the configuration file that it names.

mod file;
mod manual;
mod rpc_socket;
mod rpc_tls;

use std::ffi::OsString;
use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use plexy_shared::endpoint::DefaultSocket;
use plexy_shared::error::Refusal;
use plexy_shared::info::LogLevel;
use plexy_shared::spec::DEADLINE_RANGE;
use plexy_shared::spec::{ListenAddr, TunnelSpec};
use plexy_shared::units::{ValueError, parse_duration};
use plexy_shared::word::Words;
use rustix::process::getuid;
use tracing::warn;

use crate::access_log::{AccessEvents, AccessFormat, AccessLogConfig};
use crate::config::{Config, Source};
use crate::file::Asker;
use crate::log::LogFormat;
use crate::otlp::{Endpoint, OtlpSettings, Said};
use crate::sample::Sample;
use crate::service::TunnelFiles;
use file::File;
pub(crate) use manual::manual;
use rpc_socket::RpcSocket;
use rpc_tls::RpcTlsArgs;

/// Dynamic TCP proxy: carries connections through tunnels that are opened,
/// changed and closed while it runs.
#[derive(Debug, Parser)]
#[command(name = "plexyd", version, about, max_term_width = 100)]
pub(crate) struct Args {
    /// Tunnels to open: local=backend[,backend...][[option=value,...]]
    #[arg(value_name = "TUNNEL")]
    tunnels: Vec<String>,

    /// Read tunnels and settings from this file (TOML): `tunnels = ["local=backend", ...]`, and
    /// these options as keys, such as `workers = 2`; what stands here counts more. SIGHUP has
    /// its tunnels, and the certificates of all tunnels, read again
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Look whether the configuration file, the tunnels and the files of their certificates are good,
    /// tell every mistake, and end: 0 where there is none, else 78
    #[arg(long)]
    pub(crate) check: bool,

    /// Listen here for the line protocol: host:port, port or unix:/path; repeatable
    #[arg(long, value_name = "ADDRESS")]
    control_socket: Vec<ListenAddr>,

    /// Listen here for JSON-RPC: host:port, port, unix:/path or, with TLS, tls:host:port or
    /// tls:port; repeatable. A unix:/path replaces the socket that is always there [default:
    /// rpc.sock in $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/plexy, /run/plexy for root, or
    /// $TMPDIR/plexy-UID]
    #[arg(long, value_name = "ADDRESS", verbatim_doc_comment)]
    rpc_socket: Vec<RpcSocket>,

    #[command(flatten)]
    rpc_tls: RpcTlsArgs,

    /// Answer JSON-RPC over TCP by this host name too, besides localhost, and with TLS those of the
    /// certificate; repeatable
    #[arg(long, value_name = "NAME")]
    rpc_host: Vec<String>,

    /// Serve /metrics, /livez and /readyz here: host:port, port or unix:/path; repeatable
    #[arg(long, value_name = "ADDRESS")]
    prometheus_socket: Vec<ListenAddr>,

    /// Export all metrics to the OpenTelemetry collector at this URL, over HTTP as protobuf, to
    /// /v1/metrics below it: http://host:4318 [env: OTEL_EXPORTER_OTLP_ENDPOINT, with the other
    /// variables of its exporter]
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<Endpoint>,

    /// Export a span for this part of all connections there too, to /v1/traces: 0 is none, 0.01 one in
    /// a hundred, 1 each [env: OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG] [default: 0]
    #[arg(long, value_name = "PART")]
    otlp_traces: Option<Sample>,

    /// TCP sockets of control and JSON-RPC want the token in this file: `auth TOKEN` as the
    /// first line, or `Authorization: Bearer TOKEN`
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Keep what is changed at run time in this file, so that it is there after a restart; it is
    /// made if it is not there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// How long connections may go on once plexyd was told to end, 0s to 30 days
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = deadline)]
    shutdown_deadline: Duration,

    /// Threads of the data path [default: one per CPU]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,

    /// What is logged, to standard error, until `log` changes it
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "PLEXY_LOG_LEVEL", value_parser = level())]
    pub(crate) log_level: LogLevel,

    /// How it is logged; auto is journald (entries with fields) where systemd has connected standard
    /// error with its journal, else text, in colour on a terminal
    #[arg(long, value_name = "FORMAT", default_value = "auto", env = "PLEXY_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,

    /// Tell of every connection in a line of its own: who came, to which backend, how many bytes, how
    /// long, and why it ended [default: off]
    #[arg(long, value_name = "FORMAT", verbatim_doc_comment)]
    access_log: Option<AccessLogSwitch>,

    /// What of a connection is told
    #[arg(long, value_name = "EVENTS", default_value = "end")]
    access_log_events: AccessEvents,

    /// Tell of one connection in N; of those that have failed, or met a limit, always
    #[arg(long, value_name = "N", default_value = "1")]
    access_log_sample: NonZeroU32,

    /// Where it is told [default: standard error]; SIGUSR1 has the file opened again
    #[arg(long, value_name = "FILE")]
    access_log_file: Option<PathBuf>,

    /// Explain the grammar of a tunnel, with every option
    #[arg(long)]
    pub(crate) help_tunnel: bool,

    /// Print the manual page, for `man -l -`
    #[arg(long)]
    pub(crate) man: bool,

    /// Those of the configuration file.
    #[arg(skip)]
    file_tunnels: Vec<TunnelSpec>,

    /// Where each of those stands.
    #[arg(skip)]
    file_places: Vec<String>,

    /// What else it says, as it would stand on a command line.
    #[arg(skip)]
    file_settings: Vec<OsString>,
}

/// How the access log is written, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AccessLogSwitch {
    Off,
    Text,
    Json,
}

/// The configuration file and others like it, for who cannot read them.
#[derive(Debug)]
pub(crate) struct Files {
    source: Option<Source>,
}

impl Files {
    pub(crate) fn new(source: Option<Source>) -> Self {
        Self { source }
    }
}

impl TunnelFiles for Files {
    fn configured(&self) -> Option<Result<Vec<TunnelSpec>, Vec<String>>> {
        let source = self.source.as_ref()?;
        let given = source.given.clone();
        let read = move |_: &Path| Args::read(given.iter().cloned());
        let args = asked(Asker::default().one(&source.file, read), &source.file);
        Some(args.map(|args| {
            if args.file_settings != source.settings {
                warn!(
                    "settings of the configuration file have changed: they hold from the next start"
                );
            }
            args.file_tunnels
        }))
    }

    fn read(&self, path: &Path) -> Result<Vec<TunnelSpec>, Vec<String>> {
        asked(Asker::default().one(path, tunnels_of), path)
    }
}

/// What was read, or that nothing came.
fn asked<T>(read: io::Result<Result<T, Vec<String>>>, path: &Path) -> Result<T, Vec<String>> {
    read.unwrap_or_else(|error| Err(vec![format!("cannot read `{}`: {error}", path.display())]))
}

/// The tunnels of a file that somebody else names: what never ends, or waits for ever, is not read.
fn tunnels_of(path: &Path) -> Result<Vec<TunnelSpec>, Vec<String>> {
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => {
            Err(vec![format!("`{}` is no file", path.display())])
        }
        // So are files of the kernel's, some of which wait for news.
        Ok(metadata) if metadata.len() == 0 => Err(vec![format!("`{}` is empty", path.display())]),
        Ok(_) | Err(_) => Ok(File::read(path, &Args::command())?.tunnels),
    }
}

impl Args {
    /// Reads the command line, and the file that it names. The program ends here where clap has
    /// something to say.
    ///
    /// # Errors
    ///
    /// Every mistake in the file.
    pub(crate) fn read(given: impl Iterator<Item = OsString>) -> Result<Self, Vec<String>> {
        let given: Vec<OsString> = given.collect();
        let (command, matches) = (Self::command(), Self::command().get_matches_from(&given));
        let args = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let Some(path) = &args.config else { return Ok(args) };
        let file = File::read(path, &command)?;
        let is_said = |id: &str| {
            let source = matches.value_source(id);
            matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
        };
        let settings = file.settings.into_iter().filter(|setting| !is_said(&setting.id));
        let file_settings: Vec<_> = settings.flat_map(|setting| setting.words).collect();
        let mut given = given.into_iter();
        let program = given.next();
        let words = program.into_iter().chain(file_settings.iter().cloned()).chain(given);
        let args = Self::try_parse_from(words).map_err(|error| vec![error.to_string()])?;
        let (file_tunnels, file_places) = (file.tunnels, file.places);
        Ok(Self { file_tunnels, file_places, file_settings, ..args })
    }

    /// The configuration file, if there is one, for who wants to read it again.
    pub(crate) fn source(&self, given: impl Iterator<Item = OsString>) -> Option<Source> {
        let (file, settings) = (self.config.clone()?, self.file_settings.clone());
        Some(Source { file, given: given.collect(), settings })
    }

    /// Where each tunnel of the configuration file stands: the file, line and column.
    pub(crate) fn places(&self) -> &[String] {
        &self.file_places
    }

    /// The access log they ask for.
    fn access_log(&self) -> Result<Option<AccessLogConfig>, String> {
        let format = match self.access_log {
            Some(AccessLogSwitch::Text) => AccessFormat::Text,
            Some(AccessLogSwitch::Json) => AccessFormat::Json,
            Some(AccessLogSwitch::Off) => return Ok(None),
            None => {
                let others = [
                    (self.access_log_file.is_some(), "--access-log-file"),
                    (self.access_log_sample.get() > 1, "--access-log-sample"),
                    (self.access_log_events != AccessEvents::End, "--access-log-events"),
                ];
                return match others.into_iter().find(|(is_given, _)| *is_given) {
                    None => Ok(None),
                    Some((_, name)) => {
                        Err(format!("`{name}` without `--access-log`: off, text or json"))
                    }
                };
            }
        };
        Ok(Some(AccessLogConfig {
            format,
            events: self.access_log_events,
            sample: self.access_log_sample,
            file: self.access_log_file.clone(),
        }))
    }

    /// The configuration they ask for, or every tunnel that is no tunnel, and every variable of
    /// OpenTelemetry that is no good.
    pub(crate) fn into_config(self) -> Result<Config, Vec<String>> {
        let (mut tunnels, mut errors) = (Vec::new(), Vec::new());
        for text in &self.tunnels {
            match text.parse::<TunnelSpec>() {
                Ok(spec) => tunnels.push(spec),
                Err(error) => {
                    let mark = error.span.clone();
                    errors.push(point_at(&Refusal::from(error).to_string(), text, mark));
                }
            }
        }
        let access_log = self.access_log().map_err(|error| errors.push(error)).ok().flatten();
        let rpc_tls = self.rpc_tls.files(self.token_file.is_some());
        let rpc_tls = rpc_tls.map_err(|error| errors.push(error)).ok().flatten();
        // The file counts less than the environment, and the command line more.
        let endpoint =
            self.otlp_endpoint.map(|it| said(&self.file_settings, "--otlp-endpoint=", it));
        let traced = self.otlp_traces.map(|it| said(&self.file_settings, "--otlp-traces=", it));
        let otlp = OtlpSettings::read(endpoint, traced, &|name| std::env::var_os(name));
        let otlp = otlp.unwrap_or_else(|mistakes| {
            errors.extend(mistakes);
            None
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let default = Config::default();
        let (mut rpc_sockets, mut rpc_tls_sockets) = (Vec::new(), Vec::new());
        for socket in self.rpc_socket {
            match socket {
                RpcSocket::Plain(socket) => rpc_sockets.push(socket),
                RpcSocket::Tls(socket) => rpc_tls_sockets.push(socket),
            }
        }
        let is_unix = |socket: &ListenAddr| matches!(socket, ListenAddr::Unix(_));
        let rpc_default = (!rpc_sockets.iter().any(is_unix))
            .then(|| DefaultSocket::of_daemon(getuid().as_raw(), |name| std::env::var_os(name)));
        Ok(Config {
            rpc_sockets,
            rpc_tls_sockets,
            rpc_tls,
            rpc_default,
            rpc_hosts: self.rpc_host,
            prometheus_sockets: self.prometheus_socket,
            file_tunnels: self.file_tunnels,
            tunnels,
            control_sockets: self.control_socket,
            otlp,
            token_file: self.token_file,
            state: self.state,
            shutdown_deadline: self.shutdown_deadline,
            access_log,
            workers: self.workers.unwrap_or(default.workers),
            ..default
        })
    }
}

/// What a flag says, and where: in the file if that has it, since the command line has what counts.
fn said<T>(file_settings: &[OsString], flag: &str, value: T) -> Said<T> {
    let is_flag = |word: &OsString| word.to_str().is_some_and(|word| word.starts_with(flag));
    match file_settings.iter().any(is_flag) {
        true => Said::InTheFile(value),
        false => Said::OnTheCommandLine(value),
    }
}

fn deadline(text: &str) -> Result<Duration, ValueError> {
    parse_duration(text, &DEADLINE_RANGE)
}

/// Reads the word for a level of the log.
fn level() -> impl TypedValueParser<Value = LogLevel> {
    let words = LogLevel::ALL.iter().map(|level| level.word());
    PossibleValuesParser::new(words).try_map(|word| word.parse::<LogLevel>())
}

/// The message with the text, and a mark under the part that it is about.
fn point_at(message: &str, text: &str, part: Range<usize>) -> String {
    let count = |range: &str| range.chars().count();
    let before = count(text.get(..part.start).unwrap_or_default());
    let marked = count(text.get(part).unwrap_or_default()).max(1);
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    let mark = format!("{}{}", " ".repeat(before), "^".repeat(marked));
    format!("{message}\n  {shown}\n  {mark}")
}
