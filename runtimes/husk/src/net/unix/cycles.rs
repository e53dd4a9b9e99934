//! Finds sockets that only hold each other: a socket sent through itself, or two sent through each
//! other, are in each other's inboxes and nobody can receive them (Linux net/unix/garbage.c). And
//! closes what was in flight to sockets that are closed, one inbox after the other: a chain of
//! sockets in flight inside each other is as long as a program likes.
//!
//! Looked for when a socket is closed, once something was sent to a socket that was sent itself:
//! without that there is no cycle. One thread at a time looks or closes.

use alloc::collections::LinkedList;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::inbox::Inbox;
use super::{UnixEndpoint, UnixSocket};
use crate::errno::Errno;
use crate::fs::OpenFile;
use crate::mm::heap;
use crate::net::socket::Socket;
use crate::sync::SpinLock;

/// Open endpoints that descriptors were sent to. Lock order: a leaf.
static HOLDERS: SpinLock<Vec<Weak<UnixEndpoint>>> = SpinLock::new(Vec::new());

/// There may be a cycle among what is in flight.
static IS_SUSPECTED: AtomicBool = AtomicBool::new(false);

struct Work {
    /// Inboxes that nobody reads, with the descriptors to be closed.
    ended: LinkedList<Inbox>,
    /// Somebody closes them, or looks for cycles and then closes them.
    is_claimed: bool,
}

/// Lock order: a leaf.
static WORK: SpinLock<Work> = SpinLock::new(Work {
    ended: LinkedList::new(),
    is_claimed: false,
});

/// What an endpoint is to this.
#[derive(Default)]
pub struct Flight {
    /// It was sent once, or the listener that it came to was.
    was_sent: AtomicBool,
    /// Its place in `HOLDERS`, from 1 on.
    place: AtomicUsize,
    /// In how many inboxes it is, while nothing is found that reaches it: of whoever looks.
    count: AtomicUsize,
}

impl Flight {
    /// An accepted socket is in flight with its listener.
    pub fn follow(&self, listener: &Flight) {
        let was_sent = listener.was_sent.load(Ordering::Relaxed);
        self.was_sent.store(was_sent, Ordering::Relaxed);
    }

    /// True when it was found to be reachable just now.
    fn reach(&self) -> bool {
        self.count.swap(0, Ordering::Relaxed) != 0
    }
}

/// Descriptors go to `holder`: true when that may close a cycle.
pub fn send(holder: &UnixEndpoint, rights: &[Arc<OpenFile>]) -> bool {
    let mut has_listener = false;
    for sent in rights.iter().filter_map(|open| endpoint_of(open)) {
        sent.flight.was_sent.store(true, Ordering::Relaxed);
        has_listener |= sent.state.lock().backlog.is_some();
    }
    !rights.is_empty() && (has_listener || holder.flight.was_sent.load(Ordering::Relaxed))
}

pub fn suspect() {
    IS_SUSPECTED.store(true, Ordering::Relaxed);
}

/// Descriptors are about to wait at `holder`.
pub fn note(holder: &UnixEndpoint) -> Result<(), Errno> {
    let mut holders = HOLDERS.lock();
    if holder.flight.place.load(Ordering::Relaxed) == 0 {
        heap::push(&mut holders, holder.this.clone())?;
        holder.flight.place.store(holders.len(), Ordering::Relaxed);
    }
    Ok(())
}

/// `holder` is closed.
pub fn forget(holder: &UnixEndpoint) {
    let mut holders = HOLDERS.lock();
    let Some(last) = holders.len().checked_sub(1) else {
        return;
    };
    let Some(place) = holder
        .flight
        .place
        .swap(0, Ordering::Relaxed)
        .checked_sub(1)
    else {
        return;
    };
    holders.swap(place, last);
    let gone = holders.pop();
    let moved = holders.get(place).and_then(Weak::upgrade);
    if let Some(moved) = &moved {
        moved.flight.place.store(place + 1, Ordering::Relaxed);
    }
    if holders.is_empty() {
        *holders = Vec::new();
    }
    drop(holders);
    drop((gone, moved));
}

/// Closes what was in an inbox; later, when that is to happen inside of such a close.
pub fn discard(inbox: Inbox) {
    if !inbox.has_rights() {
        return;
    }
    WORK.lock().ended.push_back(inbox);
    if claim() {
        close_ended();
    }
}

/// Empties the inboxes that nobody can read.
pub fn collect() {
    if IS_SUSPECTED.load(Ordering::Relaxed) && claim() {
        let _ = end_unreachable(); // without memory for it the next close looks
        close_ended();
    }
}

fn claim() -> bool {
    !core::mem::replace(&mut WORK.lock().is_claimed, true)
}

