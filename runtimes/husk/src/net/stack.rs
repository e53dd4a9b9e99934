//! Everything packets pass through: the card, the loopback, and the tables that say whose a packet
//! is. smoltcp's `Interface` is shared; each flow brings a socket set with just its own socket.
//!
//! Lock order: `STACK`, then an endpoint's own lock, then `ports`. Wait queues are woken with the
//! stack locked, so observers must not come back here; none of a socket's `readiness` does.
//!
//! One card so far: the first that a driver attaches.

use alloc::boxed::Box;
use alloc::sync::Weak;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::sync::atomic::{AtomicBool, Ordering};

use smoltcp::iface::{self, Interface, PollResult, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};

use super::checksum;
use super::device::{Nic, Receive};
use super::dhcp::Dhcp;
use super::interfaces;
use super::layer;
use super::link::{ETHERNET_HEADER_BYTES, Ethernet, Link, Loopback, Port};
use super::pace;
use super::packet::{self, Header, Protocol};
#[cfg(feature = "tcp")]
use super::tcp;
use super::udp::UdpEndpoint;
use super::version_6;
use crate::errno::{EADDRNOTAVAIL, ENETUNREACH, Errno};
use crate::fs::random;
use crate::sorted_map::SortedMap;
use crate::sync::{Once, SpinLock, SpinLockGuard};
use crate::time;

/// Which way packets of a flow go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Loopback,
    Card,
}

/// A link and smoltcp's interface to it.
struct Side {
    interface: Interface,
    link: Link,
}

/// The whole network.
pub struct Stack {
    #[cfg(feature = "tcp")]
    pub tcp: tcp::Table,
    /// UDP endpoints by port.
    pub datagrams: SortedMap<u16, Vec<Weak<UdpEndpoint>>>,
    pub dhcp: Option<Dhcp>,
    /// That no peer knows.
    pub secret: u64,
    loopback: Side,
    card: Option<Side>,
    /// None while its frames are being looked at.
    receive: Option<Box<dyn Receive>>,
}

static HAS_CARD: AtomicBool = AtomicBool::new(false);

/// Known without the lock.
pub fn has_card() -> bool {
    HAS_CARD.load(Ordering::Relaxed)
}

static STACK: Once<SpinLock<Stack>> = Once::new();

/// The network, locked.
fn lock() -> SpinLockGuard<'static, Stack> {
    if let Some(stack) = STACK.get() {
        return stack.lock();
    }
    STACK.set(SpinLock::new(Stack::new(None)));
    match STACK.get() {
        Some(stack) => stack.lock(),
        None => unreachable!("it was just set"),
    }
}

/// Makes the network, with the card if there is one.
pub fn install(card: Option<Nic>) {
    HAS_CARD.store(card.is_some(), Ordering::Relaxed);
    STACK.set(SpinLock::new(Stack::new(card)));
}

/// Does something with the network, and delivers what that sent to ourselves. What it sent by the
/// card goes soon: ringing a card's doorbell costs as much as a packet, so it waits for company
/// until the processor would idle, for `pace::TICK_NS` at most.
pub fn with<T>(work: impl FnOnce(&mut Stack) -> T) -> T {
    let mut stack = lock();
    let result = work(&mut stack);
    stack.deliver_loopback();
    let is_waiting = stack.hold_back();
    drop(stack);
    if is_waiting {
        pace::tick_soon();
    }
    result
}

/// smoltcp's clock.
pub fn now() -> Instant {
    Instant::from_micros((time::now_ns() / 1000) as i64)
}

impl Stack {
    pub fn new(card: Option<Nic>) -> Stack {
        let (card, receive) = match card {
            Some(nic) => {
                let link = Link::Ethernet(Ethernet {
                    transmit: nic.transmit,
                    mtu: nic.mtu,
                    has_asked_neighbor: false,
                    held: 0,
                });
                let address = HardwareAddress::Ethernet(EthernetAddress(nic.mac));
                (Some(Side::new(link, address)), Some(nic.receive))
            }
            None => (None, None),
        };
        Stack {
            #[cfg(feature = "tcp")]
            tcp: tcp::Table::default(),
            datagrams: SortedMap::new(),
            dhcp: None,
            secret: random::number(),
            loopback: Side::loopback(),
            card,
            receive,
        }
    }

    fn side(&mut self, route: Route) -> &mut Side {
        match (route, &mut self.card) {
            (Route::Card, Some(card)) => card,
            _ => &mut self.loopback,
        }
    }

    /// Lets smoltcp take a packet in for these sockets.
    pub fn ingress(&mut self, route: Route, packet: &[u8], sockets: &mut SocketSet<'_>) {
        let side = self.side(route);
        let mut port = Port {
            link: &mut side.link,
            packet: Some(packet),
            traffic_class: 0,
        };
        side.interface
            .poll_ingress_single(now(), &mut port, sockets);
    }

    /// Lets these sockets send all they can.
    pub fn egress(&mut self, route: Route, sockets: &mut SocketSet<'_>, traffic_class: u8) {
        let side = self.side(route);
        let mut port = Port {
            link: &mut side.link,
            packet: None,
            traffic_class,
        };
        let now = now();
        while side.interface.poll_egress(now, &mut port, sockets) != PollResult::None {}
    }

