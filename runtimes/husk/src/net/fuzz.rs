//! Packets are written by strangers: whatever is in them, reading them gives nothing or parts that
//! lie within (only in tests).

use super::{checksum, packet};
use crate::fuzz::{Numbers, cases};

/// An IPv4 or IPv6 packet with a TCP or UDP header.
fn good(numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = vec![0; 60 + numbers.below(40)];
    let size = bytes.len() as u16;
    let protocol = [packet::TCP, packet::UDP, 1, 58][numbers.below(4)];
    if numbers.below(2) == 0 {
        bytes[0] = 0x45 + numbers.below(3) as u8;
        bytes[2..4].copy_from_slice(&size.to_be_bytes());
        bytes[9] = protocol;
    } else {
        bytes[0] = 0x60;
        bytes[4..6].copy_from_slice(&(size - 40).to_be_bytes());
        bytes[6] = protocol;
    }
    bytes
}

#[test]
fn parts_of_a_packet_lie_within_it() {
    let mut numbers = Numbers(20);
    for _ in cases() {
        let sound = good(&mut numbers);
        let mut bytes = numbers.spoil(&sound);
        packet::set_traffic_class(Some(&mut bytes), 0x2e);
        let Some(header) = packet::Header::parse(&bytes) else {
            continue;
        };
        assert!(bytes.get(header.payload()).is_some());
        assert!(bytes.get(header.addresses()).is_some());
        let _ = packet::tcp(&bytes, &header);
        let _ = packet::udp(&bytes, &header);
        let _ = packet::port_unreachable(&bytes, &header);
        let _ = checksum::is_right(&bytes, &header);
        let _ = checksum::is_header_right(&bytes, &header);
    }
}

#[test]
fn what_was_filled_in_is_right() {
    let mut numbers = Numbers(21);
    for _ in cases() {
        let mut bytes = good(&mut numbers);
        checksum::fill(&mut bytes);
        if let Some(header) = packet::Header::parse(&bytes)
            && [packet::TCP, packet::UDP].contains(&header.protocol)
        {
            assert!(checksum::is_right(&bytes, &header) || header.protocol == packet::UDP);
        }
    }
}
