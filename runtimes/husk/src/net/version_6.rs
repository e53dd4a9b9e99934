//! IPv6, in a library that has it (Cargo.toml's feature `ipv6`). In one without, no socket is of
//! AF_INET6, the machine has no such address, and packets of it are nobody's.
//!
//! Only here is it told what of smoltcp's types there is then; the rest of the kernel works with
//! those of `core::net`, which have both.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use smoltcp::iface::Interface;
use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint, Ipv4Cidr};

pub const IS_THERE: bool = cfg!(feature = "ipv6");

/// An address as smoltcp has it; None for one that it cannot have.
pub fn known(address: IpAddr) -> Option<IpAddress> {
    match address {
        IpAddr::V4(address) => Some(IpAddress::Ipv4(address)),
        #[cfg(feature = "ipv6")]
        IpAddr::V6(address) => Some(IpAddress::Ipv6(address)),
        #[cfg(not(feature = "ipv6"))]
        IpAddr::V6(_) => None,
    }
}

pub fn endpoint(address: SocketAddr) -> Option<IpEndpoint> {
    Some(IpEndpoint::new(known(address.ip())?, address.port()))
}

/// An address in its network of so many leading bits, no more than it has.
pub fn network(address: IpAddr, length: u8) -> Option<IpCidr> {
    Some(IpCidr::new(known(address)?, length))
}

/// The IPv4 network among networks.
pub fn version_4(network: &IpCidr) -> Option<Ipv4Cidr> {
    match network {
        IpCidr::Ipv4(network) => Some(*network),
        #[cfg(feature = "ipv6")]
        IpCidr::Ipv6(_) => None,
    }
}

/// False where there is no room for another, or no IPv6.
#[cfg_attr(not(feature = "ipv6"), allow(unused_variables))]
pub fn add_default_route(interface: &mut Interface, gateway: Ipv6Addr) -> bool {
    #[cfg(feature = "ipv6")]
    return interface
        .routes_mut()
        .add_default_ipv6_route(gateway)
        .is_ok();
    #[cfg(not(feature = "ipv6"))]
    false
}

#[cfg_attr(not(feature = "ipv6"), allow(unused_variables))]
pub fn default_route(interface: &Interface) -> Option<IpAddress> {
    #[cfg(feature = "ipv6")]
    return Some(interface.routes().get_default_ipv6_route()?.via_router);
    #[cfg(not(feature = "ipv6"))]
    None
}

/// What a text says, of the versions that there are.
pub fn parse(text: &str) -> Option<IpAddr> {
    if IS_THERE {
        return text.parse().ok();
    }
    text.parse().ok().map(IpAddr::V4)
}

/// An address on the console and in files.
pub struct Shown(pub IpAddr);

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(out),
            IpAddr::V6(address) if IS_THERE => address.fmt(out),
            IpAddr::V6(_) => Ok(()),
        }
    }
}
