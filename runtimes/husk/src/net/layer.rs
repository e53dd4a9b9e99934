//! TCP and UDP as the rest of the network sees them. Each is there only where the converter linked
//! it, so nothing outside names one: packets that nobody takes are for smoltcp, which refuses them.

use alloc::boxed::Box;

use super::packet::{Header, Protocol, Transport};
use super::socket;
use super::stack::{Route, Stack};
use crate::sync::Once;

/// A packet that came whole.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    pub route: Route,
    /// What smoltcp wants to see: with the link's header, where it has one.
    pub frame: &'a [u8],
    /// Of the frame.
    pub packet: &'a [u8],
    pub header: &'a Header,
}

/// A transport layer that was linked.
pub trait Layer: Sync {
    /// Makes a socket's inside.
    fn open(&self, family: u16) -> Box<dyn socket::Protocol>;

    /// Takes a packet of its protocol; false when it is for nobody here.
    fn receive(&self, stack: &mut Stack, packet: Packet<'_>) -> bool;

    /// Sends what waited for somebody's address.
    fn resume(&self, stack: &mut Stack);

    /// True while a peer has not acknowledged everything.
    fn has_unsent(&self, _stack: &Stack) -> bool {
        false
    }

    /// Nobody listens where this, which one of our sockets sent, went.
    fn refused(&self, _stack: &mut Stack, _sent: Transport) {}
}

static TCP: Once<&'static dyn Layer> = Once::new();
static UDP: Once<&'static dyn Layer> = Once::new();

pub fn add_tcp(layer: &'static dyn Layer) {
    TCP.set(layer);
}

pub fn add_udp(layer: &'static dyn Layer) {
    UDP.set(layer);
}

pub fn of(protocol: Protocol) -> Option<&'static dyn Layer> {
    match protocol {
        Protocol::Tcp => TCP.get().copied(),
        Protocol::Udp => UDP.get().copied(),
        _ => None,
    }
}

pub fn all() -> impl Iterator<Item = &'static dyn Layer> {
    [&TCP, &UDP].into_iter().filter_map(Once::get).copied()
}
