//! Multicast groups of a UDP socket (ip(7) IP_ADD_MEMBERSHIP, ipv6(7) IPV6_ADD_MEMBERSHIP): which it has
//! joined, and by which interface it sends to any.
//!
//! Not here: telling the card's neighbours (IGMP, MLD): groups work within the machine; which
//! interface a datagram came by is not compared with the one the group was joined on; sources.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::interfaces;
use super::options::{IPPROTO_IP, IPPROTO_IPV6, Key};
use super::socket::int_value;
use crate::errno::{EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENODEV, Errno};

const IP_MULTICAST_IF: Key = (IPPROTO_IP, 32);
const IP_ADD_MEMBERSHIP: Key = (IPPROTO_IP, 35);
const IP_DROP_MEMBERSHIP: Key = (IPPROTO_IP, 36);
const IPV6_MULTICAST_IF: Key = (IPPROTO_IPV6, 17);
const IPV6_ADD_MEMBERSHIP: Key = (IPPROTO_IPV6, 20);
const IPV6_DROP_MEMBERSHIP: Key = (IPPROTO_IPV6, 21);

#[derive(Default)]
pub struct Groups {
    joined: Vec<(IpAddr, i32)>,
    /// The number and address of the interface chosen for sending; 0 for none.
    outgoing: i32,
    outgoing_address: Option<Ipv4Addr>,
}

/// What setsockopt(2) asks for.
pub enum Request {
    Join(IpAddr, i32),
    Leave(IpAddr, i32),
    SendBy(i32, Option<Ipv4Addr>),
}

impl Request {
    /// None for an option that has nothing to do with groups. Called with no lock held.
    pub fn parse(key: Key, value: &[u8]) -> Option<Result<Request, Errno>> {
        Some(match key {
            IP_MULTICAST_IF => interface_4(value),
            IPV6_MULTICAST_IF => interface_6(value),
            IP_ADD_MEMBERSHIP => member_4(value).map(|(group, index)| Request::Join(group, index)),
            IP_DROP_MEMBERSHIP => {
                member_4(value).map(|(group, index)| Request::Leave(group, index))
            }
            IPV6_ADD_MEMBERSHIP => member_6(value).map(|(g, index)| Request::Join(g, index)),
            IPV6_DROP_MEMBERSHIP => member_6(value).map(|(g, index)| Request::Leave(g, index)),
            _ => return None,
        })
    }
}

fn field<const N: usize>(value: &[u8], at: usize) -> Result<[u8; N], Errno> {
    let bytes = value.get(at..at + N).ok_or(EINVAL)?;
    bytes.try_into().map_err(|_| EINVAL)
}

/// struct ip_mreq, or struct ip_mreqn, which has a number too.
fn member_4(value: &[u8]) -> Result<(IpAddr, i32), Errno> {
    let group = Ipv4Addr::from(field::<4>(value, 0)?);
    let address = Ipv4Addr::from(field::<4>(value, 4)?);
    if !group.is_multicast() {
        return Err(EINVAL);
    }
    let index = int_value(value.get(8..).unwrap_or(&[])).unwrap_or(0);
    Ok((group.into(), interface_of(index, address).ok_or(ENODEV)?))
}

/// struct ipv6_mreq.
fn member_6(value: &[u8]) -> Result<(IpAddr, i32), Errno> {
    let group = Ipv6Addr::from(field::<16>(value, 0)?);
    let index = int_value(value.get(16..).unwrap_or(&[]))?;
    if !group.is_multicast() {
        return Err(EINVAL);
    }
    let unnamed = Ipv4Addr::UNSPECIFIED;
    Ok((group.into(), interface_of(index, unnamed).ok_or(ENODEV)?))
}

/// struct in_addr, ip_mreq or ip_mreqn.
fn interface_4(value: &[u8]) -> Result<Request, Errno> {
    let at = if value.len() >= 8 { 4 } else { 0 };
    let address = Ipv4Addr::from(field::<4>(value, at)?);
    let index = int_value(value.get(8..).unwrap_or(&[])).unwrap_or(0);
    if index == 0 && address.is_unspecified() {
        return Ok(Request::SendBy(0, None));
    }
    let found = interface_of(index, address).ok_or(EADDRNOTAVAIL)?;
    Ok(Request::SendBy(found, (index == 0).then_some(address)))
}

fn interface_6(value: &[u8]) -> Result<Request, Errno> {
    match int_value(value)? {
        0 => Ok(Request::SendBy(0, None)),
        index => {
            interfaces::name(index).ok_or(ENODEV)?;
            Ok(Request::SendBy(index, None))
        }
    }
}

/// By number, else by address, else the card.
fn interface_of(index: i32, address: Ipv4Addr) -> Option<i32> {
    if index != 0 {
        return interfaces::name(index).map(|_| index);
    }
    if address.is_unspecified() {
        return interfaces::index(b"eth0");
    }
    interfaces::index_of(address.into())
}

impl Groups {
    pub fn apply(&mut self, request: Request) -> Result<(), Errno> {
        match request {
            Request::Join(group, index) if self.joined.contains(&(group, index)) => {
                return Err(EADDRINUSE);
            }
            Request::Join(group, index) => self.joined.push((group, index)),
            Request::Leave(group, index) => {
                let at = self.joined.iter().position(|one| *one == (group, index));
                self.joined.swap_remove(at.ok_or(EADDRNOTAVAIL)?);
            }
            Request::SendBy(index, address) => {
                self.outgoing = index;
                self.outgoing_address = address;
            }
        }
        Ok(())
    }

    /// IP_MULTICAST_IF and IPV6_MULTICAST_IF.
    pub fn get(&self, key: Key) -> Option<Vec<u8>> {
        match key {
            IP_MULTICAST_IF => {
                let address = self.outgoing_address.unwrap_or(Ipv4Addr::UNSPECIFIED);
                Some(address.octets().to_vec())
            }
            IPV6_MULTICAST_IF => Some(self.outgoing.to_ne_bytes().to_vec()),
            _ => None,
        }
    }

    pub fn has(&self, group: IpAddr) -> bool {
        self.joined.iter().any(|one| one.0 == group)
    }

    /// True when what is sent to a group stays in the machine.
    pub fn sends_by_loopback(&self) -> bool {
        self.outgoing == interfaces::LOOPBACK
    }
}
