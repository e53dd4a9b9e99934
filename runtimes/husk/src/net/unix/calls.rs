//! What the application may ask of a unix socket.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use super::inbox::{Manner, Piece};
use super::{Backlog, UnixEndpoint, cycles, names, own_credentials};
use crate::errno::{
    EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, EISCONN, EMSGSIZE, ENOTCONN, EOPNOTSUPP, EPERM,
    EPIPE, EPROTOTYPE, Errno, SysResult,
};
use crate::fs::{Events, Sink};
use crate::mm::heap;
use crate::net::address::Address;
use crate::net::options::{self, Family};
use crate::net::socket::{
    How, MessageFlags, Outgoing, Patience, PeerCredentials, Protocol, Received, SOCK_DGRAM,
    SOCK_SEQPACKET, SOCK_STREAM,
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

    pub(super) fn endpoint(&self) -> &Arc<UnixEndpoint> {
        &self.endpoint
    }

    fn name_of(address: &Address) -> Result<&[u8], Errno> {
        match address {
            Address::Unix(name) => Ok(name),
            _ => Err(EINVAL),
        }
    }

    /// Connects to a listener; EAGAIN while its backlog is full.
    fn join(&self, listener: &Arc<UnixEndpoint>) -> Result<(), Errno> {
        let accepted = UnixEndpoint::new(self.endpoint.kind);
        let name = listener.own_name();
        let wants_credentials = listener.state.lock().options.is_on(options::PASSCRED);
        accepted.state.lock().inherit(name, wants_credentials);
        accepted.flight.follow(&listener.flight);
        let listener_credentials = {
            let mut state = listener.state.lock();
            let credentials = state.peer_credentials.unwrap_or_default();
            let is_shut = state.is_read_shut;
            let backlog = state.backlog.as_mut().filter(|_| !is_shut);
            let backlog = backlog.ok_or(ECONNREFUSED)?;
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

    /// unix(7) § Autobind: who asks for credentials gets a name, to be answered at.
    fn autobind(&self) -> Result<(), Errno> {
        let needs_name = {
            let state = self.endpoint.state.lock();
            state.options.is_on(options::PASSCRED) && state.name.is_none()
        };
        if needs_name {
            self.bind(&Address::Unix(Vec::new()))?;
        }
        Ok(())
    }

    /// Whom a message goes to.
    fn target(&self, to: &Option<Address>) -> Result<Arc<UnixEndpoint>, Errno> {
        let own = &self.endpoint;
        let mut state = own.state.lock();
        let is_connected = state.peer.is_some();
        if own.is_stream() && to.is_some() {
            return Err(if is_connected { EISCONN } else { EOPNOTSUPP });
        }
        if own.is_stream() && !is_connected {
            return Err(ENOTCONN);
        }
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        if state.is_write_shut {
            return Err(EPIPE);
        }
        // A sequenced packet socket's messages take no address, and it is ignored.
        if let Some(address) = to.as_ref().filter(|_| own.kind == SOCK_DGRAM) {
            drop(state);
            return self.permitted(names::find(Self::name_of(address)?)?);
        }
        let peer = state.peer.as_ref().ok_or(ENOTCONN)?.upgrade();
        drop(state);
        peer.ok_or_else(|| self.lost_peer())
    }

    /// Of the same type, and not somebody else's own.
    fn permitted(&self, target: Arc<UnixEndpoint>) -> Result<Arc<UnixEndpoint>, Errno> {
        if target.kind != self.endpoint.kind {
            return Err(EPROTOTYPE);
        }
        let is_taken = target.state.lock().peer.is_some() && !self.endpoint.is_peer_of(&target);
        if is_taken { Err(EPERM) } else { Ok(target) }
    }

    /// The peer has closed: a datagram socket is unconnected from then on.
    fn lost_peer(&self) -> Errno {
        if self.endpoint.is_connected_kind() {
            return EPIPE;
        }
        self.endpoint.state.lock().peer = None;
        ECONNREFUSED
    }

    /// Puts one piece into the peer's inbox; EAGAIN when there is no room.
    fn send_piece(&self, message: &mut Outgoing<'_>) -> SysResult {
        let target = self.target(&message.to)?;
        let limit = self.endpoint.state.lock().options.send_bytes();
        if target.is_full_for(&self.endpoint, limit) {
            return Err(EAGAIN);
        }
        let wanted = message.data.remaining();
        let size_bytes = if self.endpoint.is_stream() {
            wanted.min(limit / 2).min(PIECE_BYTES)
        } else {
            wanted
        };
        let mut bytes = heap::zeros(size_bytes)?;
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
            credentials: self.credentials_for(&target, message),
        })?;
        Ok(taken)
    }

    /// Nobody's when neither end had asked for credentials yet.
    fn credentials_for(&self, target: &UnixEndpoint, message: &Outgoing<'_>) -> PeerCredentials {
        /// /proc/sys/kernel/overflowuid.
        const NOBODY: u32 = 65534;
        let wants = |end: &UnixEndpoint| end.state.lock().options.is_on(options::PASSCRED);
        match message.credentials {
            Some(credentials) => credentials,
            None if wants(target) || wants(&self.endpoint) => PeerCredentials::of_sender(),
            None => PeerCredentials {
                pid: 0,
                uid: NOBODY,
                gid: NOBODY,
            },
        }
    }

    /// What fails before anything is looked at: what is too large for any inbox, a stream that was
    /// shut even if there is an error to tell.
    fn check(&self, message: &Outgoing<'_>) -> Result<(), Errno> {
        const OVERHEAD: usize = 32;
        let size_bytes = message.data.remaining();
        let state = self.endpoint.state.lock();
        let limit = state.options.send_bytes().saturating_sub(OVERHEAD);
        let is_shut = state.is_write_shut && state.peer.is_some() && message.to.is_none();
        match self.endpoint.kind {
            SOCK_STREAM if is_shut => Err(EPIPE),
            SOCK_SEQPACKET if state.peer.is_none() => Err(ENOTCONN),
            SOCK_SEQPACKET | SOCK_DGRAM if size_bytes > limit => Err(EMSGSIZE),
            _ => Ok(()),
        }
    }

    /// Makes `target`, or nobody, the peer of a datagram socket.
    fn set_peer(&self, target: Option<&Arc<UnixEndpoint>>) {
        let own = &self.endpoint;
        let name = target.map(|target| target.own_name()).unwrap_or_default();
        let mut state = own.state.lock();
        let old = core::mem::replace(&mut state.peer, target.map(Arc::downgrade));
        state.peer_name = name;
        let old = old.and_then(|old| old.upgrade());
        let is_other = |old: &Arc<_>| target.is_none_or(|target| !Arc::ptr_eq(target, old));
        let Some(old) = old.filter(is_other) else {
            return;
        };
        let unread = core::mem::take(&mut state.inbox); // it was the old peer's
        drop(state);
        drop(unread);
        if own.is_peer_of(&old) {
            old.state.lock().error = Some(ECONNRESET);
            old.queue.wake_all();
        }
    }

    /// What there is now; EAGAIN means wait.
    fn read_once(&self, into: &mut dyn Sink, manner: Manner) -> Result<Received, Errno> {
        let mut state = self.endpoint.state.lock();
        if !self.endpoint.is_stream()
            && let Some(error) = state.error.take()
        {
            return Err(error);
        }
        if !state.inbox.is_empty() {
            return state.inbox.take(into, manner);
        }
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        let is_end = state.is_read_shut && (self.endpoint.is_connected_kind() || manner.waits);
        if is_end {
            return Ok(Received::default());
        }
        match self.endpoint.kind {
            SOCK_DGRAM => Err(EAGAIN),
            _ if state.peer.is_some() => Err(EAGAIN),
            SOCK_SEQPACKET => Err(ENOTCONN),
            _ => Err(EINVAL),
        }
    }
}

