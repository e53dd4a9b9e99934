//! UDP sockets (udp(7)). Datagrams that come in are queued here directly; those that go out pass
//! through a smoltcp socket, which finds the way and the neighbor.
//!
//! Not here: fragmentation (a datagram is at most the card's MTU, else EMSGSIZE).

mod incoming;

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp::{self, PacketBuffer, PacketMetadata, UdpMetadata};
use smoltcp::wire::IpListenEndpoint;

use crate::errno::{
    EACCES, EAFNOSUPPORT, EAGAIN, ECONNREFUSED, EDESTADDRREQ, EINVAL, EMSGSIZE, ENOBUFS, ENOMEM,
    ENOTCONN, EOPNOTSUPP, EPIPE, Errno, SysResult,
};
use crate::fs::{Events, Sink};
use crate::mm::heap;
use crate::net::address::{AF_INET, Address, any};
use crate::net::datagram::Datagram;
use crate::net::groups::{Groups, Request};
use crate::net::options::{self, Family, Options};
use crate::net::packet::Transport;
use crate::net::port::{self, Binding, Claim, Kind};
use crate::net::socket::{How, MessageFlags, Outgoing, Patience, Protocol, Received};
use crate::net::stack::{self, Route, Stack};
use crate::net::{announce, config, version_6};
use crate::sync::{SpinLock, WaitQueue};
use crate::time::{self, timer};

pub use incoming::install;

/// Bytes of datagrams that wait to be read; more are dropped (net.core.rmem_default is 212992).
const RECEIVE_BYTES: usize = 128 << 10;
/// What an empty datagram counts for: its bookkeeping.
const DATAGRAM_COST: usize = 256;
/// Datagrams that wait for the neighbor's address.
const SEND_DATAGRAMS: usize = 16;
const SEND_BYTES: usize = 16 << 10;
const LARGEST: usize = 65507;

#[derive(Default)]
struct State {
    binding: Option<Binding>,
    /// What bind(2) was given: dissolving a connection keeps that, and not what was chosen for it.
    asked_address: Option<IpAddr>,
    asked_port: u16,
    peer: Option<SocketAddr>,
    options: Options,
    groups: Groups,
    error: Option<Errno>,
    is_read_shut: bool,
    is_write_shut: bool,
    received: VecDeque<Datagram>,
    received_bytes: usize,
    /// Of what was sent last.
    traffic_class: u8,
    sender: Option<(SocketSet<'static>, SocketHandle, Route)>,
}

pub struct UdpEndpoint {
    queue: WaitQueue,
    state: SpinLock<State>,
    this: Weak<UdpEndpoint>,
}

impl UdpEndpoint {
    fn new() -> Arc<UdpEndpoint> {
        Arc::new_cyclic(|this| UdpEndpoint {
            queue: WaitQueue::new(),
            state: SpinLock::new(State::default()),
            this: this.clone(),
        })
    }

    /// How well a datagram that came fits: a connected socket better than a bound one.
    pub fn fits(&self, ends: Transport) -> Option<u8> {
        let state = self.state.lock();
        let own = state.binding.as_ref()?.address.ip();
        let address = ends.destination.ip();
        let of_address = match own {
            own if own == address => 4,
            own if !own.is_unspecified() => return None,
            IpAddr::V4(_) if address.is_ipv4() => 2,
            IpAddr::V6(_) if address.is_ipv6() => 2,
            IpAddr::V6(_) if !state.options.is_on(options::V6ONLY) => 1,
            _ => return None,
        };
        match state.peer {
            Some(peer) if peer == ends.source => Some(of_address + 8),
            Some(_) => None,
            None => Some(of_address),
        }
    }

    pub fn is_member(&self, group: IpAddr) -> bool {
        self.state.lock().groups.has(group)
    }

