//! What a client would meet at the limits of a tunnel if it came now. Nothing is taken of them by
//! asking: [`Tunnel::admit`] is what does, by the same rules and in the same order.

use plexy_shared::explanation::{Admission, AdmissionStep, Hurdle};
use plexy_shared::spec::{Decision, Limits, Verdict};

use super::{Route, Tunnel};
use crate::gate::Gate;
use crate::socket::ClientAddr;

impl Tunnel {
    /// What a client would get at each limit that is set; it may be unknown who it is.
    pub(crate) fn prospect(&self, route: &Route, client: Option<ClientAddr>) -> Vec<AdmissionStep> {
        let limits = route.options.limits();
        let gate = self.gate();
        let steps = [
            access(limits, client),
            gate.and_then(|gate| of_source(limits, gate, client)),
            gate.and_then(|gate| of_rate(limits, gate)),
            gate.and_then(|_| self.seat_prospect(route)),
        ];
        steps.into_iter().flatten().collect()
    }

    /// Whether there would be a seat, or room among those who are parked.
    fn seat_prospect(&self, route: &Route) -> Option<AdmissionStep> {
        let (max, parked, parked_max) =
            (route.options.max_conns, self.parked(), route.parked_max());
        let has_room = route.has_room();
        if max.is_none() && has_room && parked == 0 {
            return None;
        }
        let result = match () {
            () if parked == 0 && has_room && self.totals.has_room(max) => Admission::Passed,
            () if parked < parked_max => Admission::Parked,
            () => Admission::Refused,
        };
        let words = [
            max.map(|max| format!("{} of {max}", self.totals.live())),
            (!has_room && !route.holds()).then(|| "its backends are at theirs".to_owned()),
            route.holds().then(|| "no backend is up".to_owned()),
            (result != Admission::Passed).then(|| format!("{parked} of {parked_max} parked")),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        Some(step(Hurdle::MaxConns, result, words.join(", ")))
    }
}

fn access(limits: &Limits, client: Option<ClientAddr>) -> Option<AdmissionStep> {
    let access = limits.access.as_ref()?;
    let (result, detail) = match client {
        None => (Admission::ByClient, "its address decides".to_owned()),
        Some(ClientAddr::Unix) => {
            (Admission::Passed, "clients of Unix sockets are always let in".to_owned())
        }
        Some(ClientAddr::Ip(addr)) => {
            let Decision { verdict, network } = access.decision(addr.ip());
            let (result, list) = match verdict {
                Verdict::Allow => (Admission::Passed, "allow"),
                Verdict::Deny => (Admission::Refused, "deny"),
            };
            let listed = network.map(|network| format!("{list} {network}"));
            (result, listed.unwrap_or_else(|| "it is on no list".to_owned()))
        }
    };
    Some(step(Hurdle::AllowDeny, result, detail))
}

fn of_source(limits: &Limits, gate: &Gate, client: Option<ClientAddr>) -> Option<AdmissionStep> {
    let max = limits.max_conns_per_source?;
    let (result, detail) = match client {
        None => (Admission::ByClient, format!("{max} of each address")),
        Some(client) => {
            let count = gate.sources.count(client);
            let result = if count < max { Admission::Passed } else { Admission::Refused };
            (result, format!("{count} of {max}"))
        }
    };
    Some(step(Hurdle::MaxConnsPerSource, result, detail))
}

fn of_rate(limits: &Limits, gate: &Gate) -> Option<AdmissionStep> {
    let rate = limits.conn_rate?;
    let is_kept = gate.pace.would_admit(rate);
    let result = if is_kept { Admission::Passed } else { Admission::Refused };
    Some(step(Hurdle::ConnRate, result, rate.to_string()))
}

fn step(hurdle: Hurdle, result: Admission, detail: String) -> AdmissionStep {
    AdmissionStep { hurdle: hurdle.into(), result: result.into(), detail: Some(detail) }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use super::*;
    use crate::tunnel::Seat;

    /// How all of it comes out.
    fn foreseen(tunnel: &Tunnel, client: ClientAddr) -> Admission {
        let steps = tunnel.prospect(&tunnel.route(), Some(client));
        let results = steps.iter().filter_map(|step| step.result.known());
        results.max().unwrap_or(Admission::Passed)
    }

    /// What becomes of a client, who holds what it got.
    fn met(tunnel: &Arc<Tunnel>, client: ClientAddr, id: u64) -> (Admission, Option<Seat>) {
        match tunnel.admit(&tunnel.route(), client, id) {
            Ok(admission) => match admission.seat {
                Some(seat) => (Admission::Passed, Some(seat)),
                None => (Admission::Parked, None),
            },
            Err(_) => (Admission::Refused, None),
        }
    }

    /// Each option may be there or not, and clients come and go at random.
    #[test]
    fn what_is_foreseen_is_what_the_next_client_meets() {
        let options = [
            "allow=10.0.0.0/30,deny=10.0.0.2",
            "max-conns-per-source=3",
            "conn-rate=20/m",
            "max-conns=6",
            "queue-timeout=0",
            "on-all-down=hold",
        ];
        fastrand::seed(11);
        let mut seen = [0; 3];
        for round in 0..200 {
            let chosen: Vec<_> = options.iter().filter(|_| fastrand::bool()).copied().collect();
            let backends = ["1", "1+max-conns=4", "1+admin=drain"][fastrand::usize(0..3)];
            let (tunnel, backend) = Tunnel::of(&format!("1={backends}[{}]", chosen.join(",")));
            let mut held = Vec::new();
            for id in 0..20 {
                let ip = Ipv4Addr::new(10, 0, 0, fastrand::u8(0..5));
                let client = ClientAddr::Ip((IpAddr::V4(ip), 1).into());
                let expected = foreseen(&tunnel, client);
                for _ in 0..3 {
                    assert_eq!(foreseen(&tunnel, client), expected, "asking changes nothing");
                }
                let (result, seat) = met(&tunnel, client, id);
                assert_eq!(result, expected, "round {round}: {chosen:?} {backends} {client} {id}");
                let place = [Admission::Passed, Admission::Parked, Admission::Refused];
                seen[place.iter().position(|it| *it == result).unwrap()] += 1;
                held.extend(seat.map(|seat| (seat, backend.lease(None))));
                if fastrand::u8(0..4) == 0 && !held.is_empty() {
                    held.swap_remove(fastrand::usize(0..held.len()));
                }
            }
        }
        assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
    }

    #[test]
    fn who_is_unknown_is_told_what_its_address_decides() {
        let (tunnel, _) = Tunnel::of("1=1[allow=10.0.0.0/8,max-conns-per-source=3,conn-rate=5/s]");
        let results: Vec<_> = tunnel
            .prospect(&tunnel.route(), None)
            .iter()
            .map(|step| (step.hurdle.known().unwrap(), step.result.known().unwrap()))
            .collect();
        assert_eq!(
            results,
            [
                (Hurdle::AllowDeny, Admission::ByClient),
                (Hurdle::MaxConnsPerSource, Admission::ByClient),
                (Hurdle::ConnRate, Admission::Passed),
            ]
        );
    }
}
