//! Reading the headers of an IP packet: whom it is for, before anybody spends time on it.
//!
//! Everything here is written by strangers: lengths are checked once, here. Fragments and IPv6
//! extension headers are not understood (they come out as `Protocol::Other`).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::ops::Range;

use super::version_6;

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP: u8 = 1;
const ICMP6: u8 = 58;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Icmp6,
    Other,
}

impl Protocol {
    pub fn of(number: u8) -> Protocol {
        match number {
            TCP => Protocol::Tcp,
            UDP => Protocol::Udp,
            ICMP => Protocol::Icmp,
            ICMP6 => Protocol::Icmp6,
            _ => Protocol::Other,
        }
    }
}

/// An IP header, and where its payload is.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub is_version_6: bool,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// Type of service or traffic class.
    pub traffic_class: u8,
    payload_start: usize,
    payload_end: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(field))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

impl Header {
    /// None when the packet is not a whole IP packet.
    pub fn parse(packet: &[u8]) -> Option<Header> {
        match packet.first()? >> 4 {
            4 => Self::parse_4(packet),
            6 if version_6::IS_THERE => Self::parse_6(packet),
            _ => None,
        }
    }

    /// RFC 791 § 3.1.
    fn parse_4(packet: &[u8]) -> Option<Header> {
        const MORE_FRAGMENTS_OR_OFFSET: u16 = 0x3fff;
        let header_bytes = usize::from(packet.first()? & 0xf) * 4;
        let total = usize::from(u16_at(packet, 2)?);
        if header_bytes < 20 || total < header_bytes || total > packet.len() {
            return None;
        }
        let is_fragment = u16_at(packet, 6)? & MORE_FRAGMENTS_OR_OFFSET != 0;
        let protocol = *packet.get(9)?;
        Some(Header {
            source: Ipv4Addr::from(array_at::<4>(packet, 12)?).into(),
            destination: Ipv4Addr::from(array_at::<4>(packet, 16)?).into(),
            protocol: if is_fragment { 0 } else { protocol },
            is_version_6: false,
            hop_limit: *packet.get(8)?,
            traffic_class: *packet.get(1)?,
            payload_start: header_bytes,
            payload_end: total,
        })
    }

    /// RFC 8200 § 3.
    fn parse_6(packet: &[u8]) -> Option<Header> {
        const HEADER_BYTES: usize = 40;
        let end = HEADER_BYTES + usize::from(u16_at(packet, 4)?);
        if end > packet.len() {
            return None;
        }
        Some(Header {
            source: Ipv6Addr::from(array_at::<16>(packet, 8)?).into(),
            destination: Ipv6Addr::from(array_at::<16>(packet, 24)?).into(),
            protocol: *packet.get(6)?,
            is_version_6: true,
            hop_limit: *packet.get(7)?,
            traffic_class: (u16_at(packet, 0)? >> 4) as u8,
            payload_start: HEADER_BYTES,
            payload_end: end,
        })
    }

    /// Where the transport header and what follows it are.
    pub fn payload(&self) -> Range<usize> {
        self.payload_start..self.payload_end
    }

    /// Where the two addresses are.
    pub fn addresses(&self) -> Range<usize> {
        if self.is_version_6 { 8..40 } else { 12..20 }
    }
}

/// A TCP segment's or UDP datagram's two ends and flags.
#[derive(Clone, Copy, Debug)]
pub struct Transport {
    pub source: SocketAddr,
    pub destination: SocketAddr,
    /// TCP's flag byte; 0 for UDP.
    pub flags: u8,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// Type of service or traffic class.
    pub traffic_class: u8,
}

pub const FLAG_SYN: u8 = 1 << 1;
pub const FLAG_RST: u8 = 1 << 2;
pub const FLAG_ACK: u8 = 1 << 4;

/// RFC 9293 § 3.1: ports and flags. None when the header is not whole.
pub fn tcp(packet: &[u8], header: &Header) -> Option<Transport> {
    let segment = packet.get(header.payload())?;
    let flags = *segment.get(13)?;
    ends(segment, header, flags)
}

/// RFC 768: ports, and the payload. None when the header lies about the length.
pub fn udp<'a>(packet: &'a [u8], header: &Header) -> Option<(Transport, &'a [u8])> {
    let datagram = packet.get(header.payload())?;
    let payload = datagram.get(8..usize::from(u16_at(datagram, 4)?))?;
    Some((ends(datagram, header, 0)?, payload))
}

