use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use plexy_shared::spec::{Strategy, TunnelOptions};

use super::*;
use crate::backend::Lease;
use crate::backend::ejection::Rules;
use crate::balance::Asking;

const ALL: [Strategy; 7] = [
    Strategy::Random,
    Strategy::RoundRobin,
    Strategy::LeastConn,
    Strategy::TwoChoices,
    Strategy::LeastTime,
    Strategy::SourceHash,
    Strategy::First,
];

fn backends(specs: &[&str]) -> Vec<Member> {
    specs.iter().map(|text| Member::new(text.parse().unwrap())).collect()
}

fn balance(strategy: Strategy, backends: usize) -> Balance {
    Balance::new(&TunnelOptions { strategy, ..TunnelOptions::default() }, backends)
}

fn client(last: u8) -> ClientAddr {
    ClientAddr::Ip((IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), 1).into())
}

fn choose(
    balance: &Balance,
    backends: &[Member],
    client: &ClientAddr,
    now: Instant,
) -> Option<usize> {
    balance.choose(backends, &Asking { client, tried: &[], now })
}

/// Some backends of which each may be heavy, a backup, limited, drained, disabled, ejected or quick.
fn at_random(now: Instant) -> Vec<Member> {
    let pick = |words: &[&'static str]| words[fastrand::usize(0..words.len())];
    let spec = |port: usize| {
        let weight = fastrand::u32(1..4);
        let backup = pick(&["", "", "+backup"]);
        let limit = pick(&["", "", "+max-conns=1", "+max-conns=3"]);
        let admin = pick(&["", "", "", "+admin=drain", "+admin=disabled"]);
        format!("{port}+weight={weight}{backup}{limit}{admin}")
    };
    let specs: Vec<_> = (1..=fastrand::usize(1..6)).map(spec).collect();
    let specs: Vec<_> = specs.iter().map(String::as_str).collect();
    let backends = backends(&specs);
    for backend in &backends {
        if fastrand::u8(0..3) == 0 {
            backend.failed("refused", &Rules::from(&TunnelOptions::default()));
        }
        if fastrand::bool() {
            backend.has_connected_in(Duration::from_millis(fastrand::u64(1..9)), now);
        }
    }
    backends
}

#[test]
fn what_is_foreseen_is_what_is_chosen_next() {
    fastrand::seed(7);
    for strategy in ALL {
        let (mut certain, mut by_chance, mut nothing) = (0, 0, 0);
        for _ in 0..300 {
            let now = Instant::now();
            let backends = at_random(now);
            let balance = balance(strategy, backends.len());
            let mut held: Vec<Option<Lease>> = Vec::new();
            for _ in 0..12 {
                let client = client(fastrand::u8(..));
                let outlook = balance.outlook(&backends, Some(&client), now);
                for _ in 0..3 {
                    let again = balance.outlook(&backends, Some(&client), now);
                    assert_eq!(again, outlook, "asking changes nothing");
                }
                let chosen = choose(&balance, &backends, &client, now);
                let Some(outlook) = outlook else {
                    assert_eq!(chosen, None, "{strategy}");
                    nothing += 1;
                    break;
                };
                let place = chosen.expect("somebody was foreseen");
                assert!(outlook.eligible.contains(&place), "{strategy}: {place} of {outlook:?}");
                match &outlook.odds {
                    Odds::Certain(expected) => {
                        assert_eq!(place, *expected, "{strategy}: {outlook:?}");
                        certain += 1;
                    }
                    Odds::Chances(chances) => {
                        let chance = chances.iter().find(|(it, _)| *it == place);
                        assert!(chance.unwrap().1 > 0.0, "{strategy}: {place} of {outlook:?}");
                        let all: f64 = chances.iter().map(|(_, chance)| chance).sum();
                        assert!((all - 1.0).abs() < 1e-9, "{chances:?}");
                        by_chance += 1;
                    }
                    Odds::ByClient => unreachable!("it is known who it is"),
                }
                held.push(backends[place].lease());
                if fastrand::bool() {
                    held.swap_remove(fastrand::usize(0..held.len()));
                }
            }
        }
        let has_chance =
            !matches!(strategy, Strategy::RoundRobin | Strategy::SourceHash | Strategy::First);
        assert!(certain > 100 && nothing > 5, "{strategy}: {certain}, {nothing}");
        assert_eq!(by_chance > 20, has_chance, "{strategy}: {by_chance}");
    }
}

#[test]
fn a_hundred_looks_between_choices_change_no_order() {
    let backends = backends(&["1+weight=5", "2", "3"]);
    let (asked, unasked) = (balance(Strategy::RoundRobin, 3), balance(Strategy::RoundRobin, 3));
    let (client, now) = (client(1), Instant::now());
    for _ in 0..14 {
        for _ in 0..100 {
            asked.outlook(&backends, None, now);
        }
        let expected = choose(&unasked, &backends, &client, now);
        assert_eq!(choose(&asked, &backends, &client, now), expected);
    }
}

/// How often each is chosen at chance that is the same each time: no count is off its chance by more
/// than five standard deviations (0.0177 of 20 000 picks at the most).
#[test]
fn chances_are_how_often_each_is_chosen() {
    const PICKS: u32 = 20_000;
    fastrand::seed(3);
    for strategy in
        [Strategy::Random, Strategy::TwoChoices, Strategy::LeastConn, Strategy::LeastTime]
    {
        let backends = backends(&["1+weight=3", "2", "3+weight=2", "4+weight=3"]);
        let _busy = [backends[2].lease(), backends[2].lease(), backends[1].lease()];
        let (balance, now, client) = (balance(strategy, 4), Instant::now(), client(1));
        for backend in &backends {
            backend.has_connected_in(Duration::from_millis(2), now);
        }
        let outlook = balance.outlook(&backends, None, now).unwrap();
        let Odds::Chances(chances) = outlook.odds else { panic!("{:?}", outlook.odds) };
        let mut counts = [0_u32; 4];
        for _ in 0..PICKS {
            counts[choose(&balance, &backends, &client, now).unwrap()] += 1;
        }
        for (place, count) in counts.iter().enumerate() {
            let chance = chances.iter().find(|(it, _)| *it == place).map_or(0.0, |(_, it)| *it);
            let part = f64::from(*count) / f64::from(PICKS);
            assert!((part - chance).abs() < 0.0177, "{strategy}: {counts:?} of {chances:?}");
            assert_eq!(*count == 0, chance == 0.0, "{strategy}: {counts:?} of {chances:?}");
        }
    }
}

#[test]
fn source_hash_tells_where_a_client_belongs_and_where_it_goes_on_to() {
    let backends = backends(&["1", "2", "3", "4+backup"]);
    let (balance, now, client) = (balance(Strategy::SourceHash, 4), Instant::now(), client(9));
    let merits = balance.merits(&backends, Some(&client), now);
    let order: Vec<_> = merits.iter().map(|merits| merits.order.unwrap()).collect();
    let at = |wanted: usize| order.iter().position(|it| *it == wanted).unwrap();
    assert_eq!(at(4), 3, "the backup comes last: {order:?}");
    let picked = |client| balance.outlook(&backends, client, now).unwrap();
    assert_eq!(picked(Some(&client)).odds, Odds::Certain(at(1)));
    assert_eq!(picked(None).odds, Odds::ByClient);
    // With as many as it is bound to have, and a few of the others: 1.25 times the mean is less.
    let bound = picked(Some(&client)).bounds.iter().find(|(it, _)| *it == at(1)).unwrap().1;
    let _held: Vec<_> = (0..bound).map(|_| backends[at(1)].lease()).collect();
    assert_eq!(picked(Some(&client)).odds, Odds::Certain(at(2)), "bounded load moves it on");
    assert_eq!(choose(&balance, &backends, &client, now), Some(at(2)));
}

#[test]
fn merits_are_what_the_strategy_goes_by() {
    let backends = backends(&["1+weight=2", "2"]);
    let _held = [backends[0].lease(), backends[0].lease()];
    let now = Instant::now();
    backends[1].has_connected_in(Duration::from_micros(1_500), now);
    let of = |strategy| balance(strategy, 2).merits(&backends, Some(&client(1)), now);
    let loads = |strategy| of(strategy).iter().map(|it| it.load).collect::<Vec<_>>();
    assert_eq!(loads(Strategy::LeastConn), [Some(1.5), Some(1.0)]);
    assert_eq!(loads(Strategy::LeastTime), [Some(1.5), Some(1.0)]);
    assert_eq!(loads(Strategy::TwoChoices), [Some(1.0), Some(0.0)]);
    let times: Vec<_> = of(Strategy::LeastTime).iter().map(|it| it.connect_us).collect();
    assert_eq!(times, [None, Some(1_500)]);
    let order: Vec<_> = of(Strategy::First).iter().map(|it| it.order).collect();
    assert_eq!(order, [Some(1), Some(2)]);
    assert_eq!(of(Strategy::Random), [Merits::default(); 2]);
}
