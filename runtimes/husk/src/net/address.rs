//! Socket addresses as the application writes them (sockaddr(3type)).
//!
//! IPv4-mapped IPv6 addresses (ipv6(7)) become plain IPv4 ones here and are mapped again on the way
//! out of an AF_INET6 socket; nothing else knows of them. Scope ids are not kept.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::errno::{EAFNOSUPPORT, EINVAL, Errno};
use crate::mm::user;

pub const AF_UNSPEC: u16 = 0;
pub const AF_UNIX: u16 = 1;
pub const AF_INET: u16 = 2;
pub const AF_INET6: u16 = 10;
pub const AF_NETLINK: u16 = 16;
pub const AF_PACKET: u16 = 17;

const INET_BYTES: usize = 16;
/// Without the scope id, as SIN6_LEN_RFC2133 has it.
const INET6_BYTES: usize = 24;
const INET6_FULL_BYTES: usize = 28;
/// sizeof(struct sockaddr_storage).
const STORAGE_BYTES: usize = 128;
/// sizeof(struct sockaddr_nl).
const NETLINK_BYTES: usize = 12;
/// sizeof(struct sockaddr_un).
const UNIX_BYTES: usize = 110;

/// Where a socket is, or should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// AF_UNSPEC: dissolves an association (connect(2)).
    None,
    Ip(SocketAddr),
    /// A netlink(7) port.
    Netlink(u32),
    /// A unix(7) address: nothing (unnamed), a path, or a NUL and an abstract name.
    Unix(Vec<u8>),
}

impl Address {
    /// Reads `length` bytes of address.
    pub fn read(address: usize, length: usize) -> Result<Address, Errno> {
        if length > STORAGE_BYTES {
            return Err(EINVAL);
        }
        let mut bytes = [0; STORAGE_BYTES];
        let bytes = bytes.get_mut(..length).ok_or(EINVAL)?;
        user::read_bytes(address, bytes)?;
        Self::decode(bytes)
    }

    pub fn decode(bytes: &[u8]) -> Result<Address, Errno> {
        let family = u16::from_ne_bytes(field(bytes, 0)?);
        match family {
            AF_UNSPEC => Ok(Address::None),
            AF_INET if bytes.len() >= INET_BYTES => {
                let address = Ipv4Addr::from(field::<4>(bytes, 4)?);
                let port = u16::from_be_bytes(field(bytes, 2)?);
                Ok(Address::Ip(SocketAddr::new(address.into(), port)))
            }
            AF_INET6 if bytes.len() >= INET6_BYTES => {
                let address = Ipv6Addr::from(field::<16>(bytes, 8)?);
                let port = u16::from_be_bytes(field(bytes, 2)?);
                Ok(Address::Ip(SocketAddr::new(address.to_canonical(), port)))
            }
            AF_NETLINK if bytes.len() >= NETLINK_BYTES => {
                Ok(Address::Netlink(u32::from_ne_bytes(field(bytes, 4)?)))
            }
            AF_INET | AF_INET6 | AF_NETLINK => Err(EINVAL),
            AF_UNIX => decode_unix(bytes.get(2..).ok_or(EINVAL)?),
            _ => Err(EAFNOSUPPORT),
        }
    }

    /// As bytes, for a socket of `family`.
    pub fn encode(&self, family: u16) -> Vec<u8> {
        match self {
            Address::None => family.to_ne_bytes().to_vec(),
            Address::Ip(address) if family == AF_INET6 => encode_6(address),
            Address::Ip(address) => encode_4(address),
            Address::Unix(name) => encode_unix(name),
            Address::Netlink(port) => encode_netlink(*port),
        }
    }

