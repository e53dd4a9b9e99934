//! Sockets between programs of this machine (unix(7)): stream, datagram and sequenced packet, with
//! descriptors and credentials passed along.
//!
//! Every endpoint has an inbox that its peers put into. Lock order: never two endpoints at once.
//! Not here: urgent data, SO_RCVLOWAT, SO_PEEK_OFF, the limit on descriptors in flight
//! (ETOOMANYREFS).

mod calls;
mod cycles;
mod inbox;
mod names;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::address::AF_UNIX;
use super::options::Options;
use super::socket::{PeerCredentials, Protocol, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM};
use crate::errno::{ECONNRESET, EPIPE, EPROTONOSUPPORT, ESOCKTNOSUPPORT, Errno};
use crate::fs::Events;
use crate::process::current;
use crate::sync::{SpinLock, WaitQueue};
pub use calls::UnixSocket;
use inbox::{Inbox, Piece};
use names::Name;

/// Makes the family known to socket(2).
pub fn install() {
    super::add_family(AF_UNIX, open);
}

fn open(kind: u32, number: u32) -> Result<Box<dyn Protocol>, Errno> {
    Ok(Box::new(UnixSocket::new(kind_of(kind, number)?)))
}

/// The type that a socket has: SOCK_RAW is SOCK_DGRAM (Linux unix_create()).
pub fn kind_of(kind: u32, number: u32) -> Result<u32, Errno> {
    match kind {
        _ if number != 0 && number != AF_UNIX.into() => Err(EPROTONOSUPPORT),
        SOCK_STREAM | SOCK_SEQPACKET | SOCK_DGRAM => Ok(kind),
        SOCK_RAW => Ok(SOCK_DGRAM),
        _ => Err(ESOCKTNOSUPPORT),
    }
}

/// net.unix.max_dgram_qlen: beyond it only a datagram socket's own peer may send.
const INBOX_DATAGRAMS: usize = 10;

/// What data that came is an event for, and room that was made (Linux sock_def_readable() and
/// unix_write_space()).
const CAME: Events = Events::IN
    .union(Events::PRI)
    .union(Events::RDNORM)
    .union(Events::RDBAND);
const ROOM: Events = Events::OUT.union(Events::WRNORM).union(Events::WRBAND);

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
    inbox: Inbox,
    backlog: Option<Backlog>,
    is_read_shut: bool,
    is_write_shut: bool,
    error: Option<Errno>,
    options: Options,
    /// Datagram sockets that found no room here and want to be told of it.
    turned_away: Vec<Weak<UnixEndpoint>>,
}

pub struct UnixEndpoint {
    kind: u32,
    /// Told of everything that changes what the socket is ready for.
    queue: WaitQueue,
    /// Who waits for room in the inbox or the backlog.
    room: WaitQueue,
    state: SpinLock<State>,
    flight: cycles::Flight,
    this: Weak<UnixEndpoint>,
}

/// What SO_PEERCRED tells of this process from now on.
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
        Arc::new_cyclic(|this| UnixEndpoint {
            kind,
            queue: WaitQueue::new(),
            room: WaitQueue::new(),
            state: SpinLock::new(State::default()),
            flight: cycles::Flight::default(),
            this: this.clone(),
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

    fn is_peer_of(&self, other: &UnixEndpoint) -> bool {
        let state = other.state.lock();
        let peer = state.peer.as_ref();
        peer.is_some_and(|peer| peer.ptr_eq(&self.this))
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

    /// True when `sender`, which may have `limit` bytes under way, has to wait.
    fn is_full_for(&self, sender: &UnixEndpoint, limit: usize) -> bool {
        let is_from_peer = self.is_connected_kind() || sender.is_peer_of(self);
        let state = self.state.lock();
        state.inbox.cost() >= limit || !is_from_peer && state.inbox.count() > INBOX_DATAGRAMS
    }

    fn put(&self, piece: Piece) -> Result<(), Errno> {
        let may_close_cycle = cycles::send(self, &piece.rights);
        let mut state = self.state.lock();
        if state.is_read_shut {
            return Err(EPIPE);
        }
        if !piece.rights.is_empty() {
            cycles::note(self)?;
        }
        state.inbox.push(piece);
        drop(state);
        if may_close_cycle {
            cycles::suspect();
        }
        self.queue.wake_all_for(CAME.bits());
        Ok(())
    }

    /// Somebody has read: there is room.
    fn tell_of_room(&self) {
        self.room.wake_all();
        if let Some(peer) = self.peer() {
            peer.queue.wake_all_for(ROOM.bits());
        }
        let turned_away = core::mem::take(&mut self.state.lock().turned_away);
        let waiting = turned_away.iter().filter_map(Weak::upgrade);
        waiting.for_each(|sender| sender.queue.wake_all_for(ROOM.bits()));
    }

    /// unix_poll() and unix_dgram_poll() of Linux.
    fn readiness(&self) -> Events {
        let is_writable = self.is_writable();
        let state = self.state.lock();
        let mut events = Events::empty();
        events.set(Events::ERR, state.error.is_some());
        let is_both_shut = state.is_read_shut && state.is_write_shut;
        let is_waiting = state.backlog.as_ref().is_some_and(|b| !b.ready.is_empty());
        let is_readable = !state.inbox.is_empty() || state.is_read_shut || is_waiting;
        events.set(Events::IN | Events::RDNORM, is_readable);
        events.set(Events::RDHUP, state.is_read_shut);
        let is_listening = state.backlog.is_some();
        let is_unconnected = self.is_connected_kind() && state.peer.is_none() && !is_listening;
        events.set(Events::HUP, is_unconnected || is_both_shut);
        let can_write = is_writable && !is_listening;
        events.set(Events::OUT | Events::WRNORM | Events::WRBAND, can_write);
        events
    }

    /// A quarter of what may be under way is. A datagram socket that finds its peer full is told
    /// when it no longer is.
    fn is_writable(&self) -> bool {
        let Some(peer) = self.peer() else {
            return true;
        };
        let limit = self.state.lock().options.send_bytes();
        if peer.is_full_for(self, usize::MAX) {
            let mut state = peer.state.lock();
            state.turned_away.retain(|other| !other.ptr_eq(&self.this));
            state.turned_away.push(self.this.clone());
            return false;
        }
        let cost = peer.state.lock().inbox.cost();
        cost * 4 <= limit
    }

    /// The peer is told, what was not accepted is refused, what was not read is dropped.
    fn close(&self, is_refusal: bool) {
        let mut state = self.state.lock();
        let peer = state.peer.take().and_then(|peer| peer.upgrade());
        let backlog = state.backlog.take();
        let unread = core::mem::take(&mut state.inbox);
        let name = state.name.take();
        state.is_read_shut = true;
        cycles::forget(self);
        drop(state);
        let is_reset = !unread.is_empty() || is_refusal;
        drop(name); // no lock is held
        cycles::discard(unread);
        if let Some(peer) = peer.filter(|_| self.is_connected_kind()) {
            let mut state = peer.state.lock();
            state.is_read_shut = true;
            state.is_write_shut = true;
            if is_reset {
                state.error = Some(ECONNRESET);
            }
            drop(state);
            peer.queue.wake_all();
        }
        for waiting in backlog.into_iter().flat_map(|backlog| backlog.ready) {
            waiting.close(true);
        }
        self.queue.wake_all();
        self.room.wake_all();
        self.tell_of_room();
    }
}
