//! One TCP connection: smoltcp's socket in a set of its own, and what smoltcp does not keep.
//!
//! Not here: congestion control (the peer's window alone limits what is under way), TIME-WAIT as a
//! state that outlives the application's socket (a late FIN is answered with a reset), urgent data.

use alloc::sync::Weak;
use alloc::vec::Vec;
use core::net::SocketAddr;

use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{self, SocketBuffer, State};
use smoltcp::time::Duration;

use super::TcpEndpoint;
use super::options;
use crate::errno::{
    EAFNOSUPPORT, ECONNREFUSED, ECONNRESET, EINVAL, ENOMEM, EPIPE, ETIMEDOUT, Errno,
};
use crate::mm::heap;
use crate::mm::{PAGE_SIZE, frame};
use crate::net::options::{NODELAY, Options};
use crate::net::stack::{Route, Stack};
use crate::net::version_6;
use crate::time::timer::{self, TimerId};

/// How long an opening may take: Linux's six SYNs, and five SYN-ACKs.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(63);
/// Retransmitting without an answer ends after this (net.ipv4.tcp_retries2).
const DATA_TIMEOUT: Duration = Duration::from_secs(924);
/// A connection the application has closed gets this long (net.ipv4.tcp_fin_timeout).
pub const ORPHAN_NS: u64 = 60_000_000_000;
/// TCP_DELACK_MIN.
const DELAYED_ACK: Duration = Duration::from_millis(40);

pub struct Connection {
    pub sockets: SocketSet<'static>,
    handle: SocketHandle,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub route: Route,
    /// Whose accept queue it goes to once it is established.
    pub listener: Option<Weak<TcpEndpoint>>,
    /// Set when the application has closed it: the time after which it is given up.
    pub orphan_until_ns: Option<u64>,
    pub timer: Option<(TimerId, u64)>,
    state: State,
    was_established: bool,
}

/// What the last packet or timer changed.
#[derive(Default)]
pub struct Progress {
    pub is_established: bool,
    pub is_over: bool,
    pub error: Option<Errno>,
}

/// Send and receive buffers in bytes: what a small machine can spare, up to Linux's first sizes.
pub fn buffer_sizes() -> (usize, usize) {
    const MEBIBYTE: usize = 1 << 20;
    let memory_bytes = frame::total_count() * PAGE_SIZE;
    match memory_bytes / MEBIBYTE {
        0..24 => (8 << 10, 4 << 10),
        24..48 => (16 << 10, 8 << 10),
        48..96 => (32 << 10, 16 << 10),
        _ => (64 << 10, 32 << 10),
    }
}

fn buffer(size_bytes: usize) -> Result<SocketBuffer<'static>, Errno> {
    Ok(SocketBuffer::new(heap::zeros(size_bytes)?))
}

impl Connection {
    fn new(local: SocketAddr, remote: SocketAddr, route: Route) -> Result<Connection, Errno> {
        let (send_bytes, receive_bytes) = buffer_sizes();
        let mut socket = tcp::Socket::new(buffer(receive_bytes)?, buffer(send_bytes)?);
        socket.set_ack_delay(Some(DELAYED_ACK));
        let mut storage = Vec::new();
        storage.try_reserve_exact(1).map_err(|_| ENOMEM)?;
        storage.push(SocketStorage::EMPTY);
        let mut sockets = SocketSet::new(storage);
        let handle = sockets.add(socket);
        Ok(Connection {
            sockets,
            handle,
            local,
            remote,
            route,
            listener: None,
            orphan_until_ns: None,
            timer: None,
            state: State::Closed,
            was_established: false,
        })
    }

    /// A connection about to send its SYN.
    pub fn open(
        stack: &mut Stack,
        local: SocketAddr,
        remote: SocketAddr,
        route: Route,
    ) -> Result<Connection, Errno> {
        let mut connection = Self::new(local, remote, route)?;
        let socket = connection.socket_mut();
        socket.set_timeout(Some(CONNECT_TIMEOUT));
        socket
            .connect(
                stack.context(route),
                version_6::endpoint(remote).ok_or(EAFNOSUPPORT)?,
                version_6::endpoint(local).ok_or(EAFNOSUPPORT)?,
            )
            .map_err(|_| EINVAL)?;
        connection.state = State::SynSent;
        Ok(connection)
    }

