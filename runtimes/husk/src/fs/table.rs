//! The descriptor table of a process (open(2), dup(2), fcntl(2)).
//!
//! The table's lock is a leaf: what is taken out of the table is dropped after it is released, since
//! the last reference to a file may close a connection.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use super::epoll::Epoll;
use super::open::{
    O_ACCMODE, O_CLOEXEC, O_CREAT, O_EXCL, O_NOCTTY, O_PATH, O_RDWR, O_TRUNC, O_WRONLY,
};
use super::{FileRef, lock, notify};
use crate::errno::{EBADF, EINVAL, EMFILE, ENOMEM, Errno};
use crate::mm::heap;
use crate::process::limits::RLIMIT_NOFILE;
use crate::process::scheduler;
use crate::sync::SpinLock;

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Open file descriptions, of all processes and in flight, for the leak counts.
pub fn open_count() -> usize {
    OPEN.load(Ordering::Relaxed)
}

/// An open file description (open(2) NOTES): what dup'ed descriptors share.
pub struct OpenFile {
    pub file: FileRef,
    /// O_* status flags.
    pub flags: SpinLock<u32>,
    /// The file offset in bytes.
    pub offset: SpinLock<u64>,
    /// fcntl(2) F_SETOWN.
    pub owner: AtomicI32,
    /// Epoll instances that watch this description, and which of their interests it is.
    watchers: SpinLock<Vec<(Weak<Epoll>, u32)>>,
    /// False for what memfd_create(2) gives: the file can be executed all the same, as on Linux.
    pub is_writer: bool,
}

impl OpenFile {
    pub fn new(file: FileRef, flags: u32) -> OpenFile {
        // O_CREAT and the like are of open(2) alone: fcntl(2) F_GETFL does not give them back.
        const OF_OPEN: u32 = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;
        OPEN.fetch_add(1, Ordering::Relaxed);
        notify::opened(&file, flags);
        OpenFile {
            file,
            flags: SpinLock::new(flags & !OF_OPEN),
            offset: SpinLock::new(0),
            owner: AtomicI32::new(0),
            watchers: SpinLock::new(Vec::new()),
            is_writer: flags & O_ACCMODE != 0 && flags & O_PATH == 0,
        }
    }

    /// Access mode 3 allows neither reading nor writing (open(2), NOTES).
    pub fn may_read(&self) -> bool {
        self.status_flags() & O_WRONLY == 0
    }

    pub fn may_write(&self) -> bool {
        matches!(self.status_flags() & O_ACCMODE, O_WRONLY | O_RDWR)
    }

    pub fn of_new_memory_file(file: FileRef, flags: u32) -> OpenFile {
        let mut open = OpenFile::new(file, flags);
        open.is_writer = false;
        open
    }

    /// O_* status flags.
    pub fn status_flags(&self) -> u32 {
        *self.flags.lock()
    }

    pub fn add_watcher(&self, epoll: Weak<Epoll>, interest: u32) -> Result<(), Errno> {
        heap::push(&mut self.watchers.lock(), (epoll, interest))
    }

    pub fn remove_watcher(&self, epoll: &Weak<Epoll>, interest: u32) {
        let is_other = |(e, i): &(Weak<Epoll>, u32)| *i != interest || !Weak::ptr_eq(e, epoll);
        self.watchers.lock().retain(is_other);
    }

    pub fn forget_gone_watchers(&self) {
        let is_there = |(epoll, _): &(Weak<Epoll>, u32)| epoll.strong_count() > 0;
        self.watchers.lock().retain(is_there);
    }
}

/// Closed descriptions vanish from epoll sets (epoll(7) Q6).
impl Drop for OpenFile {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
        lock::description_closed(self);
        notify::closed(&self.file, self.status_flags());
        let watchers = core::mem::take(&mut *self.watchers.lock());
        for (epoll, interest) in watchers.into_iter().rev() {
            if let Some(epoll) = epoll.upgrade() {
                epoll.forget(interest, &self.file);
            }
        }
    }
}

struct Descriptor {
    open: Arc<OpenFile>,
    closes_on_exec: bool,
}

struct Slots {
    descriptors: Vec<Option<Descriptor>>,
    /// One bit per descriptor, set while it is open; and one bit per word that has no bit free.
    used: Vec<u64>,
    full: Vec<u64>,
    count: usize,
}

