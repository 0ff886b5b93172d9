//! All tunnels and backends side by side, with what is known of each. It is kept from one look to the
//! next and changed in place: a tunnel of which nothing has changed costs a look at its counts.

mod backend;
mod tunnel;

use std::sync::Arc;

use super::face;
use super::pace::Window;
use super::recent::Notes;
use crate::backend::Backend;
use crate::registry::Registry;
use crate::service::survey::{Bytes, Count, add};
use crate::tunnel::{Tunnel, TunnelId};
pub(super) use backend::{BackendLook, BackendSight};
pub(super) use tunnel::TunnelLook;

/// Of one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet {
    /// That of the registry which it was made of.
    edition: Option<u64>,
    /// In order of opening, so that their numbers rise.
    ids: Vec<TunnelId>,
    /// At the same places.
    tunnels: Vec<TunnelLook>,
    /// Those of the first tunnel first.
    backends: Vec<BackendLook>,
}

/// Which tunnels are open, all at one moment.
#[derive(Debug)]
pub(super) struct Edition {
    number: u64,
    tunnels: Vec<Arc<Tunnel>>,
}

/// What has come since the look before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    /// Attempts to connect that failed.
    pub(super) failed: u64,
    /// Clients that were not let in.
    pub(super) rejected: u64,
}

impl Sheet {
    /// The tunnels that are open, in order of opening, if that are others than are on it or one goes
    /// another way.
    pub(super) fn outdated_by(&self, registry: &Registry) -> Option<Edition> {
        let number = registry.edition();
        let is_outdated = self.edition != Some(number);
        is_outdated.then(|| Edition { number, tunnels: registry.tunnels().cloned().collect() })
    }

    /// Has these tunnels on it, and knows of each what it has known. Where one goes another way by
    /// now, that is of an edition to come.
    pub(super) fn arrange(&mut self, edition: Edition) {
        let before = std::mem::take(self);
        let count_before = before.tunnels.len();
        let mut tunnels = before.tunnels.into_iter().peekable();
        let mut backends = before.backends.into_iter();
        self.edition = Some(edition.number);
        for tunnel in edition.tunnels {
            while let Some(closed) = tunnels.next_if(|it| it.tunnel.id < tunnel.id) {
                backends.by_ref().take(closed.backends.len()).for_each(drop);
            }
            let known = tunnels.next_if(|it| it.tunnel.id == tunnel.id);
            let count = known.as_ref().map_or(0, |it| it.backends.len());
            let known_backends = backends.by_ref().take(count);
            let row = match known {
                Some(known) => known.rerouted(known_backends, &mut self.backends),
                None => TunnelLook::new(tunnel, &mut self.backends),
            };
            self.ids.push(row.tunnel.id);
            self.tunnels.push(row);
        }
        face::rank(&mut self.tunnels, count_before);
    }

    /// Looks at what has changed of each, behind what was counted.
    pub(super) fn update(&mut self, window: Window, notes: &Notes) -> News {
        let mut news = News::default();
        for tunnel in &mut self.tunnels {
            if let Some(backends) = self.backends.get_mut(tunnel.backends.clone()) {
                let of_tunnel = tunnel.update(backends, window, notes);
                news.failed += of_tunnel.failed;
                news.rejected += of_tunnel.rejected;
            }
        }
        news
    }

    /// In order of opening.
    pub(super) fn tunnels(&self) -> &[TunnelLook] {
        &self.tunnels
    }

    /// The backends of a tunnel on it.
    pub(super) fn backends<'a>(
        &'a self,
        tunnel: &'a TunnelLook,
    ) -> impl Iterator<Item = BackendSight<'a>> {
        let looks = self.backends.get(tunnel.backends.clone()).unwrap_or_default();
        let all = tunnel.route.backends.iter().zip(looks).enumerate();
        all.map(|(place, (member, look))| BackendSight { tunnel, place, member, look })
    }

    /// The tunnel of that number, if it is open.
    pub(super) fn of(&self, id: TunnelId) -> Option<&TunnelLook> {
        self.tunnels.get(self.ids.binary_search(&id).ok()?)
    }
}

impl Count for Sheet {
    /// One after the other and without a condition, so that the processor fetches many at once.
    fn take_ended(&mut self) {
        self.tunnels.iter_mut().for_each(TunnelLook::take_ended);
        self.backends.iter_mut().for_each(BackendLook::take_ended);
    }

