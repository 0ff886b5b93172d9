//! Host names: bounded, and asked once for what many wait for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Hosts, TokioResolver};
use plexy_shared::spec::{BoundAddr, HostName, ListenAddr};
use thiserror::Error;
use tokio::sync::{OnceCell, Semaphore};
use tracing::warn;

/// Questions that are asked at once.
const LOOKUPS_MAX: usize = 32;

/// Time for one name, all servers and tries included.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the addresses of one IP version are waited for when those of the
/// other are there.
const SECOND_TIMEOUT: Duration = Duration::from_secs(1);

/// How long an answer holds at most, and one that was no help.
const ANSWER_MAX: Duration = Duration::from_secs(60);
const BAD_ANSWER: Duration = Duration::from_secs(1);

/// Answers that are remembered; beyond it every question is asked.
const ANSWERS_MAX: usize = 16 * 1024;

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
    /// Whether the question for one IP version was not answered, so that there
    /// may be more of it.
    pub(crate) unanswered: Option<IpVersion>,
}

/// A kind of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IpVersion {
    V4,
    V6,
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
    /// What was answered, and until when that holds.
    answers: Mutex<HashMap<HostName, (Answer, Instant)>>,
    permits: Semaphore,
}

/// Somebody who waits for an answer.
#[derive(Debug)]
struct Asking<'a> {
    resolver: &'a Resolver,
    name: &'a HostName,
    question: Arc<OnceCell<Answer>>,
}

impl Drop for Asking<'_> {
    /// The question stands no more once it is answered, or nobody waits for it any more.
    fn drop(&mut self) {
        let mut asked = self.resolver.asked();
        // Given up under the lock, too, so that of two who leave at once one is the last.
        let question = std::mem::take(&mut self.question);
        let is_there = asked.get(self.name).is_some_and(|it| Arc::ptr_eq(it, &question));
        // Two are that of the map, and ours.
        if is_there && (question.initialized() || Arc::strong_count(&question) <= 2) {
            asked.remove(self.name);
        }
        drop(question);
        drop(asked);
    }
}

/// The resolver as the files described it when they were last read.
#[derive(Debug)]
struct System {
    asker: Option<Arc<Asker>>,
    files: [Option<SystemTime>; FILES.len()],
    looked: Instant,
}

impl Resolver {
    pub(crate) fn new(servers: NameServers) -> Self {
        let system =
            System { asker: Asker::new(servers), files: modified(), looked: Instant::now() };
        Self {
            servers,
            system: Mutex::new(system),
            asked: Mutex::default(),
            answers: Mutex::default(),
            permits: Semaphore::new(LOOKUPS_MAX),
        }
    }

