//! rtnetlink(7), as much as getifaddrs(3), getaddrinfo(3) and their like in Go and Node ask: which
//! links, addresses and routes there are. Linked only where the converter names it.
//!
//! Not here: changing anything (EPERM), news of changes (groups are joined and stay silent), other
//! families than NETLINK_ROUTE, statistics.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::any::Any;
use core::net::IpAddr;

use smoltcp::wire::IpCidr;

use super::address::{AF_INET, AF_INET6, AF_NETLINK, AF_UNSPEC, Address};
use super::interfaces::{self, Interface};
use super::options::{self, Family, Options};
use super::socket::{
    How, MessageFlags, Outgoing, Patience, PeerCredentials, Protocol, Received, SOCK_DGRAM,
    SOCK_RAW,
};
use super::stack;
use super::version_6;
use crate::errno::{
    EAGAIN, ECONNREFUSED, EINVAL, ENOBUFS, ENODEV, ENOPROTOOPT, EOPNOTSUPP, EPERM, EPROTONOSUPPORT,
    ESOCKTNOSUPPORT, Errno, SysResult,
};
use crate::fs::{Events, Sink};
use crate::mm::heap;
use crate::process::current;
use crate::sync::{SpinLock, WaitQueue};

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTM_LAST: u16 = 119;
const NLM_F_MULTI: u16 = 2;
const NLM_F_ACK: u16 = 4;
const NLM_F_DUMP: u16 = 0x300;
const HEADER_BYTES: usize = 16;
/// What one request may be long.
const REQUEST_BYTES: usize = 32 << 10;
const SOL_NETLINK: i32 = 270;

/// Makes the family known to socket(2).
pub fn install() {
    super::add_family(AF_NETLINK, open);
}

fn open(kind: u32, number: u32) -> Result<Box<dyn Protocol>, Errno> {
    const NETLINK_ROUTE: u32 = 0;
    match (kind, number) {
        (SOCK_RAW | SOCK_DGRAM, NETLINK_ROUTE) => Ok(Box::new(NetlinkSocket::new())),
        (SOCK_RAW | SOCK_DGRAM, _) => Err(EPROTONOSUPPORT),
        _ => Err(ESOCKTNOSUPPORT),
    }
}

/// Port ids that are taken (netlink(7) nl_pid). Lock order: a leaf.
static PORTS: SpinLock<Vec<u32>> = SpinLock::new(Vec::new());

#[derive(Default)]
struct State {
    port: Option<u32>,
    answers: VecDeque<Vec<u8>>,
    /// What the answers count for.
    cost: usize,
    /// An answer found no room: told once (netlink(7), ENOBUFS).
    is_overrun: bool,
    options: Options,
}

/// What an answer counts for beside its bytes: about what Linux's `sk_buff` takes.
const ANSWER_COST: usize = 768;

impl State {
    fn put(&mut self, answers: Vec<Vec<u8>>) {
        for answer in answers {
            self.cost += answer.len() + ANSWER_COST;
            self.answers.push_back(answer);
        }
    }

    fn take(&mut self) {
        let taken = self.answers.pop_front();
        self.cost -= taken.map_or(0, |answer| answer.len() + ANSWER_COST);
    }

    /// Without room a request is not looked at.
    fn has_room(&mut self) -> bool {
        let has_room = self.cost < self.options.receive_bytes();
        self.is_overrun |= !has_room;
        has_room
    }
}

struct NetlinkSocket {
    queue: WaitQueue,
    state: SpinLock<State>,
}

impl NetlinkSocket {
    fn new() -> NetlinkSocket {
        NetlinkSocket {
            queue: WaitQueue::new(),
            state: SpinLock::new(State::default()),
        }
    }

    /// The socket's port id; the first of a process has its pid.
    fn port(&self) -> u32 {
        let mut state = self.state.lock();
        *state.port.get_or_insert_with(|| {
            const FIRST_OF_OTHERS: u32 = 0xffff_f000;
            let mut ports = PORTS.lock();
            let mut port = current().process.pid;
            while ports.contains(&port) {
                port = port.wrapping_add(1).max(FIRST_OF_OTHERS);
            }
            ports.push(port);
            port
        })
    }

    /// Answers every request of a message.
    fn answer(&self, mut requests: &[u8]) {
        let port = self.port();
        while let Some(request) = Request::parse(requests, port) {
            if !self.state.lock().has_room() {
                break;
            }
            let answers = request.answers();
            self.state.lock().put(answers);
            requests = requests
                .get(request.size.next_multiple_of(4)..)
                .unwrap_or(&[]);
        }
        self.queue.wake_all();
    }
}

