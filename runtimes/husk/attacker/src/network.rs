//! Sockets that the program does not need.

use crate::call::{self, number};
use crate::report;
use crate::start::Arguments;

const AF_INET: usize = 2;
const AF_PACKET: usize = 17;
const SOCK_STREAM: usize = 1;
const SOCK_RAW: usize = 3;
const IPPROTO_ICMP: usize = 1;
/// In the order of the network.
const ETH_P_ALL: usize = 0x0300;
const BACKLOG: usize = 1;
/// Where the host accepts every connection (`converter/verify/attack.py`).
const OUTSIDE: Address = Address::new([10, 0, 2, 100], 9);
const HERE: Address = Address::new([0, 0, 0, 0], 31337);

/// struct sockaddr_in.
#[repr(C)]
struct Address {
    family: u16,
    port: [u8; 2],
    host: [u8; 4],
    zero: [u8; 8],
}

impl Address {
    const fn new(host: [u8; 4], port: u16) -> Address {
        Address {
            family: AF_INET as u16,
            port: port.to_be_bytes(),
            host,
            zero: [0; 8],
        }
    }
}

pub fn open_raw_sockets(_: &Arguments) {
    let packet = [AF_PACKET, SOCK_RAW, ETH_P_ALL];
    let internet = [AF_INET, SOCK_RAW, IPPROTO_ICMP];
    let of_packets = call::told("socket", b"AF_PACKET,SOCK_RAW", number::SOCKET, &packet);
    let of_internet = || call::told("socket", b"AF_INET,SOCK_RAW", number::SOCKET, &internet);
    if of_packets.or_else(of_internet).is_some() {
        report::achieved();
    }
}

pub fn listen(_: &Arguments) {
    let Some(socket) = stream() else { return };
    if with_address("bind", b"0.0.0.0:31337", number::BIND, socket, &HERE)
        && call::told("listen", b"", number::LISTEN, &[socket, BACKLOG]).is_some()
    {
        report::achieved();
    }
}

pub fn connect_out(_: &Arguments) {
    let Some(socket) = stream() else { return };
    if with_address(
        "connect",
        b"10.0.2.100:9",
        number::CONNECT,
        socket,
        &OUTSIDE,
    ) {
        report::achieved();
    }
}

fn stream() -> Option<usize> {
    let call = [AF_INET, SOCK_STREAM, 0];
    call::told("socket", b"AF_INET,SOCK_STREAM", number::SOCKET, &call)
}

fn with_address(name: &str, text: &[u8], number: usize, socket: usize, address: &Address) -> bool {
    let place = &raw const *address as usize;
    call::told(name, text, number, &[socket, place, size_of::<Address>()]).is_some()
}