    /// Of a group that is listened to: its own, or any (IP_MULTICAST_ALL).
    pub fn wants_group(&self, group: IpAddr) -> bool {
        let all = match group {
            IpAddr::V4(_) => options::MULTICAST_ALL,
            IpAddr::V6(_) => options::MULTICAST_ALL_6,
        };
        let state = self.state.lock();
        state.groups.has(group) || state.options.is_on(all)
    }

    /// A datagram came for this socket; dropped when too many wait already.
    pub fn receive(&self, ends: Transport, payload: &[u8]) {
        let mut state = self.state.lock();
        let cost = payload.len() + DATAGRAM_COST;
        let mut copy = Vec::new();
        let is_refused = state.is_read_shut
            || state.received_bytes + cost > RECEIVE_BYTES
            || copy.try_reserve_exact(payload.len()).is_err();
        if is_refused {
            return;
        }
        copy.extend_from_slice(payload);
        state.received_bytes += cost;
        state.received.push_back(Datagram {
            ends,
            came_ns: time::realtime_ns(),
            payload: copy,
        });
        drop(state);
        self.queue.wake_all();
    }

    /// Nobody listens at the peer.
    pub fn refused(&self, peer: SocketAddr) {
        let mut state = self.state.lock();
        if state.peer != Some(peer) {
            return;
        }
        state.error = Some(ECONNREFUSED);
        drop(state);
        self.queue.wake_all();
    }

    /// Sends what waits, as far as the neighbors are known.
    pub fn run(&self, stack: &mut Stack) {
        let mut state = self.state.lock();
        let traffic_class = state.traffic_class;
        let Some((sockets, _, route)) = &mut state.sender else {
            return;
        };
        stack.egress(*route, sockets, traffic_class);
        let wanted = stack.poll_at(*route, sockets);
        drop(state);
        if let Some(at_ns) = wanted {
            let target: Weak<dyn timer::Expire> = self.this.clone();
            timer::arm(at_ns, 0, target);
        }
    }
}

impl timer::Expire for UdpEndpoint {
    fn expire(&self, _key: u64) {
        stack::with(|stack| self.run(stack));
    }
}

impl State {
    fn bind(&mut self, address: IpAddr, port: u16) -> Result<SocketAddr, Errno> {
        let claim = Claim {
            kind: Kind::Udp,
            address,
            is_version_6_only: self.options.is_on(options::V6ONLY),
            reuses_address: self.options.is_on(options::REUSEADDR),
            reuses_port: self.options.is_on(options::REUSEPORT),
        };
        let binding = port::bind(claim, port)?;
        let bound = binding.address;
        self.binding = Some(binding);
        Ok(bound)
    }

    /// The smoltcp socket that sends this way, with room for a datagram of `size_bytes`.
    fn sender(
        &mut self,
        route: Route,
        port: u16,
        size_bytes: usize,
    ) -> Result<&mut udp::Socket<'static>, Errno> {
        let is_fit = |sender: &(SocketSet<'static>, SocketHandle, Route)| {
            let socket: &udp::Socket = sender.0.get(sender.1);
            sender.2 == route && socket.payload_send_capacity() >= size_bytes
        };
        if !self.sender.as_ref().is_some_and(is_fit) {
            let mut socket = udp::Socket::new(packets(0, 0)?, packets(SEND_DATAGRAMS, size_bytes)?);
            socket
                .bind(IpListenEndpoint { addr: None, port })
                .map_err(|_| EINVAL)?;
            let mut sockets = SocketSet::new(Vec::new());
            let handle = sockets.add(socket);
            self.sender = Some((sockets, handle, route));
        }
        let (sockets, handle, _) = self.sender.as_mut().ok_or(ENOMEM)?;
        Ok(sockets.get_mut(*handle))
    }

    /// IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP.
    fn loops_back(&self, group: IpAddr) -> bool {
        self.options.is_on(match group {
            IpAddr::V4(_) => options::MULTICAST_LOOP,
            IpAddr::V6(_) => options::MULTICAST_LOOP_6,
        })
    }

