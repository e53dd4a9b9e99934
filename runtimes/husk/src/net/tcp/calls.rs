//! What the application may ask of a TCP socket.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::net::{IpAddr, SocketAddr};

use smoltcp::socket::tcp::State as TcpState;

use super::connection::Connection;
use super::listener::{Backlog, clamp};
use super::{State, TcpEndpoint};
use crate::errno::{
    EADDRINUSE, EAFNOSUPPORT, EAGAIN, EALREADY, ECONNABORTED, EFAULT, EINPROGRESS, EINVAL, EISCONN,
    ENOTCONN, EOPNOTSUPP, EPIPE, Errno, SysResult,
};
use crate::fs::{Discard, Events, Sink, Source};
use crate::mm::heap;
use crate::net::address::{AF_INET, AF_INET6, Address, any};
use crate::net::flows::FlowKey;
use crate::net::options::{self, Family, Options};
use crate::net::port::{self, By, Claim, Kind};
use crate::net::socket::{How, MessageFlags, Outgoing, Patience, Protocol, Received};
use crate::net::stack::{self, Stack};
use crate::net::{announce, config};
use crate::sync::WaitQueue;

/// A TCP socket's open half; the endpoint may live on after it.
pub struct TcpSocket {
    endpoint: Arc<TcpEndpoint>,
    family: u16,
}

impl TcpSocket {
    pub fn new(family: u16) -> TcpSocket {
        TcpSocket {
            endpoint: TcpEndpoint::new(Options::default()),
            family,
        }
    }

    /// An address this socket can use: of its family, IPv4 on IPv6 unless IPV6_V6ONLY.
    fn usable(&self, address: &Address) -> Result<SocketAddr, Errno> {
        let Address::Ip(address) = address else {
            return Err(EAFNOSUPPORT);
        };
        match (self.family, address.ip()) {
            (AF_INET, IpAddr::V6(_)) => Err(EAFNOSUPPORT),
            (AF_INET6, IpAddr::V4(_)) if self.is_version_6_only() => Err(crate::errno::ENETUNREACH),
            _ => Ok(*address),
        }
    }

    /// Starts connecting; the outcome comes later.
    fn begin(&self, stack: &mut Stack, remote: SocketAddr) -> Result<(), Errno> {
        let (route, source) = stack.route_to(remote.ip())?;
        let mut state = self.endpoint.state.lock();
        let local = state.local_for(source, self.family)?;
        let key = FlowKey::new(local, remote);
        if stack.tcp.flows.get(&key).is_some() {
            return Err(EADDRINUSE);
        }
        let mut connection = Connection::open(stack, local, remote, route)?;
        connection.apply(&state.options);
        state.connection = Some(connection);
        state.is_connecting = true;
        state.error = None;
        stack.tcp.flows.insert(key, self.endpoint.clone());
        self.endpoint.settle(stack, state, false);
        Ok(())
    }
}

impl State {
    /// The local end for a connection: what was bound, completed, or an ephemeral port.
    fn local_for(&mut self, source: IpAddr, family: u16) -> Result<SocketAddr, Errno> {
        if self.binding.is_none() {
            let mut binding = port::bind(self.claim(any(family)), 0)?;
            binding.by = By::Connect;
            self.binding = Some(binding);
        }
        let bound = self.binding.as_ref().map(|b| b.address).ok_or(EINVAL)?;
        let address = if bound.ip().is_unspecified() {
            source
        } else {
            bound.ip()
        };
        Ok(SocketAddr::new(address, bound.port()))
    }

    pub(super) fn claim(&self, address: IpAddr) -> Claim {
        Claim {
            kind: Kind::Tcp,
            address,
            is_version_6_only: self.options.is_on(options::V6ONLY),
            reuses_address: self.options.is_on(options::REUSEADDR),
            reuses_port: self.options.is_on(options::REUSEPORT),
        }
    }

