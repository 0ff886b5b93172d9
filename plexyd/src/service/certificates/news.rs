//! What is told of certificates, and of whom: what is the same for many tunnels is told once.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use plexy_shared::error::printable;
use plexy_shared::event::EventKind;
use tracing::warn;

use super::super::{Actor, Service};
use crate::events::Happening;
use crate::tls::{Renewable, Renewal, Shown};
use crate::tunnel::Tunnel;
use crate::watch::WatchId;

/// How many tunnels, and how many certificates, one event names.
const NAMED_MAX: usize = 4;

/// What is told of files that were told to be no good, and say again what is in use.
const GOOD_AGAIN: &str = "the files are good again, and say what is in use";

/// What is to be told, and whose files it is about, by their watches.
#[derive(Debug, Default)]
pub(in crate::service) struct News {
    pub(super) of: BTreeMap<String, Vec<Option<WatchId>>>,
}

/// Who uses which files, by their watches.
#[derive(Debug)]
pub(in crate::service) struct Owners {
    tunnels: HashMap<WatchId, (Arc<Tunnel>, String)>,
    door: Option<WatchId>,
}

impl News {
    pub(super) fn add(&mut self, detail: String, live: &dyn Renewable) {
        self.of.entry(detail).or_default().push(live.watch_id());
    }

    pub(super) fn good_again(&mut self, live: &dyn Renewable) {
        self.add(GOOD_AGAIN.to_owned(), live);
    }

    /// Has in use what was read, and tells what that is.
    pub(super) fn taken(&mut self, renewal: Renewal, live: &dyn Renewable) {
        let quoted = |file: &PathBuf| (file.clone(), format!("`{}`", file.display()));
        let mut words: BTreeMap<_, _> = renewal.files.iter().map(quoted).collect();
        renewal.take();
        live.visit(&mut |Shown { file, certificate, warnings }| {
            let Some(words) = words.get_mut(file) else { return };
            warnings.iter().for_each(|warning| warn!("{warning}"));
            let names: Vec<_> = certificate.names.iter().map(|name| printable(name)).collect();
            let until = date(certificate.not_after);
            words.push_str(&format!(" for {} is good until {until}", names.join(" ")));
        });
        let more = words.len().saturating_sub(NAMED_MAX);
        let words: Vec<_> = words.into_values().take(NAMED_MAX).collect();
        let more = if more > 0 { format!(" and {more} more files") } else { String::new() };
        self.add(format!("{}{more}", words.join(", ")), live);
    }
}

impl Service {
    /// Tells it, and counts it for each tunnel.
    pub(super) fn tell_certificates(&self, kind: EventKind, news: News, actor: Option<&Actor>) {
        if news.of.is_empty() {
            return;
        }
        let owners = self.owners();
        for id in news.of.values().flatten().flatten() {
            let Some((tunnel, _)) = owners.tunnels.get(id) else { continue };
            match kind {
                EventKind::CertificateRefused => tunnel.count_files_refused(),
                _ => tunnel.count_files_taken(),
            }
        }
        let new = || match actor {
            Some(actor) => Happening::new(kind).asked_by(actor),
            None => Happening::new(kind),
        };
        let (count, telling) = (news.of.len(), self.events.telling(news.of.len()));
        for (detail, of) in news.of {
            telling.note(owners.of(new(), &detail, &of));
        }
        telling.end(|| new().detail(format!("{count} sets of files; the log tells each")));
    }

    /// Who uses which files now.
    pub(in crate::service) fn owners(&self) -> Owners {
        let door = self.door_certificate.as_ref().and_then(|door| door.watch_id());
        let mut tunnels = HashMap::new();
        for tunnel in self.registry().tunnels() {
            let route = tunnel.route();
            let ids = route.live().filter_map(|live| live.watch_id());
            tunnels.extend(ids.map(|id| (id, (Arc::clone(tunnel), tunnel.label_of(&route)))));
        }
        Owners { tunnels, door }
    }
}

impl Owners {
    /// What has happened to these: to one tunnel, or else to all whom the detail names then.
    pub(in crate::service) fn of(
        &self,
        happening: Happening,
        detail: &str,
        of: &[Option<WatchId>],
    ) -> Happening {
        match of {
            [one] if let Some(label) = self.label(one) => happening.of_tunnel(label).detail(detail),
            _ => happening.detail(self.sentence(detail, of)),
        }
    }

    /// The same as one sentence. Who is about to come, or has just gone, is not named.
    pub(super) fn sentence(&self, detail: &str, of: &[Option<WatchId>]) -> String {
        let mut tunnels: Vec<_> = of.iter().filter_map(|id| self.label(id)).collect();
        tunnels.sort_unstable();
        let more = tunnels.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let title = if tunnels.len() == 1 { "tunnel" } else { "tunnels" };
        tunnels.truncate(NAMED_MAX);
        let mut words = Vec::new();
        if self.door.is_some() && of.contains(&self.door) {
            words.push("the rpc sockets".to_owned());
        }
        if !tunnels.is_empty() {
            words.push(format!("{title} {}{more}", tunnels.join(" ")));
        }
        if words.is_empty() {
            return detail.to_owned();
        }
        format!("{detail} ({})", words.join(", "))
    }

    fn label(&self, id: &Option<WatchId>) -> Option<&str> {
        Some(self.tunnels.get(id.as_ref()?)?.1.as_str())
    }
}

/// A time in seconds since 1970, as people read it.
pub(in crate::service) fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
