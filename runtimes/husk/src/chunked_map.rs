//! A map of numbers to values, for tables of many entries that come in any order: mappings, pages
//! of files, names, timers. A vector of short vectors: looking up halves twice, and what inserting
//! and removing move stays within one chunk. Entries of the same number stay side by side.
//!
//! Numbers and values lie in chunks of their own, cut in the same places, so that all that decides
//! where something is to be is in the image once, whatever the values are.

use alloc::vec::Vec;

use crate::errno::{ENOMEM, Errno};

/// Most entries of a chunk; fewer where values are large, whose chunk is then what the heap still
/// cuts out of a frame.
const MOST: usize = 64;
const CHUNK_BYTES: usize = 2048;

/// A chunk, and an index in it.
#[derive(Clone, Copy)]
struct Place {
    chunk: usize,
    at: usize,
}

struct Chunks<T>(Vec<Vec<T>>);

impl<T> Chunks<T> {
    fn get(&self, place: Place) -> Option<&T> {
        self.0.get(place.chunk)?.get(place.at)
    }

    fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        self.0.get_mut(place.chunk)?.get_mut(place.at)
    }

    fn put(&mut self, place: Place, item: T) {
        if self.0.is_empty() {
            self.0.push(Vec::new());
        }
        self.0[place.chunk].insert(place.at, item);
    }

    fn take(&mut self, place: Place) -> T {
        self.0[place.chunk].remove(place.at)
    }

    /// What is in a chunk from a place on becomes the next chunk, with room for `capacity`.
    fn split(&mut self, place: Place, capacity: usize) {
        let mut upper = self.0[place.chunk].split_off(place.at);
        upper.reserve_exact(capacity - upper.len());
        self.0.insert(place.chunk + 1, upper);
    }

    /// Appends a chunk to the one before. The first can only go when it is empty.
    fn join(&mut self, chunk: usize) {
        let mut upper = self.0.remove(chunk);
        if let Some(lower) = self.0.get_mut(chunk.wrapping_sub(1)) {
            lower.append(&mut upper);
        }
    }
}

/// The numbers. No chunk is empty, and two neighbours have more than a quarter of a chunk together.
struct Keys {
    chunks: Chunks<u64>,
    count: usize,
}

impl Keys {
    fn length(&self, chunk: usize) -> usize {
        self.chunks.0.get(chunk).map_or(0, Vec::len)
    }

    /// Past the last number below `key`, in the same chunk.
    fn past_below(&self, key: u64) -> Place {
        let begins_below = |chunk: &Vec<u64>| chunk.first().is_some_and(|&first| first < key);
        let chunks = self.chunks.0.as_slice();
        let chunk = chunks.partition_point(begins_below).saturating_sub(1);
        let numbers = chunks.get(chunk).map_or(&[][..], Vec::as_slice);
        let at = numbers.partition_point(|&number| number < key);
        Place { chunk, at }
    }

    /// Where the first number from `key` on is; where nothing is after the last.
    fn from(&self, key: u64) -> Place {
        self.or_next_chunk(self.past_below(key))
    }

    fn find(&self, key: u64) -> Option<Place> {
        let place = self.from(key);
        (*self.chunks.get(place)? == key).then_some(place)
    }

    fn or_next_chunk(&self, place: Place) -> Place {
        let chunk = place.chunk + 1;
        if place.at == self.length(place.chunk) && chunk < self.chunks.0.len() {
            return Place { chunk, at: 0 };
        }
        place
    }

    fn after(&self, place: Place) -> Place {
        let at = place.at + 1;
        self.or_next_chunk(Place { at, ..place })
    }

    fn before(&self, place: Place) -> Option<Place> {
        if let Some(at) = place.at.checked_sub(1) {
            return Some(Place { at, ..place });
        }
        let chunk = place.chunk.checked_sub(1)?;
        let at = self.length(chunk).checked_sub(1)?;
        Some(Place { chunk, at })
    }

    fn last_below(&self, key: u64) -> Option<Place> {
        self.before(self.past_below(key))
    }

    fn count_below(&self, key: u64) -> usize {
        let place = self.past_below(key);
        let chunks = self.chunks.0.iter().take(place.chunk);
        chunks.map(Vec::len).sum::<usize>() + place.at
    }

    /// Puts a number before those from it on; gives its place, and where a chunk was split for it.
    fn insert(&mut self, key: u64, capacity: usize) -> (Place, Option<Place>) {
        let mut place = self.past_below(key);
        let mut split = None;
        if self.length(place.chunk) == capacity {
            split = self.split_for(place, capacity);
            if let Some(split) = split {
                self.chunks.split(split, capacity);
            }
            let lower = self.length(place.chunk);
            if place.at > lower || lower == capacity {
                let (chunk, at) = (place.chunk + 1, place.at - lower);
                place = Place { chunk, at };
            }
        }
        self.chunks.put(place, key);
        self.count += 1;
        (place, split)
    }

