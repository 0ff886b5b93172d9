//! Host names: bounded, and asked once for what many wait for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use plexy_shared::spec::{BoundAddr, HostName, ListenAddr};
use thiserror::Error;
use tokio::sync::{OnceCell, Semaphore};
use tracing::warn;

/// Questions that are asked at once.
const LOOKUPS_MAX: usize = 32;

/// Time for one name, all servers and tries included.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the system's resolver files are looked at for changes.
const FILES_INTERVAL: Duration = Duration::from_secs(5);

const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameServers {
    /// Those of `/etc/resolv.conf`, after `/etc/hosts`.
    #[default]
    System,
    /// This one, and nobody else.
    One(SocketAddr),
}

/// What a name has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) addresses: Vec<IpAddr>,
    /// How long that may be believed.
    pub(crate) valid_for: Duration,
}

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ResolveError {
    /// The servers say that there is none.
    #[error("`{0}` has no address")]
    NoSuchName(HostName),
    /// Nobody could tell.
    #[error("`{name}` cannot be resolved: {cause}")]
    Failed { name: HostName, cause: String },
}

type Answer = Result<Addresses, ResolveError>;

/// Resolves names.
#[derive(Debug)]
pub(crate) struct Resolver {
    servers: NameServers,
    system: Mutex<System>,
    /// What is being asked now, and who waits for it.
    asked: Mutex<HashMap<HostName, Arc<OnceCell<Answer>>>>,
    permits: Semaphore,
}

/// The resolver as the files described it when they were last read.
#[derive(Debug)]
struct System {
    resolver: Option<Arc<TokioResolver>>,
    files: [Option<SystemTime>; FILES.len()],
    looked: Instant,
}

impl Resolver {
    pub(crate) fn new(servers: NameServers) -> Self {
        let system = System { resolver: build(servers), files: modified(), looked: Instant::now() };
        Self {
            servers,
            system: Mutex::new(system),
            asked: Mutex::default(),
            permits: Semaphore::new(LOOKUPS_MAX),
        }
    }

    /// The addresses of a name, IPv4 before IPv6.
    pub(crate) async fn resolve(&self, name: &HostName) -> Answer {
        if name.is_localhost() {
            let addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Ok(Addresses { addresses, valid_for: Duration::MAX });
        }
        let question = match self.asked().entry(name.clone()) {
            Entry::Occupied(asked) => Arc::clone(asked.get()),
            Entry::Vacant(vacant) => Arc::clone(vacant.insert(Arc::default())),
        };
        let answer = question.get_or_init(|| self.ask(name)).await.clone();
        let mut asked = self.asked();
        // Only the question that was answered: a newer one may stand there.
        if asked.get(name).is_some_and(|asked| Arc::ptr_eq(asked, &question)) {
            asked.remove(name);
        }
        answer
    }

    /// Where a listen address really is: a name is its first IPv4 address.
    pub(crate) async fn resolve_listen(
        &self,
        listen: &ListenAddr,
    ) -> Result<BoundAddr, ResolveError> {
        match (listen.bound(), listen) {
            (Some(bound), _) => Ok(bound),
            (None, ListenAddr::Name(name, port)) => {
                let found = self.resolve(name).await?;
                let ip = found.addresses.into_iter().find(IpAddr::is_ipv4);
                let ip = ip.ok_or_else(|| ResolveError::NoSuchName(name.clone()))?;
                Ok(BoundAddr::Ip((ip, *port).into()))
            }
            (None, _) => unreachable!("every address but a name is bound by itself"),
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<HostName, Arc<OnceCell<Answer>>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, name: &HostName) -> Answer {
        let failed = |cause: String| ResolveError::Failed { name: name.clone(), cause };
        let _permit = self.permits.acquire().await.map_err(|_| failed("stopped".into()))?;
        let resolver =
            self.current().ok_or_else(|| failed("no name server is configured".into()))?;
        let lookup = resolver.lookup_ip(name.as_str());
        let found = tokio::time::timeout(LOOKUP_TIMEOUT, lookup)
            .await
            .map_err(|_| failed("no answer".into()))?
            .map_err(|error: NetError| {
                let is_answer = error.is_nx_domain() || error.is_no_records_found();
                if is_answer {
                    ResolveError::NoSuchName(name.clone())
                } else {
                    failed(error.to_string())
                }
            })?;
        let mut addresses: Vec<_> = found.iter().map(|ip| ip.to_canonical()).collect();
        addresses.sort_by_key(IpAddr::is_ipv6);
        addresses.dedup();
        if addresses.is_empty() {
            return Err(ResolveError::NoSuchName(name.clone()));
        }
        let valid_for = found.valid_until().saturating_duration_since(Instant::now());
        Ok(Addresses { addresses, valid_for })
    }

    /// The resolver, made anew where its files have changed.
    fn current(&self) -> Option<Arc<TokioResolver>> {
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        if self.servers == NameServers::System && system.looked.elapsed() >= FILES_INTERVAL {
            system.looked = Instant::now();
            let files = modified();
            if files != system.files {
                system.files = files;
                system.resolver = build(self.servers);
            }
        }
        system.resolver.clone()
    }
}

fn modified() -> [Option<SystemTime>; FILES.len()] {
    FILES.map(|file| fs::metadata(file).and_then(|metadata| metadata.modified()).ok())
}

fn build(servers: NameServers) -> Option<Arc<TokioResolver>> {
    let builder = match servers {
        NameServers::System => TokioResolver::builder_tokio(),
        NameServers::One(addr) => {
            let mut server = NameServerConfig::udp_and_tcp(addr.ip());
            for connection in &mut server.connections {
                connection.port = addr.port();
            }
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        }
    };
    let built = builder.and_then(|mut builder| {
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = Duration::from_secs(2);
        builder.build()
    });
    match built {
        Ok(resolver) => Some(Arc::new(resolver)),
        Err(error) => {
            warn!(%error, "host names cannot be resolved");
            None
        }
    }
}
