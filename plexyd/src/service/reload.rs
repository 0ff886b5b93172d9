//! `reload`: the tunnels of the configuration file, as they stand there now.
//!
//! What is done is the difference to what the file said before. A tunnel that it
//! says the same of as before is left as it is, also if it was changed, or
//! closed, by somebody in the meantime.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use plexy_shared::error::Refusal;
use plexy_shared::event::EventKind;
use plexy_shared::history::TransitionReply;
use plexy_shared::info::Origin;
use plexy_shared::spec::{BoundAddr, LiveAction, TunnelSpec};
use tracing::error;

use super::error::OpenError;
use super::reroute::{Once, Rerouting};
use super::security::unchanged;
use super::transition::{Closing, Opening, Transition, is_same};
use super::turns::Scope;
use super::{Caller, Service, ServiceError};
use crate::events::Happening;
use crate::registry::Open;
use crate::state::Closed;
use crate::tls::Renewable;
use crate::tunnel::Tunnel;

/// Files with tunnels, for who cannot read them.
pub(crate) trait TunnelFiles: Debug + Send + Sync {
    /// The tunnels of the configuration file as it is now, or every mistake in it; nothing if there
    /// is no such file.
    fn configured(&self) -> Option<Result<Vec<TunnelSpec>, Vec<String>>>;

    /// The tunnels of another file like it, or every mistake in that.
    fn read(&self, path: &Path) -> Result<Vec<TunnelSpec>, Vec<String>>;
}

/// How the last reload went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastReload {
    pub(crate) is_good: bool,
    /// When the last good one was; the start is one.
    pub(crate) good_at: SystemTime,
}

impl Default for LastReload {
    fn default() -> Self {
        Self { is_good: true, good_at: SystemTime::now() }
    }
}

/// Tunnels of the file that are open, by what it said of them, while it is found out what it says
/// now.
struct Configured {
    by_text: HashMap<String, Vec<Arc<Tunnel>>>,
    closed: BTreeMap<String, Closed>,
}

impl Service {
    /// Reads the configuration file again, and opens, changes and closes tunnels by the difference,
    /// and has in use what the files of certificates say, of tunnels that stay and of the doors; or does
    /// nothing. Who begins a handshake once this has returned gets what was read.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the files, or stands against one of the tunnels; or if there is neither a
    /// configuration file nor a certificate.
    pub async fn reload(&self, caller: &Caller) -> Result<TransitionReply, ServiceError> {
        let _reloading = self.reloading.lock().await;
        let files = Arc::clone(&self.files);
        let read = tokio::task::spawn_blocking(move || files.configured()).await;
        let reloaded = match read {
            Ok(None) if self.certificates.all().is_empty() => return Err(ServiceError::NoConfig),
            // What the file said, where there is one, is not asked for: it says nothing of any tunnel.
            Ok(None) => self.reload_to(&[], caller).await,
            Ok(Some(Ok(specs))) => self.reload_to(&specs, caller).await,
            Ok(Some(Err(mistakes))) => Err(ServiceError::BadFile(mistakes)),
            Err(error) => Err(ServiceError::BadFile(vec![error.to_string()])),
        };
        // What the caller has expected says nothing about the file, and who only tries it out has not
        // reloaded it.
        let is_refused = matches!(reloaded, Err(ServiceError::RevisionMismatch { .. }));
        if !is_refused && !caller.dry_run {
            self.note_reload(&reloaded);
        }
        reloaded
    }

    async fn reload_to(
        &self,
        specs: &[TunnelSpec],
        caller: &Caller,
    ) -> Result<TransitionReply, ServiceError> {
        let reloaded = async {
            let (turn, addrs) = self.begin_opening(specs, |_| Scope::All, caller).await?;
            let (transition, unchanged) = self.plan_reload(specs, &addrs);
            self.check(&transition)?;
            if caller.dry_run {
                let files = self.changed_files(self.staying(&transition)).await;
                let certificate_files = files.map_err(ServiceError::BadFile)?;
                let done = self.carry_out(turn, transition, caller).await?;
                return Ok(TransitionReply { unchanged, certificate_files, ..done.reply });
            }
            // What can fail comes first.
            let again = self.read_again(self.staying(&transition), &caller.actor).await;
            let again = again.map_err(ServiceError::BadFile)?;
            let done = self.carry_out(turn, transition, caller).await?;
            let certificate_files = self.take(again, &caller.actor);
            Ok(TransitionReply { unchanged, certificate_files, ..done.reply })
        };
        reloaded.await.map_err(|error: OpenError| {
            let spec = error.index.and_then(|index| specs.get(index));
            match spec {
                Some(spec) => {
                    ServiceError::BadFile(vec![format!("{spec}: {}", Refusal::from(error))])
                }
                None => error.error,
            }
        })
    }

    /// What is made of files and stays in use: that of tunnels that are closed, or get other options of
    /// TLS, may be no good any more.
    fn staying(&self, transition: &Transition) -> Vec<Arc<dyn Renewable>> {
        let closed = transition.close.iter().map(|it| it.tunnel.id);
        let changed = transition
            .change
            .iter()
            .filter(|it| unchanged(&it.tunnel.route(), &it.spec.options).is_none());
        let leaving: HashSet<_> = closed.chain(changed.map(|it| it.tunnel.id)).collect();
        let registry = self.registry();
        let staying = registry.tunnels().filter(|tunnel| !leaving.contains(&tunnel.id));
        let of_tunnels = staying.flat_map(|tunnel| tunnel.route().live().collect::<Vec<_>>());
        of_tunnels.chain(self.door_certificate.clone()).collect()
    }