    /// Where to split a full chunk to insert there; nowhere when the next has room. Numbers that come
    /// in order leave full chunks behind: a chunk is not split at its end, and else the shorter part
    /// is a quarter at least, so that no order makes many short chunks.
    fn split_for(&self, place: Place, capacity: usize) -> Option<Place> {
        if place.at == capacity {
            let next = self.length(place.chunk + 1);
            return (next == 0 || next == capacity).then_some(place);
        }
        let quarter = capacity / 4;
        let at = place.at.max(quarter).min(capacity - quarter);
        Some(Place { at, ..place })
    }

    /// The last of `start..end` that are in one chunk: where they begin and end.
    fn last_within(&self, start: u64, end: u64) -> Option<(Place, usize)> {
        let last = self.last_below(end)?;
        let numbers = self.chunks.0.get(last.chunk)?;
        let at = numbers.partition_point(|&number| number < start);
        let first = Place { at, ..last };
        (at <= last.at).then_some((first, last.at + 1))
    }

    /// Takes numbers out, up to `past` in the same chunk. What is left is to be joined.
    fn remove(&mut self, first: Place, past: usize) {
        self.chunks.0[first.chunk].drain(first.at..past);
        self.count -= past - first.at;
    }

    /// Joins a chunk from which something was taken with a neighbour if the two are short, or takes
    /// it out if it is empty; gives which was joined with the one before.
    fn join(&mut self, chunk: usize, capacity: usize) -> Option<usize> {
        let joined = self.to_join(chunk, capacity)?;
        self.chunks.join(joined);
        Some(joined)
    }

    fn to_join(&self, chunk: usize, capacity: usize) -> Option<usize> {
        let length = self.chunks.0.get(chunk)?.len();
        if length == 0 || length > capacity / 2 {
            return (length == 0).then_some(chunk);
        }
        let are_short = |upper: &usize| {
            let lower = upper.checked_sub(1).map_or(0, |lower| self.length(lower));
            let upper = self.length(*upper);
            lower > 0 && upper > 0 && lower + upper <= capacity / 2
        };
        [chunk, chunk + 1].into_iter().find(are_short)
    }

    fn shift(&mut self, from: u64, to: u64) {
        let first = self.past_below(from);
        let mut at = first.at;
        for chunk in self.chunks.0.iter_mut().skip(first.chunk) {
            for number in chunk.iter_mut().skip(at) {
                *number = *number - from + to;
            }
            at = 0;
        }
    }
}

/// Entries in the order of their numbers.
pub struct ChunkedMap<V> {
    keys: Keys,
    values: Chunks<V>,
}

impl<V> Default for ChunkedMap<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> ChunkedMap<V> {
    /// Most entries of a chunk: a power of two, as vectors grow.
    const CAPACITY: usize = {
        let fit = 1 << (CHUNK_BYTES / size_of::<V>()).ilog2();
        if fit < MOST { fit } else { MOST }
    };

    pub const fn new() -> Self {
        Self {
            keys: Keys {
                chunks: Chunks(Vec::new()),
                count: 0,
            },
            values: Chunks(Vec::new()),
        }
    }

    pub const fn len(&self) -> usize {
        self.keys.count
    }

    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn contains_key(&self, key: u64) -> bool {
        self.keys.find(key).is_some()
    }

    pub fn get(&self, key: u64) -> Option<&V> {
        self.values.get(self.keys.find(key)?)
    }