/// No lock is held while descriptors are closed.
fn close_ended() {
    loop {
        let mut work = WORK.lock();
        let ended = work.ended.pop_front();
        work.is_claimed = ended.is_some();
        drop(work);
        if ended.is_none() {
            return;
        }
    }
}

fn end_unreachable() -> Result<(), Errno> {
    let holders = holders()?;
    IS_SUSPECTED.store(!holders.is_empty(), Ordering::Relaxed);
    let mut flights = Vec::new();
    let counted = holders
        .iter()
        .try_for_each(|holder| count(holder, &mut flights));
    let reached = counted.and_then(|()| reach_all(&holders, &flights));
    for endpoint in flights.iter().filter_map(|open| endpoint_of(open)) {
        for end in ends(endpoint) {
            if end.flight.reach() && reached.is_ok() {
                let inbox = core::mem::take(&mut end.state.lock().inbox);
                WORK.lock().ended.push_back(inbox);
            }
        }
    }
    reached
}

/// Those that hold descriptors now.
fn holders() -> Result<Vec<Arc<UnixEndpoint>>, Errno> {
    let mut held = Vec::new();
    for index in 0.. {
        let all = HOLDERS.lock();
        let Some(holder) = all.get(index) else { break };
        let holder = holder.upgrade();
        drop(all);
        if let Some(holder) = holder
            && holder.state.lock().inbox.has_rights()
        {
            heap::push(&mut held, holder)?;
        }
    }
    Ok(held)
}

/// The unix sockets that wait in an endpoint's inbox.
fn sockets_in(endpoint: &UnixEndpoint) -> Result<Vec<Arc<OpenFile>>, Errno> {
    let mut sockets = Vec::new();
    for piece in endpoint.state.lock().inbox.pieces() {
        for open in piece
            .rights
            .iter()
            .filter(|open| endpoint_of(open).is_some())
        {
            heap::push(&mut sockets, open.clone())?;
        }
    }
    Ok(sockets)
}

fn endpoint_of(open: &OpenFile) -> Option<&Arc<UnixEndpoint>> {
    let socket: &Socket = open.file.as_any().downcast_ref()?;
    let unix: &UnixSocket = socket.protocol.as_any().downcast_ref()?;
    Some(unix.endpoint())
}

/// A socket's endpoint, and of a listener those that wait to be accepted.
fn ends(endpoint: &Arc<UnixEndpoint>) -> impl Iterator<Item = Arc<UnixEndpoint>> {
    let waiting = (0..).map_while(|index| {
        let state = endpoint.state.lock();
        state.backlog.as_ref()?.ready.get(index).cloned()
    });
    core::iter::once(endpoint.clone()).chain(waiting)
}

/// Counts what waits at `holder`, and puts what was not met before to `flights`.
fn count(holder: &UnixEndpoint, flights: &mut Vec<Arc<OpenFile>>) -> Result<(), Errno> {
    for open in sockets_in(holder)? {
        let Some(endpoint) = endpoint_of(&open) else {
            continue;
        };
        if endpoint.flight.count.load(Ordering::Relaxed) == 0 {
            heap::push(flights, open.clone())?;
            let waiting = ends(endpoint).skip(1);
            waiting.for_each(|end| end.flight.count.store(1, Ordering::Relaxed));
        }
        endpoint.flight.count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// What waits at one that is not in flight can be received, and what waits there.
fn reach_all(holders: &[Arc<UnixEndpoint>], flights: &[Arc<OpenFile>]) -> Result<(), Errno> {
    let mut reached = Vec::new();
    let is_in_flight = |end: &UnixEndpoint| end.flight.count.load(Ordering::Relaxed) > 0;
    for holder in holders.iter().filter(|holder| !is_in_flight(holder)) {
        heap::push(&mut reached, holder.clone())?;
    }
    for open in flights {
        let Some(endpoint) = endpoint_of(open) else {
            continue;
        };
        let held_here = 1;
        let count = endpoint.flight.count.load(Ordering::Relaxed);
        if Arc::strong_count(open) > count + held_here {
            reach(endpoint, &mut reached)?;
        }
    }
    while let Some(holder) = reached.pop() {
        for open in sockets_in(&holder)? {
            if let Some(endpoint) = endpoint_of(&open) {
                reach(endpoint, &mut reached)?;
            }
        }
    }
    Ok(())
}

fn reach(endpoint: &Arc<UnixEndpoint>, reached: &mut Vec<Arc<UnixEndpoint>>) -> Result<(), Errno> {
    for end in ends(endpoint) {
        if end.flight.reach() {
            heap::push(reached, end)?;
        }
    }
    Ok(())
}
