//! Which connections somebody means: a filter whose tunnels were resolved, and nothing that would
//! have to be waited for.

use std::time::Instant;

use plexy_shared::filter::{Equality, Filter, Key, Test};
use plexy_shared::spec::{BoundAddr, TunnelName, TunnelRef};

use super::{Service, ServiceError};
use crate::socket::ClientAddr;
use crate::table::Sight;
use crate::tunnel::{Tunnel, TunnelId};

/// The connections that are meant.
#[derive(Debug)]
pub(super) struct Selection {
    tunnel: Option<TunnelTest>,
    /// Whether that tunnel is open, or a connection of it was seen.
    is_tunnel_known: bool,
    /// Those first that ask nothing of what is not near at hand.
    tests: Vec<Check>,
    now: Instant,
}

/// A test, ready to be asked of ten thousand connections.
#[derive(Debug)]
enum Check {
    Tunnel(Equality, TunnelTest),
    Other(Test),
}

/// Whether a tunnel is the one that is meant. Also one that was closed is: its connections may live.
#[derive(Debug)]
struct TunnelTest {
    wanted: Wanted,
    /// The last one that was looked at, and what came of it.
    last: Option<(TunnelId, bool)>,
}

#[derive(Debug)]
enum Wanted {
    Name(TunnelName),
    Addr(BoundAddr),
    /// A name that does not resolve is no tunnel's address.
    Nothing,
}

impl Service {
    /// The connections of a tunnel, or of all, that pass a filter.
    pub(super) async fn selection(&self, tunnel: Option<&TunnelRef>, filter: &Filter) -> Selection {
        let mut tests = Vec::with_capacity(filter.tests.len());
        for test in &filter.tests {
            tests.push(match test {
                Test::Tunnel(equality, tunnel) => {
                    Check::Tunnel(*equality, self.tunnel_test(tunnel).await)
                }
                other => Check::Other(other.clone()),
            });
        }
        tests.sort_by_key(Check::is_far);
        let is_tunnel_known = match tunnel {
            None => true,
            Some(tunnel) => self.find(tunnel).await.is_ok(),
        };
        let tunnel = match tunnel {
            None => None,
            Some(tunnel) => Some(self.tunnel_test(tunnel).await),
        };
        Selection { tunnel, is_tunnel_known, tests, now: Instant::now() }
    }

    async fn tunnel_test(&self, wanted: &TunnelRef) -> TunnelTest {
        let wanted = match wanted {
            TunnelRef::Name(name) => Wanted::Name(name.clone()),
            TunnelRef::Listen(listen) => match self.resolver.resolve_listen(listen).await {
                Ok(addr) => Wanted::Addr(addr),
                Err(_) => Wanted::Nothing,
            },
        };
        TunnelTest { wanted, last: None }
    }

    /// After a look: refuses a tunnel that nobody knows.
    pub(super) fn check_tunnel(
        &self,
        wanted: Option<&TunnelRef>,
        selection: &Selection,
    ) -> Result<(), ServiceError> {
        match wanted {
            Some(wanted) if !selection.is_tunnel_known => Err(self.not_found(wanted)),
            _ => Ok(()),
        }
    }
}

impl Selection {
    /// Whether the tunnel that is meant is open, or a connection of it was seen.
    pub(super) fn is_tunnel_known(&self) -> bool {
        self.is_tunnel_known
    }

    /// Whether this connection is meant.
    pub(super) fn has(&mut self, sight: &Sight<'_>) -> bool {
        if let Some(test) = &mut self.tunnel {
            if !test.holds(&sight.entry.tunnel) {
                return false;
            }
            self.is_tunnel_known = true;
        }
        let now = self.now;
        self.tests.iter_mut().all(|test| test.holds(sight, now))
    }
}

impl Check {
    /// Whether it has to follow a connection to what it has for itself.
    fn is_far(&self) -> bool {
        match self {
            Self::Tunnel(..) => true,
            Self::Other(test) => !matches!(
                test.key(),
                Key::Idle | Key::Bytes | Key::BytesIn | Key::BytesOut | Key::Rate
            ),
        }
    }

    fn holds(&mut self, sight: &Sight<'_>, now: Instant) -> bool {
        let (entry, (bytes_in, bytes_out)) = (sight.entry, sight.bytes);
        let test = match self {
            Self::Tunnel(equality, test) => return equality.holds(test.holds(&entry.tunnel)),
            Self::Other(test) => test,
        };
        match test {
            // Resolved, and so not one of these.
            Test::Tunnel(..) => false,
            Test::Backend(equality, addr) => {
                equality.holds(entry.backend.get().is_some_and(|it| it.addr == *addr))
            }
            Test::Client(equality, pattern) => {
                let ip = match entry.client {
                    ClientAddr::Ip(addr) => Some(addr.ip()),
                    ClientAddr::Unix => None,
                };
                equality.holds(pattern.has(ip))
            }
            Test::Phase(equality, phase) => equality.holds(entry.phase() == *phase),
            Test::Sni(equality, name) => {
                let introduction = entry.introduction();
                let asked = introduction.as_ref().and_then(|it| it.name());
                equality.holds(asked.is_some_and(|asked| name.covers(asked)))
            }
            Test::Tls(equality, version) => {
                let spoken = entry.handshake.done().map(|it| it.version().0);
                equality.holds(spoken == *version)
            }
            Test::Subject(equality, text) => {
                let introduction = entry.introduction();
                let shown = introduction.as_ref().and_then(|it| it.certificate());
                equality.holds(shown.is_some_and(|shown| text.covers(&shown.subject)))
            }
            Test::Fingerprint(equality, fingerprint) => {
                let introduction = entry.introduction();
                let shown = introduction.as_ref().and_then(|it| it.certificate());
                equality.holds(shown.is_some_and(|shown| shown.fingerprint == *fingerprint))
            }
            Test::Age(comparison, age) => {
                comparison.holds(&now.saturating_duration_since(entry.started), age)
            }
            Test::Idle(comparison, idle) => {
                comparison.holds(&u128::from(sight.idle_ms), &idle.as_millis())
            }
            Test::Bytes(comparison, bytes) => comparison.holds(&(bytes_in + bytes_out), bytes),
            Test::BytesIn(comparison, bytes) => comparison.holds(&bytes_in, bytes),
            Test::BytesOut(comparison, bytes) => comparison.holds(&bytes_out, bytes),
            Test::Rate(comparison, bytes) => comparison.holds(&sight.rates.sum(), bytes),
        }
    }
}

impl TunnelTest {
    fn holds(&mut self, tunnel: &Tunnel) -> bool {
        match self.last {
            Some((id, holds)) if id == tunnel.id => holds,
            _ => {
                let holds = match &self.wanted {
                    Wanted::Name(name) => {
                        let route = tunnel.route();
                        let has =
                            |its: &TunnelName| its.as_str().eq_ignore_ascii_case(name.as_str());
                        route.options.name.as_ref().is_some_and(has)
                    }
                    Wanted::Addr(addr) => tunnel.listen == *addr,
                    Wanted::Nothing => false,
                };
                self.last = Some((tunnel.id, holds));
                holds
            }
        }
    }
}
