//! The Internet checksum (RFC 1071) of IP, TCP, UDP and ICMP, eight bytes at a time.
//!
//! smoltcp has one too, which the compiler turns into vector code: slow where the processor is
//! emulated. So smoltcp is told to leave checksums alone, and this file does them.

use super::packet::{Header, Protocol};

/// The ones' complement sum of `bytes` as big-endian words, added to `start`, not yet folded to 16
/// bits. `bytes` begins at an even place of what is summed.
pub fn sum(start: u64, bytes: &[u8]) -> u64 {
    let mut total: u64 = 0;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        // The sum of native words, byte-swapped at the end, is the sum of big-endian ones.
        let word = u64::from_ne_bytes(*chunk);
        let (added, carried) = total.overflowing_add(word);
        total = added + u64::from(carried);
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let (added, carried) = total.overflowing_add(u64::from_ne_bytes(last));
    total = added + u64::from(carried);
    start + u64::from(fold(total).swap_bytes())
}

/// Folds a sum to 16 bits.
pub fn fold(sum: u64) -> u16 {
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    sum as u16
}

/// The sum of the pseudo header (RFC 9293 § 3.1, RFC 8200 § 8.1).
fn pseudo_header(packet: &[u8], header: &Header) -> u64 {
    let addresses = packet.get(header.addresses()).unwrap_or(&[]);
    sum(0, addresses) + u64::from(header.protocol) + header.payload().len() as u64
}

/// True when the transport checksum is right, or UDP over IPv4 has none.
pub fn is_right(packet: &[u8], header: &Header) -> bool {
    let payload = packet.get(header.payload()).unwrap_or(&[]);
    let start = match Protocol::of(header.protocol) {
        Protocol::Icmp => 0,
        Protocol::Other => return true,
        Protocol::Udp if payload.get(6..8) == Some(&[0, 0]) => return !header.is_version_6,
        _ => pseudo_header(packet, header),
    };
    fold(sum(start, payload)) == 0xffff
}

/// True when an IPv4 header's own checksum is right; IPv6 has none.
pub fn is_header_right(packet: &[u8], header: &Header) -> bool {
    let bytes = packet.get(..header.payload().start).unwrap_or(&[]);
    header.is_version_6 || fold(sum(0, bytes)) == 0xffff
}

/// Fills in the checksums of a packet about to leave.
pub fn fill(packet: &mut [u8]) {
    let Some(header) = Header::parse(packet) else {
        return;
    };
    if !header.is_version_6 {
        const AT: usize = 10;
        put(packet, AT, 0);
        let value = !fold(sum(0, packet.get(..header.payload().start).unwrap_or(&[])));
        put(packet, AT, value);
    }
    let (offset, start) = match Protocol::of(header.protocol) {
        Protocol::Tcp => (16, pseudo_header(packet, &header)),
        Protocol::Udp => (6, pseudo_header(packet, &header)),
        Protocol::Icmp => (2, 0),
        Protocol::Icmp6 => (2, pseudo_header(packet, &header)),
        Protocol::Other => return,
    };
    let at = header.payload().start + offset;
    put(packet, at, 0);
    let value = !fold(sum(start, packet.get(header.payload()).unwrap_or(&[])));
    // RFC 768: a UDP checksum that comes out as zero is sent as all ones.
    let is_udp_zero = value == 0 && Protocol::of(header.protocol) == Protocol::Udp;
    put(packet, at, if is_udp_zero { 0xffff } else { value });
}

fn put(packet: &mut [u8], at: usize, value: u16) {
    if let Some(field) = packet.get_mut(at..at + 2) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1071 § 4.1, word by word.
    fn plain(bytes: &[u8]) -> u16 {
        let mut total = 0u32;
        for pair in bytes.chunks(2) {
            total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            total = (total >> 16) + (total & 0xffff);
        }
        total as u16
    }

    #[test]
    fn sums_agree_with_the_definition() {
        let bytes: Vec<u8> = (0..1500u32).map(|n| (n * n % 251) as u8).collect();
        for length in (0..70).chain(1400..1500) {
            assert_eq!(
                fold(sum(0, &bytes[..length])),
                plain(&bytes[..length]),
                "{length}"
            );
        }
        assert_eq!(fold(sum(0, &[0xff; 64])), 0xffff);
    }

    #[test]
    fn what_is_filled_in_is_right() {
        let mut packet = vec![
            0x45, 0, 0, 29, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2, // IPv4
            0x12, 0x34, 0, 53, 0, 9, 0, 0, 0x61, // UDP with one byte
        ];
        fill(&mut packet);
        let header = Header::parse(&packet).unwrap();
        assert!(is_header_right(&packet, &header) && is_right(&packet, &header));
        packet[28] ^= 1;
        assert!(!is_right(&packet, &header));
    }
}
