//! What a dialog is about: something by what it is known by, wherever its row stands, and whatever has
//! its address meanwhile.

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::info::BackendInfo;
use plexy_shared::overview::{Overview, OverviewParams, TunnelOverview, TunnelRow};
use plexy_shared::spec::{BackendAddr, TunnelRef, TunnelSpec};

use super::super::level::TunnelName;
use crate::consequence::Known;
use crate::output::safe;

/// It.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The daemon.
    Daemon,
    /// A tunnel.
    Tunnel(TunnelName),
    /// A backend of a tunnel, by its address there.
    Backend(TunnelName, String),
    /// A connection, as it was told last.
    Connection(Box<ConnectionInfo>),
}

/// How it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Now {
    /// Nobody has told.
    Unknown,
    /// It is there.
    Here(Known),
    /// Another tunnel listens where it did, or a command calls it otherwise.
    Another(TunnelName),
    /// It is no more.
    Gone,
}

impl Now {
    /// What is otherwise than when somebody has named it; nothing where it is still that, or nobody has told.
    pub(super) fn otherwise(&self, subject: &Subject) -> Option<String> {
        match self {
            Self::Unknown | Self::Here(_) => None,
            Self::Gone => Some(format!("{} is no more", subject.title())),
            Self::Another(now) => {
                let before = subject.tunnel()?;
                let title = safe(&before.label);
                Some(match before.is_same_tunnel(now) {
                    true => format!("{title} is called {} now", safe(&now.label)),
                    false => format!("{title} is another tunnel now"),
                })
            }
        }
    }
}

impl Subject {
    /// The tunnel, where it is one or part of one.
    pub(crate) fn tunnel(&self) -> Option<&TunnelName> {
        match self {
            Self::Tunnel(tunnel) | Self::Backend(tunnel, _) => Some(tunnel),
            Self::Daemon | Self::Connection(_) => None,
        }
    }

    /// The same, to call it as it is called now.
    pub(super) fn tunnel_mut(&mut self) -> Option<&mut TunnelName> {
        match self {
            Self::Tunnel(tunnel) | Self::Backend(tunnel, _) => Some(tunnel),
            Self::Daemon | Self::Connection(_) => None,
        }
    }

    /// Where its tunnel listens.
    pub(crate) fn listen(&self) -> Option<&str> {
        match self {
            Self::Connection(connection) => Some(&connection.listen),
            _ => self.tunnel().map(|tunnel| tunnel.listen.as_str()),
        }
    }

    /// What it is called, for people.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Daemon => "plexyd".to_owned(),
            Self::Tunnel(tunnel) => safe(&tunnel.label),
            Self::Backend(tunnel, backend) => {
                format!("{} of {}", safe(backend), safe(&tunnel.label))
            }
            Self::Connection(connection) => format!("connection {}", safe(&connection.id)),
        }
    }

    /// How a command names it; none where no command could, so that what a daemon calls something
    /// never becomes other words of a line.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Self::Daemon => Some(String::new()),
            Self::Tunnel(tunnel) => tunnel_word(tunnel),
            Self::Backend(tunnel, backend) => {
                Some(format!("{} {}", tunnel_word(tunnel)?, backend_word(backend)?))
            }
            Self::Connection(connection) => {
                let id = connection.id.as_str();
                let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
                is_id.then(|| id.to_owned())
            }
        }
    }

    /// Why nothing can be asked for where that is so.
    pub(crate) fn unnamed(&self) -> String {
        format!("no command can name {}", self.title())
    }

    /// How it is, as the daemon tells it who was asked so.
    pub(crate) fn now(&self, overview: &Overview, asked: &OverviewParams) -> Now {
        match self {
            Self::Daemon => Now::Here(Known::default()),
            Self::Tunnel(tunnel) => of_tunnel(tunnel, overview, asked),
            Self::Backend(tunnel, backend) => of_backend(tunnel, backend, overview, asked),
            Self::Connection(connection) => of_connection(connection, overview, asked),
        }
    }
}

