//! A listening socket's queues (listen(2)): connections that are opening are counted, opened ones
//! wait for accept(2). Both are bounded by the backlog; what comes beyond is dropped, as Linux does,
//! so that the peer tries again.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use core::net::{IpAddr, SocketAddr};

use super::connection::Connection;
use super::{Stack, TcpEndpoint};
use crate::errno::{EAGAIN, EINVAL, Errno};
use crate::fs::Events;
use crate::net::flows::FlowKey;
use crate::net::packet::Transport;
use crate::net::port;
use crate::net::stack::Route;

/// net.core.somaxconn.
const MOST: u32 = 4096;
/// Openings allowed beside a tiny backlog.
const LEAST_HALF_OPEN: usize = 8;

pub struct Backlog {
    pub local: SocketAddr,
    pub is_version_6_only: bool,
    limit: usize,
    ready: VecDeque<Arc<TcpEndpoint>>,
    half_open: usize,
}

pub fn clamp(backlog: u32) -> usize {
    backlog.min(MOST) as usize
}

impl Backlog {
    pub fn new(local: SocketAddr, limit: usize, is_version_6_only: bool) -> Backlog {
        Backlog {
            local,
            is_version_6_only,
            limit,
            ready: VecDeque::new(),
            half_open: 0,
        }
    }

    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub fn readiness(&self) -> Events {
        if self.ready.is_empty() {
            Events::empty()
        } else {
            Events::IN | Events::RDNORM
        }
    }

    /// One more than the backlog is let in, as Linux counts (sk_acceptq_is_full).
    fn is_full(&self) -> bool {
        self.ready.len() > self.limit || self.half_open >= self.limit.max(LEAST_HALF_OPEN)
    }

    /// Resets every connection nobody accepted. Half-open ones find nobody when they open.
    pub fn close(self, stack: &mut Stack) {
        for flow in self.ready {
            flow.abort(stack);
        }
    }

    /// How well an address fits: 2 exactly, 1 as one of all of its family, 0 as IPv4 on `::`.
    fn fits(&self, address: IpAddr) -> Option<u8> {
        let own = self.local.ip();
        if own == address {
            return Some(2);
        }
        if !own.is_unspecified() {
            return None;
        }
        match (own.is_ipv4(), address.is_ipv4()) {
            (true, true) | (false, false) => Some(1),
            (false, true) if !self.is_version_6_only => Some(0),
            _ => None,
        }
    }
}

impl TcpEndpoint {
    /// How well this listener fits an address; None when it does not.
    pub fn listens_on(&self, address: IpAddr) -> Option<u8> {
        let state = self.state.lock();
        state.backlog.as_ref()?.fits(address)
    }

    /// A SYN came for this listener: the new flow, or None when there is no room for it.
    pub fn admit(
        &self,
        stack: &mut Stack,
        route: Route,
        segment: Transport,
    ) -> Option<Arc<TcpEndpoint>> {
        let mut state = self.state.lock();
        let options = state.options.clone();
        let backlog = state
            .backlog
            .as_mut()
            .filter(|backlog| !backlog.is_full())?;
        let (local, remote) = (segment.destination, segment.source);
        let listener: Weak<TcpEndpoint> = self.this.clone();
        let connection = Connection::await_opening(local, remote, route, listener).ok()?;
        backlog.half_open += 1;
        let claim = state.claim(local.ip());
        drop(state);
        let flow = TcpEndpoint::new(options);
        let mut begun = flow.state.lock();
        begun.connection = Some(connection);
        begun.binding = Some(port::hold_for_accepted(claim, local.port()));
        drop(begun);
        stack
            .tcp
            .flows
            .insert(FlowKey::new(local, remote), flow.clone());
        Some(flow)
    }

    /// An opened connection; false when nobody listens any more.
    pub(super) fn enqueue(&self, flow: Option<Arc<TcpEndpoint>>) -> bool {
        let mut state = self.state.lock();
        let (Some(backlog), Some(flow)) = (state.backlog.as_mut(), flow) else {
            return false;
        };
        backlog.half_open = backlog.half_open.saturating_sub(1);
        backlog.ready.push_back(flow);
        drop(state);
        self.queue.wake_one();
        true
    }

    /// An opening that came to nothing.
    pub(super) fn forget_half_open(&self) {
        if let Some(backlog) = &mut self.state.lock().backlog {
            backlog.half_open = backlog.half_open.saturating_sub(1);
        }
    }

    /// The connection that has waited longest; EAGAIN when there is none.
    pub(super) fn take_ready(&self) -> Result<Arc<TcpEndpoint>, Errno> {
        let mut state = self.state.lock();
        let backlog = state.backlog.as_mut().ok_or(EINVAL)?;
        backlog.ready.pop_front().ok_or(EAGAIN)
    }
}
