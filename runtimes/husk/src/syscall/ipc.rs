//! What the calls of sysvipc(7) have in common: commands, and `struct ipc_perm`.

use crate::errno::Errno;
use crate::ipc::Object;
use crate::mm::user;

pub const IPC_RMID: u32 = 0;
pub const IPC_SET: u32 = 1;
pub const IPC_STAT: u32 = 2;
pub const IPC_INFO: u32 = 3;

/// Puts `struct ipc_perm`, with which each of the structures begins, in front.
pub fn put_permissions<T>(words: &mut [u64], object: &Object<T>) {
    let permissions = object.permissions();
    for (word, pair) in words.iter_mut().zip(permissions.chunks_exact(2)) {
        if let [low, high] = *pair {
            *word = u64::from(low) | u64::from(high) << 32;
        }
    }
}

/// What IPC_SET takes of `struct ipc_perm`: uid, gid and mode.
pub fn read_owner(buffer: usize) -> Result<(u32, u32, u32), Errno> {
    let [_key, uid, gid, _creator_uid, _creator_gid, mode]: [u32; 6] = user::read(buffer)?;
    Ok((uid, gid, mode))
}