/// By its name, else by where it listens.
pub(super) fn tunnel_word(tunnel: &TunnelName) -> Option<String> {
    let is_same =
        |text: &&String| text.parse::<TunnelRef>().is_ok_and(|it| it.to_string() == **text);
    [&tunnel.label, &tunnel.listen].into_iter().find(is_same).cloned()
}

fn backend_word(backend: &str) -> Option<String> {
    backend.parse::<BackendAddr>().ok().map(|it| it.to_string()).filter(|it| it == backend)
}

fn of_tunnel(tunnel: &TunnelName, overview: &Overview, asked: &OverviewParams) -> Now {
    let rows = || overview.tunnels.iter().flat_map(|it| &it.rows);
    let full = in_full(tunnel, overview);
    let row =
        full.map(|it| &it.row).or_else(|| rows().find(|row| row.status.listen == tunnel.listen));
    match row.map(|row| (TunnelName::of(row), row)) {
        Some((now, row)) if now == *tunnel => Now::Here(known(row, full)),
        Some((now, _)) => Now::Another(now),
        None if is_asked(tunnel, asked) => Now::Gone,
        None => Now::Unknown,
    }
}

fn of_backend(
    tunnel: &TunnelName,
    backend: &str,
    overview: &Overview,
    asked: &OverviewParams,
) -> Now {
    let known = match of_tunnel(tunnel, overview, asked) {
        Now::Here(known) => Some(known),
        Now::Unknown => None,
        elsewhere => return elsewhere,
    };
    let full = in_full(tunnel, overview);
    let rows = || overview.backends.iter().flat_map(|it| &it.rows);
    let listening = rows().find(|row| row.listen == tunnel.listen).map(TunnelName::of_backend);
    if let Some(now) = listening.filter(|now| known.is_none() && now != tunnel) {
        return Now::Another(now);
    }
    let of_tunnel = full.into_iter().flat_map(|it| &it.info.backend_list);
    let of_rows = rows().filter(|row| row.tunnel_id == tunnel.id).map(|row| &row.info);
    let is_it = |info: &&BackendInfo| info.addr == backend;
    match of_tunnel.chain(of_rows).find(is_it) {
        Some(info) => {
            Now::Here(Known { live: Some(info.traffic.connections), ..known.unwrap_or_default() })
        }
        None if full.is_some() => Now::Gone,
        None => Now::Unknown,
    }
}

fn of_connection(connection: &ConnectionInfo, overview: &Overview, asked: &OverviewParams) -> Now {
    let Some(reply) = &overview.connections else { return Now::Unknown };
    let is_there = reply.rows.iter().any(|row| row.id == connection.id);
    // Others may only not have been asked for.
    let are_all = asked
        .connections
        .as_ref()
        .is_some_and(|it| it.find.is_none() && it.tunnel.is_none() && it.filter.is_none())
        && reply.matched == reply.rows.len() as u64;
    match is_there {
        true => Now::Here(Known::of(Some(1))),
        false if are_all => Now::Gone,
        false => Now::Unknown,
    }
}

fn in_full<'a>(tunnel: &TunnelName, overview: &'a Overview) -> Option<&'a TunnelOverview> {
    overview.tunnel.as_ref().filter(|it| it.row.status.listen == tunnel.listen)
}

fn is_asked(tunnel: &TunnelName, asked: &OverviewParams) -> bool {
    asked.tunnel.as_deref() == Some(tunnel.listen.as_str())
}

fn known(row: &TunnelRow, full: Option<&TunnelOverview>) -> Known {
    let known = Known {
        listen: Some(row.status.listen.clone()),
        ..Known::of(Some(row.status.traffic.connections))
    };
    match full.and_then(|full| full.info.spec.parse::<TunnelSpec>().ok()) {
        Some(TunnelSpec { options, .. }) => known.with(&options),
        None => known,
    }
}
