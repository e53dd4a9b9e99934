//! Objects that processes find by a key or a name (sysvipc(7), mq_overview(7)). Nothing else in the
//! kernel refers to this folder but its system calls, so that it is in no image without them.
//!
//! Not here: more than one namespace.

pub mod message;
pub mod mqueue;
pub mod semaphore;
pub mod shared;

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::errno::{EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM, Errno, SysResult};
pub use crate::fs::permission::{EXECUTE, READ, WRITE};
use crate::mm::heap;
use crate::mm::{PAGE_SIZE, reserve};
use crate::process::capability;
use crate::process::current;
use crate::sync::SpinLock;
use crate::time;

pub const IPC_PRIVATE: i32 = 0;
pub const IPC_CREAT: u32 = 0o1000;
pub const IPC_EXCL: u32 = 0o2000;
pub const IPC_NOWAIT: u32 = 0o4000;
const ACCESS: u32 = 0o777;
const ANY_OF_THREE: u32 = 7;

/// An id is a slot's number and how often the slot was used before, so that an old id means nothing.
const SLOT_BITS: u32 = 15;

/// ENOMEM when what is left is for programs and the kernel: what is kept here outlives the process
/// that made it, so that ending that would give nothing back.
pub fn check_memory() -> Result<(), Errno> {
    reserve::check(reserve::FOR_PROGRAMS * PAGE_SIZE)
}

/// A buffer of zeros for what is kept here.
pub fn buffer(size_bytes: usize) -> Result<Vec<u8>, Errno> {
    check_memory()?;
    heap::zeros(size_bytes)
}

/// Seconds since the epoch.
pub fn now_s() -> u64 {
    time::realtime_ns() / 1_000_000_000
}

/// What finds an object and whose it is: `struct ipc_perm`.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    pub key: i32,
    pub uid: u32,
    pub gid: u32,
    creator_uid: u32,
    creator_gid: u32,
    pub mode: u32,
    pub changed_s: u64,
}

impl Owner {
    /// The running process, with the permissions of a flags argument.
    fn current(key: i32, flags: u32) -> Owner {
        let credentials = current().process.credentials.lock();
        Owner {
            key,
            uid: credentials.euid,
            gid: credentials.egid,
            creator_uid: credentials.euid,
            creator_gid: credentials.egid,
            mode: flags & ACCESS,
            changed_s: now_s(),
        }
    }

    /// EACCES unless the running process may do all of `wanted`: READ, WRITE, EXECUTE.
    pub fn check(&self, wanted: u32) -> Result<(), Errno> {
        let credentials = current().process.credentials.lock();
        let is_in = |gid| credentials.egid == gid || credentials.groups.contains(&gid);
        let granted = if [self.uid, self.creator_uid].contains(&credentials.euid) {
            self.mode >> 6
        } else if is_in(self.gid) || is_in(self.creator_gid) {
            self.mode >> 3
        } else {
            self.mode
        };
        let is_allowed = wanted & !granted == 0 || credentials.may(capability::IPC_OWNER);
        is_allowed.then_some(()).ok_or(EACCES)
    }

    /// EPERM for who neither owns nor made it: what IPC_SET and IPC_RMID ask for.
    fn check_owner(&self) -> Result<(), Errno> {
        let credentials = current().process.credentials.lock();
        let is_owner = [self.uid, self.creator_uid].contains(&credentials.euid);
        (is_owner || credentials.may(capability::SYS_ADMIN))
            .then_some(())
            .ok_or(EPERM)
    }

    /// IPC_SET.
    pub fn set(&mut self, uid: u32, gid: u32, mode: u32) {
        (self.uid, self.gid) = (uid, gid);
        self.mode = self.mode & !ACCESS | mode & ACCESS;
        self.changed_s = now_s();
    }
}

/// `struct ipc_perm` as 64-bit programs have it (asm-generic/ipcbuf.h), in words of 32 bits.
pub const PERMISSION_WORDS: usize = 12;

/// An object of a kind and what tells it from others.
pub struct Object<T> {
    pub id: u32,
    pub owner: SpinLock<Owner>,
    pub content: T,
}

impl<T> Object<T> {
    /// EACCES unless the running process may do all of `wanted`.
    pub fn check(&self, wanted: u32) -> Result<(), Errno> {
        self.owner.lock().check(wanted)
    }

    /// EPERM unless the running process may change or remove it.
    pub fn check_owner(&self) -> Result<(), Errno> {
        self.owner.lock().check_owner()
    }

    pub fn permissions(&self) -> [u32; PERMISSION_WORDS] {
        let owner = *self.owner.lock();
        let sequence = self.id >> SLOT_BITS;
        let mut words = [0; PERMISSION_WORDS];
        let known = [
            owner.key as u32,
            owner.uid,
            owner.gid,
            owner.creator_uid,
            owner.creator_gid,
            owner.mode,
            sequence,
        ];
        words
            .iter_mut()
            .zip(known)
            .for_each(|(word, known)| *word = known);
        words
    }
}

struct Slot<T> {
    used_before: u32,
    object: Option<Arc<Object<T>>>,
}

/// All objects of a kind.
pub struct Table<T> {
    slots: SpinLock<Vec<Slot<T>>>,
    limit: usize,
}

impl<T> Table<T> {
    pub const fn new(limit: usize) -> Table<T> {
        Table {
            slots: SpinLock::new(Vec::new()),
            limit,
        }
    }

