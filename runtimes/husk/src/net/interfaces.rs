//! What programs ask about network interfaces (netdevice(7)): `lo` and `eth0`, read only.
//!
//! `netlink` tells the same to who asks by rtnetlink(7), where that is linked; where it is not,
//! glibc's getaddrinfo(3) and Go's resolver cope, and getifaddrs(3) fails.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use smoltcp::wire::{IpCidr, Ipv4Cidr};

use super::address::{AF_INET, Address};
use super::stack;
use super::version_6;
use crate::errno::{EADDRNOTAVAIL, EINVAL, ENODEV, ENOTTY, EPERM, Errno, SysResult};
use crate::mm::user;

const SIOCGIFNAME: u32 = 0x8910;
const SIOCGIFCONF: u32 = 0x8912;
const SIOCGIFFLAGS: u32 = 0x8913;
const SIOCGIFADDR: u32 = 0x8915;
const SIOCGIFBRDADDR: u32 = 0x8919;
const SIOCGIFNETMASK: u32 = 0x891b;
const SIOCGIFMETRIC: u32 = 0x891d;
const SIOCGIFMTU: u32 = 0x8921;
const SIOCGIFHWADDR: u32 = 0x8927;
const SIOCGIFINDEX: u32 = 0x8933;
const SIOCGIFTXQLEN: u32 = 0x8942;

const NAME_BYTES: usize = 16;
/// Numbers of the interfaces.
pub const LOOPBACK: i32 = 1;
const CARD: i32 = 2;
/// sizeof(struct ifreq).
const REQUEST_BYTES: usize = 40;

pub struct Interface {
    pub name: &'static [u8],
    pub index: i32,
    pub flags: i16,
    pub mtu: i32,
    /// ARPHRD_* and the address.
    pub hardware: (u16, [u8; 6]),
    pub addresses: Vec<IpCidr>,
}

/// `lo`, and the card when there is one.
pub fn all() -> Vec<Interface> {
    const UP_LOOPBACK_RUNNING: i16 = 0x49;
    const UP_BROADCAST_RUNNING_MULTICAST: i16 = 0x1043;
    const ARPHRD_LOOPBACK: u16 = 772;
    const ARPHRD_ETHER: u16 = 1;
    let mut interfaces = alloc::vec![Interface {
        name: b"lo",
        index: LOOPBACK,
        flags: UP_LOOPBACK_RUNNING,
        mtu: 65536,
        hardware: (ARPHRD_LOOPBACK, [0; 6]),
        addresses: own_networks().collect(),
    }];
    stack::with(|stack| {
        let mtu = stack.mtu(stack::Route::Card) as i32;
        if let Some(mac) = stack.card_mac() {
            interfaces.push(Interface {
                name: b"eth0",
                index: CARD,
                flags: UP_BROADCAST_RUNNING_MULTICAST,
                mtu,
                hardware: (ARPHRD_ETHER, mac),
                addresses: stack.addresses().to_vec(),
            });
        }
    });
    interfaces
}

/// What `lo` has.
pub fn own_networks() -> impl Iterator<Item = IpCidr> {
    let four = version_6::network(Ipv4Addr::LOCALHOST.into(), 8);
    let six = version_6::network(Ipv6Addr::LOCALHOST.into(), 128);
    four.into_iter().chain(six)
}

/// An interface's number.
pub fn index(name: &[u8]) -> Option<i32> {
    match name {
        b"lo" => Some(LOOPBACK),
        b"eth0" if stack::has_card() => Some(CARD),
        _ => None,
    }
}

/// The number of the interface that has an address.
pub fn index_of(address: IpAddr) -> Option<i32> {
    let interfaces = all();
    let has_it = |i: &&Interface| {
        i.addresses
            .iter()
            .any(|c| IpAddr::from(c.address()) == address)
    };
    interfaces.iter().find(has_it).map(|found| found.index)
}

/// An interface's name, with its NUL.
pub fn name(index: i32) -> Option<Vec<u8>> {
    match index {
        LOOPBACK => Some(b"lo\0".to_vec()),
        CARD if stack::has_card() => Some(b"eth0\0".to_vec()),
        _ => None,
    }
}