    fn take(&mut self, is_peek: bool) -> Result<Datagram, Errno> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let Some(datagram) = self.received.pop_front() else {
            return Err(EAGAIN);
        };
        if is_peek {
            let copy = Datagram {
                payload: datagram.payload.clone(),
                ..datagram
            };
            self.received.push_front(datagram);
            return Ok(copy);
        }
        self.received_bytes = self
            .received_bytes
            .saturating_sub(datagram.payload.len() + DATAGRAM_COST);
        Ok(datagram)
    }
}

fn packets(count: usize, largest: usize) -> Result<PacketBuffer<'static>, Errno> {
    let size_bytes = if count == 0 {
        0
    } else {
        largest.max(SEND_BYTES)
    };
    let bytes = heap::zeros(size_bytes)?;
    Ok(PacketBuffer::new(
        alloc::vec![PacketMetadata::EMPTY; count],
        bytes,
    ))
}

pub struct UdpSocket {
    endpoint: Arc<UdpEndpoint>,
    family: u16,
}

impl UdpSocket {
    pub fn new(family: u16) -> UdpSocket {
        UdpSocket {
            endpoint: UdpEndpoint::new(),
            family,
        }
    }

    fn kind(&self) -> Family {
        match self.family {
            AF_INET => Family::Udp4,
            _ => Family::Udp6,
        }
    }

    fn usable(&self, address: &Address) -> Result<SocketAddr, Errno> {
        match address {
            Address::Ip(address) if self.family == AF_INET && address.is_ipv6() => {
                Err(EAFNOSUPPORT)
            }
            Address::Ip(address) => Ok(*address),
            _ => Err(EAFNOSUPPORT),
        }
    }

    /// As `route_to`; a group is reached by the interface chosen for it.
    fn way_to(&self, stack: &mut Stack, to: IpAddr) -> Result<(Route, IpAddr), Errno> {
        let is_by_loopback = self.endpoint.state.lock().groups.sends_by_loopback();
        match to {
            IpAddr::V4(group) if group.is_multicast() && is_by_loopback => {
                Ok((Route::Loopback, Ipv4Addr::LOCALHOST.into()))
            }
            IpAddr::V6(group) if group.is_multicast() && is_by_loopback => {
                Ok((Route::Loopback, Ipv6Addr::LOCALHOST.into()))
            }
            _ => stack.route_to(to),
        }
    }

    /// Where it is bound when nobody says where.
    fn unasked_address(&self) -> IpAddr {
        let asked = self.endpoint.state.lock().asked_address;
        asked.unwrap_or(any(self.family))
    }

    /// connect(2) to AF_UNSPEC: no peer, and no port but one that was asked for.
    fn dissolve(&self) {
        let mut state = self.endpoint.state.lock();
        state.peer = None;
        if state.asked_port != 0 {
            return;
        }
        let binding = state.binding.take();
        state.sender = None; // it has the port too
        drop(state);
        self.leave(binding);
    }

    /// The demultiplexer forgets the socket, and others may have its port.
    fn leave(&self, binding: Option<Binding>) {
        let Some(binding) = binding else {
            return;
        };
        let port = binding.address.port();
        stack::with(|stack| {
            if let Some(endpoints) = stack.datagrams.get_mut(&port) {
                endpoints.retain(|endpoint| !endpoint.ptr_eq(&self.endpoint.this));
                if endpoints.is_empty() {
                    stack.datagrams.remove(&port);
                }
            }
        });
    }

    /// Binds if nobody has, and makes the socket known to the demultiplexer.
    fn bind_to(&self, stack: &mut Stack, address: IpAddr, port: u16) -> Result<SocketAddr, Errno> {
        let mut state = self.endpoint.state.lock();
        if let Some(binding) = &state.binding {
            return Ok(binding.address);
        }
        let bound = state.bind(address, port)?;
        let endpoints = stack.datagrams.get_or_default(bound.port());
        endpoints.push(self.endpoint.this.clone());
        Ok(bound)
    }