fn ends(segment: &[u8], header: &Header, flags: u8) -> Option<Transport> {
    Some(Transport {
        source: SocketAddr::new(header.source, u16_at(segment, 0)?),
        destination: SocketAddr::new(header.destination, u16_at(segment, 2)?),
        flags,
        hop_limit: header.hop_limit,
        traffic_class: header.traffic_class,
    })
}

/// Marks an IP packet whose class is 0; what is no IP packet stays as it is. The checksum of an IPv4
/// header is made later.
pub fn set_traffic_class(packet: Option<&mut [u8]>, class: u8) {
    match packet {
        Some([0x40..=0x4f, second, ..]) => *second = class,
        Some([first @ 0x60..=0x6f, second, ..]) => {
            *first |= class >> 4;
            *second |= class << 4;
        }
        _ => {}
    }
}

/// An ICMP error about a datagram we sent: that datagram's ends, as it left here. Only "port
/// unreachable" is of interest (RFC 792, RFC 4443 § 3.1).
pub fn port_unreachable(packet: &[u8], header: &Header) -> Option<Transport> {
    const ERROR_HEADER_BYTES: usize = 8;
    let message = packet.get(header.payload())?;
    let kind = (*message.first()?, *message.get(1)?);
    let expected = if header.is_version_6 { (1, 4) } else { (3, 3) };
    if kind != expected {
        return None;
    }
    let inner = message.get(ERROR_HEADER_BYTES..)?;
    let quoted = quoted_header(inner)?;
    if quoted.protocol != UDP {
        return None;
    }
    ends(inner.get(quoted.payload_start..)?, &quoted, 0)
}

/// The header of a packet that is quoted in part: its length may reach past the end.
fn quoted_header(inner: &[u8]) -> Option<Header> {
    let mut whole = [0; 60];
    let length = inner.len().min(whole.len());
    whole
        .get_mut(..length)?
        .copy_from_slice(inner.get(..length)?);
    let is_version_6 = *inner.first()? >> 4 == 6;
    let (at, value) = if is_version_6 { (4, 8) } else { (2, 28) };
    let header_bytes = usize::from(*inner.first()? & 0xf) * 4;
    let value: u16 = if is_version_6 {
        value
    } else {
        value.max(header_bytes as u16 + 8)
    };
    whole
        .get_mut(at..at + 2)?
        .copy_from_slice(&value.to_be_bytes());
    Header::parse(whole.get(..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_lying_packets_are_refused() {
        assert!(Header::parse(&[]).is_none());
        assert!(Header::parse(&[0x45; 19]).is_none());
        let mut packet = [0u8; 40];
        packet[0] = 0x45;
        packet[3] = 41;
        assert!(Header::parse(&packet).is_none());
        packet[3] = 19;
        assert!(Header::parse(&packet).is_none());
        packet[3] = 40;
        packet[0] = 0x44;
        assert!(Header::parse(&packet).is_none());
        packet[0] = 0x60;
        packet[5] = 1;
        assert!(Header::parse(&packet).is_none());
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            (state >> 33) as u8
        };
        for _ in 0..20_000 {
            let length = usize::from(next()) % 80;
            let mut packet: Vec<u8> = (0..length).map(|_| next()).collect();
            if let Some(first) = packet.first_mut() {
                *first = if *first & 1 == 0 { 0x45 } else { 0x60 };
            }
            if let Some(header) = Header::parse(&packet) {
                let _ = (tcp(&packet, &header), udp(&packet, &header));
                let _ = port_unreachable(&packet, &header);
                super::super::checksum::fill(&mut packet);
            }
        }
    }

    #[test]
    fn a_traffic_class_is_set_and_read() {
        for first in [0x45, 0x60] {
            let mut packet = [0u8; 48];
            packet[0] = first;
            packet[if first == 0x60 { 5 } else { 3 }] = if first == 0x60 { 8 } else { 48 };
            set_traffic_class(Some(&mut packet), 0xb8);
            assert_eq!(Header::parse(&packet).unwrap().traffic_class, 0xb8);
        }
    }

    #[test]
    fn fragments_belong_to_nobody() {
        let mut packet = [0u8; 28];
        packet[0] = 0x45;
        packet[3] = 28;
        packet[6] = 0x20;
        packet[9] = UDP;
        let header = Header::parse(&packet).unwrap();
        assert_eq!(Protocol::of(header.protocol), Protocol::Other);
    }
}
