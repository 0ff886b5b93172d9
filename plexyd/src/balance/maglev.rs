//! The table by which keys belong to members: the same in every daemon that has the same members,
//! and little of it changes when one of them comes or goes. The algorithm is that of Maglev
//! (Eisenbud et al., NSDI 2016, section 3.4), with weights by turns, as Envoy has them.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Slots of every table: were they more where there are more members, then most keys would move
/// when one more comes. It is a prime, as the paper asks. Of 163 members with equal weights each has
/// 100 slots, and its share is right within 1 %; of 1 024 each has 16, and that is 6 %.
///
/// When one member of n leaves, 1/n of the keys have to move. Besides, these do, measured in
/// `little_moves_between_those_that_stay`: none where there were 2, 0.1 % of 3, 0.7 % of 10, 1.5 % of
/// 100.
const SLOTS: usize = 16_381;

/// What is hashed for different ends has different seeds. They never change: daemons of different
/// versions have to agree.
const SEED_OFFSET: u64 = 0;
const SEED_SKIP: u64 = 1;
const SEED_KEY: u64 = 2;

/// Somebody whom keys may belong to.
#[derive(Debug)]
pub(super) struct Claimant {
    /// What tells it from the others, everywhere.
    pub(super) name: String,
    pub(super) weight: u32,
    /// What it is here.
    pub(super) place: usize,
}

/// Which member each slot belongs to.
#[derive(Debug)]
pub(super) struct Table {
    /// What the members are here, in order of their names.
    places: Box<[usize]>,
    slots: Slots,
}

impl Table {
    pub(super) fn new(mut members: Vec<Claimant>) -> Self {
        // Not the order of the specification: it is not the same everywhere.
        members.sort_by(|one, other| one.name.cmp(&other.name));
        let owners = if members.len() > 1 { owners(&members) } else { Vec::new() };
        let places: Box<[_]> = members.iter().map(|member| member.place).collect();
        Self { slots: Slots::new(&owners, places.len()), places }
    }

    /// What its members are here.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// The members as a key meets them, the one it belongs to first, again and again until each has
    /// come: where one is passed over, its keys are shared by all others, and no other key moves.
    ///
    /// Each key has a stride of its own: slots side by side are not independent of each other, since
    /// every member asks for slots that are equally far apart.
    pub(super) fn walk(&self, key: &[u8]) -> impl Iterator<Item = usize> {
        let slots = if self.places.len() > 1 { SLOTS } else { self.places.len() };
        let hash = xxh3_64_with_seed(key, SEED_KEY);
        let begin = reduced(hash, SLOTS);
        let stride = reduced(hash / SLOTS as u64, SLOTS - 1) + 1;
        let owners = (0..slots).map(move |step| self.slots.owner((begin + step * stride) % SLOTS));
        owners.filter_map(|owner| self.places.get(owner).copied())
    }
}

/// A member while the table is filled.
struct Filling {
    /// The slot that it asks for next, and how far it is from there to the one after.
    next: usize,
    skip: usize,
    weight: u32,
    /// What it has saved up for a turn, which costs the heaviest weight.
    saved: u32,
}

/// The owner of each slot. In every round each member takes the first slot on its list that is free,
/// those lighter than the heaviest in as many rounds as their weights say.
fn owners(members: &[Claimant]) -> Vec<usize> {
    let heaviest = members.iter().map(|member| member.weight).max().unwrap_or(1);
    let mut fillings: Vec<_> = members.iter().map(Filling::new).collect();
    let mut owners = vec![None; SLOTS];
    let mut free = SLOTS;
    while free > 0 {
        for (member, filling) in fillings.iter_mut().enumerate() {
            filling.saved += filling.weight;
            if free > 0 && filling.saved >= heaviest {
                filling.saved -= heaviest;
                filling.take(member, &mut owners);
                free -= 1;
            }
        }
    }
    owners.into_iter().flatten().collect()
}

impl Filling {
    fn new(member: &Claimant) -> Self {
        let hash = |seed| xxh3_64_with_seed(member.name.as_bytes(), seed);
        Self {
            next: reduced(hash(SEED_OFFSET), SLOTS),
            // Any but none leads through all slots, since their number is a prime.
            skip: reduced(hash(SEED_SKIP), SLOTS - 1) + 1,
            weight: member.weight,
            saved: 0,
        }
    }

    /// Takes its next slot that is free; there has to be one.
    fn take(&mut self, member: usize, owners: &mut [Option<usize>]) {
        for _ in 0..SLOTS {
            let slot = self.next;
            self.next = (self.next + self.skip) % SLOTS;
            if let Some(owner @ None) = owners.get_mut(slot) {
                *owner = Some(member);
                return;
            }
        }
    }
}

/// A hash as a number below `end`.
fn reduced(hash: u64, end: usize) -> usize {
    usize::try_from(hash % end as u64).unwrap_or_default()
}

/// Small numbers, as many in a word as there is room for: a table of two members takes 2 KiB, one
/// of three 4 KiB, one of a hundred 15 KiB.
#[derive(Debug)]
struct Slots {
    words: Box<[u64]>,
    /// Bits of each number.
    width: usize,
}

impl Slots {
    /// Numbers that are all below `end`.
    fn new(numbers: &[usize], end: usize) -> Self {
        let bits = usize::BITS - end.saturating_sub(1).leading_zeros();
        let width = bits.max(1) as usize;
        let word = |numbers: &[usize]| {
            let places = (0..).step_by(width);
            numbers.iter().zip(places).fold(0, |word, (it, place)| word | (*it as u64) << place)
        };
        Self { words: numbers.chunks(64 / width).map(word).collect(), width }
    }

    /// The number at a place; 0 where there is none.
    fn owner(&self, at: usize) -> usize {
        let in_word = 64 / self.width;
        let word = self.words.get(at / in_word).copied().unwrap_or_default();
        let number = word >> (at % in_word * self.width) & ((1 << self.width) - 1);
        usize::try_from(number).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