/// Descriptors of a process.
pub struct FileTable {
    slots: SpinLock<Slots>,
}

impl Default for FileTable {
    fn default() -> Self {
        Self::new()
    }
}

impl FileTable {
    /// An empty table.
    pub fn new() -> Self {
        Self {
            slots: SpinLock::new(Slots {
                descriptors: Vec::new(),
                used: Vec::new(),
                full: Vec::new(),
                count: 0,
            }),
        }
    }

    /// The description behind a descriptor.
    pub fn get(&self, fd: i32) -> Result<Arc<OpenFile>, Errno> {
        let slots = self.slots.lock();
        Ok(slots.descriptor(fd)?.open.clone())
    }

    /// Puts a new description behind the lowest free descriptor; `flags` are O_* status flags, of
    /// which O_CLOEXEC goes to the descriptor. EMFILE at RLIMIT_NOFILE.
    pub fn install(&self, file: FileRef, flags: u32) -> Result<i32, Errno> {
        let open = Arc::new(OpenFile::new(file, flags));
        self.install_open(open, 0, flags & O_CLOEXEC != 0)
    }

    /// Puts an existing description behind the lowest free descriptor from `lowest` on
    /// (fcntl(2) F_DUPFD, SCM_RIGHTS).
    pub fn install_open(
        &self,
        open: Arc<OpenFile>,
        lowest: usize,
        closes_on_exec: bool,
    ) -> Result<i32, Errno> {
        let limit = descriptor_limit();
        let mut slots = self.slots.lock();
        let free = slots.lowest_free(lowest);
        if free >= limit {
            return Err(EMFILE);
        }
        slots.put(
            free,
            Descriptor {
                open,
                closes_on_exec,
            },
        )?;
        Ok(free as i32)
    }

    /// EMFILE when another descriptor would not fit: what one is for is not begun then.
    pub fn check_room(&self) -> Result<(), Errno> {
        let has_room = self.slots.lock().lowest_free(0) < descriptor_limit();
        if has_room { Ok(()) } else { Err(EMFILE) }
    }

    /// dup3(2): closes what was behind `fd`.
    pub fn replace(&self, fd: i32, open: Arc<OpenFile>, closes_on_exec: bool) -> Result<(), Errno> {
        let index = usize::try_from(fd).map_err(|_| EBADF)?;
        if index >= descriptor_limit() {
            return Err(EBADF);
        }
        let old = self.slots.lock().put(
            index,
            Descriptor {
                open,
                closes_on_exec,
            },
        )?;
        old.into_iter().for_each(close_descriptor);
        Ok(())
    }

    pub fn close(&self, fd: i32) -> Result<(), Errno> {
        let old = self.slots.lock().take(fd)?;
        close_descriptor(old);
        Ok(())
    }

    /// FD_CLOEXEC.
    pub fn closes_on_exec(&self, fd: i32) -> Result<bool, Errno> {
        Ok(self.slots.lock().descriptor(fd)?.closes_on_exec)
    }

    pub fn set_closes_on_exec(&self, fd: i32, closes_on_exec: bool) -> Result<(), Errno> {
        let mut slots = self.slots.lock();
        let slot = usize::try_from(fd)
            .ok()
            .and_then(|index| slots.descriptors.get_mut(index));
        slot.and_then(Option::as_mut).ok_or(EBADF)?.closes_on_exec = closes_on_exec;
        Ok(())
    }

    /// Closes every descriptor: the process is over.
    pub fn close_all(&self) {
        self.close_where(|_| true);
    }

    /// execve(2): closes the descriptors marked so.
    pub fn close_on_exec(&self) {
        self.close_where(|descriptor| descriptor.closes_on_exec);
    }

    /// close_range(2): closes `first..=last`.
    pub fn close_range(&self, first: usize, last: usize) {
        let mut fd = first;
        while let Some(next) = self.next_open(fd).filter(|&next| next <= last) {
            let _ = self.close(next as i32); // it is open: nothing can fail
            fd = next + 1;
        }
    }

    /// The lowest open descriptor from `first` on.
    pub fn next_open(&self, first: usize) -> Option<usize> {
        let slots = self.slots.lock();
        let rest = slots.descriptors.get(first..)?;
        rest.iter()
            .position(Option::is_some)
            .map(|distance| first + distance)
    }