    /// When these sockets want to be looked at again, in nanoseconds.
    pub fn poll_at(&mut self, route: Route, sockets: &SocketSet<'_>) -> Option<u64> {
        let at = self.side(route).interface.poll_at(now(), sockets)?;
        Some(at.total_micros().max(0) as u64 * 1000)
    }

    /// smoltcp's context, for connecting.
    pub fn context(&mut self, route: Route) -> &mut iface::Context {
        self.side(route).interface.context()
    }

    pub fn mtu(&mut self, route: Route) -> usize {
        match &self.side(route).link {
            Link::Ethernet(card) => card.mtu,
            Link::Loopback(_) => super::link::LOOPBACK_MTU,
        }
    }

    /// The card's interface, for its configuration.
    pub fn card_interface(&mut self) -> Option<&mut Interface> {
        self.card.as_mut().map(|card| &mut card.interface)
    }

    /// The card's addresses.
    pub fn addresses(&self) -> &[IpCidr] {
        self.card
            .as_ref()
            .map_or(&[], |card| card.interface.ip_addrs())
    }

    pub fn card_mac(&self) -> Option<[u8; 6]> {
        match self.card.as_ref()?.interface.hardware_addr() {
            HardwareAddress::Ethernet(address) => Some(address.0),
            _ => None,
        }
    }

    /// True for an address packets to which stay here.
    pub fn is_own(&self, address: IpAddr) -> bool {
        let own = version_6::known(address);
        let mut all = self.addresses().iter();
        address.is_loopback() || all.any(|cidr| Some(cidr.address()) == own)
    }

    /// bind(2): an address must be ours, a group, broadcast, or none.
    pub fn check_bindable(&self, address: IpAddr) -> Result<(), Errno> {
        let is_fine = address.is_unspecified() || address.is_multicast() || self.is_own(address);
        is_fine.then_some(()).ok_or(EADDRNOTAVAIL)
    }

    /// The way to an address, and the source address to use.
    pub fn route_to(&self, destination: IpAddr) -> Result<(Route, IpAddr), Errno> {
        if destination.is_loopback() {
            let source = match destination {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            };
            return Ok((Route::Loopback, source));
        }
        if self.is_own(destination) {
            return Ok((Route::Loopback, destination));
        }
        let source = self.card_source(destination).ok_or(ENETUNREACH)?;
        Ok((Route::Card, source))
    }

    fn card_source(&self, destination: IpAddr) -> Option<IpAddr> {
        let interface = &self.card.as_ref()?.interface;
        let target = version_6::known(destination)?;
        let is_near = interface
            .ip_addrs()
            .iter()
            .any(|c| c.contains_addr(&target));
        let has_gateway = match destination {
            IpAddr::V4(_) => interface.routes().get_default_ipv4_route().is_some(),
            IpAddr::V6(_) => version_6::default_route(interface).is_some(),
        };
        let is_group = destination.is_multicast() || is_broadcast(destination);
        if !is_near && !has_gateway && !is_group {
            return None;
        }
        let source = IpAddr::from(interface.get_source_address(&target)?);
        (!source.is_loopback() && !source.is_unspecified()).then_some(source)
    }

    /// Takes what the card has received; true when there was something.
    pub fn receive_frames(&mut self) -> bool {
        /// A stream of packets must not keep the application from running for ever.
        const MOST: usize = 1024;
        let Some(mut receive) = self.receive.take() else {
            return false;
        };
        let mut count = 0;
        while count < MOST && receive.take(&mut |frame| self.handle_frame(frame)) {
            count += 1;
        }
        receive.give_back();
        self.receive = Some(receive);
        count > 0
    }

    /// Takes note of the card's interrupt; there will be none until `await_interrupt`.
    pub fn acknowledge_interrupt(&mut self) {
        if let Some(receive) = &mut self.receive {
            receive.acknowledge_interrupt();
        }
    }

    /// Asks for an interrupt at the next frame; false when there is one already.
    pub fn await_interrupt(&mut self) -> bool {
        let receive = self.receive.as_mut();
        !receive.is_some_and(|receive| receive.request_interrupt())
    }

    /// True when nobody interrupts for the card: it must be looked at now and then.
    pub fn needs_polling(&self) -> bool {
        self.receive
            .as_ref()
            .is_some_and(|receive| !receive.has_interrupt())
    }

    /// Lets go what was sent by the card.
    pub fn flush(&mut self) {
        if let Some(card) = &mut self.card {
            card.link.flush();
        }
    }

    /// True while a peer has not acknowledged everything.
    pub fn has_unsent(&self) -> bool {
        layer::all().any(|layer| layer.has_unsent(self))
    }

    /// True when something sent is to wait for company; much of it does not.
    fn hold_back(&mut self) -> bool {
        const MUCH: usize = 32;
        let held = match &self.card {
            Some(Side {
                link: Link::Ethernet(card),
                ..
            }) => card.held,
            _ => 0,
        };
        if held >= MUCH || !pace::may_wait() {
            self.flush();
            return false;
        }
        held > 0
    }