    fn transmit(&self, stack: &mut Stack, to: SocketAddr, message: &mut Outgoing<'_>) -> SysResult {
        let bound = self.bind_to(stack, self.unasked_address(), 0)?;
        let (route, source) = self.way_to(stack, to.ip())?;
        let size_bytes = message.data.remaining();
        let headers = if to.is_ipv4() { 28 } else { 48 };
        if size_bytes > LARGEST.min(stack.mtu(route) - headers) {
            return Err(EMSGSIZE);
        }
        let mut state = self.endpoint.state.lock();
        if stack.is_broadcast(to.ip()) && !state.options.is_on(options::BROADCAST) {
            return Err(EACCES);
        }
        let is_to_group = to.ip().is_multicast();
        let group_hop_limit = state.options.group_hop_limit(to.is_ipv6());
        let own_hop_limit = match is_to_group {
            true => Some(group_hop_limit).filter(|&limit| limit != 0),
            false => state.options.hop_limit(),
        };
        let hop_limit = message.hop_limit.or(own_hop_limit);
        let is_looped = is_to_group && state.loops_back(to.ip()) && route == Route::Card;
        let own_class = state.options.traffic_class();
        state.traffic_class = message.traffic_class.unwrap_or(own_class);
        let socket = state.sender(route, bound.port(), size_bytes)?;
        socket.set_hop_limit(hop_limit);
        let own = message.source.unwrap_or(bound.ip()).to_canonical();
        let local = if own.is_unspecified() { source } else { own };
        let remote = version_6::endpoint(to).ok_or(EAFNOSUPPORT)?;
        let mut metadata = UdpMetadata::from(remote);
        metadata.local_address = version_6::known(local);
        let mut bytes = heap::zeros(size_bytes)?;
        let taken = message.data.take(&mut bytes)?;
        let payload = bytes.get(..taken).unwrap_or(&[]);
        socket.send_slice(payload, metadata).map_err(|_| ENOBUFS)?;
        let traffic_class = state.traffic_class;
        drop(state);
        self.endpoint.run(stack);
        if is_looped {
            let ends = Transport {
                source: SocketAddr::new(local, bound.port()),
                destination: to,
                flags: 0,
                hop_limit: group_hop_limit,
                traffic_class,
            };
            incoming::deliver_to_members(stack, ends, payload);
        }
        Ok(taken)
    }
}

