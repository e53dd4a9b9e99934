//! shmget(2), shmat(2), shmdt(2), shmctl(2).

use crate::errno::{EEXIST, EINVAL, Errno, SysResult};
use crate::ipc::shared::{
    self, LARGEST_BYTES, LIMIT, SHM_LOCKED, Segment, detach, mapped_size, table,
};
use crate::ipc::{EXECUTE, Naming, Object, READ, WRITE, found};
use crate::mm::space::{Backing, Placement, Protection, Request};
use crate::mm::{PAGE_SIZE, user};
use crate::process::current;
use crate::syscall;

use super::ipc::{IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, put_permissions, read_owner};

const SHM_LOCK: u32 = 11;
const SHM_UNLOCK: u32 = 12;
const SHM_STAT: u32 = 13;
const SHM_INFO: u32 = 14;
const SHM_STAT_ANY: u32 = 15;

const SHM_RDONLY: u32 = 0o10_000;
const SHM_RND: u32 = 0o20_000;
const SHM_REMAP: u32 = 0o40_000;
const SHM_EXEC: u32 = 0o100_000;

syscall! {
    fn sys_shmget(key: i32, size_bytes: u64, flags: u32) {
        shared::get(key, size_bytes, flags)
    }

    fn sys_shmat(id: u32, address: usize, flags: u32) {
        let placement = placement_of(address, flags)?;
        let object = table().get(id)?;
        object.check(access_of(flags))?;
        let request = request_of(&object.content, placement, flags)?;
        let start = current().process.space().map(request).map_err(|error| match error {
            EEXIST => EINVAL,
            other => other,
        })?;
        object.note_attached();
        Ok(start)
    }

    fn sys_shmdt(address: usize) {
        detach(address)?;
        Ok(0)
    }

    fn sys_shmctl(id: u32, command: u32, buffer: usize) {
        match command {
            IPC_INFO => tell_limits(buffer),
            SHM_INFO => tell_usage(buffer),
            IPC_STAT | SHM_STAT | SHM_STAT_ANY => {
                let (object, result) = found(table(), id, naming(command))?;
                user::write(buffer, describe(&object))?;
                Ok(result)
            }
            _ => change(&*table().get(id)?, command, buffer),
        }
    }
}

fn access_of(flags: u32) -> u32 {
    let mut wanted = READ;
    if flags & SHM_RDONLY == 0 {
        wanted |= WRITE;
    }
    if flags & SHM_EXEC != 0 {
        wanted |= EXECUTE;
    }
    wanted
}

fn placement_of(address: usize, flags: u32) -> Result<Placement, Errno> {
    let replaces = flags & SHM_REMAP != 0;
    if address == 0 {
        let anywhere = Placement::Hint(0);
        return if replaces { Err(EINVAL) } else { Ok(anywhere) };
    }
    let rounded = address & !(PAGE_SIZE - 1);
    if rounded != address && flags & SHM_RND == 0 {
        return Err(EINVAL);
    }
    Ok(match replaces {
        true => Placement::Fixed(rounded),
        false => Placement::FixedIfFree(rounded),
    })
}

fn request_of(segment: &Segment, placement: Placement, flags: u32) -> Result<Request, Errno> {
    let is_writable = flags & SHM_RDONLY == 0;
    let mut protection = Protection::READ;
    protection.set(Protection::WRITE, is_writable);
    protection.set(Protection::EXECUTE, flags & SHM_EXEC != 0);
    Ok(Request {
        protection,
        is_shared: true,
        may_write: is_writable,
        backing: Backing::File {
            file: segment.file()?,
            offset: 0,
        },
        ..Request::anonymous(placement, mapped_size(segment)?)
    })
}

fn change(object: &Object<Segment>, command: u32, buffer: usize) -> SysResult {
    if matches!(command, IPC_RMID | IPC_SET | SHM_LOCK | SHM_UNLOCK) {
        object.check_owner()?;
    }
    match command {
        IPC_RMID => object.mark_for_destruction(),
        IPC_SET => {
            let (uid, gid, mode) = read_owner(buffer)?;
            object.owner.lock().set(uid, gid, mode);
        }
        SHM_LOCK => object.owner.lock().mode |= SHM_LOCKED,
        SHM_UNLOCK => object.owner.lock().mode &= !SHM_LOCKED,
        _ => return Err(EINVAL),
    }
    Ok(0)
}

/// `struct shmid_ds` (asm-generic/shmbuf.h).
fn describe(object: &Object<Segment>) -> [u64; 14] {
    let segment = &object.content;
    let times = *segment.times.lock();
    let mut words = [0; 14];
    put_permissions(&mut words, object);
    words[6] = segment.size_bytes;
    words[7] = times.attached_s;
    words[8] = times.detached_s;
    words[9] = object.owner.lock().changed_s;
    words[10] = u64::from(segment.creator_pid) | u64::from(times.last_pid) << 32;
    words[11] = segment.attached() as u64;
    words
}

/// `struct shminfo`: largest and smallest size, segments, per process, pages in all.
fn tell_limits(buffer: usize) -> SysResult {
    let limit = LIMIT as u64;
    let words = [LARGEST_BYTES, 1, limit, limit, LARGEST_BYTES, 0, 0, 0, 0];
    user::write(buffer, words)?;
    Ok(table().highest())
}

/// `struct shm_info`: segments, pages in all, resident ones; nothing is swapped.
fn tell_usage(buffer: usize) -> SysResult {
    let segments = table();
    let sum = |pages: fn(&Segment) -> u64| segments.all().map(|o| pages(&o.content)).sum();
    let count = segments.all().count() as u64;
    let words = [
        count,
        sum(Segment::pages),
        sum(Segment::resident_pages),
        0,
        0,
        0,
    ];
    user::write(buffer, words)?;
    Ok(table().highest())
}

fn naming(command: u32) -> Naming {
    match command {
        SHM_STAT => Naming::Slot,
        SHM_STAT_ANY => Naming::SlotForAnybody,
        _ => Naming::Id,
    }
}