/// A request: struct nlmsghdr and what follows it.
struct Request<'a> {
    size: usize,
    kind: u16,
    flags: u16,
    sequence: u32,
    port: u32,
    whole: &'a [u8],
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl Request<'_> {
    fn parse(bytes: &[u8], port: u32) -> Option<Request<'_>> {
        let size = u32_at(bytes, 0)? as usize;
        Some(Request {
            size: Some(size).filter(|&size| size >= HEADER_BYTES)?,
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            sequence: u32_at(bytes, 8)?,
            port,
            whole: bytes.get(..size)?,
        })
    }

    /// The family asked for, in the first byte of every body (rtnetlink(7)).
    fn family(&self) -> u16 {
        self.whole.get(HEADER_BYTES).copied().unwrap_or(0).into()
    }

    fn answers(&self) -> Vec<Vec<u8>> {
        let is_dump = self.flags & NLM_F_DUMP == NLM_F_DUMP;
        let found = match self.kind {
            0..16 => return Vec::new(), // NLMSG_NOOP and the like
            RTM_GETLINK if !is_dump => self.one_link(),
            _ if is_dump && self.kind <= RTM_LAST && self.kind % 4 == 2 => Ok(self.dump()),
            kind if kind > RTM_LAST => Err(EOPNOTSUPP),
            kind if kind % 4 != 2 => Err(EPERM),
            _ => Err(EOPNOTSUPP),
        };
        match found {
            Err(error) => alloc::vec![self.error(error.0)],
            Ok(found) if is_dump => self.series(found),
            Ok(found) if self.flags & NLM_F_ACK != 0 => {
                found.into_iter().chain([self.error(0)]).collect()
            }
            Ok(found) => found,
        }
    }

    /// A dump's messages in one datagram, and its end in another.
    fn series(&self, found: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let end = self.message(NLMSG_DONE, NLM_F_MULTI, &[0; 4]).bytes;
        let all = found.concat();
        if all.is_empty() {
            return alloc::vec![end];
        }
        alloc::vec![all, end]
    }

    fn one_link(&self) -> Result<Vec<Vec<u8>>, Errno> {
        let index = u32_at(self.whole, HEADER_BYTES + 4).ok_or(EINVAL)?;
        let all = interfaces::all();
        let is_it = |interface: &&Interface| interface.index as u32 == index;
        let interface = all.iter().find(is_it).ok_or(ENODEV)?;
        Ok(alloc::vec![self.link(interface, 0)])
    }

    fn dump(&self) -> Vec<Vec<u8>> {
        let all = interfaces::all();
        let mut found = Vec::new();
        for interface in &all {
            match self.kind {
                RTM_GETLINK => found.push(self.link(interface, NLM_F_MULTI)),
                RTM_GETADDR => self.addresses(interface, &mut found),
                RTM_GETROUTE => self.routes(interface, &mut found),
                _ => {}
            }
        }
        found
    }

    fn message(&self, kind: u16, flags: u16, body: &[u8]) -> Message {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&[0; 4]); // the length, later
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        bytes.extend_from_slice(&self.port.to_ne_bytes());
        bytes.extend_from_slice(body);
        Message { bytes }.sealed()
    }

    /// struct nlmsgerr; 0 is an acknowledgement.
    fn error(&self, number: u16) -> Vec<u8> {
        let mut body = (-i32::from(number)).to_ne_bytes().to_vec();
        let quoted = if number == 0 { HEADER_BYTES } else { self.size };
        body.extend_from_slice(self.whole.get(..quoted).unwrap_or(&[]));
        self.message(NLMSG_ERROR, 0, &body).bytes
    }

    fn link(&self, interface: &Interface, flags: u16) -> Vec<u8> {
        const IFF_LOWER_UP: u32 = 1 << 16;
        const UP: u8 = 6; // IF_OPER_UP
        let mut body = alloc::vec![AF_UNSPEC as u8, 0];
        body.extend_from_slice(&interface.hardware.0.to_ne_bytes());
        body.extend_from_slice(&interface.index.to_ne_bytes());
        let device_flags = u32::from(interface.flags as u16) | IFF_LOWER_UP;
        body.extend_from_slice(&device_flags.to_ne_bytes());
        body.extend_from_slice(&[0; 4]);
        let is_loopback = interface.is_loopback();
        let state = if is_loopback { 0 } else { UP };
        let everyone = if is_loopback { [0; 6] } else { [0xff; 6] };
        self.message(RTM_NEWLINK, flags, &body)
            .with(3, &[interface.name, &b"\0"[..]].concat()) // IFLA_IFNAME
            .with(13, &1000u32.to_ne_bytes()) // IFLA_TXQLEN
            .with(16, &[state]) // IFLA_OPERSTATE
            .with(17, &[0]) // IFLA_LINKMODE
            .with(4, &(interface.mtu as u32).to_ne_bytes()) // IFLA_MTU
            .with(1, &interface.hardware.1) // IFLA_ADDRESS
            .with(2, &everyone) // IFLA_BROADCAST
            .bytes
    }

    fn wants(&self, address: IpAddr) -> bool {
        match self.family() {
            AF_UNSPEC => true,
            AF_INET => address.is_ipv4(),
            AF_INET6 => address.is_ipv6(),
            _ => false,
        }
    }

    fn addresses(&self, interface: &Interface, found: &mut Vec<Vec<u8>>) {
        const IFA_F_PERMANENT: u8 = 0x80;
        for cidr in &interface.addresses {
            let address = IpAddr::from(cidr.address());
            if !self.wants(address) {
                continue;
            }
            let mut body = alloc::vec![family_of(address), cidr.prefix_len(), IFA_F_PERMANENT];
            body.push(scope_of(address));
            body.extend_from_slice(&interface.index.to_ne_bytes());
            let own = octets(address);
            let mut message = self.message(RTM_NEWADDR, NLM_F_MULTI, &body).with(1, &own);
            if address.is_ipv4() {
                message = message.with(2, &own); // IFA_LOCAL
                if let Some(everyone) = broadcast(cidr).filter(|_| !interface.is_loopback()) {
                    message = message.with(4, &octets(everyone)); // IFA_BROADCAST
                }
                let label = [interface.name, &b"\0"[..]].concat();
                message = message.with(3, &label); // IFA_LABEL
            }
            let mut lifetimes = [0; 16]; // IFA_CACHEINFO: preferred and valid for ever
            lifetimes.iter_mut().take(8).for_each(|byte| *byte = 0xff);
            let flags = u32::from(IFA_F_PERMANENT).to_ne_bytes();
            found.push(message.with(6, &lifetimes).with(8, &flags).bytes);
        }
    }

    /// The networks an interface is in, and the way out.
    fn routes(&self, interface: &Interface, found: &mut Vec<Vec<u8>>) {
        if interface.is_loopback() {
            return;
        }
        for gateway in gateways().into_iter().filter(|&g| self.wants(g)) {
            let message = self.route(interface, family_of(gateway), 0, 3, 0);
            found.push(message.with(5, &octets(gateway)).bytes); // RTA_GATEWAY
        }
        for cidr in &interface.addresses {
            let address = IpAddr::from(cidr.address());
            if self.wants(address) && address.is_ipv4() {
                let Some(four) = version_6::version_4(cidr) else {
                    continue;
                };
                let network = four.network().address();
                let message = self.route(interface, family_of(address), cidr.prefix_len(), 2, 253);
                let message = message.with(1, &network.octets()); // RTA_DST
                found.push(message.with(7, &octets(address)).bytes); // RTA_PREFSRC
            }
        }
    }

    /// struct rtmsg of the main table, with RTA_OIF.
    fn route(&self, to: &Interface, family: u8, bits: u8, protocol: u8, scope: u8) -> Message {
        const RT_TABLE_MAIN: u8 = 254;
        const RTN_UNICAST: u8 = 1;
        let body = [
            family,
            bits,
            0,
            0,
            RT_TABLE_MAIN,
            protocol,
            scope,
            RTN_UNICAST,
            0,
            0,
            0,
            0,
        ];
        let message = self.message(RTM_NEWROUTE, NLM_F_MULTI, &body);
        let table = u32::from(RT_TABLE_MAIN).to_ne_bytes();
        message.with(15, &table).with(4, &to.index.to_ne_bytes())
    }
}

