//! Getting the machine's IPv4 address by DHCP (RFC 2131): smoltcp's client in a set of its own,
//! driven by the frames for port 68 and by a timer.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::IpAddr;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4::{self, Event};
use smoltcp::wire::{Ipv4Address, Ipv4Cidr};

use super::config;
use super::stack::{self, Route, Stack};
use crate::sync::Once;
use crate::time::timer;

pub struct Dhcp {
    sockets: SocketSet<'static>,
    handle: SocketHandle,
}

/// What a server gave.
pub struct Lease {
    pub address: Ipv4Cidr,
    pub gateway: Option<Ipv4Address>,
    pub nameservers: Vec<IpAddr>,
}

impl Dhcp {
    /// Asks for an address; the answer comes later.
    pub fn start(stack: &mut Stack) {
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(dhcpv4::Socket::new());
        let mut dhcp = Dhcp { sockets, handle };
        dhcp.run(stack);
        stack.dhcp = Some(dhcp);
    }

    /// A datagram for the client's port.
    pub fn receive(mut self, stack: &mut Stack, frame: &[u8]) -> Dhcp {
        stack.ingress(Route::Card, frame, &mut self.sockets);
        self.run(stack);
        self
    }

    fn run(&mut self, stack: &mut Stack) {
        if let Some(lease) = self.poll() {
            config::apply_lease(stack, &lease);
        }
        stack.egress(Route::Card, &mut self.sockets, 0);
        if let Some(at_ns) = stack.poll_at(Route::Card, &self.sockets) {
            timer::arm(at_ns, 0, clock());
        }
    }

    /// A new lease. One that ends without another leaves its address in place: connections are
    /// better served by an address that may be right than by none.
    fn poll(&mut self) -> Option<Lease> {
        let socket = self.sockets.get_mut::<dhcpv4::Socket>(self.handle);
        match socket.poll()? {
            Event::Deconfigured => None,
            Event::Configured(given) => Some(Lease {
                address: given.address,
                gateway: given.router,
                nameservers: given.dns_servers.iter().copied().map(IpAddr::V4).collect(),
            }),
        }
    }
}

/// The client's timer.
struct Clock;

impl timer::Expire for Clock {
    fn expire(&self, _key: u64) {
        stack::with(|stack| {
            if let Some(mut dhcp) = stack.dhcp.take() {
                dhcp.run(stack);
                stack.dhcp = Some(dhcp);
            }
        });
    }
}

fn clock() -> Weak<dyn timer::Expire> {
    static CLOCK: Once<Arc<Clock>> = Once::new();
    CLOCK.set(Arc::new(Clock));
    let clock: Weak<Clock> = CLOCK.get().map(Arc::downgrade).unwrap_or_default();
    clock
}
