//! Sockets between programs of this machine (unix(7)): stream, datagram and sequenced packet, with
//! descriptors and credentials passed along.
//!
//! Every endpoint has an inbox that its peers put into. Lock order: never two endpoints at once.
//! Not here: garbage collection of sockets sent through themselves (they stay until both ends are
//! closed), SO_PASSCRED with forged credentials.

mod calls;
mod names;

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::address::Address;
use super::socket::{MessageFlags, PeerCredentials, Received, SOCK_DGRAM, SOCK_STREAM};
use crate::errno::{EAGAIN, ECONNRESET, EINVAL, EPIPE, Errno};
use crate::fs::{Events, OpenFile, Sink};
use crate::process::current;
use crate::sync::{SpinLock, WaitQueue};
pub use calls::UnixSocket;
use names::Name;

/// Bytes in an inbox (net.core.wmem_default).
const INBOX_BYTES: usize = 208 << 10;
/// Datagrams in an inbox (net.unix.max_dgram_qlen is 10; writers wait beyond).
const INBOX_PIECES: usize = 512;

/// What one send put in: a message, or part of a stream.
struct Piece {
    bytes: Vec<u8>,
    /// Bytes already read, of a stream.
    start: usize,
    from: Vec<u8>,
    rights: Vec<Arc<OpenFile>>,
    credentials: PeerCredentials,
}

struct Backlog {
    limit: usize,
    ready: VecDeque<Arc<UnixEndpoint>>,
}

#[derive(Default)]
struct State {
    name: Option<Name>,
    peer: Option<Weak<UnixEndpoint>>,
    peer_name: Vec<u8>,
    /// Keeps the name of a listener for its accepted sockets (getsockname(2)).
    inherited_name: Vec<u8>,
    peer_credentials: Option<PeerCredentials>,
    inbox: VecDeque<Piece>,
    inbox_bytes: usize,
    backlog: Option<Backlog>,
    is_read_shut: bool,
    is_write_shut: bool,
    /// The peer of a stream is gone.
    is_orphan: bool,
    wants_credentials: bool,
    error: Option<Errno>,
    remembered: Vec<(i32, i32)>,
}

pub struct UnixEndpoint {
    kind: u32,
    queue: WaitQueue,
    state: SpinLock<State>,
}

fn own_credentials() -> PeerCredentials {
    let process = &current().process;
    let credentials = process.credentials.lock();
    PeerCredentials {
        pid: process.pid,
        uid: credentials.euid,
        gid: credentials.egid,
    }
}

impl UnixEndpoint {
    fn new(kind: u32) -> Arc<UnixEndpoint> {
        Arc::new(UnixEndpoint {
            kind,
            queue: WaitQueue::new(),
            state: SpinLock::new(State::default()),
        })
    }

    fn is_stream(&self) -> bool {
        self.kind == SOCK_STREAM
    }

    fn is_connected_kind(&self) -> bool {
        self.kind != SOCK_DGRAM
    }

    fn own_name(&self) -> Vec<u8> {
        let state = self.state.lock();
        match &state.name {
            Some(name) => name.bytes.clone(),
            None => state.inherited_name.clone(),
        }
    }

    fn peer(&self) -> Option<Arc<UnixEndpoint>> {
        self.state.lock().peer.as_ref()?.upgrade()
    }

    /// Makes two endpoints each other's peer.
    fn pair(a: &Arc<UnixEndpoint>, b: &Arc<UnixEndpoint>, credentials: PeerCredentials) {
        for (one, other) in [(a, b), (b, a)] {
            let name = other.own_name();
            let mut state = one.state.lock();
            state.peer = Some(Arc::downgrade(other));
            state.peer_name = name;
            state.peer_credentials = Some(credentials);
        }
    }

    /// Room for `size_bytes` more: all of a message, some of a stream.
    fn room(&self) -> usize {
        let state = self.state.lock();
        if state.inbox.len() >= INBOX_PIECES {
            return 0;
        }
        INBOX_BYTES.saturating_sub(state.inbox_bytes)
    }

