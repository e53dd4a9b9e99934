//! /proc/net (proc_pid_net(5)) and /sys/class/net (sysfs(5)): sockets and interfaces as text. Linked
//! only where the converter names it.
//!
//! Sockets are those behind descriptors of processes; what is closed and not over yet is not listed.
//! Counters of packets are not kept: zeros.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::{IpAddr, SocketAddr};

use super::address::{AF_INET, AF_INET6, AF_UNIX, Address};
use super::interfaces::{self, Interface};
use super::options::{ACCEPTCONN, INFO};
use super::socket::{SOCK_DGRAM, SOCK_STREAM, Socket};
use super::version_6;
use super::{ATTACHED, stack};
use crate::errno::{ENOMEM, Errno};
use crate::fs::OpenFile;
use crate::fs::proc::{self, Text};
use crate::mm::heap;
use crate::process::registry;

const PROC_FILES: &[proc::File] = &[
    ("net/tcp", || internet(AF_INET, SOCK_STREAM)),
    ("net/tcp6", || internet(AF_INET6, SOCK_STREAM)),
    ("net/udp", || internet(AF_INET, SOCK_DGRAM)),
    ("net/udp6", || internet(AF_INET6, SOCK_DGRAM)),
    ("net/unix", local),
    ("net/sockstat", statistics),
    ("net/dev", devices),
    ("net/if_inet6", addresses_6),
    ("net/route", routes),
];

/// Files of an interface in /sys/class/net.
macro_rules! interface_files {
    ($name:literal) => {
        &[
            (concat!("class/net/", $name, "/address"), || {
                of($name, |i| hardware_text(i.hardware.1))
            }),
            (concat!("class/net/", $name, "/ifindex"), || {
                of($name, |i| format!("{}\n", i.index))
            }),
            (concat!("class/net/", $name, "/mtu"), || {
                of($name, |i| format!("{}\n", i.mtu))
            }),
            (concat!("class/net/", $name, "/type"), || {
                of($name, |i| format!("{}\n", i.hardware.0))
            }),
            (concat!("class/net/", $name, "/flags"), || {
                const IFF_RUNNING: i16 = 0x40; // sysfs leaves it out
                of($name, |i| format!("{:#x}\n", i.flags & !IFF_RUNNING))
            }),
            (concat!("class/net/", $name, "/operstate"), || {
                of($name, |i| state_text(i).into())
            }),
            (concat!("class/net/", $name, "/carrier"), || {
                Ok(b"1\n".to_vec())
            }),
        ]
    };
}

const LOOPBACK_FILES: &[proc::File] = interface_files!("lo");
const CARD_FILES: &[proc::File] = interface_files!("eth0");

/// Adds the files; called when the card was found.
pub fn install() {
    proc::add_files(&proc::PROC, PROC_FILES);
    proc::add_files(&proc::SYS, LOOPBACK_FILES);
    if ATTACHED.lock().is_some() {
        proc::add_files(&proc::SYS, CARD_FILES);
    }
}

fn of(name: &str, text: impl Fn(&Interface) -> String) -> Text {
    let all = interfaces::all();
    let found = all.iter().find(|i| i.name == name.as_bytes());
    Ok(found.map(|i| text(i).into_bytes()).unwrap_or_default())
}

fn hardware_text([a, b, c, d, e, f]: [u8; 6]) -> String {
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}\n")
}

fn state_text(interface: &Interface) -> &'static str {
    if interface.is_loopback() {
        "unknown\n"
    } else {
        "up\n"
    }
}

/// Every open file that is a socket, once.
fn sockets() -> Result<Vec<Arc<OpenFile>>, Errno> {
    let mut found: Vec<Arc<OpenFile>> = Vec::new();
    for process in registry::all() {
        let mut next = process.files().next_open(0);
        while let Some(fd) = next {
            next = process.files().next_open(fd + 1);
            let Ok(open) = process.files().get(fd as i32) else {
                continue;
            };
            let is_known = found.iter().any(|known| Arc::ptr_eq(known, &open));
            if socket_of(&open).is_some() && !is_known {
                found.try_reserve(1).map_err(|_| ENOMEM)?;
                found.push(open);
            }
        }
    }
    Ok(found)
}

fn socket_of(open: &OpenFile) -> Option<&Socket> {
    open.file.as_any().downcast_ref()
}

/// /proc/net/tcp, udp and their likes for IPv6.
fn internet(family: u16, kind: u32) -> Text {
    const TITLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
                         retrnsmt   uid  timeout inode";
    let mut text = format!("{TITLE}\n").into_bytes();
    let mut line = 0;
    for open in sockets()? {
        let socket = socket_of(&open).filter(|s| (s.family, s.kind) == (family, kind));
        let Some(socket) = socket.filter(|socket| is_listed(socket)) else {
            continue;
        };
        let local = socket.protocol.local_address();
        let remote = socket.protocol.peer_address();
        let row = format!(
            "{line:4}: {} {} {:02X} {:08X}:{:08X} 00:00000000 00000000     0        0 {} 1 \
             0000000000000000 100 0 0 10 0\n",
            end_text(family, local.ok()),
            end_text(family, remote.ok()),
            state(socket),
            socket.protocol.unsent_bytes().unwrap_or(0),
            socket.protocol.unread_bytes().unwrap_or(0),
            socket.inode(),
        );
        heap::append(&mut text, row.as_bytes())?;
        line += 1;
    }
    Ok(text)
}

/// A socket that has no port yet is in none of Linux's tables.
fn is_listed(socket: &Socket) -> bool {
    matches!(socket.protocol.local_address(), Ok(Address::Ip(local)) if local.port() != 0)
}

