//! Finds sockets that only hold each other: a socket sent through itself, or two sent through each
//! other, are in each other's inboxes and nobody can receive them (Linux net/unix/garbage.c).
//!
//! Looked for when a socket is closed while descriptors are in flight. The last close of one that is
//! in flight itself is not such a moment, as on Linux: the next one is.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::{UnixEndpoint, UnixSocket};
use crate::fs::OpenFile;
use crate::net::socket::Socket;
use crate::sync::SpinLock;

/// Endpoints that descriptors were sent to. Lock order: a leaf.
static HOLDERS: SpinLock<Vec<Weak<UnixEndpoint>>> = SpinLock::new(Vec::new());

/// Descriptors are about to wait at `endpoint`.
pub fn note(endpoint: &Weak<UnixEndpoint>) {
    let mut holders = HOLDERS.lock();
    if !holders.iter().any(|held| held.ptr_eq(endpoint)) {
        holders.push(endpoint.clone());
    }
}

/// A unix socket in flight.
struct Flight {
    open: Arc<OpenFile>,
    /// Its endpoint, and of a listener those that wait to be accepted.
    ends: Vec<Arc<UnixEndpoint>>,
    /// In how many inboxes it is.
    count: usize,
    is_reachable: bool,
}

/// Empties the inboxes that nobody can read.
pub fn collect() {
    let holders = holders();
    if holders.is_empty() {
        return;
    }
    let mut flights = Vec::new();
    for holder in &holders {
        count(&mut flights, holder);
    }
    for flight in &mut flights {
        let held_here = 1;
        flight.is_reachable = Arc::strong_count(&flight.open) > flight.count + held_here;
    }
    for holder in &holders {
        if !is_in_flight(&flights, holder) {
            reach(&mut flights, holder);
        }
    }
    while spread(&mut flights) {}
    let mut inboxes = Vec::new();
    for flight in flights.iter().filter(|flight| !flight.is_reachable) {
        for end in &flight.ends {
            inboxes.push(core::mem::take(&mut end.state.lock().inbox));
        }
    }
    drop(flights);
    drop(inboxes); // closes what was in them; no lock is held
}

/// Those that still hold descriptors.
fn holders() -> Vec<Arc<UnixEndpoint>> {
    let mut held = Vec::new();
    HOLDERS.lock().retain(|holder| match holder.upgrade() {
        Some(endpoint) if has_rights(&endpoint) => {
            held.push(endpoint);
            true
        }
        _ => false,
    });
    held
}

fn has_rights(endpoint: &UnixEndpoint) -> bool {
    let state = endpoint.state.lock();
    state.inbox.pieces().any(|piece| !piece.rights.is_empty())
}

/// The unix sockets that wait in an endpoint's inbox.
fn sockets_in(endpoint: &UnixEndpoint) -> Vec<Arc<OpenFile>> {
    let mut sockets = Vec::new();
    for piece in endpoint.state.lock().inbox.pieces() {
        for open in &piece.rights {
            if endpoint_of(open).is_some() {
                sockets.push(open.clone());
            }
        }
    }
    sockets
}

fn endpoint_of(open: &OpenFile) -> Option<&Arc<UnixEndpoint>> {
    let socket: &Socket = open.file.as_any().downcast_ref()?;
    let unix: &UnixSocket = socket.protocol.as_any().downcast_ref()?;
    Some(unix.endpoint())
}

fn count(flights: &mut Vec<Flight>, holder: &UnixEndpoint) {
    for open in sockets_in(holder) {
        if let Some(known) = flights.iter_mut().find(|f| Arc::ptr_eq(&f.open, &open)) {
            known.count += 1;
            continue;
        }
        let ends = endpoint_of(&open).map(ends).unwrap_or_default();
        flights.push(Flight {
            open,
            ends,
            count: 1,
            is_reachable: false,
        });
    }
}

fn ends(endpoint: &Arc<UnixEndpoint>) -> Vec<Arc<UnixEndpoint>> {
    let mut ends = alloc::vec![endpoint.clone()];
    if let Some(backlog) = &endpoint.state.lock().backlog {
        for end in &backlog.ready {
            ends.push(end.clone());
        }
    }
    ends
}

fn is_in_flight(flights: &[Flight], endpoint: &Arc<UnixEndpoint>) -> bool {
    let is_it = |other: &Arc<UnixEndpoint>| Arc::ptr_eq(other, endpoint);
    flights.iter().any(|flight| flight.ends.iter().any(is_it))
}

/// What waits at `holder` can be received; true when that was news.
fn reach(flights: &mut [Flight], holder: &UnixEndpoint) -> bool {
    let mut is_news = false;
    for open in sockets_in(holder) {
        for flight in flights.iter_mut() {
            if Arc::ptr_eq(&flight.open, &open) && !flight.is_reachable {
                flight.is_reachable = true;
                is_news = true;
            }
        }
    }
    is_news
}

/// What waits in a reachable socket is reachable; true when there was something new.
fn spread(flights: &mut [Flight]) -> bool {
    let mut reachable = Vec::new();
    for flight in flights.iter().filter(|flight| flight.is_reachable) {
        reachable.push(flight.ends.clone());
    }
    let mut is_news = false;
    for end in reachable.iter().flatten() {
        is_news |= reach(flights, end);
    }
    is_news
}
