//! Which connections have what somebody looks for in their texts.

use std::borrow::Cow;

use plexy_shared::filter::Key;
use plexy_shared::info::TlsHandshake;
use plexy_shared::overview::Find;

use super::Names;
use crate::table::Sight;

/// Finds connections, one after the other.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    find: &'a Find<Key>,
    /// Of the tunnels that were seen.
    names: Names,
}

impl<'a> Finder<'a> {
    pub(super) fn new(find: &'a Find<Key>) -> Self {
        Self { find, names: Names::default() }
    }

    /// Whether this is one of them. Where all are, it is followed to nowhere.
    pub(super) fn finds(&mut self, sight: &Sight<'_>) -> bool {
        let names = &mut self.names;
        self.find.matches(|key| text(sight, key, names))
    }
}

/// What a connection says in the column of that key; times in whole seconds.
fn text<'a>(sight: &Sight<'_>, key: Key, names: &mut Names) -> Cow<'a, str> {
    let entry = sight.entry;
    let certified = |text: fn(&crate::introduction::ClientCertificate) -> String| {
        let introduction = entry.introduction();
        introduction.as_ref().and_then(|it| it.certificate()).map(text).unwrap_or_default()
    };
    let (bytes_in, bytes_out) = sight.bytes;
    let text = match key {
        Key::Id => sight.id.to_string(),
        Key::Tunnel => names.of(&entry.tunnel).0,
        Key::Backend => {
            entry.backend.get().map(|backend| backend.addr.to_string()).unwrap_or_default()
        }
        Key::Client => entry.client.to_string(),
        Key::Sni => {
            let introduction = entry.introduction();
            introduction.and_then(|it| Some(it.name()?.to_owned())).unwrap_or_default()
        }
        Key::Phase => return entry.phase().as_str().into(),
        Key::Tls => {
            let version = entry.handshake.done().map(TlsHandshake::version);
            return version.map_or("none", |(version, _)| version.as_str()).into();
        }
        Key::Subject => certified(|it| it.subject.to_string()),
        Key::Fingerprint => certified(|it| it.fingerprint.to_string()),
        Key::Age => entry.started.elapsed().as_secs().to_string(),
        Key::Idle => (sight.idle_ms / 1_000).to_string(),
        Key::Bytes => (bytes_in + bytes_out).to_string(),
        Key::BytesIn => bytes_in.to_string(),
        Key::BytesOut => bytes_out.to_string(),
        Key::Rate => sight.rates.sum().to_string(),
    };
    text.into()
}