/// The state as TCP_INFO numbers it; UDP is connected (1) or closed (7).
fn state(socket: &Socket) -> u8 {
    if socket.kind == SOCK_DGRAM {
        return if socket.protocol.peer_address().is_ok() {
            1
        } else {
            7
        };
    }
    let information = socket.protocol.option(INFO.0, INFO.1);
    information
        .ok()
        .and_then(|i| i.first().copied())
        .unwrap_or(7)
}

/// Address in words of this machine's byte order, and port.
fn end_text(family: u16, end: Option<Address>) -> String {
    let none = SocketAddr::new(super::address::any(family), 0);
    let end = match end {
        Some(Address::Ip(end)) => end,
        _ => none,
    };
    let words: Vec<u8> = match end.ip() {
        IpAddr::V4(four) if family == AF_INET => four.octets().to_vec(),
        IpAddr::V4(four) if four.is_unspecified() => [0; 16].to_vec(),
        IpAddr::V4(four) => four.to_ipv6_mapped().octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let mut text = String::new();
    for word in words.chunks_exact(4) {
        for byte in word.iter().rev() {
            let _ = write!(text, "{byte:02X}");
        }
    }
    text + &format!(":{:04X}", end.port())
}

/// /proc/net/unix.
fn local() -> Text {
    const TITLE: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n";
    let mut text = TITLE.as_bytes().to_vec();
    for open in sockets()? {
        let Some(socket) = socket_of(&open).filter(|socket| socket.family == AF_UNIX) else {
            continue;
        };
        let is_listening = is_listening(socket);
        let is_connected = socket.protocol.peer_address().is_ok();
        let mut row = format!(
            "0000000000000000: 00000002 00000000 {:08X} {:04X} {:02X} {:5}",
            if is_listening { 0x10000 } else { 0 },
            socket.kind,
            if is_connected { 3 } else { 1 },
            socket.inode(),
        );
        if let Ok(Address::Unix(name)) = socket.protocol.local_address()
            && !name.is_empty()
        {
            let shown: Vec<u8> = name
                .iter()
                .map(|&b| if b == 0 { b'@' } else { b })
                .collect();
            let _ = write!(row, " {}", String::from_utf8_lossy(&shown));
        }
        row.push('\n');
        heap::append(&mut text, row.as_bytes())?;
    }
    Ok(text)
}

fn is_listening(socket: &Socket) -> bool {
    let answer = socket.protocol.option(ACCEPTCONN.0, ACCEPTCONN.1);
    answer.is_ok_and(|value| value.first() == Some(&1))
}

/// /proc/net/sockstat.
fn statistics() -> Text {
    let all = sockets()?;
    let count = |kind| {
        let is_it = |s: &Socket| (s.family, s.kind) == (AF_INET, kind) && is_listed(s);
        all.iter()
            .filter_map(|open| socket_of(open))
            .filter(|s| is_it(s))
            .count()
    };
    let (tcp, udp) = (count(SOCK_STREAM), count(SOCK_DGRAM));
    let text = format!(
        "sockets: used {}\nTCP: inuse {tcp} orphan 0 tw 0 alloc {tcp} mem 0\n\
         UDP: inuse {udp} mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n",
        all.len()
    );
    Ok(text.into_bytes())
}

fn name(interface: &Interface) -> &str {
    core::str::from_utf8(interface.name).unwrap_or("")
}

/// /proc/net/dev.
fn devices() -> Text {
    let mut text = String::from(
        "Inter-|   Receive                                                |  Transmit\n \
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs \
         drop fifo colls carrier compressed\n",
    );
    for interface in interfaces::all() {
        let _ = writeln!(
            text,
            "{:>6}:       0       0    0    0    0     0          0         0        0       0    \
             0    0    0     0       0          0",
            name(&interface)
        );
    }
    Ok(text.into_bytes())
}

/// /proc/net/if_inet6.
fn addresses_6() -> Text {
    const PERMANENT: u8 = 0x80;
    let mut text = String::new();
    for interface in interfaces::all() {
        for cidr in &interface.addresses {
            let IpAddr::V6(address) = IpAddr::from(cidr.address()) else {
                continue;
            };
            address.octets().iter().for_each(|byte| {
                let _ = write!(text, "{byte:02x}");
            });
            let scope = match address {
                _ if address.is_loopback() => 0x10,
                _ if address.is_unicast_link_local() => 0x20,
                _ => 0,
            };
            let (index, bits) = (interface.index, cidr.prefix_len());
            let name = name(&interface);
            let _ = writeln!(
                text,
                " {index:02x} {bits:02x} {scope:02x} {PERMANENT:02x} {name:>8}"
            );
        }
    }
    Ok(text.into_bytes())
}

/// /proc/net/route: IPv4's way out and the card's own network.
fn routes() -> Text {
    let mut text = String::from(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n",
    );
    let mut add = |destination: [u8; 4], gateway: [u8; 4], flags: u8, mask: [u8; 4]| {
        let word = u32::from_ne_bytes;
        let _ = writeln!(
            text,
            "eth0\t{:08X}\t{:08X}\t{flags:04X}\t0\t0\t0\t{:08X}\t0\t0\t0",
            word(destination),
            word(gateway),
            word(mask)
        );
    };
    stack::with(|stack| {
        let Some(interface) = stack.card_interface() else {
            return;
        };
        if let Some(route) = interface.routes().get_default_ipv4_route()
            && let IpAddr::V4(gateway) = IpAddr::from(route.via_router)
        {
            add([0; 4], gateway.octets(), 3, [0; 4]);
        }
        for cidr in interface.ip_addrs() {
            if let Some(four) = version_6::version_4(cidr) {
                let network = four.network().address();
                add(network.octets(), [0; 4], 1, four.netmask().octets());
            }
        }
    });
    Ok(text.into_bytes())
}
