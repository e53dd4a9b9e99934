//! The network: devices' frames to sockets and back.
//!
//! `stack` is where packets pass through, `link` lies between it and the card or ourselves, `tcp`,
//! `udp`, `unix` and `netlink` are what sockets are made of, each there only where it was linked,
//! `socket` is the file behind a descriptor. There is no network thread: work is done in system calls,
//! timers, the card's interrupt, and when the processor would idle (`pace`).

#![deny(unsafe_code)]
// What only TCP has a use for.
#![cfg_attr(not(feature = "tcp"), allow(dead_code))]

pub mod address;
mod checksum;
mod config;
mod datagram;
pub mod device;
mod dhcp;
pub mod files;
mod flows;
#[cfg(test)]
mod fuzz;
mod groups;
mod interfaces;
mod layer;
mod link;
pub mod netlink;
mod options;
pub mod pace;
mod packet;
mod port;
pub mod socket;
mod stack;
#[cfg(feature = "tcp")]
pub mod tcp;
pub mod udp;
pub mod unix;
mod version_6;

use alloc::boxed::Box;
use core::net::SocketAddr;

use address::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX};
use device::Nic;
pub use pace::{before_idle, finish, on_interrupt};
use socket::{Protocol, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, Socket};

use crate::errno::{EACCES, EAFNOSUPPORT, EINVAL, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT, Errno};
use crate::sorted_map::SortedMap;
use crate::sync::SpinLock;
use crate::{event, klog};

/// The card a driver found before the network was there to take it.
static ATTACHED: SpinLock<Option<Nic>> = SpinLock::new(None);

/// A driver hands over its card. The first one is used.
pub fn attach(nic: Nic) {
    let mut attached = ATTACHED.lock();
    if attached.is_some() {
        klog!("a second network card is not used");
        return;
    }
    *attached = Some(nic);
}

/// Configures the network, statically or by DHCP.
pub fn install() {
    stack::install(ATTACHED.lock().take());
    config::install();
    pace::begin();
}

/// Open sockets, for the leak counts.
pub fn socket_count() -> usize {
    socket::count()
}

/// Makes a socket's inside, given its type and protocol number.
type Opener = fn(u32, u32) -> Result<Box<dyn Protocol>, Errno>;

/// Families that are there only where the converter linked them, beside those of IP.
static FAMILIES: SpinLock<SortedMap<u16, Opener>> = SpinLock::new(SortedMap::new());

fn add_family(family: u16, open: Opener) {
    FAMILIES.lock().insert(family, open);
}

/// A new socket (socket(2)), not yet behind a descriptor.
pub fn open(family: u16, kind: u32, number: u32) -> Result<Socket, Errno> {
    let (protocol, number) = match family {
        AF_INET6 if !version_6::IS_THERE => return Err(not_linked(family)),
        AF_INET | AF_INET6 => open_internet(family, kind, number)?,
        _ => {
            let opener = FAMILIES.lock().get(&family).copied();
            let opener = opener.ok_or_else(|| not_linked(family))?;
            (opener(kind, number)?, number)
        }
    };
    let (kind, number) = match (family, kind) {
        (AF_UNIX, SOCK_RAW) => (SOCK_DGRAM, 0),
        (AF_UNIX, _) => (kind, 0),
        _ => (kind, number),
    };
    Ok(Socket::new(protocol, family, kind, number))
}

fn open_internet(family: u16, kind: u32, number: u32) -> Result<(Box<dyn Protocol>, u32), Errno> {
    const ICMP: u32 = packet::ICMP as u32;
    const TCP: u32 = packet::TCP as u32;
    const UDP: u32 = packet::UDP as u32;
    let number = match (kind, number) {
        (SOCK_STREAM, 0 | TCP) => packet::TCP,
        (SOCK_DGRAM, 0 | UDP) => packet::UDP,
        (SOCK_RAW, _) => return Err(EPERM),
        (SOCK_DGRAM, ICMP) => return Err(EACCES),
        (SOCK_STREAM | SOCK_DGRAM, _) => return Err(EPROTONOSUPPORT),
        (..=9, _) => return Err(ESOCKTNOSUPPORT),
        _ => return Err(EINVAL),
    };
    let layer = layer::of(packet::Protocol::of(number)).ok_or_else(|| not_linked(family))?;
    Ok((layer.open(family), number.into()))
}

/// Most families Linux has are nowhere here; of the others an image has those its program uses.
fn not_linked(family: u16) -> Errno {
    let part = match family {
        AF_INET6 if !version_6::IS_THERE => "IPv6",
        AF_INET | AF_INET6 => "TCP or UDP",
        AF_UNIX => "'Unix sockets'",
        AF_NETLINK => "rtnetlink",
        _ => return EAFNOSUPPORT,
    };
    klog!(
        "a socket of family {family} is not to be had in this image; convert --keep-part {part} links it"
    );
    EAFNOSUPPORT
}

/// Tells the host, once for each port, that the program serves it.
fn announce(local: SocketAddr, protocol: &'static str) {
    static TOLD: SpinLock<SortedMap<(u16, &str), ()>> = SpinLock::new(SortedMap::new());
    if local.ip().to_canonical().is_loopback() {
        return;
    }
    let known = TOLD.lock().insert((local.port(), protocol), ());
    if known.is_none() {
        event!("ready {}/{protocol}", local.port());
    }
}
