use proptest::prelude::*;

use super::*;

/// Enough to see a share within a hundredth.
const KEYS: u32 = 20_000;

fn members(count: usize, weight: impl Fn(usize) -> u32) -> Vec<Claimant> {
    let member = |place| Claimant {
        name: format!("10.0.{}.{}:5432", place / 256, place % 256),
        weight: weight(place),
        place,
    };
    (0..count).map(member).collect()
}

/// Who each slot belongs to, by place.
fn slots(table: &Table) -> Vec<usize> {
    let owner = |slot| table.places[table.slots.owner(slot)];
    (0..SLOTS).map(owner).collect()
}

fn counts(table: &Table, members: usize) -> Vec<usize> {
    let mut counts = vec![0; members];
    slots(table).into_iter().for_each(|owner| counts[owner] += 1);
    counts
}

/// The first that each key meets of those that `may` be chosen.
fn homes(table: &Table, may: impl Fn(usize) -> bool) -> Vec<usize> {
    let first = |key: u32| table.walk(&key.to_be_bytes()).find(|place| may(*place)).unwrap();
    (0..KEYS).map(first).collect()
}

#[test]
fn equal_members_have_equal_shares() {
    for count in [2, 3, 5, 16, 100, 163] {
        let counts = counts(&Table::new(members(count, |_| 1)), count);
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 1, "{count}: {least} to {most}");
    }
}

#[test]
fn shares_follow_weights_to_two_slots() {
    for count in [2, 3, 7, 100] {
        let weight = |place| [1, 5, 1000][place % 3];
        let sum: u32 = (0..count).map(weight).sum();
        let table = Table::new(members(count, weight));
        for (place, slots) in counts(&table, count).into_iter().enumerate() {
            let ideal = f64::from(weight(place)) * SLOTS as f64 / f64::from(sum);
            assert!((slots as f64 - ideal).abs() <= 2.0, "{place} of {count}: {slots}, {ideal}");
        }
    }
}

/// What is written here is what daemons of every version say: a change of it moves every client.
#[test]
fn the_table_is_the_same_for_ever() {
    let table = Table::new(members(3, |place| [1, 2, 4][place]));
    let owners = slots(&table).into_iter().map(u8::try_from);
    let owners: Vec<_> = owners.map(Result::unwrap).collect();
    let home = |key: &[u8]| table.walk(key).next().unwrap();
    let homes = [home(&[10, 0, 0, 1]), home(&[192, 0, 2, 7]), home(&[0; 16]), home(&[])];
    assert_eq!((xxh3_64_with_seed(&owners, 0), homes), (7_732_205_108_810_745_215, [2, 1, 2, 2]));
}

#[test]
fn who_is_passed_over_gives_its_keys_to_all_others_and_no_other_key_moves() {
    let table = Table::new(members(4, |_| 1));
    let (before, without) = (homes(&table, |_| true), homes(&table, |place| place != 2));
    let mut gained = [0; 4];
    for (before, without) in before.into_iter().zip(without) {
        if before == 2 {
            gained[without] += 1;
        } else {
            assert_eq!(before, without);
        }
    }
    // About 1 667 each; the bounds are six standard deviations away.
    assert!([0, 1, 3].iter().all(|other| (1_460..1_870).contains(&gained[*other])), "{gained:?}");
}

/// Keys that move between members that both stay, in percent.
fn moved_between_survivors(count: usize, leaves: usize) -> f64 {
    let mut less = members(count, |_| 1);
    let before = slots(&Table::new(members(count, |_| 1)));
    less.remove(leaves);
    let after = slots(&Table::new(less));
    let moved = before.iter().zip(&after).filter(|(old, new)| **old != leaves && old != new);
    moved.count() as f64 * 100.0 / SLOTS as f64
}

#[test]
fn little_moves_between_those_that_stay() {
    for (count, most) in [(2_usize, 0.0), (3, 0.1), (5, 0.3), (10, 0.7), (30, 1.1), (100, 1.5)] {
        for leaves in (0..count).step_by(count.div_ceil(10)) {
            let moved = moved_between_survivors(count, leaves);
            assert!(moved <= most, "{leaves} of {count}: {moved} %");
        }
    }
}

#[test]
fn a_table_of_few_members_is_small() {
    let bytes = |count| Table::new(members(count, |_| 1)).slots.words.len() * 8;
    assert_eq!([0, 1, 2, 3, 100].map(bytes), [0, 0, 2_048, 4_096, 14_568]);
}

#[test]
fn one_member_has_every_key_and_none_has_none() {
    let walk = |count| Table::new(members(count, |_| 1)).walk(b"key").collect::<Vec<_>>();
    assert_eq!((walk(1), walk(0)), (vec![0], vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_the_members_changes_nothing(
        (weights, order) in proptest::collection::vec(1..=1000_u32, 1..60)
            .prop_flat_map(|weights| {
                let order: Vec<_> = (0..weights.len()).collect();
                (Just(weights), Just(order).prop_shuffle())
            }),
        keys in proptest::collection::vec(any::<[u8; 16]>(), 50),
    ) {
        let all = members(weights.len(), |place| weights[place]);
        let mut other: Vec<_> = members(weights.len(), |place| weights[place]);
        other.sort_by_key(|member| order[member.place]);
        let (one, other) = (Table::new(all), Table::new(other));
        for key in keys {
            let walks = [&one, &other].map(|table| table.walk(&key).take(100).collect::<Vec<_>>());
            prop_assert_eq!(&walks[0], &walks[1]);
        }
    }

    #[test]
    fn a_walk_meets_every_member(weights in proptest::collection::vec(1..=4_u32, 1..200)) {
        let table = Table::new(members(weights.len(), |place| weights[place]));
        let met: std::collections::BTreeSet<_> = table.walk(b"key").collect();
        prop_assert_eq!(met.len(), weights.len());
    }
}