/// The SIOCGIF* commands; what would change an interface is EPERM.
pub fn control(command: u32, argument: usize) -> SysResult {
    match command {
        SIOCGIFCONF => list(argument),
        SIOCGIFNAME => name_of(argument),
        SIOCGIFFLAGS | SIOCGIFADDR | SIOCGIFBRDADDR | SIOCGIFNETMASK | SIOCGIFMETRIC
        | SIOCGIFMTU | SIOCGIFHWADDR | SIOCGIFINDEX | SIOCGIFTXQLEN => tell(command, argument),
        0x8914 | 0x8916..=0x8922 => Err(EPERM),
        _ => Err(ENOTTY),
    }
}

fn tell(command: u32, argument: usize) -> SysResult {
    let name: [u8; NAME_BYTES] = user::read(argument)?;
    let end = name.iter().position(|&byte| byte == 0).ok_or(ENODEV)?;
    let interfaces = all();
    let interface = interfaces
        .iter()
        .find(|interface| Some(interface.name) == name.get(..end))
        .ok_or(ENODEV)?;
    let value = interface.value(command)?;
    user::write_bytes(argument + NAME_BYTES, &value)?;
    Ok(0)
}

impl Interface {
    pub fn is_loopback(&self) -> bool {
        self.index == LOOPBACK
    }

    /// What ioctl(2) tells, which knows of no other.
    fn first_version_4(&self) -> Option<Ipv4Cidr> {
        self.addresses.iter().find_map(version_6::version_4)
    }

    fn value(&self, command: u32) -> Result<Vec<u8>, Errno> {
        let address = || self.first_version_4().ok_or(EADDRNOTAVAIL);
        Ok(match command {
            SIOCGIFFLAGS => self.flags.to_ne_bytes().to_vec(),
            SIOCGIFINDEX => self.index.to_ne_bytes().to_vec(),
            SIOCGIFMTU => self.mtu.to_ne_bytes().to_vec(),
            SIOCGIFMETRIC => 0i32.to_ne_bytes().to_vec(),
            SIOCGIFTXQLEN => 1000i32.to_ne_bytes().to_vec(),
            SIOCGIFADDR => encode(address()?.address()),
            SIOCGIFNETMASK => encode(address()?.netmask()),
            SIOCGIFBRDADDR => encode(address()?.broadcast().unwrap_or(Ipv4Addr::UNSPECIFIED)),
            SIOCGIFHWADDR => {
                let mut bytes = self.hardware.0.to_ne_bytes().to_vec();
                bytes.extend_from_slice(&self.hardware.1);
                bytes.resize(16, 0);
                bytes
            }
            _ => return Err(EINVAL),
        })
    }

    /// struct ifreq with the address.
    fn request(&self) -> Vec<u8> {
        let mut bytes = self.name.to_vec();
        bytes.resize(NAME_BYTES, 0);
        let address = self
            .first_version_4()
            .map_or(Ipv4Addr::UNSPECIFIED, |a| a.address());
        bytes.extend_from_slice(&encode(address));
        bytes.resize(REQUEST_BYTES, 0);
        bytes
    }
}

fn encode(address: Ipv4Addr) -> Vec<u8> {
    Address::Ip(SocketAddr::new(IpAddr::V4(address), 0)).encode(AF_INET)
}

/// struct ifconf: a length and a buffer; a null buffer asks how long it should be.
fn list(argument: usize) -> SysResult {
    let room: i32 = user::read(argument)?;
    let buffer: usize = user::read(argument + 8)?;
    let requests: Vec<u8> = all()
        .iter()
        .filter(|interface| interface.first_version_4().is_some())
        .flat_map(Interface::request)
        .collect();
    let room = usize::try_from(room).map_err(|_| EINVAL)?;
    let length = if buffer == 0 {
        requests.len()
    } else {
        requests.len().min(room / REQUEST_BYTES * REQUEST_BYTES)
    };
    if buffer != 0 {
        user::write_bytes(buffer, requests.get(..length).unwrap_or(&[]))?;
    }
    user::write(argument, length as i32)?;
    Ok(0)
}

fn name_of(argument: usize) -> SysResult {
    let index: i32 = user::read(argument + NAME_BYTES)?;
    let interfaces = all();
    let found = interfaces.iter().find(|interface| interface.index == index);
    let mut name = found.ok_or(ENODEV)?.name.to_vec();
    name.resize(NAME_BYTES, 0);
    user::write_bytes(argument, &name)?;
    Ok(0)
}