    /// How the last one went.
    pub(crate) fn last_reload(&self) -> LastReload {
        *self.last_reload.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the certificate of the doors is good, in seconds since 1970, if there is one.
    pub(crate) fn door_certificate_not_after(&self) -> Option<i64> {
        let mut not_after = None;
        if let Some(door) = &self.door_certificate {
            door.visit(&mut |shown| not_after = Some(shown.certificate.not_after));
        }
        not_after
    }

    /// Whether the files of that certificate are good, if there is one.
    pub(crate) fn is_door_certificate_good(&self) -> Option<bool> {
        self.door_certificate.as_ref().map(|door| door.standing().bad().is_none())
    }

    fn note_reload(&self, reloaded: &Result<TransitionReply, ServiceError>) {
        let is_good = reloaded.is_ok();
        {
            let mut last = self.last_reload.lock().unwrap_or_else(PoisonError::into_inner);
            let good_at = if is_good { SystemTime::now() } else { last.good_at };
            *last = LastReload { is_good, good_at };
        }
        self.events.tell(match reloaded {
            Ok(reply) => Happening::new(EventKind::ConfigReloaded).detail(reply.to_string()),
            Err(error) => {
                if let ServiceError::BadFile(mistakes) = error {
                    // The event tells the first. Each is followed by the text with a mark, which is no
                    // matter of a log.
                    let mistakes = mistakes.iter().skip(1).filter_map(|it| it.lines().next());
                    mistakes.for_each(|mistake| error!("a further mistake: {mistake}"));
                }
                Happening::new(EventKind::ConfigRefused)
                    .detail(format!("nothing has changed: {error}"))
            }
        });
    }

    /// What is to be done, and how many tunnels are as they should be.
    fn plan_reload(&self, specs: &[TunnelSpec], addrs: &[BoundAddr]) -> (Transition, usize) {
        let registry = self.registry();
        let mut configured = Configured::of(registry.all(), self.state.closed());
        let (mut transition, mut new) = (Transition::default(), Vec::new());
        // First those of which the file says the same as before.
        for (index, (spec, addr)) in specs.iter().zip(addrs).enumerate() {
            if !configured.has(spec) {
                new.push((index, spec, addr));
            }
        }
        let mut unchanged = specs.len() - new.len();
        let mut stay = HashSet::new();
        for (index, spec, addr) in new {
            let said = Some(Arc::new(spec.clone()));
            let open = if addr.port() == Some(0) {
                configured.rest().find(|it| !stay.contains(&it.id) && stands_for(spec, addr, it))
            } else {
                // One that is open in the same way need not be of the file.
                let open = registry.listening_on(addr);
                open.filter(|it| it.origin == Origin::File || is_same(it, spec))
            };
            match open {
                None => transition.open.push(Opening {
                    index,
                    spec: spec.clone(),
                    addr: addr.clone(),
                    socket: None,
                    origin: Origin::File,
                    configured: said,
                    order: None,
                }),
                Some(tunnel) => {
                    stay.insert(tunnel.id);
                    if is_same(tunnel, spec) && tunnel.origin != Origin::File {
                        unchanged += 1;
                        continue;
                    }
                    let (tunnel, spec) = (Arc::clone(tunnel), spec.clone());
                    let rerouting =
                        Rerouting { index, tunnel, spec, configured: said, once: Once::default() };
                    transition.change.push(rerouting);
                }
            }
        }
        let gone = configured.rest().filter(|tunnel| !stay.contains(&tunnel.id));
        let closing = |tunnel: &Arc<Tunnel>| {
            let live = LiveAction::Keep.into();
            Closing { tunnel: Arc::clone(tunnel), live, configured: None }
        };
        transition.close = gone.map(closing).collect();
        transition.unconfigured = configured.closed.into_keys().collect();
        (transition, unchanged)
    }
}

impl Configured {
    fn of<'a>(open: impl Iterator<Item = &'a Open>, closed: BTreeMap<String, Closed>) -> Self {
        let mut by_text: HashMap<_, Vec<_>> = HashMap::new();
        for Open { tunnel, configured, .. } in open {
            if let Some(said) = configured.as_ref().filter(|_| tunnel.origin == Origin::File) {
                let those = by_text.entry(said.to_string()).or_default();
                those.push(Arc::clone(tunnel));
            }
        }
        let is_of_file = |closed: &Closed| closed.origin == Origin::File;
        Self { by_text, closed: closed.into_iter().filter(|(_, it)| is_of_file(it)).collect() }
    }

    /// Whether the file has said just this before; it does so once for each tunnel.
    fn has(&mut self, spec: &TunnelSpec) -> bool {
        let text = spec.to_string();
        let open = self.by_text.get_mut(&text).and_then(Vec::pop);
        open.is_some() || self.closed.remove(&text).is_some()
    }

    /// Tunnels of which it has said something else.
    fn rest(&self) -> impl Iterator<Item = &Arc<Tunnel>> {
        let mut rest: Vec<_> = self.by_text.values().flatten().collect();
        rest.sort_by_key(|tunnel| tunnel.id);
        rest.into_iter()
    }
}

/// With port 0, which is any, the name of a tunnel decides which one it is, or else all of it.
fn stands_for(spec: &TunnelSpec, addr: &BoundAddr, tunnel: &Tunnel) -> bool {
    let is_on_host = match (addr, &tunnel.listen) {
        (BoundAddr::Any(_), BoundAddr::Any(_)) => true,
        (BoundAddr::Ip(wanted), BoundAddr::Ip(open)) => wanted.ip() == open.ip(),
        _ => false,
    };
    is_on_host
        && match &spec.options.name {
            Some(wanted) => tunnel.route().options.name.as_ref() == Some(wanted),
            None => is_same(tunnel, spec),
        }
}