    fn put(&self, piece: Piece) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if state.is_read_shut {
            return Err(EPIPE);
        }
        state.inbox_bytes += piece.bytes.len();
        state.inbox.push_back(piece);
        drop(state);
        self.queue.wake_all();
        Ok(())
    }

    fn readiness(&self) -> Events {
        let peer = self.peer();
        let has_room = match &peer {
            Some(peer) => peer.room() * 3 >= INBOX_BYTES,
            None => true,
        };
        let state = self.state.lock();
        let mut events = Events::empty();
        if let Some(backlog) = &state.backlog {
            events.set(Events::IN | Events::RDNORM, !backlog.ready.is_empty());
            return events;
        }
        let is_unconnected = self.is_connected_kind() && state.peer.is_none();
        let is_read_shut = state.is_read_shut || state.is_orphan;
        let is_write_shut = state.is_write_shut || state.is_orphan;
        let is_readable = !state.inbox.is_empty() || is_read_shut;
        events.set(Events::IN | Events::RDNORM, is_readable);
        events.set(Events::RDHUP, is_read_shut);
        events.set(Events::HUP, is_unconnected || is_read_shut && is_write_shut);
        events.set(Events::OUT | Events::WRNORM, has_room || state.is_orphan);
        events.set(Events::ERR, state.error.is_some());
        events
    }

    /// The peer is told, what was not accepted is refused, what was not read is dropped.
    fn close(&self) {
        let mut state = self.state.lock();
        let peer = state.peer.take().and_then(|peer| peer.upgrade());
        let backlog = state.backlog.take();
        let unread = core::mem::take(&mut state.inbox);
        let name = state.name.take();
        state.is_read_shut = true;
        drop(state);
        let had_unread = !unread.is_empty();
        drop((unread, name)); // descriptors in it may close sockets: no lock is held
        if let Some(peer) = peer.filter(|_| self.is_connected_kind()) {
            let mut state = peer.state.lock();
            state.is_orphan = true;
            if had_unread {
                state.error = Some(ECONNRESET);
            }
            drop(state);
            peer.queue.wake_all();
        }
        for waiting in backlog.into_iter().flat_map(|backlog| backlog.ready) {
            waiting.close();
        }
        self.queue.wake_all();
    }
}

impl State {
    /// What a read on an empty inbox says; EAGAIN means wait.
    fn empty(&mut self, is_connected_kind: bool) -> Result<Received, Errno> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.is_read_shut || self.is_orphan {
            return Ok(Received::default());
        }
        if is_connected_kind && self.peer.is_none() {
            return Err(EINVAL);
        }
        Err(EAGAIN)
    }

    /// Takes from the first piece, and of a stream from those after it up to the next descriptors.
    fn take(
        &mut self,
        into: &mut dyn Sink,
        is_peek: bool,
        is_stream: bool,
    ) -> Result<Received, Errno> {
        let mut received = Received::default();
        let mut index = 0;
        while let Some(piece) = self.inbox.get_mut(index) {
            let is_barrier = index > 0 || received.bytes > 0;
            if is_barrier && (!is_stream || !piece.rights.is_empty() || into.remaining() == 0) {
                break;
            }
            let available = piece.bytes.get(piece.start..).unwrap_or(&[]);
            let wanted = available.len().min(into.remaining());
            let moved = match into.put(available.get(..wanted).unwrap_or(&[])) {
                Err(error) if received.bytes == 0 => return Err(error),
                moved => moved.unwrap_or(0),
            };
            if received.from.is_none() {
                let is_named = !piece.from.is_empty();
                received.from = is_named.then(|| Address::Unix(piece.from.clone()));
                received.credentials = self.wants_credentials.then_some(piece.credentials);
            }
            let is_cut = !is_stream && moved < available.len();
            let whole = available.len();
            received.bytes += moved;
            if is_cut {
                received.flags |= MessageFlags::TRUNC.bits();
            }
            if is_peek {
                received.rights.extend(piece.rights.iter().cloned());
                index += 1;
                continue;
            }
            received.rights.append(&mut piece.rights);
            let is_finished = !is_stream || moved == whole;
            piece.start += moved;
            if !is_finished {
                self.inbox_bytes -= moved;
                break;
            }
            self.inbox_bytes -= whole;
            self.inbox.pop_front();
            if !is_stream {
                break;
            }
        }
        Ok(received)
    }
}