impl super::State {
    /// What an accepted socket has of its listener.
    fn inherit(&mut self, name: Vec<u8>, wants_credentials: bool) {
        self.inherited_name = name;
        let value = i32::from(wants_credentials).to_ne_bytes();
        let _ = self.options.set(options::PASSCRED, &value, Family::Local); // it is an option
    }
}

impl Protocol for UnixSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let wanted = Self::name_of(address)?;
        if self.endpoint.state.lock().name.is_some() {
            return names::outcome_for_bound(wanted);
        }
        let name = names::bind(wanted, &self.endpoint)?;
        self.endpoint.state.lock().name = Some(name);
        Ok(())
    }

    fn connect(&self, address: &Address, patience: Patience) -> Result<(), Errno> {
        if *address == Address::None && !self.endpoint.is_connected_kind() {
            self.set_peer(None);
            return Ok(());
        }
        let name = Self::name_of(address)?;
        self.autobind()?;
        let target = names::find(name)?;
        if !self.endpoint.is_connected_kind() {
            let target = self.permitted(target)?;
            self.set_peer(Some(&target));
            return Ok(());
        }
        if target.kind != self.endpoint.kind {
            return Err(EPROTOTYPE);
        }
        let state = self.endpoint.state.lock();
        if state.peer.is_some() {
            return Err(EISCONN);
        }
        if state.backlog.is_some() {
            return Err(EINVAL);
        }
        drop(state);
        patience.wait(&target.room, || self.join(&target))
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
        drop(state);
        self.endpoint.room.wake_all(); // there may be more of it
        Ok(())
    }

    fn accept(&self, patience: Patience) -> Result<(Box<dyn Protocol>, Address), Errno> {
        if !self.endpoint.is_connected_kind() {
            return Err(EOPNOTSUPP);
        }
        let take = || {
            let mut state = self.endpoint.state.lock();
            let is_shut = state.is_read_shut;
            let backlog = state.backlog.as_mut().ok_or(EINVAL)?;
            match backlog.ready.pop_front() {
                None if is_shut && !patience.is_nonblocking => Err(EINVAL),
                next => next.ok_or(EAGAIN),
            }
        };
        let endpoint = patience.wait(&self.endpoint.queue, take)?;
        self.endpoint.room.wake_all();
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
        if !self.endpoint.is_stream() {
            self.autobind()?;
        }
        self.check(&message)?;
        let mut total = 0;
        loop {
            let outcome = self
                .target(&message.to)
                .and_then(|target| patience.wait(&target.room, || self.send_piece(&mut message)));
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
        let own = &self.endpoint;
        let is_stream = own.is_stream();
        if flags.contains(MessageFlags::OOB) {
            return Err(if is_stream { EINVAL } else { EOPNOTSUPP });
        }
        let manner = Manner {
            is_peek: flags.contains(MessageFlags::PEEK),
            is_stream,
            waits: !patience.is_nonblocking,
            wants_credentials: own.state.lock().options.is_on(options::PASSCRED),
        };
        let wants_all = flags.contains(MessageFlags::WAITALL) && is_stream && !manner.is_peek;
        let wants_length = flags.contains(MessageFlags::TRUNC) && !is_stream;
        let mut total = Received::default();
        loop {
            let attempt = || {
                let full = own.state.lock().inbox.first_bytes();
                let received = self.read_once(into, manner)?;
                Ok((received, full))
            };
            let (mut received, full) = match patience.wait(&own.queue, attempt) {
                Err(_) if total.bytes > 0 => break,
                outcome => outcome?,
            };
            if wants_length {
                received.bytes = full;
            }
            if !manner.is_peek {
                own.tell_of_room();
            }
            let is_end = received.bytes == 0;
            total.append(received);
            if !wants_all || is_end || into.remaining() == 0 || !total.rights.is_empty() {
                break;
            }
        }
        total.credentials = total.credentials.filter(|_| manner.wants_credentials);
        Ok(total)
    }

    fn shutdown(&self, how: How) -> Result<(), Errno> {
        let peer = self.endpoint.peer();
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
        let peer = self.endpoint.peer();
        if let Some(peer) = &peer {
            return Ok(Address::Unix(peer.own_name())); // it may have been bound since
        }
        let state = self.endpoint.state.lock();
        if state.peer.is_none() {
            return Err(ENOTCONN);
        }
        Ok(Address::Unix(state.peer_name.clone()))
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        if level != options::SOL_SOCKET {
            return Err(EOPNOTSUPP);
        }
        let mut state = self.endpoint.state.lock();
        state.options.set((level, name), value, Family::Local)
    }

    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        if level != options::SOL_SOCKET {
            return Err(EOPNOTSUPP);
        }
        let mut state = self.endpoint.state.lock();
        let number = match (level, name) {
            options::PEERCRED => {
                let peer = state.peer_credentials.unwrap_or(PeerCredentials::NONE);
                return Ok(peer.encode());
            }
            options::ERROR => i32::from(state.error.take().map_or(0, |error| error.0)),
            options::ACCEPTCONN => state.backlog.is_some().into(),
            key => return state.options.get(key, Family::Local),
        };
        Ok(number.to_ne_bytes().to_vec())
    }

    fn readiness(&self) -> Events {
        self.endpoint.readiness()
    }

    fn wait_queue(&self) -> &WaitQueue {
        &self.endpoint.queue
    }

    fn unread_bytes(&self) -> SysResult {
        let state = self.endpoint.state.lock();
        match state.backlog {
            Some(_) => Err(EINVAL),
            None if self.endpoint.is_connected_kind() => Ok(state.inbox.bytes()),
            None => Ok(state.inbox.first_bytes()),
        }
    }

    /// Everything the peer has not read yet, with what that costs.
    fn unsent_bytes(&self) -> SysResult {
        if self.endpoint.state.lock().backlog.is_some() {
            return Err(EINVAL);
        }
        let peer = self.endpoint.peer();
        Ok(peer.map_or(0, |peer| peer.state.lock().inbox.cost()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn shut(endpoint: &UnixEndpoint, reads: bool, writes: bool) {
    let mut state = endpoint.state.lock();
    state.is_read_shut |= reads;
    state.is_write_shut |= writes;
    drop(state);
    endpoint.queue.wake_all();
    endpoint.room.wake_all();
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        self.endpoint.close(false);
        cycles::collect();
    }
}
