//! Who is bound to which port, and whether somebody else may be too (socket(7) SO_REUSEADDR,
//! SO_REUSEPORT), for TCP and UDP alike. Lock order: `BOUND` is a leaf.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicU64, Ordering};

use crate::errno::{EADDRINUSE, Errno};
use crate::fs::random;
use crate::sorted_map::SortedMap;
use crate::sync::SpinLock;
use crate::time;

/// net.ipv4.ip_local_port_range.
const EPHEMERAL: core::ops::RangeInclusive<u16> = 32768..=60999;
/// How long a connection that this side closed first keeps its port (TCP_TIMEWAIT_LEN of Linux).
const TIME_WAIT_NS: u64 = 60_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Tcp,
    Udp,
}

/// What a socket asks for when it is bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    pub kind: Kind,
    pub address: IpAddr,
    /// An IPv6 socket that leaves IPv4 to others (IPV6_V6ONLY).
    pub is_version_6_only: bool,
    pub reuses_address: bool,
    pub reuses_port: bool,
}

struct Entry {
    id: u64,
    claim: Claim,
    is_listening: bool,
    /// Of a port's connections, which are one entry if they claim the same.
    holders: usize,
    by: By,
    until_ns: u64,
}

impl Entry {
    fn is_held(&self, now_ns: u64) -> bool {
        self.holders > 0 || self.until_ns > now_ns
    }
}

/// How a socket came to its port: by bind(2) it is the socket's, else the connection's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    Bind,
    Connect,
    Accept,
}