    /// How far connect(2) has come; EAGAIN while it is under way.
    fn connect_outcome(&mut self) -> Result<(), Errno> {
        if let Some(error) = self.take_error() {
            self.is_connecting = false;
            self.connection = None; // the socket may try again
            return Err(error);
        }
        match &self.connection {
            Some(connection) if connection.is_opening() => Err(EAGAIN),
            Some(connection) if connection.is_over() => {
                self.is_connecting = false;
                self.connection = None;
                Err(ECONNABORTED) // why was told already: the error is taken by who asks first
            }
            Some(_) => {
                self.is_connecting = false;
                Ok(())
            }
            None => Err(ENOTCONN),
        }
    }

    /// Moves what has come into `into`; EAGAIN when there is nothing yet.
    fn read(&mut self, into: &mut dyn Sink, is_peek: bool) -> SysResult {
        let is_read_shut = self.is_read_shut;
        let Some(connection) = &mut self.connection else {
            return self.take_error().map_or(Err(ENOTCONN), Err);
        };
        if connection.socket().can_recv() {
            return if is_peek {
                peek(connection, into)
            } else {
                drain(connection, into)
            };
        }
        let is_over = is_read_shut || connection.is_read_closed();
        match self.take_error() {
            Some(EPIPE) | None if is_over => Ok(0),
            Some(error) => Err(error),
            None => Err(EAGAIN),
        }
    }

    /// Moves as much of `from` as there is room for; EAGAIN when there is none.
    fn write(&mut self, from: &mut dyn Source) -> SysResult {
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        let is_write_shut = self.is_write_shut;
        let connection = self.connection.as_mut().ok_or(EPIPE)?;
        if is_write_shut || connection.is_closed() {
            return Err(EPIPE);
        }
        if connection.is_opening() {
            return Err(EAGAIN);
        }
        fill(connection, from)
    }
}

/// Takes contiguous parts of the ring until `into` is full or the ring is empty.
fn drain(connection: &mut Connection, into: &mut dyn Sink) -> SysResult {
    let socket = connection.socket_mut();
    let mut total = 0;
    while socket.can_recv() && into.remaining() > 0 {
        let moved = socket.recv(|bytes| {
            let moved = into.put(bytes);
            (moved.unwrap_or(0), moved)
        });
        match moved {
            Ok(Ok(0)) | Err(_) => break,
            Ok(Ok(moved)) => total += moved,
            Ok(Err(error)) if total == 0 => return Err(error),
            Ok(Err(_)) => break,
        }
    }
    Ok(total)
}

fn peek(connection: &mut Connection, into: &mut dyn Sink) -> SysResult {
    let socket = connection.socket_mut();
    let wanted = into.remaining().min(socket.recv_queue());
    let mut bytes = heap::zeros(wanted)?;
    let copied = socket.peek_slice(&mut bytes).map_err(|_| ENOTCONN)?;
    into.put(bytes.get(..copied).unwrap_or(&[]))
}

/// Fills contiguous parts of the ring until it is full or `from` is empty.
fn fill(connection: &mut Connection, from: &mut dyn Source) -> SysResult {
    let socket = connection.socket_mut();
    let mut total = 0;
    while from.remaining() > 0 {
        let moved = socket.send(|room| {
            let moved = from.take(room);
            (moved.unwrap_or(0), moved)
        });
        match moved {
            Ok(Ok(0)) => break,
            Ok(Ok(moved)) => total += moved,
            Ok(Err(error)) if total == 0 => return Err(error),
            Ok(Err(_)) => break,
            Err(_) => return if total > 0 { Ok(total) } else { Err(EPIPE) },
        }
    }
    if total == 0 && from.remaining() > 0 {
        return Err(EAGAIN);
    }
    Ok(total)
}