    /// The object of an id that there is.
    pub fn get(&self, id: u32) -> Result<Arc<Object<T>>, Errno> {
        let object = self.in_slot(id & ((1 << SLOT_BITS) - 1));
        object.filter(|object| object.id == id).ok_or(EINVAL)
    }

    /// The object in a slot, for those that go through all of them (SHM_STAT and the like).
    pub fn in_slot(&self, index: u32) -> Option<Arc<Object<T>>> {
        self.slots.lock().get(index as usize)?.object.clone()
    }

    /// Every object there is, looked up one by one: a list of them would need memory.
    pub fn all(&self) -> impl Iterator<Item = Arc<Object<T>>> + '_ {
        let in_slot = |index: usize| Some(self.slots.lock().get(index)?.object.clone());
        (0..).map_while(in_slot).flatten()
    }

    /// The highest slot in use, as IPC_INFO returns it: 0 when there is none.
    pub fn highest(&self) -> usize {
        let slots = self.slots.lock();
        let last = slots.iter().rposition(|slot| slot.object.is_some());
        last.unwrap_or(0)
    }

    /// What shmget(2), semget(2) and msgget(2) have in common: the id of the object with that key if
    /// `suits` finds nothing against it, or of a new one.
    pub fn find_or_make(
        &self,
        (key, flags): (i32, u32),
        suits: impl FnOnce(&T) -> Result<(), Errno>,
        make: impl FnOnce() -> Result<T, Errno>,
    ) -> SysResult {
        let has_key =
            |object: &Arc<Object<T>>| object.owner.lock().key == key && key != IPC_PRIVATE;
        if let Some(object) = self.all().find(has_key) {
            if flags & (IPC_CREAT | IPC_EXCL) == IPC_CREAT | IPC_EXCL {
                return Err(EEXIST);
            }
            object.check((flags >> 6 | flags >> 3 | flags) & ANY_OF_THREE)?;
            suits(&object.content)?;
            return Ok(object.id as usize);
        }
        if key != IPC_PRIVATE && flags & IPC_CREAT == 0 {
            return Err(ENOENT);
        }
        check_memory()?;
        self.put(Owner::current(key, flags), make()?)
    }

    fn put(&self, owner: Owner, content: T) -> SysResult {
        let mut slots = self.slots.lock();
        let free = slots.iter().position(|slot| slot.object.is_none());
        let index = free.unwrap_or(slots.len());
        if index >= self.limit {
            return Err(ENOSPC);
        }
        if free.is_none() {
            slots.try_reserve(1).map_err(|_| ENOMEM)?;
            slots.push(Slot {
                used_before: 0,
                object: None,
            });
        }
        let slot = slots.get_mut(index).ok_or(ENOSPC)?;
        // The sequence wraps so that an id stays positive.
        let sequence = slot.used_before % (1 << (31 - SLOT_BITS));
        slot.used_before += 1;
        let id = sequence << SLOT_BITS | index as u32;
        slot.object = Some(Arc::new(Object {
            id,
            owner: SpinLock::new(owner),
            content,
        }));
        Ok(id as usize)
    }

    /// Takes an object out; whoever uses it still has it.
    pub fn remove(&self, id: u32) -> Result<Arc<Object<T>>, Errno> {
        self.get(id)?;
        let mut slots = self.slots.lock();
        let slot = slots.get_mut((id & ((1 << SLOT_BITS) - 1)) as usize);
        slot.and_then(|slot| slot.object.take()).ok_or(EINVAL)
    }
}

/// How an object is named that is asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Naming {
    /// IPC_STAT.
    Id,
    /// SHM_STAT and the like.
    Slot,
    /// SHM_STAT_ANY and the like: by slot, whoever asks.
    SlotForAnybody,
}

/// The object that is asked about, and what the call returns.
pub fn found<T>(
    table: &Table<T>,
    id: u32,
    naming: Naming,
) -> Result<(Arc<Object<T>>, usize), Errno> {
    let object = match naming {
        Naming::Id => table.get(id)?,
        _ => table.in_slot(id).ok_or(EINVAL)?,
    };
    if naming != Naming::SlotForAnybody {
        object.check(READ)?;
    }
    let result = if naming == Naming::Id { 0 } else { object.id };
    Ok((object, result as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(key: i32) -> Owner {
        Owner {
            key,
            uid: 0,
            gid: 0,
            creator_uid: 0,
            creator_gid: 0,
            mode: 0o600,
            changed_s: 0,
        }
    }

    #[test]
    fn an_id_is_never_that_of_an_object_before() {
        let table = Table::new(2);
        let first = table.put(owner(1), "a").unwrap() as u32;
        let second = table.put(owner(2), "b").unwrap() as u32;
        assert_eq!(table.put(owner(3), "c"), Err(ENOSPC));
        assert_eq!(table.remove(first).unwrap().content, "a");
        assert_eq!(table.remove(first).err(), Some(EINVAL));
        let third = table.put(owner(3), "c").unwrap() as u32;
        assert_ne!(first, third);
        assert_eq!(table.get(first).err(), Some(EINVAL));
        assert_eq!(table.get(third).unwrap().content, "c");
        assert_eq!(table.get(second).unwrap().content, "b");
        assert_eq!(table.highest(), 1);
    }
}