    pub fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        self.values.get_mut(self.keys.find(key)?)
    }

    pub fn first(&self) -> Option<(u64, &V)> {
        self.entry(Place { chunk: 0, at: 0 })
    }

    /// The first entry from `key` on.
    pub fn first_from(&self, key: u64) -> Option<(u64, &V)> {
        self.entry(self.keys.from(key))
    }

    /// The last entry below `key`.
    pub fn last_below(&self, key: u64) -> Option<(u64, &V)> {
        self.entry(self.keys.last_below(key)?)
    }

    pub fn last_below_mut(&mut self, key: u64) -> Option<&mut V> {
        self.values.get_mut(self.keys.last_below(key)?)
    }

    /// How many numbers are less than `key`.
    pub fn count_below(&self, key: u64) -> usize {
        self.keys.count_below(key)
    }

    fn entry(&self, place: Place) -> Option<(u64, &V)> {
        Some((*self.keys.chunks.get(place)?, self.values.get(place)?))
    }

    /// Entries from `key` on.
    pub fn from(&self, key: u64) -> impl Iterator<Item = (u64, &V)> {
        let mut place = self.keys.from(key);
        core::iter::from_fn(move || {
            let entry = self.entry(place)?;
            place = self.keys.after(place);
            Some(entry)
        })
    }

    /// Entries below `key`, the last first.
    pub fn below(&self, key: u64) -> impl Iterator<Item = (u64, &V)> {
        let mut place = self.keys.last_below(key);
        core::iter::from_fn(move || {
            let entry = self.entry(place?)?;
            place = self.keys.before(place?);
            Some(entry)
        })
    }

    /// Room in the lists of chunks for two more entries, wherever they go, or for `count` in order.
    /// These lists are what may be longer than any stretch of memory that is left.
    pub fn reserve(&mut self, count: usize) -> Result<(), Errno> {
        let chunks = count / Self::CAPACITY + 2;
        let keys = self.keys.chunks.0.try_reserve(chunks);
        let values = self.values.0.try_reserve(chunks);
        keys.and(values).map_err(|_| ENOMEM)
    }

    /// Adds an entry, beside others of the same number.
    pub fn insert(&mut self, key: u64, value: V) {
        let (place, split) = self.keys.insert(key, Self::CAPACITY);
        if let Some(at) = split {
            self.values.split(at, Self::CAPACITY);
        }
        self.values.put(place, value);
    }

    pub fn remove(&mut self, key: u64) -> Option<V> {
        self.keys.find(key).map(|place| self.take(place))
    }

    fn take(&mut self, place: Place) -> V {
        self.keys.remove(place, place.at + 1);
        let value = self.values.take(place);
        self.join(place.chunk);
        value
    }

    fn join(&mut self, chunk: usize) {
        while let Some(joined) = self.keys.join(chunk, Self::CAPACITY) {
            self.values.join(joined);
        }
    }

    /// Takes out all of `start..end`, a chunk's at a time.
    pub fn remove_range(&mut self, start: u64, end: u64) {
        while let Some((first, past)) = self.keys.last_within(start, end) {
            self.values.0[first.chunk].drain(first.at..past);
            self.keys.remove(first, past);
            self.join(first.chunk);
        }
    }

    /// Adds `to - from` to every number from `from` on. No number may be between the two.
    pub fn shift(&mut self, from: u64, to: u64) {
        self.keys.shift(from, to);
    }
}