fn gateways() -> Vec<IpAddr> {
    let mut gateways = Vec::new();
    stack::with(|stack| {
        if let Some(interface) = stack.card_interface() {
            let routes = interface.routes();
            let four = routes
                .get_default_ipv4_route()
                .map(|route| route.via_router);
            let six = version_6::default_route(interface);
            gateways.extend([four, six].into_iter().flatten().map(IpAddr::from));
        }
    });
    gateways
}

fn family_of(address: IpAddr) -> u8 {
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    family as u8
}

/// rtnetlink(7) ifa_scope: of the host, of the link, or of the universe.
fn scope_of(address: IpAddr) -> u8 {
    match address {
        _ if address.is_loopback() => 254,
        IpAddr::V6(six) if six.is_unicast_link_local() => 253,
        _ => 0,
    }
}

fn broadcast(cidr: &IpCidr) -> Option<IpAddr> {
    version_6::version_4(cidr)?.broadcast().map(IpAddr::V4)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// A message whose header says how long it is.
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// With one more attribute, padded to four bytes (struct rtattr).
    fn with(mut self, kind: u16, value: &[u8]) -> Message {
        let size = 4 + value.len() as u16;
        self.bytes.extend_from_slice(&size.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.sealed()
    }

    fn sealed(mut self) -> Message {
        let size = self.bytes.len() as u32;
        if let Some(field) = self.bytes.get_mut(..4) {
            field.copy_from_slice(&size.to_ne_bytes());
        }
        self
    }
}

impl Protocol for NetlinkSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let Address::Netlink(port) = *address else {
            return Err(EINVAL);
        };
        let mut state = self.state.lock();
        match state.port {
            Some(own) if port == 0 || port == own => return Ok(()),
            Some(_) => return Err(EINVAL),
            None => {}
        }
        if port == 0 {
            drop(state);
            self.port();
            return Ok(());
        }
        let mut ports = PORTS.lock();
        if ports.contains(&port) {
            return Err(crate::errno::EADDRINUSE);
        }
        ports.push(port);
        state.port = Some(port);
        Ok(())
    }

    fn connect(&self, address: &Address, _patience: Patience) -> Result<(), Errno> {
        match address {
            Address::None | Address::Netlink(0) => {
                self.port();
                Ok(())
            }
            Address::Netlink(_) => Err(ECONNREFUSED),
            _ => Err(EINVAL),
        }
    }

    fn send(&self, message: Outgoing<'_>, _patience: Patience) -> SysResult {
        match message.to {
            None | Some(Address::Netlink(0)) => {}
            Some(Address::Netlink(_)) => return Err(ECONNREFUSED),
            Some(_) => return Err(EINVAL),
        }
        if message.flags.contains(MessageFlags::OOB) {
            return Err(EOPNOTSUPP);
        }
        let size_bytes = message.data.remaining();
        if size_bytes > REQUEST_BYTES {
            return Err(crate::errno::EMSGSIZE);
        }
        let mut bytes = heap::zeros(size_bytes)?;
        let taken = message.data.take(&mut bytes)?;
        self.answer(bytes.get(..taken).unwrap_or(&[]));
        Ok(taken)
    }

    fn receive(
        &self,
        into: &mut dyn Sink,
        flags: MessageFlags,
        patience: Patience,
    ) -> Result<Received, Errno> {
        let is_peek = flags.contains(MessageFlags::PEEK);
        let attempt = || {
            let mut state = self.state.lock();
            if core::mem::take(&mut state.is_overrun) {
                return Err(ENOBUFS);
            }
            let answer = state.answers.front().cloned().ok_or(EAGAIN)?;
            if !is_peek {
                state.take();
            }
            Ok(answer)
        };
        let answer = patience.wait(&self.queue, attempt)?;
        let fitting = answer.len().min(into.remaining());
        into.put(answer.get(..fitting).unwrap_or(&[]))?;
        let is_cut = fitting < answer.len();
        let wants_length = flags.contains(MessageFlags::TRUNC);
        let wants_credentials = self.state.lock().options.is_on(options::PASSCRED);
        Ok(Received {
            bytes: if wants_length { answer.len() } else { fitting },
            from: Some(Address::Netlink(0)),
            flags: if is_cut {
                MessageFlags::TRUNC.bits()
            } else {
                0
            },
            credentials: wants_credentials.then(PeerCredentials::default), // the kernel's
            ..Received::default()
        })
    }

    fn shutdown(&self, _how: How) -> Result<(), Errno> {
        Err(EOPNOTSUPP)
    }

    fn local_address(&self) -> Result<Address, Errno> {
        Ok(Address::Netlink(self.state.lock().port.unwrap_or(0)))
    }

    fn peer_address(&self) -> Result<Address, Errno> {
        Ok(Address::Netlink(0))
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        match level {
            SOL_NETLINK if (1..=12).contains(&name) => Ok(()), // of no effect here
            options::SOL_SOCKET => {
                let mut state = self.state.lock();
                state.options.set((level, name), value, Family::Local)
            }
            _ => Err(ENOPROTOOPT),
        }
    }

    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        match (level, name) {
            options::ERROR => Ok(alloc::vec![0; 4]),
            (options::SOL_SOCKET, _) => {
                let state = self.state.lock();
                state.options.get((level, name), Family::Local)
            }
            _ => Err(ENOPROTOOPT),
        }
    }

    fn readiness(&self) -> Events {
        let mut events = Events::OUT | Events::WRNORM | Events::WRBAND;
        let state = self.state.lock();
        events.set(Events::IN | Events::RDNORM, !state.answers.is_empty());
        events.set(Events::ERR, state.is_overrun);
        events
    }

    fn wait_queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn unread_bytes(&self) -> SysResult {
        Err(EOPNOTSUPP)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for NetlinkSocket {
    fn drop(&mut self) {
        let port = self.state.lock().port;
        PORTS.lock().retain(|&taken| Some(taken) != port);
    }
}
