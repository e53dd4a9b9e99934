//! semget(2), semop(2), semtimedop(2), semctl(2).

use alloc::vec::Vec;

use super::ipc::{IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, put_permissions, read_owner};
use super::time::deadline_after;
use crate::errno::{E2BIG, EINVAL, ENOMEM, ERANGE, Errno, SysResult};
use crate::ipc::semaphore::{
    self, IN_SET_LIMIT, LARGEST_VALUE, LIMIT, OPERATION_LIMIT, Operation, Set, TOTAL_LIMIT, counts,
    operate, table,
};
use crate::ipc::{Naming, Object, READ, WRITE, found};
use crate::mm::user;
use crate::syscall;

const GETPID: u32 = 11;
const GETVAL: u32 = 12;
const GETALL: u32 = 13;
const GETNCNT: u32 = 14;
const GETZCNT: u32 = 15;
const SETVAL: u32 = 16;
const SETALL: u32 = 17;
const SEM_STAT: u32 = 18;
const SEM_INFO: u32 = 19;
const SEM_STAT_ANY: u32 = 20;

/// `struct sembuf`.
const OPERATION_BYTES: usize = 6;

syscall! {
    fn sys_semget(key: i32, count: i32, flags: u32) {
        semaphore::get(key, count, flags)
    }

    fn sys_semop(id: u32, operations: usize, count: usize) {
        operate(id, &read_operations(operations, count)?, None)
    }

    fn sys_semtimedop(id: u32, operations: usize, count: usize, timeout: usize) {
        let deadline = match timeout {
            0 => None,
            timeout => Some(deadline_after(timeout)?),
        };
        operate(id, &read_operations(operations, count)?, deadline)
    }

    fn sys_semctl(id: u32, number: i32, command: u32, argument: usize) {
        match command {
            IPC_INFO | SEM_INFO => tell_limits(command, argument),
            IPC_STAT | SEM_STAT | SEM_STAT_ANY => {
                let (object, result) = found(table(), id, naming(command))?;
                user::write(argument, describe(&object))?;
                Ok(result)
            }
            IPC_RMID => semaphore::remove(id).map(|()| 0),
            IPC_SET => {
                let object = table().get(id)?;
                object.check_owner()?;
                let (uid, gid, mode) = read_owner(argument)?;
                object.owner.lock().set(uid, gid, mode);
                Ok(0)
            }
            GETALL | SETALL => all_values(&*table().get(id)?, command, argument),
            GETPID..=GETZCNT | SETVAL => {
                let number = usize::try_from(number).map_err(|_| EINVAL)?;
                one_value(&*table().get(id)?, number, command, argument as i32)
            }
            _ => Err(EINVAL),
        }
    }
}

fn read_operations(address: usize, count: usize) -> Result<Vec<Operation>, Errno> {
    if count == 0 {
        return Err(EINVAL);
    }
    if count > OPERATION_LIMIT {
        return Err(E2BIG);
    }
    let mut operations = Vec::new();
    operations.try_reserve_exact(count).map_err(|_| ENOMEM)?;
    for index in 0..count {
        let at = address.wrapping_add(index * OPERATION_BYTES);
        let [number, change, flags]: [u16; 3] = user::read(at)?;
        let change = change as i16;
        operations.push(Operation {
            number,
            change,
            flags,
        });
    }
    Ok(operations)
}

fn one_value(object: &Object<Set>, number: usize, command: u32, value: i32) -> SysResult {
    object.check(if command == SETVAL { WRITE } else { READ })?;
    if command == SETVAL {
        let value = u16::try_from(value).map_err(|_| ERANGE)?;
        object.set_values(number, &[value])?;
        return Ok(0);
    }
    let state = object.content.state.lock();
    let semaphore = *state.semaphores.get(number).ok_or(EINVAL)?;
    Ok(match command {
        GETPID => semaphore.pid as usize,
        GETVAL => usize::from(semaphore.value),
        GETNCNT => state.waiting(number, false),
        _ => state.waiting(number, true),
    })
}

fn all_values(object: &Object<Set>, command: u32, address: usize) -> SysResult {
    object.check(if command == SETALL { WRITE } else { READ })?;
    let state = object.content.state.lock();
    let mut values = Vec::new();
    let count = state.semaphores.len();
    values.try_reserve_exact(count).map_err(|_| ENOMEM)?;
    values.extend(state.semaphores.iter().map(|s| s.value));
    drop(state);
    let place = |index: usize| address.wrapping_add(index * size_of::<u16>());
    if command == GETALL {
        for (index, value) in values.into_iter().enumerate() {
            user::write(place(index), value)?;
        }
        return Ok(0);
    }
    for (index, value) in values.iter_mut().enumerate() {
        *value = user::read(place(index))?;
    }
    object.set_values(0, &values)?;
    Ok(0)
}

/// `struct semid_ds` (x86's asm/sembuf.h).
fn describe(object: &Object<Set>) -> [u64; 13] {
    let state = object.content.state.lock();
    let mut words = [0; 13];
    put_permissions(&mut words, object);
    words[6] = state.operated_s;
    words[8] = object.owner.lock().changed_s;
    words[10] = state.semaphores.len() as u64;
    words
}

/// `struct seminfo`; SEM_INFO tells sets and semaphores there are in place of two limits.
fn tell_limits(command: u32, buffer: usize) -> SysResult {
    const UNDO_BYTES: usize = 20;
    let (used, adjustment) = match command {
        SEM_INFO => counts(),
        _ => (UNDO_BYTES, LARGEST_VALUE as usize),
    };
    let words = [
        TOTAL_LIMIT,
        LIMIT,
        TOTAL_LIMIT,
        TOTAL_LIMIT,
        IN_SET_LIMIT,
        OPERATION_LIMIT,
        OPERATION_LIMIT,
        used,
        LARGEST_VALUE as usize,
        adjustment,
    ];
    user::write(buffer, words.map(|word| word as u32))?;
    Ok(table().highest())
}

fn naming(command: u32) -> Naming {
    match command {
        SEM_STAT => Naming::Slot,
        SEM_STAT_ANY => Naming::SlotForAnybody,
        _ => Naming::Id,
    }
}
