//! A datagram that came, and what is told beside it (udp(7), ip(7), ipv6(7), socket(7)).

use alloc::vec::Vec;

use super::address::Address;
use super::options::{self, Key, Options};
use super::packet::Transport;
use super::socket::{MessageFlags, Received};

pub struct Datagram {
    pub ends: Transport,
    /// Since the epoch.
    pub came_ns: u64,
    pub payload: Vec<u8>,
}

impl Datagram {
    /// What recvmsg(2) gives when `moved` bytes of it fitted.
    pub fn received(&self, options: &Options, moved: usize, flags: MessageFlags) -> Received {
        let is_any_on = |keys: [Key; 2]| keys.iter().any(|&key| options.is_on(key));
        let wants_destination = is_any_on([options::PKTINFO, options::RECVPKTINFO]);
        let wants_hop_limit = is_any_on([options::RECVTTL, options::RECVHOPLIMIT]);
        let wants_class = is_any_on([options::RECVTOS, options::RECVTCLASS]);
        let wants_time = is_any_on([options::TIMESTAMP, options::TIMESTAMPNS]);
        let time = (self.came_ns, options.is_on(options::TIMESTAMPNS));
        let size_bytes = self.payload.len();
        let wants_length = flags.contains(MessageFlags::TRUNC);
        Received {
            bytes: if wants_length { size_bytes } else { moved },
            from: Some(Address::Ip(self.ends.source)),
            flags: match moved < size_bytes {
                true => MessageFlags::TRUNC.bits(),
                false => 0,
            },
            destination: wants_destination.then_some(self.ends.destination.ip()),
            hop_limit: wants_hop_limit.then_some(self.ends.hop_limit),
            traffic_class: wants_class.then_some(self.ends.traffic_class),
            came_ns: wants_time.then_some(time),
            ..Received::default()
        }
    }
}