    /// How many descriptors Linux's table for the same process has room for: it doubles as needed
    /// and never shrinks. select(2) does not look at descriptors beyond it.
    pub fn capacity(&self) -> usize {
        match self.slots.lock().descriptors.len() {
            0..=FIRST_CAPACITY => FIRST_CAPACITY,
            highest => highest.next_power_of_two().max(SECOND_CAPACITY),
        }
    }

    /// How many descriptors are open.
    pub fn count(&self) -> usize {
        self.slots.lock().count
    }

    /// A copy with the same descriptions, as fork(2) makes it; ENOMEM when it does not fit.
    pub fn duplicate(&self) -> Result<FileTable, Errno> {
        let copy = FileTable::new();
        let mut fd = 0;
        while let Some(next) = self.next_open(fd) {
            let open = self.get(next as i32)?;
            let closes_on_exec = self.closes_on_exec(next as i32)?;
            copy.slots.lock().put(
                next,
                Descriptor {
                    open,
                    closes_on_exec,
                },
            )?;
            fd = next + 1;
        }
        Ok(copy)
    }

    fn close_where(&self, is_chosen: impl Fn(&Descriptor) -> bool) {
        let mut fd = 0;
        while let Some(next) = self.next_open(fd) {
            let mut slots = self.slots.lock();
            let is_to_close = slots.descriptor(next as i32).is_ok_and(&is_chosen);
            let old = if is_to_close {
                slots.take(next as i32).ok()
            } else {
                None
            };
            drop(slots);
            old.into_iter().for_each(close_descriptor);
            fd = next + 1;
        }
    }
}

/// A process lets go of a descriptor, and of its locks on the file.
fn close_descriptor(descriptor: Descriptor) {
    lock::descriptor_closed(&descriptor.open);
}

fn descriptor_limit() -> usize {
    if scheduler::has_no_thread() {
        return usize::MAX;
    }
    let limit = scheduler::current().process.limits.lock().soft[RLIMIT_NOFILE];
    usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .min(i32::MAX as usize)
}

const WORD: usize = u64::BITS as usize;

/// Sizes of Linux's table: in `files_struct` itself, and the least that is allocated for one.
const FIRST_CAPACITY: usize = 64;
const SECOND_CAPACITY: usize = 256;

impl Slots {
    fn descriptor(&self, fd: i32) -> Result<&Descriptor, Errno> {
        let index = usize::try_from(fd).map_err(|_| EBADF)?;
        self.descriptors
            .get(index)
            .and_then(Option::as_ref)
            .ok_or(EBADF)
    }

    /// The lowest descriptor from `lowest` on that is free; two levels of bits keep it quick.
    fn lowest_free(&self, lowest: usize) -> usize {
        let word = self.used.get(lowest / WORD).copied().unwrap_or(0);
        let below = (1u64 << (lowest % WORD)) - 1;
        if word | below != u64::MAX {
            return lowest / WORD * WORD + (word | below).trailing_ones() as usize;
        }
        let word_index = self.next_word_with_room(lowest / WORD + 1);
        let word = self.used.get(word_index).copied().unwrap_or(0);
        word_index * WORD + word.trailing_ones() as usize
    }

    fn next_word_with_room(&self, first: usize) -> usize {
        let mut index = first;
        while let Some(full) = self.full.get(index / WORD) {
            let from_here = full | ((1u64 << (index % WORD)) - 1);
            if from_here != u64::MAX {
                return index / WORD * WORD + from_here.trailing_ones() as usize;
            }
            index = (index / WORD + 1) * WORD;
        }
        index
    }

    /// Puts a descriptor and gives what was there before.
    fn put(&mut self, index: usize, new: Descriptor) -> Result<Option<Descriptor>, Errno> {
        self.make_room(index)?;
        let slot = self.descriptors.get_mut(index).ok_or(EINVAL)?;
        let old = slot.replace(new);
        self.count += usize::from(old.is_none());
        self.mark(index, true);
        Ok(old)
    }

    fn take(&mut self, fd: i32) -> Result<Descriptor, Errno> {
        let index = usize::try_from(fd).map_err(|_| EBADF)?;
        let old = self
            .descriptors
            .get_mut(index)
            .and_then(Option::take)
            .ok_or(EBADF)?;
        self.count -= 1;
        self.mark(index, false);
        Ok(old)
    }

