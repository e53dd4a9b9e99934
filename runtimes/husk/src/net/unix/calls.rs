//! What the application may ask of a unix socket.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use super::{Backlog, INBOX_BYTES, Piece, UnixEndpoint, names, own_credentials};
use crate::errno::{
    EAFNOSUPPORT, EAGAIN, ECONNREFUSED, EINVAL, EISCONN, EMSGSIZE, ENOMEM, ENOPROTOOPT, ENOTCONN,
    EOPNOTSUPP, EPIPE, EPROTOTYPE, Errno, SysResult,
};
use crate::fs::{Events, Sink};
use crate::net::address::Address;
use crate::net::socket::{
    How, MessageFlags, Outgoing, Patience, PeerCredentials, Protocol, Received, int_value,
};
use crate::sync::WaitQueue;

/// A stream is cut into pieces of this size at most, so that a piece's memory is easy to find.
const PIECE_BYTES: usize = 32 << 10;
/// SCM_MAX_FD.
const RIGHTS: usize = 253;
const BACKLOG_LIMIT: u32 = 4096;

/// A unix socket's open half.
pub struct UnixSocket {
    endpoint: Arc<UnixEndpoint>,
}

impl UnixSocket {
    pub fn new(kind: u32) -> UnixSocket {
        UnixSocket {
            endpoint: UnixEndpoint::new(kind),
        }
    }

    /// socketpair(2).
    pub fn pair(kind: u32) -> (UnixSocket, UnixSocket) {
        let (a, b) = (Self::new(kind), Self::new(kind));
        UnixEndpoint::pair(&a.endpoint, &b.endpoint, own_credentials());
        (a, b)
    }

    fn name_of(address: &Address) -> Result<&[u8], Errno> {
        match address {
            Address::Unix(name) => Ok(name),
            Address::None => Err(EINVAL),
            Address::Ip(_) => Err(EAFNOSUPPORT),
        }
    }

    /// Connects to a listener; EAGAIN while its backlog is full.
    fn join(&self, listener: &Arc<UnixEndpoint>) -> Result<(), Errno> {
        let accepted = UnixEndpoint::new(self.endpoint.kind);
        accepted.state.lock().inherited_name = listener.own_name();
        let listener_credentials = {
            let mut state = listener.state.lock();
            let credentials = state.peer_credentials.unwrap_or_default();
            let backlog = state.backlog.as_mut().ok_or(ECONNREFUSED)?;
            if backlog.ready.len() > backlog.limit {
                return Err(EAGAIN);
            }
            backlog.ready.push_back(accepted.clone());
            credentials
        };
        UnixEndpoint::pair(&self.endpoint, &accepted, own_credentials());
        self.endpoint.state.lock().peer_credentials = Some(listener_credentials);
        listener.queue.wake_one();
        Ok(())
    }

    /// Whom a message goes to.
    fn target(&self, to: &Option<Address>) -> Result<Arc<UnixEndpoint>, Errno> {
        let mut state = self.endpoint.state.lock();
        if state.is_write_shut {
            return Err(EPIPE);
        }
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        if state.is_orphan {
            return Err(EPIPE);
        }
        match (to, &state.peer) {
            (Some(_), Some(_)) if self.endpoint.is_connected_kind() => Err(EISCONN),
            (Some(_), None) if self.endpoint.is_connected_kind() => Err(EOPNOTSUPP),
            (Some(address), _) => {
                drop(state);
                let target = names::find(Self::name_of(address)?)?;
                let is_same = target.kind == self.endpoint.kind;
                is_same.then_some(target).ok_or(EPROTOTYPE)
            }
            (None, Some(peer)) => peer.upgrade().ok_or(ECONNREFUSED),
            (None, None) => Err(ENOTCONN),
        }
    }

    /// Puts one piece into the peer's inbox; EAGAIN when there is no room.
    fn send_piece(&self, message: &mut Outgoing<'_>) -> SysResult {
        let target = self.target(&message.to)?;
        let wanted = message.data.remaining();
        let room = target.room();
        let size_bytes = if self.endpoint.is_stream() {
            wanted.min(room).min(PIECE_BYTES)
        } else {
            wanted
        };
        if size_bytes > INBOX_BYTES {
            return Err(EMSGSIZE);
        }
        if size_bytes > room || (size_bytes == 0 && wanted > 0) || room == 0 {
            return Err(EAGAIN);
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size_bytes).map_err(|_| ENOMEM)?;
        bytes.resize(size_bytes, 0);
        let taken = message.data.take(&mut bytes)?;
        bytes.truncate(taken);
        if taken == 0 && self.endpoint.is_stream() {
            return Ok(0);
        }
        target.put(Piece {
            bytes,
            start: 0,
            from: self.endpoint.own_name(),
            rights: core::mem::take(&mut message.rights),
            credentials: own_credentials(),
        })?;
        Ok(taken)
    }
}