    /// The addresses of a name, IPv4 before IPv6.
    pub(crate) async fn resolve(&self, name: &HostName) -> Answer {
        if name.is_localhost() {
            let addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Ok(Addresses { addresses, valid_for: Duration::MAX, unanswered: None });
        }
        if let Some(answer) = self.remembered(name) {
            return answer;
        }
        let question = match self.asked().entry(name.clone()) {
            Entry::Occupied(asked) => Arc::clone(asked.get()),
            Entry::Vacant(vacant) => Arc::clone(vacant.insert(Arc::default())),
        };
        let asking = Asking { resolver: self, name, question };
        let answer = asking.question.get_or_init(|| self.ask(name)).await.clone();
        self.remember(name, &answer);
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

    fn remembered(&self, name: &HostName) -> Option<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, until) = answers.get(name)?;
        let left = until.checked_duration_since(Instant::now())?;
        Some(answer.clone().map(|addresses| Addresses { valid_for: left, ..addresses }))
    }

    fn remember(&self, name: &HostName, answer: &Answer) {
        let holds = match answer {
            Ok(found) if found.unanswered.is_none() => found.valid_for.min(ANSWER_MAX),
            _ => BAD_ANSWER,
        };
        let now = Instant::now();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS_MAX {
            answers.retain(|_, (_, until)| *until > now);
        }
        if answers.len() < ANSWERS_MAX {
            answers.insert(name.clone(), (answer.clone(), now + holds));
        }
    }

    async fn ask(&self, name: &HostName) -> Answer {
        let failed = |cause: String| ResolveError::Failed { name: name.clone(), cause };
        let asker = self.current().ok_or_else(|| failed("no name server is configured".into()))?;
        // As "files dns" of nsswitch.conf(5): before any question, and before those who wait for one.
        let known = asker.in_hosts(name.as_str()).map_err(|error| failed(error.to_string()))?;
        if let Some(addresses) = known {
            return Ok(addresses);
        }
        let _permit = self.permits.acquire().await.map_err(|_| failed("stopped".into()))?;
        let asked = tokio::time::timeout(LOOKUP_TIMEOUT, asker.ask(name.as_str())).await;
        match asked.map_err(|_| failed("no answer".into()))? {
            Ok(Some(addresses)) => Ok(addresses),
            Ok(None) => Err(ResolveError::NoSuchName(name.clone())),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// The resolver, made anew where its files have changed.
    fn current(&self) -> Option<Arc<Asker>> {
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        if self.servers == NameServers::System && system.looked.elapsed() >= FILES_INTERVAL {
            system.looked = Instant::now();
            let files = modified();
            if files != system.files {
                system.files = files;
                system.asker = Asker::new(self.servers);
            }
        }
        system.asker.clone()
    }
}

fn modified() -> [Option<SystemTime>; FILES.len()] {
    FILES.map(|file| fs::metadata(file).and_then(|metadata| metadata.modified()).ok())
}

/// Who is asked, and which names are tried for a short one.
///
/// The search list is gone through here and not by the library, which forgets
/// on the way that a server could not answer: what nobody could tell would
/// look like a name that does not exist.
#[derive(Debug)]
struct Asker {
    resolver: TokioResolver,
    hosts: Hosts,
    search: Vec<Name>,
    ndots: usize,
}

impl Asker {
    fn new(servers: NameServers) -> Option<Arc<Self>> {
        match Self::build(servers) {
            Ok(asker) => Some(Arc::new(asker)),
            Err(error) => {
                warn!(%error, "host names cannot be resolved");
                None
            }
        }
    }

    fn build(servers: NameServers) -> Result<Self, NetError> {
        let (config, mut options, hosts) = match servers {
            NameServers::System => {
                let (config, options) = read_system_conf()?;
                (config, options, Hosts::from_system().unwrap_or_default())
            }
            NameServers::One(addr) => {
                let mut server = NameServerConfig::udp_and_tcp(addr.ip());
                for connection in &mut server.connections {
                    connection.port = addr.port();
                }
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                (config, ResolverOpts::default(), Hosts::default())
            }
        };
        options.timeout = Duration::from_secs(2);
        options.use_hosts_file = ResolveHosts::Never;
        // The library would remember that a name does not exist for as long as
        // its zone says, which may be a day; what is remembered is our affair.
        options.cache_size = 0;
        let (search, ndots) = (config.domain().into_iter().chain(config.search()), options.ndots);
        let search = search.cloned().collect();
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = builder.with_options(options).build()?;
        Ok(Self { resolver, hosts, search, ndots })
    }

    /// The addresses of a name; nothing where the servers say that there are
    /// none, under any of its full names.
    async fn ask(&self, name: &str) -> Result<Option<Addresses>, NetError> {
        let mut unanswered = None;
        for full in self.full_names(name)? {
            let (v4, v6) = self.both_versions(full).await;
            let found = [&v4, &v6].map(|it| it.as_ref().ok().and_then(Option::as_ref));
            let mut addresses = collect(found.into_iter().flatten());
            if let Some(addresses) = &mut addresses {
                addresses.unanswered = match (&v4, &v6) {
                    (Err(_), _) => Some(IpVersion::V4),
                    (_, Err(_)) => Some(IpVersion::V6),
                    _ => None,
                };
            }
            if addresses.is_some() {
                return Ok(addresses);
            }
            unanswered = unanswered.or(v4.err()).or(v6.err());
        }
        unanswered.map_or(Ok(None), Err)
    }

    /// Asks for both IP versions at once. Once one has given addresses, the
    /// other is waited for only a little longer: some networks drop one kind.
    async fn both_versions(&self, full: Name) -> (Found, Found) {
        let v4 = self.resolver.lookup(full.clone(), RecordType::A);
        let v6 = self.resolver.lookup(full, RecordType::AAAA);
        tokio::pin!(v4, v6);
        tokio::select! {
            first = &mut v4 => {
                let first = answered(first);
                let second = second(&first, v6).await;
                (first, second)
            }
            first = &mut v6 => {
                let first = answered(first);
                let second = second(&first, v4).await;
                (second, first)
            }
        }
    }

    /// What the hosts file says.
    fn in_hosts(&self, name: &str) -> Result<Option<Addresses>, NetError> {
        let name = Name::from_ascii(name)?;
        let of = |kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let found = [of(RecordType::A), of(RecordType::AAAA)];
        Ok(collect(found.iter().flatten()))
    }

    /// The names to try, as resolv.conf(5) has it: with fewer dots than
    /// `ndots` the search list comes first.
    fn full_names(&self, name: &str) -> Result<Vec<Name>, NetError> {
        let name = Name::from_ascii(name)?;
        if name.is_fqdn() {
            return Ok(vec![name]);
        }
        let searched = self.search.iter().filter_map(|it| name.clone().append_domain(it).ok());
        let mut full = name.clone();
        full.set_fqdn(true);
        let own_first = usize::from(name.num_labels()) > self.ndots;
        let own = std::iter::once(full);
        Ok(if own_first { own.chain(searched).collect() } else { searched.chain(own).collect() })
    }
}

/// Nothing where the servers say that there is nothing; an error where they
/// could not tell.
type Found = Result<Option<Lookup>, NetError>;

/// The answer that comes second.
async fn second(first: &Found, lookup: impl Future<Output = Result<Lookup, NetError>>) -> Found {
    match first {
        Ok(Some(_)) => match tokio::time::timeout(SECOND_TIMEOUT, lookup).await {
            Ok(lookup) => answered(lookup),
            Err(_) => Err(NetError::Timeout),
        },
        _ => answered(lookup.await),
    }
}

fn answered(lookup: Result<Lookup, NetError>) -> Found {
    match lookup {
        Ok(lookup) => Ok(Some(lookup)),
        Err(error) if error.is_nx_domain() || error.is_no_records_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The addresses in these answers, if there are any.
fn collect<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> Option<Addresses> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    let mut valid_until: Option<Instant> = None;
    for lookup in lookups {
        let ips = lookup.answers().iter().filter_map(|record| record.data.ip_addr());
        addresses.extend(ips.map(|ip| ip.to_canonical()));
        valid_until = valid_until.into_iter().chain([lookup.valid_until()]).min();
    }
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    let valid_for = valid_until?.saturating_duration_since(Instant::now());
    (!addresses.is_empty()).then_some(Addresses { addresses, valid_for, unanswered: None })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use plexy_shared::spec::BackendAddr;

    use super::*;

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_any_more_is_forgotten() {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let resolver = Resolver::new(NameServers::One(silent.local_addr().unwrap()));
        let Ok(BackendAddr::Name(name, _)) = "a.example:80".parse() else { panic!() };
        let ask = || tokio::time::timeout(Duration::from_millis(50), resolver.resolve(&name));
        let (one, other) = tokio::join!(ask(), ask());
        assert!(one.is_err() && other.is_err(), "{one:?} {other:?}");
        assert!(resolver.asked().is_empty());
    }
}
