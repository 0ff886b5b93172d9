use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::backend::Lease;
use crate::backend::ejection::{Change, Rules};
use crate::resolver::Addresses;

const ALL: [Strategy; 7] = [
    Strategy::Random,
    Strategy::RoundRobin,
    Strategy::LeastConn,
    Strategy::TwoChoices,
    Strategy::LeastTime,
    Strategy::SourceHash,
    Strategy::First,
];

/// Those that share idle backends by their weights.
const SHARING: [Strategy; 3] = [Strategy::Random, Strategy::RoundRobin, Strategy::TwoChoices];

const HOUR: Duration = Duration::from_secs(3_600);

fn backends(specs: &[&str]) -> Vec<Member> {
    let make = |text: &&str| Member::new(text.parse().expect(text));
    specs.iter().map(make).collect()
}

fn balance(strategy: Strategy, backends: usize) -> Balance {
    Balance::new(&TunnelOptions { strategy, ..TunnelOptions::default() }, backends)
}

fn slowly(strategy: Strategy, backends: usize) -> Balance {
    let slow_start = Some(HOUR);
    Balance::new(&TunnelOptions { strategy, slow_start, ..TunnelOptions::default() }, backends)
}

fn eject(backend: &Member) {
    backend.failed("refused", &Rules::from(&TunnelOptions::default()));
}

fn client(ip: u32, port: u16) -> ClientAddr {
    ClientAddr::Ip(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(ip)), port))
}

fn choose(balance: &Balance, backends: &[Member], tried: &[usize]) -> Option<usize> {
    balance.choose(backends, &Asking { client: &ClientAddr::Unix, tried, now: Instant::now() })
}

fn choose_for(balance: &Balance, backends: &[Member], client: &ClientAddr) -> Option<usize> {
    balance.choose(backends, &Asking { client, tried: &[], now: Instant::now() })
}

fn choose_at(balance: &Balance, backends: &[Member], now: Instant) -> Option<usize> {
    balance.choose(backends, &Asking { client: &ClientAddr::Unix, tried: &[], now })
}

/// How often each is chosen at a moment, by chance that is the same each time.
fn shares_at(balance: &Balance, backends: &[Member], picks: u32, now: Instant) -> Vec<u32> {
    fastrand::seed(7);
    let mut shares = vec![0; backends.len()];
    for _ in 0..picks {
        shares[choose_at(balance, backends, now).unwrap()] += 1;
    }
    shares
}

fn shares(strategy: Strategy, backends: &[Member], picks: u32) -> Vec<u32> {
    shares_at(&balance(strategy, backends.len()), backends, picks, Instant::now())
}

/// Pearson's chi-square of counts against what weights say.
fn chi_square(counts: &[u32], weights: &[u32]) -> f64 {
    let (all, sum) = (counts.iter().sum::<u32>(), weights.iter().sum::<u32>());
    let part = |(count, weight): (&u32, &u32)| {
        let expected = f64::from(all) * f64::from(*weight) / f64::from(sum);
        (f64::from(*count) - expected).powi(2) / expected
    };
    counts.iter().zip(weights).map(part).sum()
}

/// So many connections to each, chosen one after the other and kept.
fn fill(balance: &Balance, backends: &[Member], connections: u32) -> Vec<Lease> {
    let one = |_| backends[choose(balance, backends, &[]).unwrap()].lease().unwrap();
    (0..connections).map(one).collect()
}

fn live(backends: &[Member]) -> Vec<u64> {
    backends.iter().map(|backend| backend.totals.live()).collect()
}

