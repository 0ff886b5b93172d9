use plexy_shared::spec::TunnelOptions;

use super::*;
use crate::backend::ejection::Rules;

fn backends(specs: &[&str]) -> Vec<Member> {
    let make = |text: &&str| Member::new(text.parse().expect(text));
    specs.iter().map(make).collect()
}

fn eject(backend: &Member) {
    backend.failed("refused", &Rules::from(&TunnelOptions::default()));
}

fn shares(strategy: Strategy, backends: &[Member], picks: u32) -> Vec<u32> {
    let balance = Balance::new(strategy, backends.len());
    let mut shares = vec![0; backends.len()];
    for _ in 0..picks {
        if let Some(share) = balance.choose(backends, &[]).and_then(|it| shares.get_mut(it)) {
            *share += 1;
        }
    }
    shares
}

#[test]
fn round_robin_interleaves_by_weight() {
    let backends = backends(&["1+weight=5", "2", "3"]);
    let balance = Balance::new(Strategy::RoundRobin, 3);
    let picks: Vec<_> = (0..7).map(|_| balance.choose(&backends, &[]).unwrap_or(9)).collect();
    assert_eq!(picks, [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn random_gives_each_its_weight() {
    let shares = shares(Strategy::Random, &backends(&["1+weight=3", "2"]), 40_000);
    let heavy = f64::from(*shares.first().unwrap_or(&0)) / 40_000.0;
    assert!((heavy - 0.75).abs() < 0.02, "{shares:?}");
}

#[test]
fn least_conn_takes_the_least_loaded_for_its_weight() {
    let backends = backends(&["1", "2", "3+weight=2"]);
    let balance = Balance::new(Strategy::LeastConn, 3);
    let _one = backends.first().map(|member| member.lease());
    let _two = backends.get(1).map(|member| member.lease());
    // (1+1)/1, (1+1)/1, (0+1)/2.
    assert_eq!(balance.choose(&backends, &[]), Some(2));
    let third: Vec<_> =
        (0..4).filter_map(|_| backends.get(2).map(|member| member.lease())).collect();
    // (4+1)/2 is more than (1+1)/1.
    assert_ne!(balance.choose(&backends, &[]), Some(2));
    drop(third);
}

#[test]
fn least_conn_breaks_ties_evenly() {
    let shares = shares(Strategy::LeastConn, &backends(&["1", "2", "3"]), 30_000);
    assert!(shares.iter().all(|share| share.abs_diff(10_000) < 700), "{shares:?}");
}

#[test]
fn every_strategy_avoids_what_was_tried_and_what_is_ejected() {
    for strategy in [Strategy::Random, Strategy::RoundRobin, Strategy::LeastConn] {
        let backends = backends(&["1", "2", "3"]);
        let balance = Balance::new(strategy, 3);
        backends.first().map(eject);
        for _ in 0..50 {
            assert_eq!(balance.choose(&backends, &[1]), Some(2), "{strategy}");
            assert_ne!(balance.choose(&backends, &[]), Some(0), "{strategy}");
            // Both usable ones were tried: one of them again, not the ejected one.
            assert_ne!(balance.choose(&backends, &[1, 2]), Some(0), "{strategy}");
        }
    }
}

#[test]
fn backups_serve_only_while_nothing_else_does() {
    let backends = backends(&["1", "2+backup"]);
    let balance = Balance::new(Strategy::RoundRobin, 2);
    assert_eq!(balance.choose(&backends, &[]), Some(0));
    assert_eq!(balance.choose(&backends, &[0]), Some(1));
    backends.first().map(eject);
    assert_eq!(balance.choose(&backends, &[]), Some(1));
}

#[test]
fn when_all_are_ejected_all_are_tried() {
    let backends = backends(&["1", "2"]);
    backends.iter().for_each(eject);
    let balance = Balance::new(Strategy::RoundRobin, 2);
    assert_eq!(balance.choose(&backends, &[0]), Some(1));
    assert_eq!(balance.choose(&backends, &[1]), Some(0));
    assert!(balance.choose(&backends, &[0, 1]).is_some());
}

#[test]
fn a_backend_without_an_address_is_never_chosen() {
    let nameless = backends(&["db.test:1"]);
    let balance = Balance::new(Strategy::Random, 1);
    assert_eq!(balance.choose(&nameless, &[]), None);
}
