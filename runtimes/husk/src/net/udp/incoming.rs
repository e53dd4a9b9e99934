//! Whose a datagram is: the socket that fits best, or every one that fits a group or broadcast.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::IpAddr;

use super::{UdpEndpoint, UdpSocket};
use crate::net::flows::FlowKey;
use crate::net::layer::{self, Layer, Packet};
use crate::net::packet::{self, Transport};
use crate::net::socket::Protocol;
use crate::net::stack::Stack;

struct Udp;

/// Makes UDP known.
pub fn install() {
    layer::add_udp(&Udp);
}

impl Layer for Udp {
    fn open(&self, family: u16) -> Box<dyn Protocol> {
        Box::new(UdpSocket::new(family))
    }

    fn receive(&self, stack: &mut Stack, packet: Packet<'_>) -> bool {
        let Some((ends, payload)) = packet::udp(packet.packet, packet.header) else {
            return true; // cut short: not worth an answer
        };
        let address = ends.destination.ip();
        let is_to_many = address.is_multicast() || stack.is_broadcast(address);
        let found = endpoints_for(stack, ends, is_to_many);
        if is_to_many || stack.is_for_us(packet.route, address) {
            found
                .iter()
                .for_each(|endpoint| endpoint.receive(ends, payload));
        }
        !found.is_empty()
    }

    fn resume(&self, stack: &mut Stack) {
        let datagrams: Vec<_> = stack.datagrams.values().flatten().cloned().collect();
        for endpoint in datagrams.iter().filter_map(Weak::upgrade) {
            endpoint.run(stack);
        }
    }

    /// ECONNREFUSED for connected sockets.
    fn refused(&self, stack: &mut Stack, sent: Transport) {
        let as_answered = Transport {
            source: sent.destination,
            destination: sent.source,
            flags: 0,
            hop_limit: 0,
            traffic_class: 0,
        };
        for endpoint in endpoints_for(stack, as_answered, false) {
            endpoint.refused(sent.destination);
        }
    }
}

/// The endpoint that fits best, or every one that fits for broadcast and multicast.
fn endpoints_for(stack: &Stack, ends: Transport, is_to_many: bool) -> Vec<Arc<UdpEndpoint>> {
    let Some(all) = stack.datagrams.get(&ends.destination.port()) else {
        return Vec::new();
    };
    let group = Some(ends.destination.ip()).filter(IpAddr::is_multicast);
    let is_joined = group.is_some_and(|group| has_member(stack, group));
    let mut fitting: Vec<_> = all
        .iter()
        .filter_map(Weak::upgrade)
        .filter(|endpoint| group.is_none_or(|g| is_joined && endpoint.wants_group(g)))
        .filter_map(|endpoint| Some((endpoint.fits(ends)?, endpoint)))
        .collect();
    if !is_to_many {
        let best = fitting.iter().map(|(score, _)| *score).max();
        fitting.retain(|(score, _)| Some(*score) == best);
        let key = FlowKey::new(ends.destination, ends.source);
        let chosen = key.hash(stack.secret) as usize % fitting.len().max(1);
        fitting = fitting.into_iter().skip(chosen).take(1).collect();
    }
    fitting.into_iter().map(|(_, endpoint)| endpoint).collect()
}

/// True when somebody has joined: without, the machine does not listen to a group.
fn has_member(stack: &Stack, group: IpAddr) -> bool {
    let all = stack.datagrams.values().flatten().filter_map(Weak::upgrade);
    all.into_iter().any(|endpoint| endpoint.is_member(group))
}

/// What goes to a group by the card comes to its members here too.
pub fn deliver_to_members(stack: &Stack, ends: Transport, payload: &[u8]) {
    for endpoint in endpoints_for(stack, ends, true) {
        endpoint.receive(ends, payload);
    }
}
