//! Between smoltcp and what carries packets: the card, or the queue that is the loopback.
//!
//! smoltcp wants a device that it can drain. Here it gets one packet at a time, the one the
//! demultiplexer has chosen a socket for.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use smoltcp::phy::{self, ChecksumCapabilities, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::checksum;
use super::device::Transmit;
use super::packet;

pub const ETHERNET_HEADER_BYTES: usize = 14;
/// Linux's `lo` has 65536; an IP packet ends at 65535.
pub const LOOPBACK_MTU: usize = 65535;
/// Packets under way to ourselves; more are dropped, as a full card would.
const LOOPBACK_PACKETS: usize = 1024;

/// What carries packets away.
pub enum Link {
    Ethernet(Ethernet),
    Loopback(Loopback),
}

pub struct Ethernet {
    pub transmit: Box<dyn Transmit>,
    pub mtu: usize,
    /// Set when smoltcp asked who has an address: flows wait for the answer.
    pub has_asked_neighbor: bool,
    /// Frames queued since the card was last told to begin.
    pub held: usize,
}

#[derive(Default)]
pub struct Loopback {
    pub packets: VecDeque<Vec<u8>>,
}

impl Link {
    fn has_room(&mut self) -> bool {
        match self {
            Link::Ethernet(card) => card.transmit.has_room(),
            Link::Loopback(queue) => queue.packets.len() < LOOPBACK_PACKETS,
        }
    }

    fn send(&mut self, length: usize, fill: &mut dyn FnMut(&mut [u8])) {
        match self {
            Link::Ethernet(card) => card.send(length, fill),
            Link::Loopback(queue) => queue.send(length, fill),
        }
    }

    /// Lets what was sent go.
    pub fn flush(&mut self) {
        if let Link::Ethernet(card) = self
            && card.held > 0
        {
            card.held = 0;
            card.transmit.flush();
        }
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.checksum = ChecksumCapabilities::ignored();
        (capabilities.medium, capabilities.max_transmission_unit) = match self {
            Link::Ethernet(card) => (Medium::Ethernet, card.mtu + ETHERNET_HEADER_BYTES),
            Link::Loopback(_) => (Medium::Ip, LOOPBACK_MTU),
        };
        capabilities
    }
}

impl Ethernet {
    fn send(&mut self, length: usize, fill: &mut dyn FnMut(&mut [u8])) {
        let mut is_question = false;
        self.transmit.send(length, &mut |frame| {
            fill(frame);
            is_question = is_neighbor_question(frame);
            if let Some(packet) = frame.get_mut(ETHERNET_HEADER_BYTES..) {
                checksum::fill(packet);
            }
        });
        self.has_asked_neighbor |= is_question;
        self.held += 1;
    }
}

/// An ARP request, or anything multicast over IPv6 (neighbor solicitations are).
fn is_neighbor_question(frame: &[u8]) -> bool {
    frame.first() == Some(&0x33) || frame.get(12..14) == Some(&[0x08, 0x06])
}

/// Checksums are neither made nor looked at on the way to ourselves.
impl Loopback {
    fn send(&mut self, length: usize, fill: &mut dyn FnMut(&mut [u8])) {
        let mut packet = Vec::new();
        if packet.try_reserve_exact(length).is_err() {
            return;
        }
        packet.extend(core::iter::repeat_n(0, length));
        fill(&mut packet);
        self.packets.push_back(packet);
    }
}

/// smoltcp's view: at most one packet comes in.
pub struct Port<'a> {
    pub link: &'a mut Link,
    pub packet: Option<&'a [u8]>,
    /// IP_TOS of what is sent; smoltcp leaves it 0.
    pub traffic_class: u8,
}

impl phy::Device for Port<'_> {
    type RxToken<'t>
        = Incoming<'t>
    where
        Self: 't;
    type TxToken<'t>
        = Outgoing<'t>
    where
        Self: 't;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        // Without room for an answer the packet is still taken: an answer lost is less than a
        // packet lost, and mostly there is none.
        let packet = self.packet.take()?;
        let outgoing = Outgoing(self.link, self.traffic_class);
        Some((Incoming(packet), outgoing))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        let traffic_class = self.traffic_class;
        self.link
            .has_room()
            .then_some(Outgoing(self.link, traffic_class))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.link.capabilities()
    }
}

pub struct Incoming<'a>(&'a [u8]);

impl phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

pub struct Outgoing<'a>(&'a mut Link, u8);

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut fill = Some(fill);
        let mut result = None;
        let Outgoing(link, traffic_class) = self;
        let packet_at = match link {
            Link::Ethernet(_) => ETHERNET_HEADER_BYTES,
            Link::Loopback(_) => 0,
        };
        link.send(length, &mut |frame| {
            if let Some(fill) = fill.take() {
                result = Some(fill(frame));
            }
            if traffic_class != 0 {
                packet::set_traffic_class(frame.get_mut(packet_at..), traffic_class);
            }
        });
        // A packet no buffer was left for after all is written nowhere and lost, as on a wire.
        match (result, fill) {
            (Some(result), _) => result,
            (None, Some(fill)) => fill(&mut alloc::vec![0; length]),
            (None, None) => unreachable!("a packet is filled once, or not at all"),
        }
    }
}