#[test]
fn round_robin_interleaves_by_weight() {
    let backends = backends(&["1+weight=5", "2", "3"]);
    let balance = balance(Strategy::RoundRobin, 3);
    let picks: Vec<_> = (0..7).map(|_| choose(&balance, &backends, &[]).unwrap_or(9)).collect();
    assert_eq!(picks, [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn random_gives_each_its_weight() {
    let shares = shares(Strategy::Random, &backends(&["1+weight=5", "2", "3+weight=2"]), 100_000);
    // Two degrees of freedom: beyond 13.8 once in a thousand seeds.
    assert!(chi_square(&shares, &[5, 1, 2]) < 13.8, "{shares:?}");
}

#[test]
fn least_conn_takes_the_least_loaded_for_its_weight() {
    let backends = backends(&["1", "2", "3+weight=2"]);
    let balance = balance(Strategy::LeastConn, 3);
    let _one = backends.first().map(|member| member.lease());
    let _two = backends.get(1).map(|member| member.lease());
    // (1+1)/1, (1+1)/1, (0+1)/2.
    assert_eq!(choose(&balance, &backends, &[]), Some(2));
    let third: Vec<_> =
        (0..4).filter_map(|_| backends.get(2).map(|member| member.lease())).collect();
    // (4+1)/2 is more than (1+1)/1.
    assert_ne!(choose(&balance, &backends, &[]), Some(2));
    drop(third);
}

#[test]
fn least_conn_breaks_ties_evenly() {
    let shares = shares(Strategy::LeastConn, &backends(&["1", "2", "3"]), 100_000);
    assert!(chi_square(&shares, &[1, 1, 1]) < 13.8, "{shares:?}");
}

#[test]
fn two_choices_takes_the_less_loaded_of_two() {
    let backends = backends(&["1", "2", "3"]);
    let _two: Vec<_> = (0..2).map(|_| backends[0].lease()).collect();
    let _one = backends[1].lease();
    let shares = shares(Strategy::TwoChoices, &backends, 90_000);
    // The fullest never wins, the next one against it alone: one pair of three.
    assert_eq!(shares[0], 0);
    assert!(chi_square(&shares[1..], &[1, 2]) < 10.8, "{shares:?}");
}

#[test]
fn two_choices_draws_two_different_ones_by_weight() {
    let backends = backends(&["1+weight=2", "2", "3"]);
    let _busy: Vec<_> = (0..9).map(|_| backends[0].lease()).collect();
    // The first draw gives it 1/2, but it loses to every second one.
    let all = shares(Strategy::TwoChoices, &backends, 100_000);
    assert_eq!(all[0], 0, "{all:?}");
    drop(_busy);
    let idle = shares(Strategy::TwoChoices, &backends, 100_000);
    assert!(chi_square(&idle, &[2, 1, 1]) < 13.8, "{idle:?}");
}

#[test]
fn two_choices_keeps_many_backends_nearly_even() {
    let specs: Vec<_> = (1..=100).map(|port| port.to_string()).collect();
    let backends = backends(&specs.iter().map(String::as_str).collect::<Vec<_>>());
    fastrand::seed(7);
    let _leases = fill(&balance(Strategy::TwoChoices, 100), &backends, 10_000);
    let live = live(&backends);
    // ln ln n / ln 2 above the mean, and a little: at random it would be some thirty.
    assert!(live.iter().all(|live| (92..=106).contains(live)), "{live:?}");
}

#[test]
fn least_time_takes_the_quickest_and_counts_its_connections() {
    let backends = backends(&["1", "2", "3+weight=2"]);
    let balance = balance(Strategy::LeastTime, 3);
    let now = Instant::now();
    for (backend, ms) in backends.iter().zip([2, 5, 20]) {
        backend.has_connected_in(Duration::from_millis(ms), now);
    }
    let next = || choose_at(&balance, &backends, now).unwrap();
    assert_eq!(next(), 0);
    let mut leases: Vec<_> = (0..2).map(|_| backends[0].lease()).collect();
    // 3 × 2, 1 × 5, 1 × 20 / 2.
    assert_eq!(next(), 1);
    leases.push(backends[1].lease());
    // 3 × 2, 2 × 5, 1 × 20 / 2.
    assert_eq!(next(), 0);
    leases.extend((0..3).map(|_| backends[0].lease()));
    leases.push(backends[1].lease());
    // 6 × 2, 3 × 5, 1 × 20 / 2.
    assert_eq!(next(), 2);
}

#[test]
fn least_time_tries_a_new_backend_with_one_client_alone() {
    let backends = backends(&["1", "2"]);
    let balance = balance(Strategy::LeastTime, 2);
    let now = Instant::now();
    backends[0].has_connected_in(Duration::from_millis(1), now);
    let _busy: Vec<_> = (0..50).map(|_| backends[0].lease()).collect();
    assert_eq!(choose_at(&balance, &backends, now), Some(1));
    let _trying = backends[1].lease();
    assert_eq!(choose_at(&balance, &backends, now), Some(0));
    backends[1].has_connected_in(Duration::from_millis(1), now);
    assert_eq!(choose_at(&balance, &backends, now), Some(1));
}

#[test]
fn least_time_shares_evenly_while_nothing_is_measured_and_when_all_is_equal() {
    let backends = backends(&["1", "2", "3"]);
    let unknown = shares(Strategy::LeastTime, &backends, 100_000);
    assert!(chi_square(&unknown, &[1, 1, 1]) < 13.8, "{unknown:?}");
    let leases = fill(&balance(Strategy::LeastTime, 3), &backends, 30);
    assert_eq!(live(&backends), [10, 10, 10]);
    drop(leases);
    let now = Instant::now();
    backends.iter().for_each(|it| it.has_connected_in(Duration::from_millis(3), now));
    let equal = shares_at(&balance(Strategy::LeastTime, 3), &backends, 100_000, now);
    assert!(chi_square(&equal, &[1, 1, 1]) < 13.8, "{equal:?}");
}

#[test]
fn least_time_tries_a_slow_backend_again_when_that_is_long_ago() {
    let backends = backends(&["1", "2"]);
    let balance = balance(Strategy::LeastTime, 2);
    let now = Instant::now();
    backends[1].has_connected_in(Duration::from_millis(100), now);
    for second in 0..60 {
        let now = now + Duration::from_secs(second);
        backends[0].has_connected_in(Duration::from_millis(10), now);
        // 10 × ln 10 seconds.
        let expected = usize::from(second > 23);
        assert_eq!(choose_at(&balance, &backends, now), Some(expected), "after {second} s");
    }
}

#[test]
fn source_hash_knows_a_client_by_its_address_alone() {
    let backends = backends(&["1", "2", "3", "4"]);
    let balance = balance(Strategy::SourceHash, 4);
    let mut chosen = std::collections::BTreeSet::new();
    for ip in 0..100 {
        let home = choose_for(&balance, &backends, &client(ip, 1));
        let mapped = Ipv4Addr::from(ip).to_ipv6_mapped();
        let mapped = ClientAddr::Ip(SocketAddr::new(IpAddr::V6(mapped), 9));
        assert_eq!(home, choose_for(&balance, &backends, &client(ip, 60_000)));
        assert_eq!(home, choose_for(&balance, &backends, &mapped));
        chosen.insert(home);
    }
    assert_eq!(chosen.len(), 4);
    let unix = choose_for(&balance, &backends, &ClientAddr::Unix);
    assert!(unix.is_some());
    assert_eq!(unix, choose_for(&balance, &backends, &ClientAddr::Unix));
}

#[test]
fn source_hash_agrees_with_a_daemon_that_has_the_set_in_another_order() {
    let here = backends(&["10.0.0.1:5", "10.0.0.1:2+weight=3", "unix:/x", "10.0.0.9:1+backup"]);
    let there = backends(&["10.0.0.9:1+backup", "unix:/x", "10.0.0.1:2+weight=3", "10.0.0.1:5"]);
    let balances = [&here, &there].map(|_| balance(Strategy::SourceHash, 4));
    for ip in 0..1_000 {
        let chosen = [&here, &there].into_iter().zip(&balances).map(|(backends, balance)| {
            backends[choose_for(balance, backends, &client(ip, 1)).unwrap()].spec()
        });
        let chosen: Vec<_> = chosen.collect();
        assert_eq!(chosen[0], chosen[1], "{ip}");
    }
}

#[test]
fn source_hash_moves_little_when_a_weight_changes() {
    let before = backends(&["1", "2", "3"]);
    let after = backends(&["1", "2", "3+weight=2"]);
    let balances = [&before, &after].map(|_| balance(Strategy::SourceHash, 3));
    let moved = (0..10_000).filter(|ip| {
        let client = client(*ip, 1);
        choose_for(&balances[0], &before, &client) != choose_for(&balances[1], &after, &client)
    });
    // From a third to a half: one in six has to.
    let moved = moved.count();
    assert!((1_500..2_500).contains(&moved), "{moved}");
}

#[test]
fn source_hash_moves_only_the_clients_of_a_backend_that_is_ejected_and_they_come_back() {
    let backends = backends(&["1", "2", "3+weight=2", "4+backup"]);
    let balance = balance(Strategy::SourceHash, 4);
    let homes = || -> Vec<_> {
        (0..2_000).map(|ip| choose_for(&balance, &backends, &client(ip, 1)).unwrap()).collect()
    };
    let before = homes();
    eject(&backends[1]);
    let meanwhile = homes();
    for (before, meanwhile) in before.iter().zip(&meanwhile) {
        assert!(if *before == 1 { [0, 2].contains(meanwhile) } else { before == meanwhile });
    }
    assert_eq!(backends[1].succeeded(), Change::Restored);
    assert_eq!(homes(), before);
}

#[test]
fn source_hash_has_a_backend_so_light_that_nothing_belongs_to_it_where_it_is_the_only_one_left() {
    let heavy: Vec<_> = (1..=20).map(|port| format!("{port}+weight=1000")).collect();
    let specs: Vec<_> = heavy.iter().map(String::as_str).chain(["4000+weight=1"]).collect();
    let backends = backends(&specs);
    let balance = balance(Strategy::SourceHash, backends.len());
    backends[..20].iter().for_each(eject);
    assert!((0..50).all(|ip| choose_for(&balance, &backends, &client(ip, 1)) == Some(20)));
}

#[test]
fn source_hash_holds_its_bound_under_a_single_hot_client() {
    let daemons = [0, 1].map(|_| {
        let backends = backends(&["1", "2", "3+weight=2", "4"]);
        (balance(Strategy::SourceHash, 4), backends)
    });
    let mut leases = Vec::new();
    let mut places = Vec::new();
    for connections in 1..=2_000_u64 {
        let chosen = [0, 1].map(|daemon: usize| {
            let (balance, backends) = &daemons[daemon];
            let place = choose_for(balance, backends, &client(7, 1)).unwrap();
            leases.push(backends[place].lease());
            place
        });
        assert_eq!(chosen[0], chosen[1], "the overflow goes the same way in every daemon");
        places.push(chosen[0]);
        for backend in &daemons[0].1 {
            // 1.25 times its part of five.
            let most = (connections * u64::from(backend.options.weight) * 5).div_ceil(5 * 4);
            assert!(backend.totals.live() <= most.max(8), "{:?}", live(&daemons[0].1));
        }
    }
    assert!(places[..8].iter().all(|place| *place == places[0]), "{places:?}");
    // The weights of three of them have room for 1.25 of four at least.
    let most = live(&daemons[0].1).into_iter().filter(|live| *live > 0);
    assert!(most.count() >= 3, "{:?}", live(&daemons[0].1));
}

#[test]
fn source_hash_spreads_many_clients_by_weight_within_the_bound() {
    let backends = backends(&["1", "2", "3+weight=2"]);
    let balance = balance(Strategy::SourceHash, 3);
    let mut leases = Vec::new();
    let mut at_home = 0;
    let homes: Vec<_> =
        (0..4_000).map(|ip| choose_for(&balance, &backends, &client(ip, 1)).unwrap()).collect();
    for (ip, home) in (0..).zip(homes) {
        let place = choose_for(&balance, &backends, &client(ip, 1)).unwrap();
        at_home += u32::from(place == home);
        leases.push(backends[place].lease());
    }
    let live = live(&backends);
    // Six standard deviations of a share of 1/4 are 164.
    assert!(live[0].abs_diff(1_000) < 164 && live[2].abs_diff(2_000) < 190, "{live:?}");
    assert!(at_home > 3_950, "{at_home} of 4 000 clients are where they belong");
}

#[test]
fn first_takes_the_first_that_can_be_used() {
    let backends = backends(&["1", "2+weight=9", "3"]);
    let balance = balance(Strategy::First, 3);
    let _busy: Vec<_> = (0..9).map(|_| backends[0].lease()).collect();
    assert_eq!(choose(&balance, &backends, &[]), Some(0));
    assert_eq!(choose(&balance, &backends, &[0]), Some(1));
    eject(&backends[0]);
    assert_eq!(choose(&balance, &backends, &[]), Some(1));
    eject(&backends[1]);
    assert_eq!(choose(&balance, &backends, &[]), Some(2));
}

/// A set of three, of which the last one has come while its tunnel ran.
fn with_a_new_one() -> (Vec<Member>, Instant) {
    let mut backends = backends(&["1", "2+weight=2"]);
    let new = Member::joining("3+weight=2".parse().unwrap());
    let begin = new.added;
    backends.push(new);
    (backends, begin)
}

#[test]
fn a_backend_that_joins_begins_with_a_tenth_and_grows_to_the_whole() {
    for strategy in SHARING {
        let (backends, begin) = with_a_new_one();
        for (minutes, weight) in [(0, 2), (20, 8), (60, 20), (90, 20)] {
            let now = begin + Duration::from_secs(minutes * 60);
            let balance = slowly(strategy, 3);
            let shares = shares_at(&balance, &backends, 100_000, now);
            let square = chi_square(&shares, &[10, 20, weight]);
            assert!(square < 13.8, "{strategy} after {minutes} minutes: {shares:?}");
        }
    }
}

#[test]
fn a_slow_start_counts_in_what_a_backend_has_at_once() {
    for strategy in [Strategy::LeastConn, Strategy::LeastTime] {
        let (backends, begin) = with_a_new_one();
        backends.iter().for_each(|it| it.has_connected_in(Duration::from_millis(1), begin));
        let balance = slowly(strategy, 3);
        let now = begin + HOUR / 3;
        let mut leases = Vec::new();
        for _ in 0..380 {
            leases.push(backends[choose_at(&balance, &backends, now).unwrap()].lease());
        }
        // Weights of 1, 2 and 0.8: 40 % of 2.
        let live = live(&backends);
        assert!(live[0].abs_diff(100) <= 2 && live[2].abs_diff(80) <= 2, "{strategy}: {live:?}");
    }
}

#[test]
fn round_robin_interleaves_a_slow_start_too() {
    let mut backends = backends(&["1", "2"]);
    let new = Member::joining("3".parse().unwrap());
    let begin = new.added;
    backends.push(new);
    let balance = slowly(Strategy::RoundRobin, 3);
    let picks: Vec<_> = (0..210).filter_map(|_| choose_at(&balance, &backends, begin)).collect();
    let new: Vec<_> = (0..210).filter(|pick| picks[*pick] == 2).collect();
    // One in twenty-one, and as far from each other.
    assert_eq!(new.len(), 10);
    assert!(new.windows(2).all(|two| (20..=22).contains(&(two[1] - two[0]))), "{new:?}");
    assert!(picks.windows(3).all(|three| three[0] != three[1] || three[1] != three[2]));
}

#[test]
fn a_backend_that_comes_back_starts_slowly_and_one_that_was_there_does_not() {
    let backends = backends(&["1", "2"]);
    let balance = slowly(Strategy::RoundRobin, 2);
    let weights = || {
        let now = Instant::now();
        [0, 1].map(|place: usize| balance.effective_weight(&backends[place], now).thousandths())
    };
    assert_eq!(weights(), [1_000, 1_000]);
    eject(&backends[1]);
    backends[1].succeeded();
    let [there, back] = weights();
    assert_eq!(there, 1_000);
    assert!((100..200).contains(&back), "{back}");
}

#[test]
fn a_name_that_is_found_again_starts_slowly_and_one_that_is_found_at_the_start_does_not() {
    let found = Addresses {
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        valid_for: HOUR,
        unanswered: None,
    };
    let share = |backend: &Member| backend.weight(Some(HOUR), Instant::now()).thousandths();
    let at_start = Member::new("db.test:1".parse().unwrap());
    assert!(at_start.resolve_to(&found, 1));
    at_start.mark_located();
    assert_eq!(share(&at_start), 1_000);
    assert!(at_start.unresolve("no such name") && at_start.resolve_to(&found, 1));
    assert!(share(&at_start) < 200);

    let mut joining = Member::joining("db.test:1".parse().unwrap());
    Arc::get_mut(&mut joining.backend).unwrap().added -= HOUR / 2;
    assert!(share(&joining) >= 550);
    assert!(joining.resolve_to(&found, 1));
    assert!(share(&joining) < 200, "it takes clients only now");
}

#[test]
fn source_hash_and_first_start_at_once() {
    let (backends, begin) = with_a_new_one();
    for strategy in [Strategy::SourceHash, Strategy::First] {
        let weight = slowly(strategy, 3).effective_weight(&backends[2], begin);
        assert_eq!(weight, Weight::whole(2), "{strategy}");
    }
    let [slow, fast] = [slowly, balance].map(|make| make(Strategy::SourceHash, 3));
    for ip in 0..1_000 {
        let choices = [&slow, &fast].map(|it| choose_for(it, &backends, &client(ip, 1)));
        assert_eq!(choices[0], choices[1]);
    }
}

#[test]
fn every_strategy_avoids_what_was_tried_and_what_is_ejected() {
    for strategy in ALL {
        let backends = backends(&["1", "2", "3"]);
        let balance = balance(strategy, 3);
        backends.first().map(eject);
        for _ in 0..50 {
            assert_eq!(choose(&balance, &backends, &[1]), Some(2), "{strategy}");
            assert_ne!(choose(&balance, &backends, &[]), Some(0), "{strategy}");
            // Both usable ones were tried: one of them again, not the ejected one.
            assert_ne!(choose(&balance, &backends, &[1, 2]), Some(0), "{strategy}");
        }
    }
}

#[test]
fn backups_serve_only_while_nothing_else_does() {
    for strategy in ALL {
        let backends = backends(&["1", "2+backup"]);
        let balance = balance(strategy, 2);
        assert_eq!(choose(&balance, &backends, &[]), Some(0), "{strategy}");
        assert_eq!(choose(&balance, &backends, &[0]), Some(1), "{strategy}");
        backends.first().map(eject);
        assert_eq!(choose(&balance, &backends, &[]), Some(1), "{strategy}");
    }
}

#[test]
fn when_all_are_ejected_all_are_tried() {
    for strategy in ALL {
        let backends = backends(&["1", "2"]);
        backends.iter().for_each(eject);
        let balance = balance(strategy, 2);
        assert_eq!(choose(&balance, &backends, &[0]), Some(1), "{strategy}");
        assert_eq!(choose(&balance, &backends, &[1]), Some(0), "{strategy}");
        assert!(choose(&balance, &backends, &[0, 1]).is_some(), "{strategy}");
    }
}

#[test]
fn a_backend_without_an_address_is_never_chosen() {
    let nameless = backends(&["db.test:1"]);
    for strategy in ALL {
        assert_eq!(choose(&balance(strategy, 1), &nameless, &[]), None, "{strategy}");
    }
}

#[test]
fn one_that_is_full_is_never_chosen() {
    let backends = backends(&["1+max-conns=1", "2+max-conns=1", "3+backup+max-conns=1"]);
    for strategy in ALL {
        let balance = balance(strategy, 3);
        let choose = |tried: &[usize]| choose(&balance, &backends, tried);
        let mut leases = Vec::new();
        for _ in 0..2 {
            let place = choose(&[]).unwrap();
            leases.extend(backends.get(place).unwrap().lease());
        }
        // Both are full, so that the backup takes the next one, even if it has failed before.
        assert_eq!((choose(&[]), choose(&[2])), (Some(2), Some(2)), "{strategy}");
        leases.extend(backends.get(2).unwrap().lease());
        assert_eq!((leases.len(), choose(&[])), (3, None), "{strategy}");
        assert!(backends.first().unwrap().lease().is_none());
    }
}

#[test]
fn one_that_is_ejected_is_no_place_for_those_for_whom_there_is_no_room() {
    let backends = backends(&["1+max-conns=1", "2"]);
    backends.get(1).into_iter().for_each(eject);
    let balance = balance(Strategy::RoundRobin, 2);
    let lease = backends.first().unwrap().lease();
    assert_eq!(choose(&balance, &backends, &[]), None);
    drop(lease);
    // Where none is usable any one is tried, if there is room.
    backends.first().into_iter().for_each(eject);
    let _lease = backends.first().unwrap().lease();
    assert_eq!(choose(&balance, &backends, &[]), Some(1));
}