static BOUND: SpinLock<SortedMap<(Kind, u16), Vec<Entry>>> = SpinLock::new(SortedMap::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A port held; dropping it gives the port back.
#[derive(Debug)]
pub struct Binding {
    id: u64,
    kind: Kind,
    pub by: By,
    pub address: SocketAddr,
    /// When a port that was given back is free.
    until_ns: u64,
}

/// Takes a port, an ephemeral one for 0.
pub fn bind(claim: Claim, port: u16) -> Result<Binding, Errno> {
    if port != 0 {
        return take(claim, port).ok_or(EADDRINUSE);
    }
    let count = u64::from(EPHEMERAL.end() - EPHEMERAL.start()) + 1;
    let start = random::number() % count;
    let candidates = (0..count).map(|n| EPHEMERAL.start() + ((start + n) % count) as u16);
    let strict = Claim {
        reuses_address: false,
        reuses_port: false,
        ..claim
    };
    for candidate in candidates {
        if is_free(&strict, candidate) {
            return take(claim, candidate).ok_or(EADDRINUSE);
        }
    }
    Err(EADDRINUSE)
}

fn is_free(claim: &Claim, port: u16) -> bool {
    let mut bound = BOUND.lock();
    let Some(entries) = bound.get_mut(&(claim.kind, port)) else {
        return true;
    };
    let now_ns = time::now_ns();
    entries.retain(|entry| entry.is_held(now_ns));
    !entries.iter().any(|entry| conflicts(claim, entry))
}

fn take(claim: Claim, port: u16) -> Option<Binding> {
    is_free(&claim, port).then(|| hold(claim, port, By::Bind))
}

/// A connection that came to a listener holds the port after the listener is gone (socket(7)
/// SO_REUSEADDR).
pub fn hold_for_accepted(claim: Claim, port: u16) -> Binding {
    hold(claim, port, By::Accept)
}

fn hold(claim: Claim, port: u16, by: By) -> Binding {
    let mut bound = BOUND.lock();
    let entries = bound.get_or_default((claim.kind, port));
    let is_same = |entry: &&mut Entry| entry.by == By::Accept && entry.claim == claim;
    let same = entries
        .iter_mut()
        .find(|entry| by == By::Accept && is_same(entry));
    let id = if let Some(entry) = same {
        entry.holders += 1;
        entry.id
    } else {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        entries.push(Entry {
            id,
            claim,
            is_listening: false,
            holders: 1,
            by,
            until_ns: 0,
        });
        id
    };
    Binding {
        id,
        kind: claim.kind,
        by,
        address: SocketAddr::new(claim.address, port),
        until_ns: 0,
    }
}

fn conflicts(claim: &Claim, entry: &Entry) -> bool {
    if !overlap(claim, &entry.claim) {
        return false;
    }
    let shares_port = claim.reuses_port && entry.claim.reuses_port;
    let shares_address = claim.reuses_address && entry.claim.reuses_address && !entry.is_listening;
    !shares_port && !shares_address
}

/// Two addresses overlap when they are equal or one stands for all; `::` stands for IPv4's too
/// unless its socket is for IPv6 only.
fn overlap(a: &Claim, b: &Claim) -> bool {
    let covers = |any: &Claim, other: &Claim| {
        any.address.is_unspecified()
            && (any.address.is_ipv4() == other.address.is_ipv4()
                || any.address.is_ipv6() && !any.is_version_6_only)
    };
    a.address == b.address || covers(a, b) || covers(b, a)
}

impl Binding {
    /// Keeps the port for TIME_WAIT after it was given back.
    pub fn linger(&mut self) {
        self.until_ns = time::now_ns() + TIME_WAIT_NS;
    }

    /// listen(2): from now on nobody shares the address by SO_REUSEADDR; EADDRINUSE if somebody
    /// listens there already.
    pub fn listen(&self) -> Result<(), Errno> {
        let mut bound = BOUND.lock();
        let entries = bound.get_mut(&(self.kind, self.address.port()));
        let Some(entries) = entries else {
            return Ok(());
        };
        let own = entries.iter().find(|entry| entry.id == self.id);
        let Some(claim) = own.map(|entry| entry.claim) else {
            return Ok(());
        };
        let is_taken = entries
            .iter()
            .any(|entry| entry.id != self.id && entry.is_listening && conflicts(&claim, entry));
        if is_taken {
            return Err(EADDRINUSE);
        }
        let own = entries.iter_mut().find(|entry| entry.id == self.id);
        own.into_iter().for_each(|entry| entry.is_listening = true);
        Ok(())
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        let key = (self.kind, self.address.port());
        let mut bound = BOUND.lock();
        let Some(entries) = bound.get_mut(&key) else {
            return;
        };
        if let Some(own) = entries.iter_mut().find(|entry| entry.id == self.id) {
            own.holders -= 1;
            own.until_ns = own.until_ns.max(self.until_ns);
        }
        let now_ns = time::now_ns();
        entries.retain(|entry| entry.is_held(now_ns));
        if entries.is_empty() {
            bound.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(address: &str) -> Claim {
        Claim {
            kind: Kind::Tcp,
            address: address.parse().unwrap(),
            is_version_6_only: false,
            reuses_address: false,
            reuses_port: false,
        }
    }

    #[test]
    fn a_port_has_one_owner() {
        let first = bind(claim("0.0.0.0"), 1001).unwrap();
        assert_eq!(bind(claim("127.0.0.1"), 1001).unwrap_err(), EADDRINUSE);
        assert_eq!(bind(claim("::"), 1001).unwrap_err(), EADDRINUSE);
        drop(first);
        let _one = bind(claim("127.0.0.1"), 1001).unwrap();
        let _two = bind(claim("127.0.0.2"), 1001).unwrap();
        let only_6 = Claim {
            is_version_6_only: true,
            ..claim("::")
        };
        assert!(bind(only_6, 1001).is_ok());
    }

    #[test]
    fn reuse_ends_where_listening_begins() {
        let reusing = Claim {
            reuses_address: true,
            ..claim("0.0.0.0")
        };
        let first = bind(reusing, 1002).unwrap();
        let second = bind(reusing, 1002).unwrap();
        first.listen().unwrap();
        assert_eq!(second.listen(), Err(EADDRINUSE));
        assert_eq!(bind(reusing, 1002).unwrap_err(), EADDRINUSE);
    }

    #[test]
    fn accepted_connections_hold_the_port_and_one_in_time_wait_does() {
        let listener = bind(claim("0.0.0.0"), 1003).unwrap();
        let mut one = hold_for_accepted(claim("127.0.0.1"), 1003);
        let two = hold_for_accepted(claim("127.0.0.1"), 1003);
        drop((listener, two));
        assert_eq!(bind(claim("0.0.0.0"), 1003).unwrap_err(), EADDRINUSE);
        assert!(bind(claim("127.0.0.2"), 1003).is_ok());
        one.linger();
        drop(one);
        assert_eq!(bind(claim("127.0.0.1"), 1003).unwrap_err(), EADDRINUSE);
        let passing = hold_for_accepted(claim("127.0.0.1"), 1004);
        drop(passing);
        assert!(bind(claim("127.0.0.1"), 1004).is_ok());
    }

    #[test]
    fn ephemeral_ports_are_in_range() {
        let binding = bind(claim("0.0.0.0"), 0).unwrap();
        assert!(EPHEMERAL.contains(&binding.address.port()));
    }
}