    fn add_live(&mut self, tunnel: TunnelId, backend: Option<&Arc<Backend>>, bytes: Bytes) {
        let place = self.ids.binary_search(&tunnel).ok();
        let Some(tunnel) = place.and_then(|it| self.tunnels.get_mut(it)) else { return };
        add(&mut tunnel.traffic, bytes);
        tunnel.has_newcomers |= backend.is_none();
        let looks = self.backends.get_mut(tunnel.backends.clone()).unwrap_or_default();
        let of_backend = looks.iter_mut().find(|it| backend.is_some_and(|that| it.is(that)));
        if let Some(look) = of_backend {
            add(&mut look.traffic, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use plexy_shared::info::{Attempt, Origin, Reason};
    use plexy_shared::overview::Health;
    use plexy_shared::spec::{TunnelOptions, TunnelSpec};

    use super::*;
    use crate::backend::Member;
    use crate::backend::ejection::Rules;
    use crate::queue::Lane;
    use crate::registry::Open;
    use crate::tunnel::Route;

    /// Tunnels by their numbers, and the sheet that knows them.
    #[derive(Default)]
    struct House {
        registry: Registry,
        sheet: Sheet,
    }

    impl House {
        fn open(&mut self, id: u64, spec: &str) -> Arc<Tunnel> {
            let TunnelSpec { listen, backends, options } = spec.parse().unwrap();
            let route = Route::new(options, backends.into_iter().map(Member::new).collect(), 1);
            let listen = listen.bound().unwrap();
            let tunnel = Arc::new(Tunnel::new(TunnelId(id), listen, Origin::Args, route));
            let open = Arc::clone(&tunnel);
            let open = Open { tunnel: open, listener: None, configured: None, order: id };
            self.registry.insert(open);
            tunnel
        }

        fn reroute(&mut self, tunnel: &Arc<Tunnel>, backends: Vec<Member>) {
            let route = Route::new(TunnelOptions::default(), backends, 2);
            self.registry.reroute(vec![(Arc::clone(tunnel), route)]);
        }

        fn look(&mut self) -> News {
            let now = Instant::now();
            if let Some(edition) = self.sheet.outdated_by(&self.registry) {
                self.sheet.arrange(edition);
            }
            self.sheet.take_ended();
            self.sheet.update(Window::new(None, now), &Notes::new(None, now))
        }

        /// Number, name or address, rank, and attempts that failed of each backend.
        fn rows(&self) -> Vec<(u64, String, usize, Vec<u64>)> {
            let row = |it: &TunnelLook| {
                let failed = self.sheet.backends(it).map(|sight| sight.look.failed).collect();
                (it.tunnel.id.0, it.face.label.to_string(), it.rank, failed)
            };
            self.sheet.tunnels().iter().map(row).collect()
        }
    }

    fn backend(tunnel: &Tunnel, place: usize) -> Arc<Backend> {
        Arc::clone(&tunnel.route().backends[place].backend)
    }

    #[test]
    fn what_is_known_stays_with_the_tunnels_and_backends_that_stay() {
        let mut house = House::default();
        let first = house.open(1, "127.0.0.1:3001=4001,4002[name=m]");
        house.open(2, "127.0.0.1:3002=4001[name=z]");
        let third = house.open(3, "127.0.0.1:3003=4001,4002[name=c]");
        (0..2).for_each(|_| backend(&first, 1).count_attempt(Attempt::Failure));
        backend(&third, 0).count_attempt(Attempt::Timeout);
        assert_eq!(house.look().failed, 3);

        house.registry.remove(TunnelId(2));
        house.open(4, "127.0.0.1:3004=4001[name=a]");
        let kept = first.route().backends[1].clone();
        house.reroute(&first, vec![Member::new("4009".parse().unwrap()), kept]);
        assert_eq!(house.look().failed, 0, "that is told already");

        let row = |id, label: &str, rank, failed: &[u64]| (id, label.into(), rank, failed.into());
        let expected =
            [row(1, "127.0.0.1:3001", 0, &[0, 2]), row(3, "c", 2, &[1, 0]), row(4, "a", 1, &[0])];
        assert_eq!(house.rows(), expected);
        assert_eq!(house.sheet.of(TunnelId(3)).unwrap().failed, 1);
        assert!(house.sheet.of(TunnelId(2)).is_none());
    }

    #[test]
    fn what_has_failed_is_news_also_where_another_backend_has_left() {
        let mut house = House::default();
        let tunnel = house.open(1, "127.0.0.1:3001=4001,4002");
        (0..5).for_each(|_| backend(&tunnel, 0).count_attempt(Attempt::Failure));
        assert_eq!(house.look().failed, 5);
        let kept = tunnel.route().backends[1].clone();
        (0..2).for_each(|_| kept.backend.count_attempt(Attempt::Failure));
        house.reroute(&tunnel, vec![kept]);
        assert_eq!(house.look().failed, 2);
        assert_eq!(house.sheet.of(TunnelId(1)).unwrap().failed, 2, "of those that are there");
    }

    #[test]
    fn a_change_of_a_backend_is_seen_where_no_tunnel_has_changed() {
        let mut house = House::default();
        let tunnel = house.open(7, "127.0.0.1:3001=4001,4002");
        let health = |house: &mut House| {
            house.look();
            let tunnel = house.sheet.of(TunnelId(7)).unwrap();
            let backends = house.sheet.backends(tunnel).map(|sight| sight.look.health);
            (tunnel.condition.health, backends.collect::<Vec<_>>())
        };
        assert_eq!(health(&mut house), (Health::Ok, vec![Health::Ok; 2]));
        let rules = Rules { max_fails: 1, fail_timeout: Duration::from_secs(60) };
        backend(&tunnel, 1).failed("refused", &rules).unwrap();
        assert_eq!(health(&mut house), (Health::Degraded, vec![Health::Ok, Health::Down]));
        backend(&tunnel, 0).failed("refused", &rules).unwrap();
        assert_eq!(health(&mut house), (Health::Down, vec![Health::Down; 2]));
        backend(&tunnel, 1).succeeded();
        assert_eq!(health(&mut house), (Health::Degraded, vec![Health::Down, Health::Ok]));
    }

    #[test]
    fn who_is_parked_or_rejected_is_seen_where_nothing_has_ended() {
        let mut house = House::default();
        let tunnel = house.open(1, "127.0.0.1:3001=4001[max-conns=1]");
        let parked = |house: &House| house.sheet.of(TunnelId(1)).unwrap().parked;
        assert_eq!((house.look().rejected, parked(&house)), (0, 0));
        assert!(tunnel.gate().unwrap().queue.park(Lane::default(), 1, 1));
        tunnel.count_rejected(Reason::Limit);
        let mut look = |newcomers: &[(u64, u64)]| {
            house.sheet.take_ended();
            let newcomers = newcomers.iter();
            newcomers.for_each(|bytes| house.sheet.add_live(TunnelId(1), None, *bytes));
            let now = Instant::now();
            let news = house.sheet.update(Window::new(None, now), &Notes::new(None, now));
            (news.rejected, parked(&house))
        };
        assert_eq!(look(&[(0, 0)]), (1, 1));
        tunnel.gate().unwrap().queue.leave(1);
        assert_eq!(look(&[]), (0, 0));
    }

    #[test]
    fn bytes_of_live_connections_come_to_what_has_ended_of_their_tunnel_and_backend() {
        let mut house = House::default();
        house.open(1, "127.0.0.1:3001=4001");
        let tunnel = house.open(5, "127.0.0.1:3005=4001,4002");
        house.look();
        let (second, gone) = (backend(&tunnel, 1), Tunnel::of("3000=4000").1);
        house.sheet.add_live(TunnelId(5), Some(&second), (10, 20));
        house.sheet.add_live(TunnelId(5), Some(&gone), (1, 2));
        house.sheet.add_live(TunnelId(5), None, (100, 200));
        house.sheet.add_live(TunnelId(9), Some(&gone), (1_000, 2_000));
        let tunnel = house.sheet.of(TunnelId(5)).unwrap();
        assert_eq!((tunnel.traffic.bytes_in, tunnel.traffic.bytes_out), (111, 222));
        let bytes = |it: BackendSight<'_>| (it.look.traffic.bytes_in, it.look.traffic.bytes_out);
        assert_eq!(house.sheet.backends(tunnel).map(bytes).collect::<Vec<_>>(), [(0, 0), (10, 20)]);
        house.sheet.take_ended();
        assert_eq!(house.sheet.of(TunnelId(5)).unwrap().traffic.bytes_in, 0, "counted anew");
    }
}
