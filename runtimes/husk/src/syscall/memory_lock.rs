//! mlock(2), mlockall(2) and relatives. There is no swap, and a page once touched stays: locking
//! brings pages in and is kept in the accounts.

use super::memory::check_mapped;
use crate::errno::{EAGAIN, EINVAL, ENOMEM, EPERM, Errno, SysResult};
use crate::mm::space::{Access, AddressSpace, Fault, Marks};
use crate::mm::{PAGE_SIZE, USER_END};
use crate::process::capability;
use crate::process::current;
use crate::process::limits::RLIMIT_MEMLOCK;
use crate::syscall;

const LOCK: (Marks, Marks) = (Marks::LOCKED, Marks::empty());
const UNLOCK: (Marks, Marks) = (Marks::empty(), Marks::LOCKED);

syscall! {
    /// mlock(2): ENOMEM for what is not mapped.
    fn sys_mlock(address: usize, length: usize) {
        lock(address, length, true)
    }

    /// mlock2(2): MLOCK_ONFAULT leaves the pages to come when they are touched.
    fn sys_mlock2(address: usize, length: usize, flags: u32) {
        const ONFAULT: u32 = 1;
        match flags {
            0 | ONFAULT => lock(address, length, flags == 0),
            _ => Err(EINVAL),
        }
    }

    fn sys_munlock(address: usize, length: usize) {
        let (start, size_bytes) = pages_around(address, length)?;
        current().process.space().mark(start, size_bytes, UNLOCK)?;
        Ok(0)
    }

    fn sys_mlockall(flags: u32) {
        const CURRENT: u32 = 1;
        const FUTURE: u32 = 2;
        const ONFAULT: u32 = 4;
        let is_valid = flags & !(CURRENT | FUTURE | ONFAULT) == 0 && flags & (CURRENT | FUTURE) != 0;
        if !is_valid {
            return Err(EINVAL);
        }
        let space = current().process.space();
        let limit = limit()?;
        let mapped = space.usage().mapped * PAGE_SIZE;
        if flags & CURRENT != 0 && mapped as u64 > limit {
            return Err(ENOMEM);
        }
        let locked_if = |flag| if flags & flag != 0 { Marks::LOCKED } else { Marks::empty() };
        space.mark_all((locked_if(CURRENT), Marks::empty()), locked_if(FUTURE));
        Ok(0)
    }

    fn sys_munlockall() {
        current().process.space().mark_all(UNLOCK, Marks::empty());
        Ok(0)
    }
}

/// The pages that a range touches. A length that overflows when it is rounded up is 0, as on Linux.
fn pages_around(address: usize, length: usize) -> Result<(usize, usize), Errno> {
    let start = address & !(PAGE_SIZE - 1);
    let rounded_up = length
        .wrapping_add(address - start)
        .wrapping_add(PAGE_SIZE - 1);
    let size_bytes = rounded_up & !(PAGE_SIZE - 1);
    start.checked_add(size_bytes).ok_or(EINVAL)?;
    Ok((start, size_bytes))
}

/// Bytes the process may lock: with CAP_IPC_LOCK as many as it likes. EPERM when none.
fn limit() -> Result<u64, Errno> {
    let process = &current().process;
    if process.credentials.lock().may(capability::IPC_LOCK) {
        return Ok(u64::MAX);
    }
    let limit = process.limits.lock().soft.get(RLIMIT_MEMLOCK).copied();
    limit.filter(|&limit| limit > 0).ok_or(EPERM)
}

/// ENOMEM when `more` bytes would be beyond what may be locked.
pub fn check(space: &AddressSpace, more: usize) -> Result<(), Errno> {
    let limit = limit()?;
    let fits = limit == u64::MAX || (locked_bytes(space) + more) as u64 <= limit;
    fits.then_some(()).ok_or(ENOMEM)
}

fn locked_bytes(space: &AddressSpace) -> usize {
    space.marked_bytes(0, USER_END, Marks::LOCKED)
}

fn lock(address: usize, length: usize, brings_in: bool) -> SysResult {
    let (start, size_bytes) = pages_around(address, length)?;
    let space = current().process.space();
    let before = space.marked_bytes(start, size_bytes, Marks::LOCKED);
    check(&space, size_bytes - before)?;
    check_mapped(start, size_bytes)?;
    space.mark(start, size_bytes, LOCK)?;
    if brings_in {
        space
            .populate(start, size_bytes, Access::Read)
            .map_err(|fault| match fault {
                Fault::OutOfMemory => EAGAIN,
                _ => ENOMEM,
            })?;
    }
    Ok(0)
}
