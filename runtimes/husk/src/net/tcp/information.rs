//! What TCP_INFO tells (tcp(7), linux/tcp.h): the state, sizes and queues. smoltcp keeps its estimate
//! of the round trip to itself: the time-out told is the first one, the round trip 0.

use alloc::vec::Vec;

use smoltcp::socket::tcp::State as TcpState;

use super::{State, TcpEndpoint};
use crate::net::stack;

/// struct tcp_info up to tcpi_total_retrans; programs take what they get.
const INFORMATION_BYTES: usize = 104;

impl TcpEndpoint {
    pub(super) fn information(&self) -> Vec<u8> {
        let mtu = self.mtu() as u32;
        let segment = self.segment_bytes();
        let state = self.state.lock();
        let mut bytes = alloc::vec![0; INFORMATION_BYTES];
        if let Some(first) = bytes.first_mut() {
            *first = state.number();
        }
        let Some(connection) = &state.connection else {
            return bytes;
        };
        let unanswered = connection.socket().send_queue() as u32;
        let fields = [
            (8, 1_000_000), // rto in microseconds
            (16, segment),
            (20, segment),
            (24, unanswered.div_ceil(segment)),
            (60, mtu),
            (80, 10), // cwnd: the peer's window alone limits
            (84, segment),
            (96, connection.socket().recv_capacity() as u32),
        ];
        for (at, value) in fields {
            if let Some(field) = bytes.get_mut(at..at + 4) {
                field.copy_from_slice(&value.to_ne_bytes());
            }
        }
        bytes
    }

    fn mtu(&self) -> usize {
        let route = self.state.lock().connection.as_ref().map(|c| c.route);
        route.map_or(0, |route| stack::with(|stack| stack.mtu(route)))
    }

    /// TCP_MAXSEG of a connection.
    pub(super) fn segment_bytes(&self) -> u32 {
        const LEAST: usize = 536;
        let is_version_6 = self.ends().is_some_and(|(local, _)| local.is_ipv6());
        let headers = if is_version_6 { 60 } else { 40 };
        self.mtu().saturating_sub(headers).max(LEAST) as u32
    }
}

impl State {
    /// The state as Linux numbers it.
    fn number(&self) -> u8 {
        match self.connection.as_ref().map(|c| c.socket().state()) {
            None if self.backlog.is_some() => 10,
            None | Some(TcpState::Closed) => 7,
            Some(TcpState::Established) => 1,
            Some(TcpState::SynSent) => 2,
            Some(TcpState::SynReceived) => 3,
            Some(TcpState::FinWait1) => 4,
            Some(TcpState::FinWait2) => 5,
            Some(TcpState::TimeWait) => 6,
            Some(TcpState::CloseWait) => 8,
            Some(TcpState::LastAck) => 9,
            Some(TcpState::Listen) => 10,
            Some(TcpState::Closing) => 11,
        }
    }
}
