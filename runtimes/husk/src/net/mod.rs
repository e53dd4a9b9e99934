//! The network: devices' frames to sockets and back.
//!
//! `stack` is where packets pass through, `link` lies between it and the card or ourselves, `tcp`,
//! `udp` and `unix` are what sockets are made of, `socket` is the file behind a descriptor. There is
//! no network thread: work is done in system calls, timers, the card's interrupt, and when the
//! processor would idle (`pace`).

#![deny(unsafe_code)]

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
mod link;
pub mod netlink;
mod options;
pub mod pace;
mod packet;
mod port;
pub mod socket;
mod stack;
mod tcp;
mod udp;
pub mod unix;

use alloc::boxed::Box;
use core::net::SocketAddr;

use address::{AF_INET, AF_INET6, AF_UNIX};
use device::Nic;
pub use pace::{before_idle, finish, on_interrupt};
use socket::{Protocol, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM, Socket};

use crate::errno::{EAFNOSUPPORT, EINVAL, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT, Errno};
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

/// The family that is there only when the converter linked it.
static ADDED: SpinLock<Option<(u16, Opener)>> = SpinLock::new(None);

fn add_family(family: u16, open: Opener) {
    *ADDED.lock() = Some((family, open));
}

/// A new socket (socket(2)), not yet behind a descriptor.
pub fn open(family: u16, kind: u32, number: u32) -> Result<Socket, Errno> {
    const IPPROTO_ICMP: u32 = 1;
    const IPPROTO_TCP: u32 = 6;
    const IPPROTO_UDP: u32 = 17;
    let (protocol, number): (Box<dyn Protocol>, u32) = match (family, kind, number) {
        (AF_UNIX, SOCK_STREAM | SOCK_SEQPACKET | SOCK_DGRAM, 0) => {
            (Box::new(unix::UnixSocket::new(kind)), 0)
        }
        (AF_UNIX, SOCK_STREAM | SOCK_SEQPACKET | SOCK_DGRAM, _) => return Err(EPROTONOSUPPORT),
        (AF_UNIX, ..) => return Err(ESOCKTNOSUPPORT),
        (AF_INET | AF_INET6, SOCK_STREAM, 0 | IPPROTO_TCP) => {
            (Box::new(tcp::TcpSocket::new(family)), IPPROTO_TCP)
        }
        (AF_INET | AF_INET6, SOCK_DGRAM, 0 | IPPROTO_UDP) => {
            (Box::new(udp::UdpSocket::new(family)), IPPROTO_UDP)
        }
        (AF_INET | AF_INET6, SOCK_RAW, _) => return Err(EPERM),
        (AF_INET | AF_INET6, SOCK_DGRAM, IPPROTO_ICMP) => return Err(crate::errno::EACCES),
        (AF_INET | AF_INET6, SOCK_STREAM | SOCK_DGRAM, _) => return Err(EPROTONOSUPPORT),
        (AF_INET | AF_INET6, ..=9, _) => return Err(ESOCKTNOSUPPORT),
        (AF_INET | AF_INET6, ..) => return Err(EINVAL),
        _ => {
            let added = *ADDED.lock();
            let opener = added
                .filter(|added| added.0 == family)
                .ok_or(EAFNOSUPPORT)?;
            (opener.1(kind, number)?, number)
        }
    };
    Ok(Socket::new(protocol, family, kind, number))
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
