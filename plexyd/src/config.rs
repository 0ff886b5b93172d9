//! What a daemon is asked to be, validated.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use plexy_shared::endpoint::DefaultSocket;
use plexy_shared::spec::{ListenAddr, TunnelSpec};

use crate::access_log::AccessLogConfig;
use crate::control::tls::RpcTls;
use crate::otlp::OtlpSettings;
use crate::places::Places;
use crate::resolver::NameServers;

/// How long connections may go on once the daemon was told to end.
pub(crate) const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(30);

/// The configuration file, to be read again.
#[derive(Debug, Clone)]
pub struct Source {
    pub(crate) file: PathBuf,
    /// The command line.
    pub(crate) given: Vec<OsString>,
    /// What it set at the start, which holds until the next one.
    pub(crate) settings: Vec<OsString>,
}

/// The configuration of a daemon.
#[derive(Debug, Clone)]
pub struct Config {
    /// Tunnels of the configuration file, opened first; the start fails if one cannot be.
    pub file_tunnels: Vec<TunnelSpec>,
    /// Tunnels of the arguments, opened after them in the same way.
    pub tunnels: Vec<TunnelSpec>,
    /// The configuration file, if there is one.
    pub source: Option<Source>,
    /// The file in which changes at run time are kept, if they are.
    pub state: Option<PathBuf>,
    /// Where the line protocol listens.
    pub control_sockets: Vec<ListenAddr>,
    /// Where JSON-RPC listens.
    pub rpc_sockets: Vec<ListenAddr>,
    /// Where it speaks TLS.
    pub rpc_tls_sockets: Vec<ListenAddr>,
    /// What TLS is made of there.
    pub rpc_tls: Option<RpcTls>,
    /// Where it listens besides, in a folder that is made if it is not there.
    pub rpc_default: Option<DefaultSocket>,
    /// Names by which JSON-RPC may be called over TCP, besides `localhost` and
    /// the addresses on which it listens.
    pub rpc_hosts: Vec<String>,
    /// Where metrics and probes are answered.
    pub prometheus_sockets: Vec<ListenAddr>,
    /// What is exported over OTLP and where to, if anything.
    pub otlp: Option<OtlpSettings>,
    /// The file with the token that TCP control sockets want.
    pub token_file: Option<PathBuf>,
    /// The access log, if there is one.
    pub access_log: Option<AccessLogConfig>,
    /// Threads of the data path.
    pub workers: NonZeroUsize,
    /// Who resolves host names.
    pub name_servers: NameServers,
    /// Descriptors that the daemon may use; none for the system's limit, less
    /// those that are open at start.
    pub descriptors_max: Option<u64>,
    /// How long connections may go on once the daemon was told to end.
    pub shutdown_deadline: Duration,
}

impl Config {
    /// Tunnels that cannot be beside each other, as far as that can be seen before any is opened.
    pub(crate) fn conflicts(&self) -> Vec<String> {
        let mut places = Places::default();
        let mut conflicts = Vec::new();
        for spec in self.file_tunnels.iter().chain(&self.tunnels) {
            let listen = spec.listen.bound().filter(|listen| listen.port() != Some(0));
            let name = spec.options.name.as_ref();
            let named = name.and_then(|name| places.named(name));
            let listening = listen.as_ref().and_then(|listen| places.overlapping(listen));
            match listening.or(named) {
                // The same once more changes nothing.
                Some(other) if other == spec => {}
                Some(other) => conflicts.push(format!("`{spec}` cannot be beside `{other}`")),
                None => places.take(name, listen.as_ref(), spec),
            }
        }
        conflicts
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file_tunnels: Vec::new(),
            tunnels: Vec::new(),
            source: None,
            state: None,
            control_sockets: Vec::new(),
            rpc_sockets: Vec::new(),
            rpc_tls_sockets: Vec::new(),
            rpc_tls: None,
            rpc_default: None,
            rpc_hosts: Vec::new(),
            prometheus_sockets: Vec::new(),
            otlp: None,
            token_file: None,
            access_log: None,
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            name_servers: NameServers::System,
            descriptors_max: None,
            shutdown_deadline: SHUTDOWN_DEADLINE,
        }
    }
}