    /// Delivers packets sent to ourselves, and their answers.
    pub fn deliver_loopback(&mut self) {
        /// Two sockets may talk to each other without end; the timers take over then.
        const MOST: usize = 10_000;
        for _ in 0..MOST {
            let Link::Loopback(queue) = &mut self.loopback.link else {
                return;
            };
            let Some(packet) = queue.packets.pop_front() else {
                return;
            };
            self.handle_packet(Route::Loopback, &packet, &packet);
        }
    }

    fn handle_frame(&mut self, frame: &[u8]) {
        const IPV4: [u8; 2] = [0x08, 0x00];
        const IPV6: [u8; 2] = [0x86, 0xdd];
        let (Some(kind), Some(packet)) = (frame.get(12..14), frame.get(ETHERNET_HEADER_BYTES..))
        else {
            return;
        };
        if kind == IPV4 || kind == IPV6 {
            self.handle_packet(Route::Card, frame, packet);
        } else {
            self.handle_unclaimed(Route::Card, frame);
        }
    }

    /// `packet` is the IP packet in `frame`, which is what smoltcp wants to see.
    fn handle_packet(&mut self, route: Route, frame: &[u8], packet: &[u8]) {
        let Some(header) = Header::parse(packet) else {
            return;
        };
        let is_intact = route == Route::Loopback
            || checksum::is_header_right(packet, &header) && checksum::is_right(packet, &header);
        if !is_intact {
            return;
        }
        let protocol = Protocol::of(header.protocol);
        if let Protocol::Icmp | Protocol::Icmp6 = protocol
            && let Some(sent) = packet::port_unreachable(packet, &header)
        {
            layer::all().for_each(|layer| layer.refused(self, sent));
        }
        let packet = layer::Packet {
            route,
            frame,
            packet,
            header: &header,
        };
        let is_taken = self.is_for_dhcp(packet)
            || layer::of(protocol).is_some_and(|layer| layer.receive(self, packet));
        if !is_taken {
            self.handle_unclaimed(route, frame);
        }
    }

    fn is_for_dhcp(&mut self, packet: layer::Packet<'_>) -> bool {
        const CLIENT_PORT: u16 = 68;
        let is_udp = Protocol::of(packet.header.protocol) == Protocol::Udp;
        if self.dhcp.is_none() || packet.route != Route::Card || !is_udp {
            return false;
        }
        let datagram = packet::udp(packet.packet, packet.header);
        let is_for_client =
            datagram.is_some_and(|(ends, _)| ends.destination.port() == CLIENT_PORT);
        if is_for_client && let Some(dhcp) = self.dhcp.take() {
            self.dhcp = Some(dhcp.receive(self, packet.frame));
        }
        is_for_client
    }

    /// ARP, neighbor discovery, echo; and what nobody wants, which smoltcp refuses.
    fn handle_unclaimed(&mut self, route: Route, frame: &[u8]) {
        let mut nobody = SocketSet::new(&mut [][..]);
        self.ingress(route, frame, &mut nobody);
        if route == Route::Card {
            self.resume_waiting_for_neighbor();
        }
    }

    /// True for a packet that came this way to an address of ours.
    pub fn is_for_us(&self, route: Route, address: IpAddr) -> bool {
        route == Route::Loopback || !address.is_loopback() && self.is_own(address)
    }

    /// Broadcast to everyone, or to one of our networks.
    pub fn is_broadcast(&self, address: IpAddr) -> bool {
        let is_ours = |cidr: &IpCidr| {
            let everyone = version_6::version_4(cidr).and_then(|cidr| cidr.broadcast());
            everyone.is_some_and(|everyone| address == IpAddr::V4(everyone))
        };
        is_broadcast(address) || self.addresses().iter().any(is_ours)
    }

    /// Somebody's address may have become known: those who waited for it send now.
    fn resume_waiting_for_neighbor(&mut self) {
        let Some(Side {
            link: Link::Ethernet(card),
            ..
        }) = &mut self.card
        else {
            return;
        };
        if !core::mem::take(&mut card.has_asked_neighbor) {
            return;
        }
        layer::all().for_each(|layer| layer.resume(self));
    }
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}

impl Side {
    fn new(mut link: Link, address: HardwareAddress) -> Side {
        let mut config = iface::Config::new(address);
        config.random_seed = random::number();
        let mut port = Port {
            link: &mut link,
            packet: None,
            traffic_class: 0,
        };
        let interface = Interface::new(config, &mut port, now());
        Side { interface, link }
    }

    /// Takes packets to any address: what is sent this way was found to be ours before.
    fn loopback() -> Side {
        let mut side = Side::new(Link::Loopback(Loopback::default()), HardwareAddress::Ip);
        side.interface.set_any_ip(true);
        side.interface.update_ip_addrs(|addresses| {
            interfaces::own_networks().for_each(|cidr| {
                let _ = addresses.push(cidr); // there is room for two
            });
        });
        side
    }
}