    /// Gives an address to the application: as much as fits, and how long it really is
    /// (accept(2) § addrlen).
    pub fn write(&self, family: u16, address: usize, length_at: usize) -> Result<(), Errno> {
        if address == 0 {
            return Ok(());
        }
        let room: i32 = user::read(length_at)?;
        let room = usize::try_from(room).map_err(|_| EINVAL)?;
        let bytes = self.encode(family);
        user::write_bytes(address, bytes.get(..room.min(bytes.len())).unwrap_or(&[]))?;
        user::write(length_at, bytes.len() as u32)
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Errno> {
    let slice = bytes.get(at..at + N).ok_or(EINVAL)?;
    slice.try_into().map_err(|_| EINVAL)
}

/// unix(7) § Address format: a path ends at its NUL, an abstract name with the address.
fn decode_unix(name: &[u8]) -> Result<Address, Errno> {
    if name.len() > UNIX_BYTES - 2 {
        return Err(EINVAL);
    }
    if name.first() == Some(&0) {
        return Ok(Address::Unix(name.to_vec()));
    }
    let end = name.iter().position(|&byte| byte == 0);
    let path = name.get(..end.unwrap_or(name.len())).unwrap_or(name);
    Ok(Address::Unix(path.to_vec()))
}

fn encode_unix(name: &[u8]) -> Vec<u8> {
    let mut bytes = AF_UNIX.to_ne_bytes().to_vec();
    bytes.extend_from_slice(name);
    if name.first().is_some_and(|&byte| byte != 0) {
        bytes.push(0);
    }
    bytes
}

/// struct sockaddr_nl, of no groups.
fn encode_netlink(port: u32) -> Vec<u8> {
    let mut bytes = u32::from(AF_NETLINK).to_ne_bytes().to_vec();
    bytes.extend_from_slice(&port.to_ne_bytes());
    bytes.resize(NETLINK_BYTES, 0);
    bytes
}

fn encode_4(address: &SocketAddr) -> Vec<u8> {
    let mut bytes = AF_INET.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&address.port().to_be_bytes());
    let octets = match address.ip() {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => [0; 4],
    };
    bytes.extend_from_slice(&octets);
    bytes.resize(INET_BYTES, 0);
    bytes
}

fn encode_6(address: &SocketAddr) -> Vec<u8> {
    let mut bytes = AF_INET6.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&address.port().to_be_bytes());
    bytes.extend_from_slice(&[0; 4]); // flow information
    let address = match address.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv6Addr::UNSPECIFIED,
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    bytes.extend_from_slice(&address.octets());
    bytes.resize(INET6_FULL_BYTES, 0);
    bytes
}

/// The "any" address of a family.
pub fn any(family: u16) -> IpAddr {
    if family == AF_INET6 {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    } else {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_round_trip() {
        let four = Address::Ip(SocketAddr::from(([10, 0, 2, 15], 80)));
        assert_eq!(four.encode(AF_INET).len(), 16);
        assert_eq!(Address::decode(&four.encode(AF_INET)), Ok(four.clone()));
        let mapped = four.encode(AF_INET6);
        assert_eq!((mapped.len(), &mapped[18..20]), (28, &[0xff, 0xff][..]));
        assert_eq!(Address::decode(&mapped), Ok(four));
    }

    #[test]
    fn short_addresses_are_refused() {
        assert_eq!(Address::decode(&[2]), Err(EINVAL));
        assert_eq!(Address::decode(&[2, 0, 0, 80, 1, 2, 3, 4]), Err(EINVAL));
        assert_eq!(Address::decode(&[99, 0, 0, 0]), Err(EAFNOSUPPORT));
    }

    #[test]
    fn unix_names_keep_their_kind() {
        let path = Address::decode(b"\x01\x00/run/a\0junk").unwrap();
        assert_eq!(path, Address::Unix(b"/run/a".to_vec()));
        assert_eq!(path.encode(AF_UNIX), b"\x01\x00/run/a\0");
        let hidden = Address::decode(b"\x01\x00\0name\0x").unwrap();
        assert_eq!(hidden.encode(AF_UNIX), b"\x01\x00\0name\0x");
        assert_eq!(Address::Unix(Vec::new()).encode(AF_UNIX), b"\x01\x00");
    }
}