impl ChunkedMap<u64> {
    /// Takes out the entry of a number that has this value.
    pub fn remove_entry(&mut self, key: u64, value: u64) {
        let mut place = self.keys.from(key);
        while let Some((at, found)) = self.entry(place)
            && at == key
        {
            if *found == value {
                self.take(place);
                return;
            }
            place = self.keys.after(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// So large that eight make a chunk: there are many chunks soon.
    type Large = [u64; 32];

    fn large(number: u64) -> Large {
        [number; 32]
    }

    fn random(seed: &mut u64, below: u64) -> u64 {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    }

    /// Chunks are as they must be, so that memory and time are bounded by what there is.
    fn is_sound<V>(map: &ChunkedMap<V>) {
        let lengths: Vec<usize> = map.keys.chunks.0.iter().map(Vec::len).collect();
        let of_values: Vec<usize> = map.values.0.iter().map(Vec::len).collect();
        assert_eq!(lengths, of_values);
        assert_eq!(lengths.iter().sum::<usize>(), map.len());
        let capacity = ChunkedMap::<V>::CAPACITY;
        assert!(lengths.iter().all(|length| (1..=capacity).contains(length)));
        assert!(lengths.windows(2).all(|two| two[0] + two[1] > capacity / 4));
    }

    fn agree(map: &ChunkedMap<Large>, oracle: &BTreeMap<u64, Large>, key: u64) {
        is_sound(map);
        assert_eq!(map.len(), oracle.len());
        assert_eq!(map.is_empty(), oracle.is_empty());
        assert_eq!(map.get(key), oracle.get(&key));
        assert_eq!(map.contains_key(key), oracle.contains_key(&key));
        let entry = |(key, value): (&u64, _)| (*key, value);
        assert_eq!(map.first(), oracle.iter().next().map(entry));
        assert_eq!(map.first_from(key), oracle.range(key..).next().map(entry));
        assert_eq!(
            map.last_below(key),
            oracle.range(..key).next_back().map(entry)
        );
        assert_eq!(map.count_below(key), oracle.range(..key).count());
        assert!(map.from(key).eq(oracle.range(key..).map(entry)));
        assert!(map.below(key).eq(oracle.range(..key).rev().map(entry)));
        assert!(map.from(0).eq(oracle.iter().map(entry)));
    }

    #[test]
    fn it_holds_what_a_btree_map_would() {
        let (mut map, mut oracle) = (ChunkedMap::<Large>::new(), BTreeMap::<u64, Large>::new());
        let mut seed = 1;
        for step in 0..6000 {
            let key = random(&mut seed, 300);
            let grows = step / 500 % 2 == 0;
            match random(&mut seed, 40) {
                0 => {
                    let end = key + random(&mut seed, 50);
                    map.remove_range(key, end);
                    oracle.retain(|at, _| !(key..end).contains(at));
                }
                1 => {
                    let changed = map.last_below_mut(key).map(|value| value[0] = step);
                    let theirs = oracle.range_mut(..key).next_back();
                    assert_eq!(changed, theirs.map(|(_, value)| value[0] = step));
                }
                2 => {
                    let changed = map.get_mut(key).map(|value| value[0] = step);
                    assert_eq!(changed, oracle.get_mut(&key).map(|value| value[0] = step));
                }
                dice if (dice < 30) == grows => {
                    if oracle.insert(key, large(step)).is_some() {
                        map.remove(key);
                    }
                    map.insert(key, large(step));
                }
                _ => assert_eq!(map.remove(key), oracle.remove(&key)),
            }
            agree(&map, &oracle, random(&mut seed, 310));
        }
    }

    #[test]
    fn numbers_that_come_in_order_leave_full_chunks() {
        let orders: [fn(u64) -> u64; 4] = [
            |step| step,
            |step| u64::MAX - step,
            |step| if step < 20 { step } else { 1 << 32 | step },
            |step| if step < 20 { step } else { (1 << 32) - step },
        ];
        for order in orders {
            let (mut map, mut oracle) = (ChunkedMap::new(), BTreeMap::new());
            map.insert(0, large(0));
            map.insert(1 << 40, large(0));
            oracle.extend([(0, large(0)), (1 << 40, large(0))]);
            for key in (1..=1000).map(order) {
                map.insert(key, large(key));
                oracle.insert(key, large(key));
            }
            agree(&map, &oracle, order(500));
            let least = oracle.len() / ChunkedMap::<Large>::CAPACITY;
            assert!(
                map.values.0.len() <= least * 3 / 2,
                "{}",
                map.values.0.len()
            );
        }
    }

    #[test]
    fn what_is_taken_out_in_any_order_is_given_back() {
        let orders: [fn(u64) -> u64; 3] = [|step| step, |step| 999 - step, |step| step * 7 % 1000];
        for order in orders {
            let (mut map, mut oracle) = (ChunkedMap::new(), BTreeMap::new());
            for key in 0..1000 {
                map.insert(key, large(key));
                oracle.insert(key, large(key));
            }
            for key in (0..1000).map(order).filter(|key| key % 20 != 0) {
                assert_eq!(map.remove(key), oracle.remove(&key));
                is_sound(&map);
            }
            agree(&map, &oracle, 500);
            map.remove_range(0, u64::MAX);
            assert!(map.is_empty() && map.values.0.is_empty());
        }
    }

    #[test]
    fn entries_of_the_same_number_are_told_apart_by_value() {
        let (mut map, mut oracle) = (ChunkedMap::new(), BTreeSet::new());
        let mut seed = 2;
        for step in 0..3000 {
            let key = random(&mut seed, 5);
            let value = random(&mut seed, step + 1);
            if random(&mut seed, 4) == 0 {
                map.remove_entry(key, value);
                oracle.remove(&(key, value));
            } else if oracle.insert((key, value)) {
                map.insert(key, value);
            }
            is_sound(&map);
            assert!(map.from(0).is_sorted_by_key(|(key, _)| key));
            let same = map.from(key).take_while(|(at, _)| *at == key);
            let values: BTreeSet<u64> = same.map(|(_, value)| *value).collect();
            assert!(
                values
                    .iter()
                    .eq(oracle.range((key, 0)..(key + 1, 0)).map(|(_, v)| v))
            );
            assert_eq!(map.len(), oracle.len());
        }
    }

    #[test]
    fn shifting_moves_what_is_from_there_on() {
        for (from, to) in [(40, 60), (60, 40), (0, 10), (10, 0), (99, 5000), (500, 0)] {
            let (mut map, mut oracle) = (ChunkedMap::new(), BTreeMap::new());
            for key in (0..100).filter(|key| !(to..from).contains(key)) {
                map.insert(key, large(key));
                let moved = if key >= from { key - from + to } else { key };
                oracle.insert(moved, large(key));
            }
            map.shift(from, to);
            agree(&map, &oracle, to);
        }
    }
}
