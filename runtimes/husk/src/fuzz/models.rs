//! Structures do what a plain model of them does, whatever is done to them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Numbers, cases};
use crate::chunked_map::ChunkedMap;
use crate::fs::content::Content;
use crate::fs::file::tests::{Given, Taken};
use crate::mm::space::mapping::{Mapping, Mappings, Protection};
use crate::sorted_map::SortedMap;

const PAGE: usize = 4096;
const PAGES: usize = 40;

fn range(numbers: &mut Numbers) -> (usize, usize) {
    let first = 1 + numbers.below(PAGES - 1);
    (first, first + 1 + numbers.below(PAGES - first))
}

/// Page by page.
struct PageModel([Option<Protection>; PAGES + 1]);

impl PageModel {
    fn agrees(&self, mappings: &Mappings) {
        for (page, expected) in self.0.iter().enumerate() {
            for at in [page * PAGE, page * PAGE + PAGE - 1] {
                assert_eq!(mappings.find(at).map(|m| m.protection), *expected);
            }
        }
        let there = self.0.iter().flatten().count();
        assert_eq!(mappings.size_bytes(), there * PAGE);
        let ends: Vec<_> = mappings.iter().map(|m| (m.start, m.end)).collect();
        assert!(ends.iter().all(|(start, end)| start < end));
        assert!(ends.windows(2).all(|two| two[0].1 <= two[1].0));
    }

    fn has_gap(&self, pages: usize) -> bool {
        self.0[1..]
            .windows(pages)
            .any(|w| w.iter().all(Option::is_none))
    }
}

#[test]
fn mappings_are_what_pages_say() {
    let kinds = [Protection::READ, Protection::WRITE, Protection::EXECUTE];
    let mut numbers = Numbers(10);
    let (mut mappings, mut model) = (Mappings::default(), PageModel([None; PAGES + 1]));
    for _ in cases() {
        let (first, past) = range(&mut numbers);
        let (start, end) = (first * PAGE, past * PAGE);
        let kind = kinds[numbers.below(kinds.len())];
        let pages = &mut model.0[first..past];
        assert_eq!(
            mappings.is_free(start, end),
            pages.iter().all(Option::is_none)
        );
        assert_eq!(
            mappings.covers(start, end),
            pages.iter().all(Option::is_some)
        );
        match numbers.below(3) {
            0 => {
                mappings.remove(start, end);
                mappings.insert(Mapping::anonymous(start, end, kind));
                pages.fill(Some(kind));
            }
            1 => {
                mappings.remove(start, end);
                pages.fill(None);
            }
            _ => {
                mappings.change(start, end, |mapping| mapping.protection = kind);
                pages.iter_mut().flatten().for_each(|page| *page = kind);
            }
        }
        model.agrees(&mappings);
        let size = past - first;
        let gap = mappings.highest_gap(size * PAGE, PAGE, (PAGES + 1) * PAGE);
        assert_eq!(gap.is_some(), model.has_gap(size));
        assert!(gap.is_none_or(|start| mappings.is_free(start, start + size * PAGE)));
    }
}

#[test]
fn a_sorted_map_is_a_map() {
    let mut numbers = Numbers(11);
    let (mut map, mut model) = (SortedMap::new(), BTreeMap::new());
    for _ in cases() {
        let (key, value) = (numbers.below(50), numbers.next());
        match numbers.below(3) {
            0 => assert_eq!(map.remove(&key), model.remove(&key)),
            1 => assert_eq!(map.insert(key, value), model.insert(key, value)),
            _ => assert_eq!(map.get(&key), model.get(&key)),
        }
        assert!(map.iter().eq(model.iter()));
    }
}

#[test]
fn a_chunked_map_is_a_map() {
    let mut numbers = Numbers(13);
    let (mut map, mut model) = (ChunkedMap::new(), BTreeMap::new());
    for _ in cases() {
        let (key, value) = (numbers.below(500) as u64, [numbers.next(); 32]);
        match numbers.below(5) {
            0 => assert_eq!(map.remove(key), model.remove(&key)),
            1 => assert_eq!(map.get(key), model.get(&key)),
            _ if !map.contains_key(key) => {
                map.insert(key, value);
                assert_eq!(model.insert(key, value), None);
            }
            _ => {
                let past = key + numbers.below(8) as u64;
                map.remove_range(key, past);
                model.retain(|at, _| !(key..past).contains(at));
            }
        }
        let entries = model.range(key..).map(|(key, value)| (*key, value));
        assert!(map.from(key).eq(entries));
        assert_eq!(map.len(), model.len());
    }
}

const FILE_BYTES: usize = 6 * PAGE;

/// One change of a file, made to its model too. What is refused changes neither.
fn change(numbers: &mut Numbers, content: &Content, model: &mut Vec<u8>) {
    let at = numbers.below(FILE_BYTES);
    let end = at + 1 + numbers.below(FILE_BYTES - at);
    let (page, length) = (at / PAGE * PAGE, PAGE * (1 + numbers.below(2)));
    match numbers.below(5) {
        0 => {
            let bytes = alloc::vec![numbers.next() as u8 | 1; end - at];
            assert_eq!(
                content.write(at as u64, &mut Given::new(&bytes)),
                Ok(end - at)
            );
            model.resize(model.len().max(end), 0);
            model[at..end].copy_from_slice(&bytes);
        }
        1 => {
            assert_eq!(content.truncate(at as u64), Ok(()));
            model.resize(at, 0);
        }
        2 => {
            assert_eq!(content.zero(at as u64, end as u64), Ok(()));
            let end = end.min(model.len());
            model.get_mut(at..end).unwrap_or_default().fill(0);
        }
        3 => {
            if content.collapse(page as u64, length as u64).is_ok() {
                model.drain(page..page + length);
            }
        }
        _ if model.len() < FILE_BYTES => {
            if content.insert(page as u64, length as u64).is_ok() {
                model.splice(page..page, core::iter::repeat_n(0, length));
            }
        }
        _ => {}
    }
}

#[test]
fn a_file_is_its_bytes() {
    let mut numbers = Numbers(12);
    for case in cases().step_by(20) {
        let archive: Vec<u8> = (0..numbers.below(FILE_BYTES))
            .map(|n| n as u8 | 1)
            .collect();
        let content = Content::of_archive(archive.clone().leak());
        let mut model = archive;
        for _ in 0..20 {
            change(&mut numbers, &content, &mut model);
            let mut taken = Taken::new(4 * FILE_BYTES);
            assert_eq!(content.read(0, &mut taken), Ok(model.len()));
            assert!(taken.bytes == model, "case {case}");
            assert_eq!(content.size(), model.len() as u64);
        }
    }
}
