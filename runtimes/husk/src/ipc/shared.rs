//! System V shared memory (shmop(2)): segments that are files without a name, attached as shared
//! mappings of them.
//!
//! How often a segment is attached is how many mappings there are of its file: the references that
//! they hold. So fork(2), execve(2) and exit(2) need do nothing. Not here: huge pages.

use alloc::format;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::{IPC_PRIVATE, Object, Table, now_s};
use crate::errno::{EIDRM, EINVAL, ENOMEM, Errno, SysResult};
use crate::fs::node::{Node, NodeRef};
use crate::fs::{FileRef, shared_memory};
use crate::mm::PAGE_SIZE;
use crate::mm::space::{Backing, check_commit};
use crate::process::current;
use crate::sync::SpinLock;

/// Segments there may be; the largest size is as Linux's, nearly everything.
pub const LIMIT: usize = 4096;
pub const LARGEST_BYTES: u64 = u64::MAX - (1 << 24);
/// Flags in the mode: to be destroyed when nobody has it attached; locked into memory.
pub const SHM_DEST: u32 = 0o1000;
pub const SHM_LOCKED: u32 = 0o2000;

/// Who did what last.
#[derive(Clone, Copy, Default, Debug)]
pub struct Times {
    pub attached_s: u64,
    pub detached_s: u64,
    pub last_pid: u32,
}

pub struct Segment {
    pub size_bytes: u64,
    pub creator_pid: u32,
    pub times: SpinLock<Times>,
    /// Every mapping refers to it; and `kept` until the segment is marked to be destroyed.
    file: Weak<Node>,
    kept: SpinLock<Option<NodeRef>>,
}

static TABLE: Table<Segment> = Table::new(LIMIT);

/// The segments, without those that were to go with their last mapping, when it is gone.
pub fn table() -> &'static Table<Segment> {
    for object in TABLE.all() {
        if object.content.file.strong_count() == 0 {
            let _ = TABLE.remove(object.id); // it was there a moment ago
        }
    }
    &TABLE
}

/// shmget(2).
pub fn get(key: i32, size_bytes: u64, flags: u32) -> SysResult {
    let is_large_enough = |segment: &Segment| {
        let fits = size_bytes <= segment.size_bytes;
        fits.then_some(()).ok_or(EINVAL)
    };
    table().find_or_make((key, flags), is_large_enough, || {
        make(key, size_bytes, flags)
    })
}

fn make(key: i32, size_bytes: u64, flags: u32) -> Result<Segment, Errno> {
    if size_bytes == 0 || size_bytes > LARGEST_BYTES {
        return Err(EINVAL);
    }
    check_commit(size_bytes as usize)?;
    let pages_bytes = size_bytes.next_multiple_of(PAGE_SIZE as u64);
    let name = format!("SYSV{key:08x}");
    let file = shared_memory::create(name.as_bytes(), flags & 0o777, pages_bytes)?;
    Ok(Segment {
        size_bytes,
        creator_pid: current().process.pid,
        times: SpinLock::new(Times::default()),
        file: Arc::downgrade(&file),
        kept: SpinLock::new(Some(file)),
    })
}

impl Segment {
    /// What is mapped; EIDRM when the last mapping went a moment ago.
    pub fn file(&self) -> Result<NodeRef, Errno> {
        self.file.upgrade().ok_or(EIDRM)
    }

    /// shm_nattch: mappings, in whatever address space.
    pub fn attached(&self) -> usize {
        let kept = usize::from(self.kept.lock().is_some());
        self.file.strong_count().saturating_sub(kept)
    }

    pub fn pages(&self) -> u64 {
        self.size_bytes.div_ceil(PAGE_SIZE as u64)
    }

    /// Pages that hold something.
    pub fn resident_pages(&self) -> u64 {
        let usage = |file: NodeRef| file.content().map_or(0, |content| content.usage().1);
        self.file.upgrade().map_or(0, usage)
    }

    fn is_behind(&self, file: &FileRef) -> bool {
        core::ptr::addr_eq(self.file.as_ptr(), Arc::as_ptr(file))
    }
}

impl Object<Segment> {
    pub fn note_attached(&self) {
        let mut times = self.content.times.lock();
        times.attached_s = now_s();
        times.last_pid = current().process.pid;
    }

    fn note_detached(&self) {
        let mut times = self.content.times.lock();
        times.detached_s = now_s();
        times.last_pid = current().process.pid;
    }

    /// IPC_RMID: it goes with its last mapping; until then its id, but no key, leads to it.
    pub fn mark_for_destruction(&self) {
        let mut owner = self.owner.lock();
        owner.mode |= SHM_DEST;
        owner.key = IPC_PRIVATE;
        drop(owner);
        let kept = self.content.kept.lock().take();
        drop(kept);
    }
}

/// shmdt(2): ends the mappings of the segment that was attached at `address`, however they were cut.
pub fn detach(address: usize) -> Result<(), Errno> {
    let space = current().process.space();
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    let (mut segment, mut is_short) = (None, false);
    let segments = table();
    space.for_each_mapping(&mut |mapping| {
        let Backing::File { file, offset } = &mapping.backing else {
            return;
        };
        let begins_there = mapping.start.checked_sub(*offset as usize) == Some(address);
        let of = segments.all().find(|object| object.content.is_behind(file));
        let is_same = |object: &Arc<Object<Segment>>| {
            segment
                .as_ref()
                .is_none_or(|first| Arc::ptr_eq(first, object))
        };
        if let Some(object) = of.filter(|object| begins_there && is_same(object)) {
            is_short |= pieces.try_reserve(1).is_err();
            if !is_short {
                pieces.push((mapping.start, mapping.size_bytes()));
            }
            segment = Some(object);
        }
    });
    let segment = segment.ok_or(EINVAL)?;
    if is_short {
        return Err(ENOMEM);
    }
    for (start, size_bytes) in pieces {
        space.unmap(start, size_bytes)?;
    }
    segment.note_detached();
    Ok(())
}

/// ENOMEM for sizes that no machine has.
pub fn mapped_size(segment: &Segment) -> SysResult {
    let bytes = segment
        .pages()
        .checked_mul(PAGE_SIZE as u64)
        .ok_or(ENOMEM)?;
    usize::try_from(bytes).map_err(|_| ENOMEM)
}