    /// A connection about to receive its SYN.
    pub fn await_opening(
        local: SocketAddr,
        remote: SocketAddr,
        route: Route,
        listener: Weak<TcpEndpoint>,
    ) -> Result<Connection, Errno> {
        let mut connection = Self::new(local, remote, route)?;
        let socket = connection.socket_mut();
        socket.set_timeout(Some(ACCEPT_TIMEOUT));
        let local = version_6::endpoint(local).ok_or(EAFNOSUPPORT)?;
        socket.listen(local).map_err(|_| EINVAL)?;
        connection.state = State::Listen;
        connection.listener = Some(listener);
        Ok(connection)
    }

    pub fn socket(&self) -> &tcp::Socket<'static> {
        self.sockets.get(self.handle)
    }

    pub fn socket_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    pub fn is_opening(&self) -> bool {
        matches!(self.socket().state(), State::SynSent | State::SynReceived)
    }

    pub fn stop_timer(&mut self) {
        if let Some((id, _)) = self.timer.take() {
            timer::disarm(id);
        }
    }

    /// The peer has sent its FIN, or everything is over.
    pub fn is_read_closed(&self) -> bool {
        use State::{CloseWait, Closed, Closing, LastAck, TimeWait};
        matches!(
            self.socket().state(),
            CloseWait | LastAck | Closing | TimeWait | Closed
        )
    }

    pub fn is_closed(&self) -> bool {
        self.socket().state() == State::Closed
    }

    pub fn is_time_wait(&self) -> bool {
        self.socket().state() == State::TimeWait
    }

    /// Both ends have closed it, or it was reset: TCP_CLOSE of Linux.
    pub fn is_over(&self) -> bool {
        self.is_time_wait() || self.is_closed()
    }

    /// Free room worth waking a writer for: a third of the buffer (Linux sk_stream_is_writeable).
    pub fn is_writable(&self) -> bool {
        let socket = self.socket();
        let free = socket.send_capacity() - socket.send_queue();
        socket.may_send() && free * 3 >= socket.send_capacity()
    }

    /// Something was sent, or is to be, that the peer has not acknowledged.
    pub fn is_unanswered(&self) -> bool {
        use State::{Closing, FinWait1, LastAck};
        let socket = self.socket();
        socket.send_queue() > 0 || matches!(socket.state(), FinWait1 | Closing | LastAck)
    }

    /// Looks at what smoltcp made of the last packet or timer.
    pub fn progress(&mut self, was_reset: bool, options: &Options) -> Progress {
        let mut progress = Progress::default();
        let state = self.socket().state();
        let before = core::mem::replace(&mut self.state, state);
        let is_opened = matches!(state, State::Established | State::CloseWait);
        if is_opened && !self.was_established {
            self.was_established = true;
            progress.is_established = true;
        }
        if state == State::Closed && before != State::Closed {
            progress.error = error_of_end(before, was_reset);
        }
        let is_silent = self.socket().local_endpoint().is_none();
        let is_abandoned = self.orphan_until_ns.is_some() && state == State::TimeWait;
        progress.is_over =
            is_abandoned || state == State::Listen || state == State::Closed && is_silent;
        if self.was_established {
            self.adjust_timeout(options);
        }
        progress
    }

    /// smoltcp gives up when it hears nothing for the timeout, busy or not; Linux only while
    /// something is unanswered. So it is set only then.
    fn adjust_timeout(&mut self, options: &Options) {
        let keepalive = options::keepalive(options);
        let is_orphan = self.orphan_until_ns.is_some();
        let is_unanswered = self.is_unanswered();
        let socket = self.socket_mut();
        let timeout = match (is_unanswered, keepalive) {
            (true, _) if is_orphan => Some(Duration::from_micros(ORPHAN_NS / 1000)),
            (true, _) => Some(options::user_timeout(options).unwrap_or(DATA_TIMEOUT)),
            (false, Some((_, dead_after))) => Some(dead_after),
            (false, None) => None,
        };
        socket.set_timeout(timeout);
    }

    /// Applies options that concern the live connection.
    pub fn apply(&mut self, options: &Options) {
        let keepalive = options::keepalive(options).map(|(interval, _)| interval);
        let socket = self.socket_mut();
        socket.set_nagle_enabled(!options.is_on(NODELAY));
        socket.set_hop_limit(options.hop_limit());
        if socket.keep_alive() != keepalive {
            socket.set_keep_alive(keepalive);
        }
    }
}

/// Why a connection ended; None when in good order (tcp(7) § Error handling).
fn error_of_end(before: State, was_reset: bool) -> Option<Errno> {
    match before {
        State::LastAck | State::TimeWait | State::Listen => None,
        State::SynSent | State::SynReceived if was_reset => Some(ECONNREFUSED),
        State::CloseWait if was_reset => Some(EPIPE),
        _ if was_reset => Some(ECONNRESET),
        _ => Some(ETIMEDOUT),
    }
}