impl Protocol for UnixSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let wanted = Self::name_of(address)?;
        if self.endpoint.state.lock().name.is_some() {
            return Err(names::error_for_bound(wanted));
        }
        let name = names::bind(wanted, &self.endpoint)?;
        self.endpoint.state.lock().name = Some(name);
        Ok(())
    }

    fn connect(&self, address: &Address, patience: Patience) -> Result<(), Errno> {
        if *address == Address::None && !self.endpoint.is_connected_kind() {
            self.endpoint.state.lock().peer = None;
            return Ok(());
        }
        let target = names::find(Self::name_of(address)?)?;
        if target.kind != self.endpoint.kind {
            return Err(EPROTOTYPE);
        }
        if !self.endpoint.is_connected_kind() {
            let name = target.own_name();
            let mut state = self.endpoint.state.lock();
            state.peer = Some(Arc::downgrade(&target));
            state.peer_name = name;
            return Ok(());
        }
        let state = self.endpoint.state.lock();
        if state.peer.is_some() {
            return Err(EISCONN);
        }
        if state.backlog.is_some() {
            return Err(EINVAL);
        }
        drop(state);
        patience.wait(&target.queue, || self.join(&target))
    }

    fn listen(&self, backlog: u32) -> Result<(), Errno> {
        if !self.endpoint.is_connected_kind() {
            return Err(EOPNOTSUPP);
        }
        let credentials = own_credentials();
        let mut state = self.endpoint.state.lock();
        if state.name.is_none() || state.peer.is_some() {
            return Err(EINVAL);
        }
        let limit = backlog.min(BACKLOG_LIMIT) as usize;
        state.peer_credentials = Some(credentials);
        match &mut state.backlog {
            Some(backlog) => backlog.limit = limit,
            none => {
                *none = Some(Backlog {
                    limit,
                    ready: VecDeque::new(),
                });
            }
        }
        Ok(())
    }

    fn accept(&self, patience: Patience) -> Result<(Box<dyn Protocol>, Address), Errno> {
        let take = || {
            let mut state = self.endpoint.state.lock();
            let backlog = state.backlog.as_mut().ok_or(EINVAL)?;
            backlog.ready.pop_front().ok_or(EAGAIN)
        };
        let endpoint = patience.wait(&self.endpoint.queue, take)?;
        self.endpoint.queue.wake_all(); // those who wait for room in the backlog
        let peer_name = endpoint.state.lock().peer_name.clone();
        Ok((Box::new(UnixSocket { endpoint }), Address::Unix(peer_name)))
    }

    fn send(&self, mut message: Outgoing<'_>, patience: Patience) -> SysResult {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(EOPNOTSUPP);
        }
        if message.rights.len() > RIGHTS {
            return Err(EINVAL);
        }
        let mut total = 0;
        loop {
            let room = self.target(&message.to)?;
            let outcome = patience.wait(&room.queue, || self.send_piece(&mut message));
            match outcome {
                Ok(sent) => total += sent,
                Err(_) if total > 0 => return Ok(total),
                Err(error) => return Err(error),
            }
            let is_done = message.data.remaining() == 0 || outcome == Ok(0);
            if is_done || !self.endpoint.is_stream() {
                return Ok(total);
            }
        }
    }

    fn receive(
        &self,
        into: &mut dyn Sink,
        flags: MessageFlags,
        patience: Patience,
    ) -> Result<Received, Errno> {
        let is_peek = flags.contains(MessageFlags::PEEK);
        let is_stream = self.endpoint.is_stream();
        let wants_all = flags.contains(MessageFlags::WAITALL) && is_stream && !is_peek;
        let mut total = Received::default();
        loop {
            let attempt = || {
                let mut state = self.endpoint.state.lock();
                if state.inbox.is_empty() {
                    return state.empty(self.endpoint.is_connected_kind());
                }
                let full = state.inbox.front().map_or(0, |piece| piece.bytes.len());
                let mut received = state.take(into, is_peek, is_stream)?;
                if flags.contains(MessageFlags::TRUNC) && !is_stream {
                    received.bytes = full;
                }
                Ok(received)
            };
            let received = match patience.wait(&self.endpoint.queue, attempt) {
                Err(_) if total.bytes > 0 => break,
                received => received?,
            };
            self.endpoint.queue.wake_all(); // whoever waits for room here
            if let Some(peer) = self.endpoint.peer() {
                peer.queue.wake_all(); // and whoever polls the other end for it
            }
            let is_end = received.bytes == 0;
            let so_far = total.bytes;
            total = received;
            total.bytes += so_far;
            if !wants_all || is_end || into.remaining() == 0 {
                break;
            }
        }
        Ok(total)
    }

    fn shutdown(&self, how: How) -> Result<(), Errno> {
        let peer = self.endpoint.peer();
        if peer.is_none() && self.endpoint.state.lock().backlog.is_none() {
            return Err(ENOTCONN);
        }
        shut(&self.endpoint, how.reads(), how.writes());
        if let Some(peer) = peer.filter(|_| self.endpoint.is_connected_kind()) {
            shut(&peer, how.writes(), how.reads());
        }
        Ok(())
    }

    fn local_address(&self) -> Result<Address, Errno> {
        Ok(Address::Unix(self.endpoint.own_name()))
    }

    fn peer_address(&self) -> Result<Address, Errno> {
        let state = self.endpoint.state.lock();
        if state.peer.is_none() {
            return Err(ENOTCONN);
        }
        Ok(Address::Unix(state.peer_name.clone()))
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        if level != SOL_SOCKET {
            return Err(EOPNOTSUPP);
        }
        let mut state = self.endpoint.state.lock();
        match name {
            SO_PASSCRED => state.wants_credentials = int_value(value)? != 0,
            _ if KNOWN.contains(&name) => {
                let number = int_value(value)?;
                state.remembered.retain(|entry| entry.0 != name);
                state.remembered.push((name, number));
            }
            _ => return Err(ENOPROTOOPT),
        }
        Ok(())
    }

    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        if level != SOL_SOCKET {
            return Err(EOPNOTSUPP);
        }
        let mut state = self.endpoint.state.lock();
        let number = match name {
            SO_PEERCRED => {
                let none = PeerCredentials {
                    pid: 0,
                    uid: u32::MAX,
                    gid: u32::MAX,
                };
                let peer = state.peer_credentials.unwrap_or(none);
                let fields = [peer.pid, peer.uid, peer.gid];
                return Ok(fields.into_iter().flat_map(u32::to_ne_bytes).collect());
            }
            SO_ERROR => i32::from(state.error.take().map_or(0, |error| error.0)),
            SO_ACCEPTCONN => state.backlog.is_some().into(),
            SO_PASSCRED => state.wants_credentials.into(),
            SO_SNDBUF | SO_RCVBUF => {
                let set = state.remembered.iter().find(|entry| entry.0 == name);
                set.map_or(INBOX_BYTES as i32, |entry| entry.1.saturating_mul(2))
            }
            _ if KNOWN.contains(&name) => {
                let set = state.remembered.iter().find(|entry| entry.0 == name);
                set.map_or(0, |entry| entry.1)
            }
            _ => return Err(ENOPROTOOPT),
        };
        Ok(number.to_ne_bytes().to_vec())
    }

    fn readiness(&self) -> Events {
        self.endpoint.readiness()
    }

    fn wait_queue(&self) -> &WaitQueue {
        &self.endpoint.queue
    }

    fn unread_bytes(&self) -> usize {
        let state = self.endpoint.state.lock();
        if self.endpoint.is_stream() {
            return state.inbox_bytes;
        }
        state.inbox.front().map_or(0, |piece| piece.bytes.len())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const SOL_SOCKET: i32 = 1;
const SO_ERROR: i32 = 4;
const SO_SNDBUF: i32 = 7;
const SO_RCVBUF: i32 = 8;
const SO_PASSCRED: i32 = 16;
const SO_PEERCRED: i32 = 17;
const SO_ACCEPTCONN: i32 = 30;
/// Options that are taken, remembered and without effect: REUSEADDR, DONTROUTE, BROADCAST, SNDBUF,
/// RCVBUF, KEEPALIVE, OOBINLINE, PRIORITY, LINGER, REUSEPORT, RCVLOWAT, TIMESTAMP, the FORCE sizes.
const KNOWN: [i32; 14] = [
    2, 5, 6, SO_SNDBUF, SO_RCVBUF, 9, 10, 12, 13, 15, 18, 29, 32, 33,
];

fn shut(endpoint: &UnixEndpoint, reads: bool, writes: bool) {
    let mut state = endpoint.state.lock();
    state.is_read_shut |= reads;
    state.is_write_shut |= writes;
    drop(state);
    endpoint.queue.wake_all();
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        self.endpoint.close();
    }
}