    fn make_room(&mut self, index: usize) -> Result<(), Errno> {
        if index < self.descriptors.len() {
            return Ok(());
        }
        let length = index + 1;
        extend(&mut self.descriptors, length, || None)?;
        extend(&mut self.used, length.div_ceil(WORD), || 0)?;
        extend(&mut self.full, length.div_ceil(WORD * WORD), || 0)
    }

    fn mark(&mut self, index: usize, is_used: bool) {
        let Some(word) = self.used.get_mut(index / WORD) else {
            return;
        };
        set_bit(word, index % WORD, is_used);
        let is_full = *word == u64::MAX;
        if let Some(summary) = self.full.get_mut(index / (WORD * WORD)) {
            set_bit(summary, index / WORD % WORD, is_full);
        }
    }
}

fn set_bit(word: &mut u64, bit: usize, is_set: bool) {
    let mask = 1u64 << bit;
    *word = if is_set { *word | mask } else { *word & !mask };
}

fn extend<T>(vector: &mut Vec<T>, length: usize, fresh: impl FnMut() -> T) -> Result<(), Errno> {
    let more = length.saturating_sub(vector.len());
    vector.try_reserve(more).map_err(|_| ENOMEM)?;
    vector.resize_with(length.max(vector.len()), fresh);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::event::EventCounter;
    use super::*;

    fn table(count: usize) -> FileTable {
        let table = FileTable::new();
        for expected in 0..count {
            let fd = table.install(EventCounter::new(0, false), 0);
            assert_eq!(fd, Ok(expected as i32));
        }
        table
    }

    #[test]
    fn the_lowest_free_descriptor_is_given_among_a_hundred_thousand() {
        let table = table(100_000);
        for fd in [99_999, 70_000, 64, 63, 5] {
            table.close(fd).unwrap();
        }
        let next = |lowest| {
            let open = Arc::new(OpenFile::new(EventCounter::new(0, false), 0));
            table.install_open(open, lowest, false)
        };
        assert_eq!(next(65), Ok(70_000));
        assert_eq!(next(0), Ok(5));
        assert_eq!(next(0), Ok(63));
        assert_eq!(next(0), Ok(64));
        assert_eq!(next(0), Ok(99_999));
        assert_eq!(next(0), Ok(100_000));
        assert_eq!(table.count(), 100_001);
    }

    #[test]
    fn the_capacity_grows_as_linux_s_and_never_shrinks() {
        assert_eq!(FileTable::new().capacity(), 64);
        assert_eq!(table(64).capacity(), 64);
        let table = table(257);
        table.close_all();
        assert_eq!(table.capacity(), 512);
    }

    #[test]
    fn closing_twice_is_ebadf() {
        let table = table(1);
        assert_eq!(table.close(0), Ok(()));
        assert_eq!(table.close(0), Err(EBADF));
        assert_eq!(table.close(-1), Err(EBADF));
        assert_eq!(table.get(7).err(), Some(EBADF));
    }

    #[test]
    fn execve_closes_only_what_is_marked() {
        let table = table(4);
        table.set_closes_on_exec(1, true).unwrap();
        table.set_closes_on_exec(3, true).unwrap();
        let copy = table.duplicate().unwrap();
        table.close_on_exec();
        assert_eq!((table.count(), copy.count()), (2, 4));
        assert_eq!(table.closes_on_exec(3), Err(EBADF));
        assert_eq!(copy.closes_on_exec(3), Ok(true));
        copy.close_range(1, 2);
        assert_eq!(copy.next_open(1), Some(3));
    }

    #[test]
    fn a_replaced_descriptor_counts_once() {
        let table = table(2);
        let open = table.get(0).unwrap();
        table.replace(1, open.clone(), true).unwrap();
        table.replace(200, open, false).unwrap();
        assert_eq!(table.count(), 3);
        assert!(Arc::ptr_eq(
            &table.get(1).unwrap(),
            &table.get(200).unwrap()
        ));
        assert_eq!(table.install(EventCounter::new(0, false), O_CLOEXEC), Ok(2));
        assert_eq!(table.closes_on_exec(2), Ok(true));
    }
}
