//! Socket options (getsockopt(2)): those of every socket here, the others in their protocol.

use core::sync::atomic::{AtomicU64, Ordering};

use super::socket::Held;
use crate::errno::{EDOM, EINVAL, Errno};
use crate::mm::user;
use crate::net::socket::Socket;
use crate::syscall;

const SOL_SOCKET: i32 = 1;
const SO_TYPE: i32 = 3;
const SO_ERROR: i32 = 4;
const SO_RCVTIMEO: i32 = 20;
const SO_SNDTIMEO: i32 = 21;
const SO_ACCEPTCONN: i32 = 30;
const SO_PROTOCOL: i32 = 38;
const SO_DOMAIN: i32 = 39;
/// The same two with 64-bit times, which on x86-64 are what they were.
const SO_RCVTIMEO_NEW: i32 = 66;
const SO_SNDTIMEO_NEW: i32 = 67;

/// No option is longer.
const LONGEST: usize = 256;
const NS_PER_S: u64 = 1_000_000_000;

fn timeout(socket: &Socket, name: i32) -> Option<&AtomicU64> {
    match name {
        SO_RCVTIMEO | SO_RCVTIMEO_NEW => Some(&socket.receive_timeout_ns),
        SO_SNDTIMEO | SO_SNDTIMEO_NEW => Some(&socket.send_timeout_ns),
        _ => None,
    }
}

/// struct timeval; a negative time is no time at all (socket(7)).
fn set_timeout(place: &AtomicU64, value: &[u8]) -> Result<(), Errno> {
    let field = |at: usize| -> Result<i64, Errno> {
        let bytes = value.get(at..at + 8).ok_or(EINVAL)?;
        Ok(i64::from_ne_bytes(bytes.try_into().map_err(|_| EINVAL)?))
    };
    let (seconds, microseconds) = (field(0)?, field(8)?);
    if !(0..1_000_000).contains(&microseconds) {
        return Err(EDOM);
    }
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let ns = seconds.saturating_mul(NS_PER_S) + microseconds as u64 * 1000;
    place.store(ns, Ordering::Relaxed);
    Ok(())
}

fn value_of(socket: &Socket, level: i32, name: i32) -> Result<alloc::vec::Vec<u8>, Errno> {
    if level != SOL_SOCKET {
        return socket.protocol.option(level, name);
    }
    if let Some(place) = timeout(socket, name) {
        let ns = place.load(Ordering::Relaxed);
        let fields = [ns / NS_PER_S, ns % NS_PER_S / 1000];
        return Ok(fields.into_iter().flat_map(u64::to_ne_bytes).collect());
    }
    let number = match name {
        SO_TYPE => socket.kind,
        SO_PROTOCOL => socket.number,
        SO_DOMAIN => u32::from(socket.family),
        _ => return socket.protocol.option(level, name),
    };
    Ok(number.to_ne_bytes().to_vec())
}

syscall! {
    fn sys_setsockopt(fd: i32, level: i32, name: i32, value_at: usize, length: i32) {
        let held = Held::get(fd)?;
        let length = usize::try_from(length).map_err(|_| EINVAL)?.min(LONGEST);
        let mut value = [0; LONGEST];
        let value = value.get_mut(..length).ok_or(EINVAL)?;
        user::read_bytes(value_at, value)?;
        let socket = held.socket()?;
        if level == SOL_SOCKET {
            if let Some(place) = timeout(socket, name) {
                set_timeout(place, value)?;
                return Ok(0);
            }
            let is_read_only = [SO_TYPE, SO_ERROR, SO_ACCEPTCONN, SO_PROTOCOL, SO_DOMAIN];
            if is_read_only.contains(&name) {
                return Err(crate::errno::ENOPROTOOPT);
            }
        }
        socket.protocol.set_option(level, name, value)?;
        Ok(0)
    }

    fn sys_getsockopt(fd: i32, level: i32, name: i32, value_at: usize, length_at: usize) {
        let held = Held::get(fd)?;
        let room: i32 = user::read(length_at)?;
        let room = usize::try_from(room).map_err(|_| EINVAL)?;
        let value = value_of(held.socket()?, level, name)?;
        let given = value.get(..room.min(value.len())).unwrap_or(&[]);
        user::write_bytes(value_at, given)?;
        user::write(length_at, given.len() as u32)?;
        Ok(0)
    }
}
