//! TCP sockets (tcp(7)): the endpoint behind a socket, as packets and timers see it. What the
//! application may ask of it is in `calls`, a connection's state in `connection`, a listening
//! socket's queue in `listener`, whose a segment is in `incoming`.
//!
//! Lock order: the stack, then one endpoint. Never two endpoints at once.

mod calls;
mod connection;
mod incoming;
mod information;
mod listener;
mod options;
#[cfg(test)]
mod tests;

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::flows::{FlowKey, Flows};
use super::options::Options;
use super::port::{Binding, By};
use super::stack::{self, Stack};
use crate::errno::Errno;
use crate::fs::{Events, random};
use crate::sorted_map::SortedMap;
use crate::sync::{SpinLock, SpinLockGuard, WaitQueue};
use crate::time::{self, timer};

pub use calls::TcpSocket;
use connection::{Connection, ORPHAN_NS};
pub use incoming::install;
use listener::Backlog;

/// Whose a segment is.
pub struct Table {
    flows: Flows<Arc<TcpEndpoint>>,
    /// Listening endpoints by port.
    listeners: SortedMap<u16, Vec<Weak<TcpEndpoint>>>,
}

impl Default for Table {
    fn default() -> Self {
        Table {
            flows: Flows::new(random::number()),
            listeners: SortedMap::new(),
        }
    }
}

/// What a socket is: nothing yet, a listener, or one end of a connection (perhaps a past one).
#[derive(Default)]
struct State {
    binding: Option<Binding>,
    backlog: Option<Backlog>,
    connection: Option<Connection>,
    options: Options,
    /// SO_ERROR: told once.
    error: Option<Errno>,
    /// A connection was asked for and its outcome not told yet.
    is_connecting: bool,
    is_read_shut: bool,
    is_write_shut: bool,
    told: Told,
}

/// What waiters were told last, so that only news wakes them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    events: Events,
    unread_bytes: usize,
}

impl Default for Told {
    fn default() -> Self {
        Told {
            events: Events::empty(),
            unread_bytes: 0,
        }
    }
}

/// A TCP socket's kernel half; it outlives the descriptor until the connection is closed.
pub struct TcpEndpoint {
    queue: WaitQueue,
    state: SpinLock<State>,
    this: Weak<TcpEndpoint>,
}

impl TcpEndpoint {
    pub fn new(options: Options) -> Arc<TcpEndpoint> {
        Arc::new_cyclic(|this| TcpEndpoint {
            queue: WaitQueue::new(),
            state: SpinLock::new(State {
                options,
                ..State::default()
            }),
            this: this.clone(),
        })
    }

    /// A segment of this connection came in.
    pub fn receive(&self, stack: &mut Stack, frame: &[u8], is_reset: bool) {
        let mut state = self.state.lock();
        let Some(connection) = &mut state.connection else {
            return;
        };
        stack.ingress(connection.route, frame, &mut connection.sockets);
        if connection.orphan_until_ns.is_some() && connection.socket().can_recv() {
            connection.socket_mut().abort(); // RFC 1122 § 4.2.2.13: nobody is there to read it
        }
        self.settle(stack, state, is_reset);
    }

    /// Sends what can be sent now: a timer, or somebody's address became known.
    pub fn run(&self, stack: &mut Stack) {
        let state = self.state.lock();
        self.settle(stack, state, false);
    }

    /// True while the peer has not acknowledged everything, the end included.
    pub fn has_unsent(&self) -> bool {
        let state = self.state.lock();
        state
            .connection
            .as_ref()
            .is_some_and(Connection::is_unanswered)
    }

    /// True when a connection that is over makes room for a new one between the same ends
    /// (RFC 6191).
    pub fn give_way(&self, stack: &mut Stack) -> bool {
        let state = self.state.lock();
        let Some(connection) = &state.connection else {
            return false;
        };
        let is_over = connection.is_over();
        if is_over {
            let key = FlowKey::new(connection.local, connection.remote);
            stack.tcp.flows.remove(&key);
        }
        is_over
    }

    /// Sends, looks at what changed, sets the timer, and tells whoever waits.
    fn settle(&self, stack: &mut Stack, mut guard: SpinLockGuard<'_, State>, was_reset: bool) {
        let state = &mut *guard;
        let Some(connection) = &mut state.connection else {
            return;
        };
        let traffic_class = state.options.traffic_class();
        stack.egress(connection.route, &mut connection.sockets, traffic_class);
        let progress = connection.progress(was_reset, &state.options);
        if progress.is_established {
            connection.apply(&state.options);
        }
        let listener = match progress.is_established || progress.is_over {
            true => connection.listener.take(),
            false => None,
        };
        if progress.is_over {
            connection.stop_timer();
            give_back(&mut state.binding, connection.is_time_wait());
            let key = FlowKey::new(connection.local, connection.remote);
            stack.tcp.flows.remove(&key);
        } else {
            self.arm(stack, connection);
        }
        state.error = state.error.or(progress.error);
        let is_news = state.note_news();
        drop(guard);
        if is_news {
            self.queue.wake_all();
        }
        if let Some(listener) = listener {
            self.hand_to(&listener, stack, progress.is_over);
        }
    }

