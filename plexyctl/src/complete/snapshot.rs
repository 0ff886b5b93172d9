//! What the daemon has, as far as that is known here.

use std::collections::HashMap;

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::info::TunnelStatus;
use plexy_shared::spec::{TunnelRef, TunnelSpec};

use crate::safe::safe;

/// Some moment of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The tunnels, in order of opening.
    pub(crate) tunnels: Vec<KnownTunnel>,
    /// Live connections, not more than somebody looks through.
    pub(crate) connections: Vec<KnownConnection>,
}

/// A tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownTunnel {
    /// Where it listens.
    pub(crate) listen: String,
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    /// How it is, in a few words.
    pub(crate) summary: String,
    /// Whether no backend of it takes connections.
    pub(crate) is_down: bool,
    /// The addresses of its backends.
    pub(crate) backends: Vec<String>,
}

/// A live connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownConnection {
    /// Its id.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) summary: String,
}

impl Snapshot {
    /// Of what `listTunnels` and `export` say; one of them may know a tunnel that the other does not.
    pub(crate) fn of(tunnels: &[TunnelStatus], specs: &[String]) -> Self {
        let specs = specs.iter().filter_map(|spec| spec.parse::<TunnelSpec>().ok());
        let mut backends: HashMap<String, Vec<String>> = specs
            .map(|spec| {
                let backends = spec.backends.iter().map(|backend| backend.addr.to_string());
                (spec.listen.to_string(), backends.collect())
            })
            .collect();
        // What no line could name is not offered: it would become words of another meaning.
        let tunnels =
            tunnels.iter().filter(|tunnel| can_be_named(tunnel)).map(|tunnel| KnownTunnel {
                backends: backends.remove(&tunnel.listen).unwrap_or_default(),
                ..KnownTunnel::of(tunnel)
            });
        Self { tunnels: tunnels.collect(), connections: Vec::new() }
    }

    /// The tunnel that somebody calls so: by its name in any case, or by its address.
    pub(crate) fn tunnel(&self, named: &str) -> Option<&KnownTunnel> {
        self.tunnels.iter().find(|tunnel| tunnel.is_called(named))
    }

    /// The backends of all tunnels, each once.
    pub(crate) fn all_backends(&self) -> impl Iterator<Item = &str> {
        let mut all: Vec<&str> =
            self.tunnels.iter().flat_map(|it| &it.backends).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }
}

/// Whether a daemon calls it as one may be called.
fn can_be_named(tunnel: &TunnelStatus) -> bool {
    let is_same =
        |text: &str| text.parse::<TunnelRef>().is_ok_and(|named| named.to_string() == text);
    is_same(&tunnel.listen) && tunnel.name.as_deref().is_none_or(is_same)
}

impl KnownTunnel {
    fn of(tunnel: &TunnelStatus) -> Self {
        let admin = tunnel.admin.as_ref().map(|admin| format!(", {}", safe(admin.as_str())));
        let admin = admin.unwrap_or_default();
        Self {
            listen: tunnel.listen.clone(),
            name: tunnel.name.clone(),
            summary: format!("{}/{} up{admin}", tunnel.backends_up, tunnel.backends),
            is_down: tunnel.backends_up == 0,
            backends: Vec::new(),
        }
    }

    /// Whether somebody may mean it: `3000` is `127.0.0.1:3000`.
    pub(crate) fn is_called(&self, named: &str) -> bool {
        is_called(self.name.as_deref(), &self.listen, named)
    }
}

/// Whether somebody may mean the tunnel that has this name, or none, and listens there.
pub(crate) fn is_called(name: Option<&str>, listen: &str, named: &str) -> bool {
    let port = listen.strip_prefix("127.0.0.1:");
    name.is_some_and(|name| name.eq_ignore_ascii_case(named))
        || listen == named
        || port == Some(named)
}

impl From<&ConnectionInfo> for KnownConnection {
    fn from(info: &ConnectionInfo) -> Self {
        let backend = info.backend.as_deref().unwrap_or("no backend yet");
        Self {
            id: info.id.chars().filter(char::is_ascii_digit).collect(),
            summary: safe(&format!("{}  {} → {backend}", info.tunnel, info.client)),
        }
    }
}
