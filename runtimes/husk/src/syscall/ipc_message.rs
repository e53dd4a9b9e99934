//! msgget(2), msgsnd(2), msgrcv(2), msgctl(2).

use super::ipc::{IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, put_permissions, read_owner};
use crate::errno::{EINVAL, Errno, SysResult};
use crate::fs::permission;
use crate::ipc::message::{self, LARGEST_MESSAGE_BYTES, LIMIT, QUEUE_BYTES, Queue, counts, table};
use crate::ipc::{Naming, Object, found};
use crate::mm::user;
use crate::process::capability;
use crate::syscall;

const MSG_STAT: u32 = 11;
const MSG_INFO: u32 = 12;
const MSG_STAT_ANY: u32 = 13;

/// Where msg_qbytes is in `struct msqid_ds`.
const LIMIT_OFFSET: usize = 88;

syscall! {
    fn sys_msgget(key: i32, flags: u32) {
        message::get(key, flags)
    }

    fn sys_msgsnd(id: u32, buffer: usize, size_bytes: usize, flags: u32) {
        message::send(id, buffer, size_bytes, flags)?;
        Ok(0)
    }

    fn sys_msgrcv(id: u32, buffer: usize, room: usize, kind: i64, flags: u32) {
        message::receive(id, buffer, room, kind, flags)
    }

    fn sys_msgctl(id: u32, command: u32, buffer: usize) {
        match command {
            IPC_INFO | MSG_INFO => tell_limits(command, buffer),
            IPC_STAT | MSG_STAT | MSG_STAT_ANY => {
                let (object, result) = found(table(), id, naming(command))?;
                user::write(buffer, describe(&object))?;
                Ok(result)
            }
            IPC_RMID => message::remove(id).map(|()| 0),
            IPC_SET => set(&*table().get(id)?, buffer).map(|()| 0),
            _ => Err(EINVAL),
        }
    }
}

fn set(object: &Object<Queue>, buffer: usize) -> Result<(), Errno> {
    let limit: u64 = user::read(buffer.wrapping_add(LIMIT_OFFSET))?;
    let (uid, gid, mode) = read_owner(buffer)?;
    object.check_owner()?;
    if limit > QUEUE_BYTES {
        permission::require(capability::SYS_RESOURCE)?;
    }
    object.owner.lock().set(uid, gid, mode);
    object.set_limit(limit);
    Ok(())
}

/// `struct msqid_ds` (asm-generic/msgbuf.h).
fn describe(object: &Object<Queue>) -> [u64; 15] {
    let state = object.content.state.lock();
    let mut words = [0; 15];
    put_permissions(&mut words, object);
    words[6] = state.sent_s;
    words[7] = state.received_s;
    words[8] = object.owner.lock().changed_s;
    words[9] = state.held_bytes;
    words[10] = state.count() as u64;
    words[11] = state.limit_bytes;
    words[12] = u64::from(state.last_sender) | u64::from(state.last_receiver) << 32;
    words
}

/// `struct msginfo`; MSG_INFO tells queues, messages and bytes there are in place of three limits.
fn tell_limits(command: u32, buffer: usize) -> SysResult {
    const SEGMENT_BYTES: usize = 16;
    const SEGMENTS: usize = 0xffff;
    let bytes = QUEUE_BYTES as usize;
    let [queues, messages, held] = match command {
        MSG_INFO => counts(),
        _ => [LIMIT * bytes / 1024, bytes, bytes],
    };
    let words = [
        queues,
        messages,
        LARGEST_MESSAGE_BYTES,
        bytes,
        LIMIT,
        SEGMENT_BYTES,
        held,
        SEGMENTS,
    ];
    user::write(buffer, words.map(|word| word as u32))?;
    Ok(table().highest())
}

fn naming(command: u32) -> Naming {
    match command {
        MSG_STAT => Naming::Slot,
        MSG_STAT_ANY => Naming::SlotForAnybody,
        _ => Naming::Id,
    }
}