    /// Gives an opened connection to its listener, or tells it that it came to nothing.
    fn hand_to(&self, listener: &Weak<TcpEndpoint>, stack: &mut Stack, is_over: bool) {
        match (listener.upgrade(), is_over) {
            (Some(listener), false) if listener.enqueue(self.this.upgrade()) => {}
            (Some(listener), true) => listener.forget_half_open(),
            _ => self.abort(stack), // nobody will accept it any more
        }
    }

    /// Keeps the timer no later than smoltcp wants to be looked at. A timer that is early is left:
    /// it will find nothing to do and be set again, which is cheaper than moving it each packet.
    fn arm(&self, stack: &mut Stack, connection: &mut Connection) {
        /// What could not be sent for want of buffers is tried again after this.
        const SOON_NS: u64 = 1_000_000;
        let wanted = stack.poll_at(connection.route, &connection.sockets);
        let wanted = match (wanted, connection.orphan_until_ns) {
            (Some(at_ns), Some(until_ns)) => Some(at_ns.min(until_ns)),
            (wanted, until_ns) => wanted.or(until_ns),
        };
        let Some(wanted_ns) = wanted else {
            return;
        };
        if connection
            .timer
            .is_some_and(|(_, at_ns)| at_ns <= wanted_ns)
        {
            return;
        }
        connection.stop_timer();
        let at_ns = wanted_ns.max(time::now_ns() + SOON_NS);
        let target: Weak<dyn timer::Expire> = self.this.clone();
        connection.timer = Some((timer::arm(at_ns, 0, target), at_ns));
    }

    /// Ends the connection at once, with a reset to the peer.
    fn abort(&self, stack: &mut Stack) {
        let mut state = self.state.lock();
        if let Some(connection) = &mut state.connection {
            connection.orphan_until_ns = Some(0);
            connection.socket_mut().abort();
        }
        self.settle(stack, state, false);
    }

    /// The last descriptor is gone (close(2), SO_LINGER).
    fn close(&self, stack: &mut Stack) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.is_read_shut = true;
        state.is_write_shut = true;
        if let Some(backlog) = state.backlog.take() {
            let binding = state.binding.take();
            drop(guard);
            backlog.close(stack);
            drop(binding);
            return;
        }
        let Some(connection) = &mut state.connection else {
            state.binding = None;
            return;
        };
        connection.orphan_until_ns = Some(time::now_ns() + ORPHAN_NS);
        // RFC 2525 § 2.17: data nobody will read is worth a reset.
        let is_unread = connection.socket().recv_queue() > 0;
        if is_unread || state.options.linger() == Some(0) {
            connection.socket_mut().abort();
        } else {
            connection.socket_mut().close();
        }
        self.settle(stack, guard, false);
    }

    fn readiness(&self) -> Events {
        self.state.lock().readiness()
    }
}

/// The port of a connection that is over, unless it is the socket's own. Only a port that others
/// come to has to wait: of the ephemeral ones there are too few.
fn give_back(binding: &mut Option<Binding>, is_time_wait: bool) {
    let given = binding.take_if(|binding| is_time_wait || binding.by != By::Bind);
    if let Some(mut binding) = given.filter(|_| is_time_wait)
        && binding.by != By::Connect
    {
        binding.linger();
    }
}

/// A retransmission, a delayed acknowledgement, a keepalive probe, or the end of patience.
impl timer::Expire for TcpEndpoint {
    fn expire(&self, _key: u64) {
        stack::with(|stack| {
            let mut state = self.state.lock();
            let Some(connection) = &mut state.connection else {
                return;
            };
            connection.timer = None;
            let until_ns = connection.orphan_until_ns;
            if until_ns.is_some_and(|until_ns| time::now_ns() >= until_ns) {
                connection.orphan_until_ns = Some(u64::MAX);
                connection.socket_mut().abort();
            }
            self.settle(stack, state, false);
        });
    }
}

impl State {
    /// tcp_poll() of Linux.
    fn readiness(&self) -> Events {
        if let Some(backlog) = &self.backlog {
            return backlog.readiness();
        }
        let mut events = Events::empty();
        events.set(Events::ERR, self.error.is_some());
        let Some(connection) = &self.connection else {
            return events | Events::HUP | Events::OUT | Events::WRNORM;
        };
        if connection.is_opening() {
            return events;
        }
        let is_read_shut = self.is_read_shut || connection.is_read_closed();
        let is_write_shut = self.is_write_shut || connection.is_closed();
        let is_readable = is_read_shut || connection.socket().can_recv();
        events.set(Events::IN | Events::RDNORM, is_readable);
        events.set(Events::RDHUP, is_read_shut);
        let is_writable = is_write_shut || connection.is_writable();
        events.set(Events::OUT | Events::WRNORM, is_writable);
        events.set(Events::HUP, is_read_shut && is_write_shut);
        events
    }

    /// True when there is something waiters were not told of: an event, or more to read.
    fn note_news(&mut self) -> bool {
        let unread_bytes = self
            .connection
            .as_ref()
            .map_or(0, |c| c.socket().recv_queue());
        let now = Told {
            events: self.readiness(),
            unread_bytes,
        };
        let before = core::mem::replace(&mut self.told, now);
        !before.events.contains(now.events) || now.unread_bytes > before.unread_bytes
    }

    fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }
}
