//! Whose a segment is: a connection by its two ends, else a listener where it opens one.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::{TcpEndpoint, TcpSocket};
use crate::net::flows::FlowKey;
use crate::net::layer::{self, Layer, Packet};
use crate::net::packet::{self, FLAG_ACK, FLAG_RST, FLAG_SYN};
use crate::net::socket::Protocol;
use crate::net::stack::Stack;

struct Tcp;

/// Makes TCP known.
pub fn install() {
    layer::add_tcp(&Tcp);
}

impl Layer for Tcp {
    fn open(&self, family: u16) -> Box<dyn Protocol> {
        Box::new(TcpSocket::new(family))
    }

    fn receive(&self, stack: &mut Stack, packet: Packet<'_>) -> bool {
        let Some(segment) = packet::tcp(packet.packet, packet.header) else {
            return true; // cut short: not worth an answer
        };
        let key = FlowKey::new(segment.destination, segment.source);
        let is_opening = segment.flags & (FLAG_SYN | FLAG_ACK | FLAG_RST) == FLAG_SYN;
        let flow = stack.tcp.flows.get(&key).cloned();
        if let Some(flow) = flow {
            let is_replaced = is_opening && flow.give_way(stack);
            if !is_replaced {
                flow.receive(stack, packet.frame, segment.flags & FLAG_RST != 0);
                return true;
            }
        }
        let destination = segment.destination;
        if !is_opening || !stack.is_for_us(packet.route, destination.ip()) {
            return false;
        }
        let Some(listener) = listener_for(stack, destination, &key) else {
            return false;
        };
        if let Some(flow) = listener.admit(stack, packet.route, segment) {
            flow.receive(stack, packet.frame, false);
        }
        true
    }

    fn resume(&self, stack: &mut Stack) {
        let flows: Vec<_> = stack.tcp.flows.values().cloned().collect();
        flows.iter().for_each(|flow| flow.run(stack));
    }

    fn has_unsent(&self, stack: &Stack) -> bool {
        stack.tcp.flows.values().any(|flow| flow.has_unsent())
    }
}

/// The listener that fits best; among equals (SO_REUSEPORT) the peer's address decides.
fn listener_for(stack: &Stack, local: SocketAddr, key: &FlowKey) -> Option<Arc<TcpEndpoint>> {
    let all = stack.tcp.listeners.get(&local.port())?;
    let alive = || all.iter().filter_map(Weak::upgrade);
    let best = alive().filter_map(|l| l.listens_on(local.ip())).max()?;
    let mut equals: Vec<_> = alive()
        .filter(|listener| listener.listens_on(local.ip()) == Some(best))
        .collect();
    let chosen = key.hash(stack.secret) as usize % equals.len();
    Some(equals.swap_remove(chosen))
}
