//! Certificates whose time runs out, or has not come: told when they come into use, and each day from
//! two weeks before their end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::PoisonError;

use jiff::Timestamp;
use plexy_shared::event::EventKind;
use plexy_shared::units::counted;

use super::Service;
use super::certificates::date;
use crate::events::Happening;
use crate::tls::{Certificate, Shown};
use crate::watch::WatchId;

pub(super) const DAY_SECONDS: i64 = 24 * 60 * 60;

/// For how long before its end a certificate is told of: whoever renews automatically does it earlier.
const WARNED_SECONDS: i64 = 14 * DAY_SECONDS;

/// One certificate: its file, and which one it is of those that were there.
type Key = (PathBuf, String);

/// What was told, and when, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    told: HashMap<Key, (Stage, i64)>,
}

/// How a certificate stands to the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    NotYet,
    Good,
    EndsSoon,
    Expired,
}

impl Stage {
    fn of(certificate: &Certificate, now: i64) -> Self {
        if certificate.not_after < now {
            Self::Expired
        } else if certificate.not_before > now {
            Self::NotYet
        } else if certificate.not_after < now.saturating_add(WARNED_SECONDS) {
            Self::EndsSoon
        } else {
            Self::Good
        }
    }
}

impl Expiries {
    /// Whether this one is to be told of now.
    fn is_due(&mut self, key: Key, stage: Stage, now: i64) -> bool {
        if stage == Stage::Good {
            self.told.remove(&key);
            return false;
        }
        let before = self.told.get(&key);
        let is_due = before.is_none_or(|(told, at)| *told != stage || now - at >= DAY_SECONDS);
        if is_due {
            self.told.insert(key, (stage, now));
        }
        is_due
    }
}

impl Service {
    /// Tells of all certificates of which it is time to.
    pub(super) fn tell_expiring(&self) {
        let now = Timestamp::now().as_second();
        let mut found: BTreeMap<Key, (String, Stage, Vec<Option<WatchId>>)> = BTreeMap::new();
        for live in self.certificates.all() {
            live.visit(&mut |Shown { file, certificate, .. }| {
                let stage = Stage::of(certificate, now);
                if stage != Stage::Good {
                    let key = (file.to_owned(), certificate.fingerprint.clone());
                    let new = || (sentence(&key.0, certificate, stage, now), stage, Vec::new());
                    found.entry(key.clone()).or_insert_with(new).2.push(live.watch_id());
                }
            });
        }
        let mut expiries =
            self.certificates.expiries.lock().unwrap_or_else(PoisonError::into_inner);
        // Others that were told of are in use no more.
        let known: HashSet<_> = found.keys().cloned().collect();
        expiries.told.retain(|key, _| known.contains(key));
        let mut is_due = |key: Key, stage| expiries.is_due(key, stage, now);
        let due: Vec<_> = found.into_iter().filter(|(key, it)| is_due(key.clone(), it.1)).collect();
        drop(expiries);
        if due.is_empty() {
            return;
        }
        let (owners, count) = (self.owners(), due.len() as u64);
        let telling = self.events.telling(due.len());
        for (_, (sentence, _, of)) in due {
            let expiring = Happening::new(EventKind::CertificateExpiring);
            telling.note(owners.of(expiring, &sentence, &of));
        }
        telling.end(|| {
            let what = counted(count, "certificate");
            Happening::new(EventKind::CertificateExpiring)
                .detail(format!("{what}; the log tells each"))
        });
    }
}

fn sentence(file: &std::path::Path, certificate: &Certificate, stage: Stage, now: i64) -> String {
    let file = file.display();
    let Certificate { not_before, not_after, .. } = certificate;
    match stage {
        Stage::NotYet => {
            let since = date(*not_before);
            format!("`{file}` is not good before {since}: is the clock right?")
        }
        Stage::Expired => {
            let ago = days(now.saturating_sub(*not_after));
            format!("`{file}` has expired {ago} ago: clients do not take it")
        }
        Stage::EndsSoon | Stage::Good => {
            let left = days(not_after.saturating_sub(now));
            format!("`{file}` expires in {left}, {}", date(*not_after))
        }
    }
}

/// So many seconds in whole days, or hours if that is less than one.
fn days(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    match seconds / DAY_SECONDS.unsigned_abs() {
        0 => counted(seconds / 3600, "hour"),
        days => counted(days, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(not_before: i64, not_after: i64) -> Certificate {
        Certificate {
            names: vec!["a.example".to_owned()],
            subject: String::new(),
            issuer: String::new(),
            serial: String::new(),
            not_before,
            not_after,
            fingerprint: "ab".to_owned(),
        }
    }

    #[test]
    fn a_certificate_is_told_of_from_two_weeks_before_its_end() {
        let end = 100 * DAY_SECONDS;
        let stage = |day: i64| Stage::of(&certificate(DAY_SECONDS, end), day * DAY_SECONDS);
        assert_eq!(stage(0), Stage::NotYet);
        assert_eq!(stage(1), Stage::Good);
        assert_eq!(stage(86), Stage::Good);
        assert_eq!(stage(87), Stage::EndsSoon);
        assert_eq!(stage(100), Stage::EndsSoon);
        assert_eq!(stage(101), Stage::Expired);
    }

    #[test]
    fn it_is_told_once_a_day_and_when_it_has_expired() {
        let mut expiries = Expiries::default();
        let key = || (PathBuf::from("/a.pem"), "ab".to_owned());
        let mut is_due = |stage, at| expiries.is_due(key(), stage, at);
        assert!(!is_due(Stage::Good, 0));
        assert!(is_due(Stage::EndsSoon, 0));
        assert!(!is_due(Stage::EndsSoon, DAY_SECONDS - 1));
        assert!(is_due(Stage::EndsSoon, DAY_SECONDS));
        assert!(is_due(Stage::Expired, DAY_SECONDS + 60));
        assert!(!is_due(Stage::Expired, DAY_SECONDS + 120));
        // After it was renewed, all begins anew.
        assert!(!is_due(Stage::Good, DAY_SECONDS + 180));
        assert!(is_due(Stage::EndsSoon, DAY_SECONDS + 240));
    }

    #[test]
    fn what_is_told_names_the_file_and_the_time() {
        let file = std::path::Path::new("/a.pem");
        let certificate = certificate(10 * DAY_SECONDS, 20 * DAY_SECONDS);
        let told = |stage, now| sentence(file, &certificate, stage, now);
        assert_eq!(
            told(Stage::NotYet, 0),
            "`/a.pem` is not good before 1970-01-11T00:00:00Z: is the clock right?"
        );
        assert_eq!(
            told(Stage::EndsSoon, 11 * DAY_SECONDS + 1),
            "`/a.pem` expires in 8 days, 1970-01-21T00:00:00Z"
        );
        assert_eq!(
            told(Stage::Expired, 20 * DAY_SECONDS + 7200),
            "`/a.pem` has expired 2 hours ago: clients do not take it"
        );
    }
}