impl Protocol for TcpSocket {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let address = self.usable(address)?;
        let checked = stack::with(|stack| stack.check_bindable(address.ip()));
        let mut state = self.endpoint.state.lock();
        if !state.options.binds_freely() {
            checked?;
        }
        if state.binding.is_some() || state.connection.is_some() {
            return Err(EINVAL);
        }
        state.binding = Some(port::bind(state.claim(address.ip()), address.port())?);
        Ok(())
    }

    fn connect(&self, address: &Address, patience: Patience) -> Result<(), Errno> {
        if *address == Address::None {
            return self.dissolve();
        }
        let remote = config::reachable(self.usable(address)?);
        if !self.is_under_way()? {
            config::wait_for_address(remote.ip());
            stack::with(|stack| self.begin(stack, remote))?;
            if patience.is_nonblocking {
                return Err(EINPROGRESS); // even if it is over already, as on Linux
            }
        } else if patience.is_nonblocking {
            let outcome = self.endpoint.state.lock().connect_outcome();
            return outcome.map_err(|error| if error == EAGAIN { EALREADY } else { error });
        }
        let outcome = || self.endpoint.state.lock().connect_outcome();
        patience
            .wait(&self.endpoint.queue, outcome)
            .map_err(|error| if error == EAGAIN { EINPROGRESS } else { error })
    }

    fn listen(&self, backlog: u32) -> Result<(), Errno> {
        let mut state = self.endpoint.state.lock();
        let limit = clamp(backlog);
        if let Some(backlog) = &mut state.backlog {
            backlog.set_limit(limit);
            return Ok(());
        }
        if state.connection.is_some() {
            return Err(EINVAL);
        }
        if state.binding.is_none() {
            state.binding = Some(port::bind(state.claim(any(self.family)), 0)?);
        }
        let binding = state.binding.as_ref().ok_or(EINVAL)?;
        binding.listen()?;
        let local = binding.address;
        let only_6 = state.options.is_on(options::V6ONLY);
        state.backlog = Some(Backlog::new(local, limit, only_6));
        drop(state);
        let listener = Arc::downgrade(&self.endpoint);
        stack::with(|stack| {
            stack
                .tcp
                .listeners
                .get_or_default(local.port())
                .push(listener)
        });
        announce(local, "tcp");
        Ok(())
    }

    fn accept(&self, patience: Patience) -> Result<(Box<dyn Protocol>, Address), Errno> {
        let endpoint = patience.wait(&self.endpoint.queue, || self.endpoint.take_ready())?;
        let socket = TcpSocket {
            endpoint,
            family: self.family,
        };
        let peer = socket.endpoint.ends().map(|(_, remote)| remote);
        let address = peer.map_or(Address::None, Address::Ip);
        Ok((Box::new(socket), address))
    }

    fn send(&self, message: Outgoing<'_>, patience: Patience) -> SysResult {
        if message.flags.contains(MessageFlags::OOB) {
            return Err(EOPNOTSUPP);
        }
        let is_more = message.flags.contains(MessageFlags::MORE);
        let mut total = 0;
        loop {
            let outcome = patience.wait(&self.endpoint.queue, || {
                self.endpoint.write(message.data, is_more)
            });
            match outcome {
                Ok(written) => total += written,
                Err(_) if total > 0 => return Ok(total),
                Err(error) => return Err(error),
            }
            if patience.is_nonblocking || message.data.remaining() == 0 || outcome == Ok(0) {
                return Ok(total);
            }
        }
    }

    fn receive(
        &self,
        into: &mut dyn Sink,
        flags: MessageFlags,
        patience: Patience,
    ) -> Result<Received, Errno> {
        if flags.contains(MessageFlags::OOB) {
            return Err(EINVAL);
        }
        let mut nowhere = Discard(into.remaining());
        let into = match flags.contains(MessageFlags::TRUNC) {
            true => &mut nowhere as &mut dyn Sink, // tcp(7): the bytes are thrown away
            false => into,
        };
        let is_peek = flags.contains(MessageFlags::PEEK);
        let wants_all = flags.contains(MessageFlags::WAITALL) && !is_peek;
        let mut total = 0;
        loop {
            let outcome = patience.wait(&self.endpoint.queue, || self.endpoint.read(into, is_peek));
            match outcome {
                Ok(0) => break,
                Ok(read) => total += read,
                Err(_) if total > 0 => break,
                Err(error) => return Err(error),
            }
            if !wants_all || into.remaining() == 0 {
                break;
            }
        }
        Ok(Received {
            bytes: total,
            ..Received::default()
        })
    }

    fn shutdown(&self, how: How) -> Result<(), Errno> {
        let is_listening = self.endpoint.state.lock().backlog.is_some();
        if is_listening {
            if how.reads() {
                self.endpoint.stop_listening();
            }
            return Ok(());
        }
        stack::with(|stack| self.endpoint.shutdown(stack, how))
    }

    fn local_address(&self) -> Result<Address, Errno> {
        if let Some((local, _)) = self.endpoint.ends() {
            return Ok(Address::Ip(local));
        }
        let state = self.endpoint.state.lock();
        let bound = state.binding.as_ref().map(|binding| binding.address);
        let unbound = SocketAddr::new(any(self.family), 0);
        Ok(Address::Ip(bound.unwrap_or(unbound)))
    }

    fn peer_address(&self) -> Result<Address, Errno> {
        let state = self.endpoint.state.lock();
        let connection = state.connection.as_ref().ok_or(ENOTCONN)?;
        if connection.is_opening() || connection.is_over() {
            return Err(ENOTCONN);
        }
        Ok(Address::Ip(connection.remote))
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        let mut state = self.endpoint.state.lock();
        state.options.set((level, name), value, self.kind())?;
        let options = state.options.clone();
        if let Some(connection) = &mut state.connection {
            connection.apply(&options);
        }
        drop(state);
        // TCP_NODELAY and the end of TCP_CORK let waiting bytes go.
        stack::with(|stack| self.endpoint.run(stack));
        Ok(())
    }

    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let mut state = self.endpoint.state.lock();
        let number = match (level, name) {
            options::ERROR => i32::from(state.take_error().map_or(0, |error| error.0)),
            options::ACCEPTCONN => state.backlog.is_some().into(),
            options::INFO => {
                drop(state);
                return Ok(self.endpoint.information());
            }
            options::MAXSEG if state.connection.is_some() => {
                drop(state);
                self.endpoint.segment_bytes() as i32
            }
            key => return state.options.get(key, self.kind()),
        };
        Ok(number.to_ne_bytes().to_vec())
    }

    fn readiness(&self) -> Events {
        self.endpoint.readiness()
    }

    fn wait_queue(&self) -> &WaitQueue {
        &self.endpoint.queue
    }

    fn unread_bytes(&self) -> SysResult {
        let state = self.endpoint.state.lock();
        if state.backlog.is_some() {
            return Err(EINVAL);
        }
        let connection = state.connection.as_ref();
        Ok(connection.map_or(0, |connection| connection.socket().recv_queue()))
    }

    fn unsent_bytes(&self) -> SysResult {
        let state = self.endpoint.state.lock();
        if state.backlog.is_some() {
            return Err(EINVAL);
        }
        let connection = state.connection.as_ref();
        Ok(connection.map_or(0, |connection| connection.socket().send_queue()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl TcpSocket {
    fn kind(&self) -> Family {
        match self.family {
            AF_INET6 => Family::Tcp6,
            _ => Family::Tcp4,
        }
    }

    fn is_version_6_only(&self) -> bool {
        self.endpoint.state.lock().options.is_on(options::V6ONLY)
    }

    /// True while an earlier connect(2) is under way; EISCONN once it has succeeded.
    fn is_under_way(&self) -> Result<bool, Errno> {
        let state = self.endpoint.state.lock();
        if state.backlog.is_some() {
            return Err(EISCONN);
        }
        match &state.connection {
            _ if state.is_connecting => Ok(true),
            Some(connection) if !connection.is_closed() => Err(EISCONN),
            _ => Ok(false),
        }
    }

    /// connect(2) to AF_UNSPEC: back to how the socket began.
    fn dissolve(&self) -> Result<(), Errno> {
        stack::with(|stack| {
            self.endpoint.abort(stack);
            let mut state = self.endpoint.state.lock();
            state.connection = None;
            state.error = None;
            state.is_connecting = false;
        });
        Ok(())
    }
}

impl TcpEndpoint {
    pub(super) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let state = self.state.lock();
        let connection = state.connection.as_ref()?;
        Some((connection.local, connection.remote))
    }

    /// Reads, and lets smoltcp tell the peer of the room that made.
    fn read(&self, into: &mut dyn Sink, is_peek: bool) -> SysResult {
        let mut state = self.state.lock();
        let read = state.read(into, is_peek)?;
        let has_to_tell = state.told.unread_bytes > 0;
        state.note_news();
        if read == 0 || is_peek || !has_to_tell {
            return Ok(read);
        }
        // The window is worth telling of when it was nearly closed; else the next segment does.
        let wants_update = state.connection.as_ref().is_some_and(|connection| {
            let socket = connection.socket();
            read * 4 >= socket.recv_capacity()
        });
        drop(state);
        if wants_update {
            stack::with(|stack| self.run(stack));
        }
        Ok(read)
    }

    fn write(&self, from: &mut dyn Source, is_more: bool) -> SysResult {
        /// A corked connection sends when this much has come together.
        const FULL_BYTES: usize = 16 * 1460;
        let mut state = self.state.lock();
        let written = state.write(from);
        let is_held = is_more || state.options.is_on(options::CORK);
        let queued = state
            .connection
            .as_ref()
            .map_or(0, |connection| connection.socket().send_queue());
        state.note_news();
        drop(state);
        if matches!(written, Ok(1..)) && (!is_held || queued >= FULL_BYTES) {
            stack::with(|stack| self.run(stack));
        } else if written == Err(EFAULT) || written.is_ok() {
            return written;
        }
        written
    }

    fn shutdown(&self, stack: &mut Stack, how: How) -> Result<(), Errno> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let connection = state.connection.as_mut().ok_or(ENOTCONN)?;
        if connection.socket().state() == TcpState::Closed {
            return Err(ENOTCONN);
        }
        state.is_read_shut |= how.reads();
        if how.writes() && !state.is_write_shut {
            state.is_write_shut = true;
            connection.socket_mut().close();
        }
        self.settle(stack, guard, false);
        Ok(())
    }

    /// shutdown(2) of a listener: accept(2) says EINVAL from now on, the port stays bound.
    fn stop_listening(&self) {
        let backlog = self.state.lock().backlog.take();
        if let Some(backlog) = backlog {
            stack::with(|stack| {
                self.leave_listeners(stack, backlog.local.port());
                backlog.close(stack);
            });
        }
        self.queue.wake_all();
    }

    fn leave_listeners(&self, stack: &mut Stack, port: u16) {
        if let Some(listeners) = stack.tcp.listeners.get_mut(&port) {
            listeners.retain(|listener| !listener.ptr_eq(&self.this));
            if listeners.is_empty() {
                stack.tcp.listeners.remove(&port);
            }
        }
    }
}

impl Drop for TcpSocket {
    fn drop(&mut self) {
        let listening_port = {
            let state = self.endpoint.state.lock();
            state.backlog.as_ref().map(|backlog| backlog.local.port())
        };
        stack::with(|stack| {
            if let Some(port) = listening_port {
                self.endpoint.leave_listeners(stack, port);
            }
            self.endpoint.close(stack);
        });
    }
}