impl Protocol for UdpSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let address = self.usable(address)?;
        if self.endpoint.state.lock().binding.is_some() {
            return Err(EINVAL);
        }
        let binds_freely = self.endpoint.state.lock().options.binds_freely();
        let bound = stack::with(|stack| {
            let checked = stack.check_bindable(address.ip());
            checked.or_else(|error| if binds_freely { Ok(()) } else { Err(error) })?;
            self.bind_to(stack, address.ip(), address.port())
        })?;
        let mut state = self.endpoint.state.lock();
        state.asked_address = Some(address.ip());
        state.asked_port = address.port();
        drop(state);
        announce(bound, "udp");
        Ok(())
    }

    fn connect(&self, address: &Address, _patience: Patience) -> Result<(), Errno> {
        if *address == Address::None {
            self.dissolve();
            return Ok(());
        }
        let peer = config::reachable(self.usable(address)?);
        config::wait_for_address(peer.ip());
        stack::with(|stack| {
            self.way_to(stack, peer.ip())?;
            self.bind_to(stack, self.unasked_address(), 0)
        })?;
        let mut state = self.endpoint.state.lock();
        state.peer = Some(peer);
        state.error = None;
        Ok(())
    }

    fn send(&self, mut message: Outgoing<'_>, patience: Patience) -> SysResult {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(EOPNOTSUPP);
        }
        let to = match &message.to {
            Some(address) => Some(self.usable(address)?),
            None => None,
        };
        let to = {
            let mut state = self.endpoint.state.lock();
            if let Some(error) = state.error.take() {
                return Err(error);
            }
            if state.is_write_shut {
                return Err(EPIPE);
            }
            config::reachable(to.or(state.peer).ok_or(EDESTADDRREQ)?)
        };
        if to.port() == 0 {
            return Err(EINVAL);
        }
        config::wait_for_address(to.ip());
        let _ = patience; // a datagram is queued or refused, it never waits
        stack::with(|stack| self.transmit(stack, to, &mut message))
    }

    fn receive(
        &self,
        into: &mut dyn Sink,
        flags: MessageFlags,
        patience: Patience,
    ) -> Result<Received, Errno> {
        let is_peek = flags.contains(MessageFlags::PEEK);
        let attempt = || {
            let mut state = self.endpoint.state.lock();
            match state.take(is_peek) {
                Err(EAGAIN) if state.is_read_shut && !patience.is_nonblocking => Ok(None),
                outcome => outcome.map(Some),
            }
        };
        let Some(datagram) = patience.wait(&self.endpoint.queue, attempt)? else {
            return Ok(Received::default());
        };
        let fitting = datagram.payload.len().min(into.remaining());
        into.put(datagram.payload.get(..fitting).unwrap_or(&[]))?;
        let state = self.endpoint.state.lock();
        Ok(datagram.received(&state.options, fitting, flags))
    }

    fn shutdown(&self, how: How) -> Result<(), Errno> {
        let mut state = self.endpoint.state.lock();
        state.is_read_shut |= how.reads(); // without a peer too, whatever is said of it
        state.is_write_shut |= how.writes();
        let has_peer = state.peer.is_some();
        drop(state);
        self.endpoint.queue.wake_all();
        has_peer.then_some(()).ok_or(ENOTCONN)
    }

    fn local_address(&self) -> Result<Address, Errno> {
        let (bound, peer) = {
            let state = self.endpoint.state.lock();
            (state.binding.as_ref().map(|b| b.address), state.peer)
        };
        let mut address = bound.unwrap_or(SocketAddr::new(self.unasked_address(), 0));
        if let (Some(peer), true) = (peer, address.ip().is_unspecified()) {
            let source = stack::with(|stack| stack.route_to(peer.ip()))?.1;
            address.set_ip(source);
        }
        Ok(Address::Ip(address))
    }

    fn peer_address(&self) -> Result<Address, Errno> {
        let peer = self.endpoint.state.lock().peer;
        peer.map(Address::Ip).ok_or(ENOTCONN)
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        if let Some(request) = Request::parse((level, name), value) {
            let request = request?;
            return self.endpoint.state.lock().groups.apply(request);
        }
        let mut state = self.endpoint.state.lock();
        state.options.set((level, name), value, self.kind())
    }

    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let mut state = self.endpoint.state.lock();
        if let Some(value) = state.groups.get((level, name)) {
            return Ok(value);
        }
        let number = match (level, name) {
            options::ERROR => i32::from(state.error.take().map_or(0, |error| error.0)),
            key => return state.options.get(key, self.kind()),
        };
        Ok(number.to_ne_bytes().to_vec())
    }

    fn readiness(&self) -> Events {
        let state = self.endpoint.state.lock();
        let mut events = Events::OUT | Events::WRNORM;
        let is_readable = !state.received.is_empty() || state.is_read_shut;
        events.set(Events::IN | Events::RDNORM, is_readable);
        events.set(Events::ERR, state.error.is_some());
        events.set(Events::RDHUP, state.is_read_shut);
        events.set(Events::HUP, state.is_read_shut && state.is_write_shut);
        events
    }

    fn wait_queue(&self) -> &WaitQueue {
        &self.endpoint.queue
    }

    /// udp(7): the size of the next datagram.
    fn unread_bytes(&self) -> SysResult {
        let state = self.endpoint.state.lock();
        Ok(state.received.front().map_or(0, |d| d.payload.len()))
    }

    fn listen(&self, _backlog: u32) -> Result<(), Errno> {
        Err(EOPNOTSUPP)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        let binding = self.endpoint.state.lock().binding.take();
        self.leave(binding);
    }
}
