//! The copy of an address space that fork(2) makes: the same mappings, private pages copied when
//! either side writes. Shared mappings show the same pages in both.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::layout::Layout;
use super::mapping::{Mappings, Marks};
use super::tables::PageTables;
use super::{AddressSpace, Inner};
use crate::errno::Errno;
use crate::sync::SpinLock;

impl AddressSpace {
    /// Where nothing is and nothing can be: what a process has that has ended.
    pub fn nothing() -> AddressSpace {
        AddressSpace {
            inner: SpinLock::new(Inner {
                mappings: Mappings::default(),
                tables: PageTables::of_kernel(),
                layout: Layout::default(),
                heap: (0, 0),
                search_top: 0,
                marks_of_new: Marks::empty(),
            }),
            stack_limit: AtomicUsize::new(0),
            may_write_and_execute: AtomicBool::new(false),
        }
    }

    /// ENOMEM when there are no frames for its page tables.
    pub fn duplicate(&self) -> Result<AddressSpace, Errno> {
        let inner = self.inner.lock();
        let mut tables = PageTables::new()?;
        let has_pages = |marks: Marks| !marks.intersects(Marks::DONT_FORK | Marks::WIPE_ON_FORK);
        for mapping in inner.mappings.iter().filter(|m| has_pages(m.marks)) {
            let range = (mapping.start, mapping.end);
            inner.tables.share(&mut tables, range, !mapping.is_shared)?;
        }
        Ok(AddressSpace {
            inner: SpinLock::new(Inner {
                mappings: inner.mappings.forked()?,
                tables,
                layout: inner.layout,
                heap: inner.heap,
                search_top: inner.search_top,
                marks_of_new: Marks::empty(),
            }),
            stack_limit: AtomicUsize::new(self.stack_limit.load(Ordering::Relaxed)),
            may_write_and_execute: AtomicBool::new(
                self.may_write_and_execute.load(Ordering::Relaxed),
            ),
        })
    }
}
