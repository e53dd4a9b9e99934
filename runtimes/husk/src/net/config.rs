//! The machine's addresses: from the kernel command line, else by DHCP; and the files in /etc that
//! tell programs of them.
//!
//! Boot does not wait for DHCP. A call that needs an address to go out from (connect(2), sendto(2))
//! waits for the first lease, a second at most. A program that reads /etc/resolv.conf before the
//! lease has come sees the image's.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};

use smoltcp::iface::Interface;
use smoltcp::wire::IpCidr;

use super::dhcp::{Dhcp, Lease};
use super::stack::{self, Stack};
use super::version_6::{self, Shown};
use crate::boot;
use crate::fs;
use crate::process::scheduler;
use crate::sync::{WaitQueue, wait_until};
use crate::{klog, time};

const DEFAULT_HOSTNAME: &str = "husk";

/// Woken when there is an address; waited for only while DHCP is at work.
static CONFIGURED: WaitQueue = WaitQueue::new();
static IS_AWAITED: AtomicBool = AtomicBool::new(false);

/// Gives the card its addresses or begins to ask for one.
pub fn install() {
    let options = boot::options();
    let addresses = parse_all(&options.addresses, cidr);
    let gateways = parse_all(&options.gateways, address);
    let nameservers = parse_all(&options.nameservers, address);
    write_hosts(addresses.first().map(|cidr| IpAddr::from(cidr.address())));
    if !nameservers.is_empty() {
        write_resolv_conf(&nameservers);
    }
    stack::with(|stack| {
        let link_local = stack.card_mac().and_then(link_local);
        let Some(interface) = stack.card_interface() else {
            return;
        };
        let all = addresses.iter().copied().chain(link_local);
        add_addresses(interface, all);
        add_gateways(interface, &gateways);
        let mut version_4 = addresses.iter().filter_map(version_6::version_4);
        if version_4.next().is_none() {
            IS_AWAITED.store(true, Ordering::Relaxed);
            Dhcp::start(stack);
        }
    });
}

fn add_addresses(interface: &mut Interface, all: impl Iterator<Item = IpCidr>) {
    interface.update_ip_addrs(|addresses| {
        for cidr in all {
            if addresses.push(cidr).is_err() {
                let address = Shown(cidr.address().into());
                klog!("too many addresses: {address} is left out");
            }
        }
    });
}

fn add_gateways(interface: &mut Interface, gateways: &[IpAddr]) {
    for gateway in gateways {
        let added = match *gateway {
            IpAddr::V4(gateway) => interface
                .routes_mut()
                .add_default_ipv4_route(gateway)
                .is_ok(),
            IpAddr::V6(gateway) => version_6::add_default_route(interface, gateway),
        };
        if !added {
            klog!("too many gateways: {} is left out", Shown(*gateway));
        }
    }
}

/// Takes over what a DHCP server gave. What no host could use is refused: it came from the network.
pub fn apply_lease(stack: &mut Stack, lease: &Lease) {
    let address = lease.address.address();
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
        return;
    }
    let Some(interface) = stack.card_interface() else {
        return;
    };
    interface.update_ip_addrs(|addresses| {
        addresses.retain(|cidr| version_6::version_4(cidr).is_none());
        // There is room: an IPv4 address was just taken out, or there was none.
        let _ = addresses.insert(0, IpCidr::Ipv4(lease.address));
    });
    if let Some(gateway) = lease.gateway {
        add_gateways(interface, &[IpAddr::V4(gateway)]);
    }
    if boot::options().nameservers.is_empty() && !lease.nameservers.is_empty() {
        write_resolv_conf(&lease.nameservers);
    }
    write_hosts(Some(IpAddr::V4(address)));
    IS_AWAITED.store(false, Ordering::Relaxed);
    CONFIGURED.wake_all();
}

/// Waits for the first lease if `target` cannot be reached without one.
pub fn wait_for_address(target: IpAddr) {
    const PATIENCE_NS: u64 = 1_000_000_000;
    let is_near = target.is_loopback() || !IS_AWAITED.load(Ordering::Relaxed);
    if is_near || scheduler::has_no_thread() {
        return;
    }
    let deadline = time::now_ns() + PATIENCE_NS;
    let is_there = || (!IS_AWAITED.load(Ordering::Relaxed)).then_some(());
    let outcome = wait_until(&CONFIGURED, Some(deadline), is_there);
    if outcome.is_err() {
        IS_AWAITED.store(false, Ordering::Relaxed); // nobody else waits as long again
    }
}

