//! Sockets (socket(2)): making, naming, connecting and closing them. Messages are in `message`,
//! options in `socket_option`.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::descriptor::{get, table};
use crate::errno::{EAFNOSUPPORT, EINVAL, ENOTSOCK, EOPNOTSUPP, Errno, SysResult};
use crate::fs::OpenFile;
use crate::fs::open::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use crate::mm::user;
use crate::net;
use crate::net::address::{AF_UNIX, Address};
use crate::net::socket::{How, Socket};
use crate::net::unix::{self, UnixSocket};
use crate::syscall;

const SOCK_TYPE_MASK: u32 = 0xf;

/// A descriptor that is a socket's.
pub struct Held {
    open: Arc<OpenFile>,
}

impl Held {
    /// ENOTSOCK for any other file.
    pub fn get(fd: i32) -> Result<Held, Errno> {
        let held = Held { open: get(fd)? };
        if held.open.file.as_any().is::<Socket>() {
            Ok(held)
        } else {
            Err(ENOTSOCK)
        }
    }

    pub fn socket(&self) -> Result<&Socket, Errno> {
        self.open.file.as_any().downcast_ref().ok_or(ENOTSOCK)
    }

    pub fn is_nonblocking(&self) -> bool {
        self.open.status_flags() & O_NONBLOCK != 0
    }
}

/// SOCK_NONBLOCK and SOCK_CLOEXEC are the O_ flags (socket(2)); anything else is EINVAL.
fn status_flags(flags: u32) -> Result<u32, Errno> {
    if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
        return Err(EINVAL);
    }
    Ok(flags | O_RDWR)
}

fn opened(family: u32, kind: u32, number: u32) -> Result<Socket, Errno> {
    let family = u16::try_from(family).map_err(|_| EAFNOSUPPORT)?;
    net::open(family, kind, number)
}

fn install(socket: Socket, flags: u32) -> SysResult {
    Ok(table().install(Arc::new(socket), flags)? as usize)
}

fn accept(fd: i32, address: usize, length_at: usize, flags: u32) -> SysResult {
    let flags = status_flags(flags)?;
    let held = Held::get(fd)?;
    let listener = held.socket()?;
    table().check_room()?; // what there is no descriptor for stays in the queue
    let patience = listener.receive_patience(held.is_nonblocking());
    let (protocol, peer) = listener.protocol.accept(patience)?;
    peer.write(listener.family, address, length_at)?;
    let accepted = Socket::new(protocol, listener.family, listener.kind, listener.number);
    if listener.family != AF_UNIX {
        accepted.inherit_timeouts(listener);
    }
    install(accepted, flags)
}

syscall! {
    fn sys_socket(family: u32, kind: u32, number: u32) {
        let flags = status_flags(kind & !SOCK_TYPE_MASK)?;
        install(opened(family, kind & SOCK_TYPE_MASK, number)?, flags)
    }

    fn sys_socketpair(family: u32, kind: u32, number: u32, pair: usize) {
        let flags = status_flags(kind & !SOCK_TYPE_MASK)?;
        let kind = kind & SOCK_TYPE_MASK;
        if family != u32::from(AF_UNIX) {
            opened(family, kind, number)?;
            return Err(EOPNOTSUPP);
        }
        let kind = unix::kind_of(kind, number)?;
        let (a, b) = UnixSocket::pair(kind);
        let socket = |end| Socket::new(Box::new(end), AF_UNIX, kind, 0);
        let first = install(socket(a), flags)?;
        let close = |fd: usize| table().close(fd as i32);
        let second = install(socket(b), flags).inspect_err(|_| { let _ = close(first); })?;
        user::write(pair, [first as i32, second as i32]).inspect_err(|_| {
            let _ = (close(first), close(second)); // both were just opened
        })?;
        Ok(0)
    }

    fn sys_bind(fd: i32, address: usize, length: u32) {
        let held = Held::get(fd)?;
        let address = Address::read(address, length as usize)?;
        held.socket()?.protocol.bind(&address)?;
        Ok(0)
    }

    fn sys_connect(fd: i32, address: usize, length: u32) {
        let held = Held::get(fd)?;
        let address = Address::read(address, length as usize)?;
        let socket = held.socket()?;
        socket.protocol.connect(&address, socket.send_patience(held.is_nonblocking()))?;
        Ok(0)
    }

    fn sys_listen(fd: i32, backlog: i32) {
        let held = Held::get(fd)?;
        let backlog = u32::try_from(backlog).unwrap_or(u32::MAX); // Linux compares as unsigned
        held.socket()?.protocol.listen(backlog)?;
        Ok(0)
    }

    fn sys_accept(fd: i32, address: usize, length_at: usize) {
        accept(fd, address, length_at, 0)
    }

    fn sys_accept4(fd: i32, address: usize, length_at: usize, flags: u32) {
        accept(fd, address, length_at, flags)
    }

    fn sys_getsockname(fd: i32, address: usize, length_at: usize) {
        let held = Held::get(fd)?;
        let socket = held.socket()?;
        named(socket.protocol.local_address()?, socket.family, address, length_at)
    }

    fn sys_getpeername(fd: i32, address: usize, length_at: usize) {
        let held = Held::get(fd)?;
        let socket = held.socket()?;
        named(socket.protocol.peer_address()?, socket.family, address, length_at)
    }

    fn sys_shutdown(fd: i32, how: u32) {
        let how = match how {
            0 => How::Read,
            1 => How::Write,
            2 => How::Both,
            _ => return Err(EINVAL),
        };
        Held::get(fd)?.socket()?.protocol.shutdown(how)?;
        Ok(0)
    }
}

/// Here, unlike in accept(2), the address may not be null.
fn named(name: Address, family: u16, address: usize, length_at: usize) -> SysResult {
    if address == 0 {
        return Err(crate::errno::EFAULT);
    }
    name.write(family, address, length_at)?;
    Ok(0)
}