/// Where "any address" as a destination leads: to ourselves (connect(2) on Linux).
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// fe80::/64 with the card's EUI-64 (RFC 4291 appendix A).
fn link_local(mac: [u8; 6]) -> Option<IpCidr> {
    let [a, b, c, d, e, f] = mac;
    let [high, low] = [
        u16::from_be_bytes([a ^ 2, b]),
        u16::from_be_bytes([c, 0xff]),
    ];
    let [third, fourth] = [u16::from_be_bytes([0xfe, d]), u16::from_be_bytes([e, f])];
    let address = Ipv6Addr::new(0xfe80, 0, 0, 0, high, low, third, fourth);
    version_6::network(address.into(), 64)
}

/// What can be understood; the rest is named on the console.
fn parse_all<T>(texts: &[Vec<u8>], parse: fn(&[u8]) -> Option<T>) -> Vec<T> {
    let understand = |text: &Vec<u8>| {
        let parsed = parse(text);
        if parsed.is_none() {
            klog!("not a host's address: \"{}\"", text.escape_ascii());
        }
        parsed
    };
    texts.iter().filter_map(understand).collect()
}

fn address(text: &[u8]) -> Option<IpAddr> {
    version_6::parse(core::str::from_utf8(text).ok()?)
}

/// `10.0.2.15/24`; without a length the address stands alone. Only what a host can have.
fn cidr(text: &[u8]) -> Option<IpCidr> {
    let mut parts = text.splitn(2, |&byte| byte == b'/');
    let ip = address(parts.next()?)?;
    let longest = if ip.is_ipv4() { 32 } else { 128 };
    let length = match parts.next() {
        Some(digits) => core::str::from_utf8(digits).ok()?.parse().ok()?,
        None => longest,
    };
    let is_host = !ip.is_unspecified() && !ip.is_multicast() && length <= longest;
    let is_everyone = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    if !is_host || is_everyone {
        return None;
    }
    version_6::network(ip, length)
}

/// The machine's name: the command line's, else the image's.
fn hostname() -> String {
    let options = boot::options();
    let name = options
        .hostname
        .as_ref()
        .unwrap_or(&boot::config().hostname);
    match core::str::from_utf8(name) {
        Ok(name) if !name.is_empty() => name.into(),
        _ => DEFAULT_HOSTNAME.into(),
    }
}

/// resolv.conf(5).
fn write_resolv_conf(nameservers: &[IpAddr]) {
    let lines = nameservers
        .iter()
        .map(|server| format!("nameserver {}\n", Shown(*server)));
    write_file(b"/etc/resolv.conf", &lines.collect::<String>());
}

/// hosts(5) and hostname(5), as container runtimes write them.
fn write_hosts(own: Option<IpAddr>) {
    let name = hostname();
    let mut hosts = String::from("127.0.0.1\tlocalhost\n");
    if version_6::IS_THERE {
        hosts += "::1\tlocalhost ip6-localhost\n";
    }
    let own = Shown(own.unwrap_or(IpAddr::from(Ipv4Addr::LOCALHOST)));
    hosts += &format!("{own}\t{name}\n");
    write_file(b"/etc/hosts", &hosts);
    write_file(b"/etc/hostname", &format!("{name}\n"));
}

fn write_file(path: &[u8], text: &str) {
    if let Err(error) = fs::write_file(path, text.as_bytes(), 0o644) {
        klog!("cannot write {}: {}", path.escape_ascii(), error.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_addresses_are_taken() {
        assert!(cidr(b"10.0.2.15/24").is_some());
        assert!(cidr(b"fd00::15/64").is_some());
        for bad in [
            &b"0.0.0.0/0"[..],
            b"224.0.0.1/4",
            b"10.0.0.1/33",
            b"x",
            b"10.0.0.1/x",
        ] {
            assert_eq!(cidr(bad), None);
        }
    }

    #[test]
    fn link_local_addresses_follow_the_card() {
        let address = link_local([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        assert_eq!(address.unwrap().to_string(), "fe80::5054:ff:fe12:3456/64");
    }
}
