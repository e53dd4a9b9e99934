//! TCP's socket options (tcp(7), socket(7), ip(7), ipv6(7)). What husk does not do it still
//! remembers, so that a program reads back what it set.

use alloc::vec::Vec;

use smoltcp::time::Duration;

use super::connection::buffer_sizes;
use crate::errno::{EINVAL, ENOPROTOOPT, Errno};
use crate::net::socket::int_value;

pub const SOL_SOCKET: i32 = 1;
const IPPROTO_IP: i32 = 0;
const IPPROTO_TCP: i32 = 6;
const IPPROTO_IPV6: i32 = 41;

const SO_REUSEADDR: i32 = 2;
const SO_SNDBUF: i32 = 7;
const SO_RCVBUF: i32 = 8;
const SO_KEEPALIVE: i32 = 9;
const SO_LINGER: i32 = 13;
const SO_REUSEPORT: i32 = 15;

const TCP_NODELAY: i32 = 1;
const TCP_MAXSEG: i32 = 2;
const TCP_CORK: i32 = 3;
const TCP_KEEPIDLE: i32 = 4;
const TCP_KEEPINTVL: i32 = 5;
const TCP_KEEPCNT: i32 = 6;
const TCP_SYNCNT: i32 = 7;
const TCP_LINGER2: i32 = 8;
const TCP_DEFER_ACCEPT: i32 = 9;
const TCP_WINDOW_CLAMP: i32 = 10;
const TCP_QUICKACK: i32 = 12;
const TCP_CONGESTION: i32 = 13;
const TCP_USER_TIMEOUT: i32 = 18;
const TCP_FASTOPEN: i32 = 23;
const TCP_NOTSENT_LOWAT: i32 = 25;

const IP_TTL: i32 = 2;
const IPV6_UNICAST_HOPS: i32 = 16;
const IPV6_V6ONLY: i32 = 26;

#[derive(Clone, Debug)]
pub struct TcpOptions {
    pub reuses_address: bool,
    pub reuses_port: bool,
    pub is_version_6_only: bool,
    pub is_no_delay: bool,
    pub is_corked: bool,
    pub hop_limit: Option<u8>,
    /// SO_LINGER in seconds.
    pub linger: Option<u32>,
    is_kept_alive: bool,
    keep_idle_s: u32,
    keep_interval_s: u32,
    keep_count: u32,
    user_timeout_ms: u32,
    /// Remembered and without effect: (level, name, value).
    remembered: Vec<(i32, i32, i32)>,
}

impl Default for TcpOptions {
    fn default() -> Self {
        TcpOptions {
            reuses_address: false,
            reuses_port: false,
            is_version_6_only: false,
            is_no_delay: false,
            is_corked: false,
            hop_limit: None,
            linger: None,
            is_kept_alive: false,
            keep_idle_s: 7200,
            keep_interval_s: 75,
            keep_count: 9,
            user_timeout_ms: 0,
            remembered: Vec::new(),
        }
    }
}

impl TcpOptions {
    /// Time between probes, and the silence after which the peer is dead. smoltcp has one interval:
    /// the idle time stands for both.
    pub fn keepalive(&self) -> Option<(Duration, Duration)> {
        if !self.is_kept_alive {
            return None;
        }
        let idle = u64::from(self.keep_idle_s);
        let dead_after = idle + u64::from(self.keep_interval_s) * u64::from(self.keep_count);
        Some((Duration::from_secs(idle), Duration::from_secs(dead_after)))
    }

    pub fn user_timeout(&self) -> Option<Duration> {
        (self.user_timeout_ms != 0).then(|| Duration::from_millis(self.user_timeout_ms.into()))
    }

    pub fn set(&mut self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        if (level, name) == (IPPROTO_TCP, TCP_CONGESTION) {
            return check_congestion(value);
        }
        let number = int_value(value)?;
        let is_on = number != 0;
        match (level, name) {
            (SOL_SOCKET, SO_REUSEADDR) => self.reuses_address = is_on,
            (SOL_SOCKET, SO_REUSEPORT) => self.reuses_port = is_on,
            (SOL_SOCKET, SO_KEEPALIVE) => self.is_kept_alive = is_on,
            (SOL_SOCKET, SO_LINGER) => {
                let seconds = int_value(value.get(4..).unwrap_or(&[]))?;
                self.linger = is_on.then_some(seconds.max(0) as u32);
            }
            (IPPROTO_TCP, TCP_NODELAY) => self.is_no_delay = is_on,
            (IPPROTO_TCP, TCP_CORK) => self.is_corked = is_on,
            (IPPROTO_TCP, TCP_KEEPIDLE) => self.keep_idle_s = within(number, 1..=32767)?,
            (IPPROTO_TCP, TCP_KEEPINTVL) => self.keep_interval_s = within(number, 1..=32767)?,
            (IPPROTO_TCP, TCP_KEEPCNT) => self.keep_count = within(number, 1..=127)?,
            (IPPROTO_TCP, TCP_USER_TIMEOUT) => {
                self.user_timeout_ms = within(number, 0..=i32::MAX)?;
            }
            (IPPROTO_IP, IP_TTL) | (IPPROTO_IPV6, IPV6_UNICAST_HOPS) => {
                self.hop_limit = hop_limit(number)?;
            }
            (IPPROTO_IPV6, IPV6_V6ONLY) => self.is_version_6_only = is_on,
            _ => return self.remember(level, name, number),
        }
        Ok(())
    }

    pub fn get(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let (send_bytes, receive_bytes) = buffer_sizes();
        let number = match (level, name) {
            (IPPROTO_TCP, TCP_CONGESTION) => return Ok(CONGESTION.to_vec()),
            (SOL_SOCKET, SO_LINGER) => {
                let linger = [u32::from(self.linger.is_some()), self.linger.unwrap_or(0)];
                return Ok(linger.into_iter().flat_map(u32::to_ne_bytes).collect());
            }
            (SOL_SOCKET, SO_REUSEADDR) => self.reuses_address.into(),
            (SOL_SOCKET, SO_REUSEPORT) => self.reuses_port.into(),
            (SOL_SOCKET, SO_KEEPALIVE) => self.is_kept_alive.into(),
            (SOL_SOCKET, SO_SNDBUF) => self.recall(level, name).map_or(send_bytes as i32, twice),
            (SOL_SOCKET, SO_RCVBUF) => self.recall(level, name).map_or(receive_bytes as i32, twice),
            (IPPROTO_TCP, TCP_NODELAY) => self.is_no_delay.into(),
            (IPPROTO_TCP, TCP_CORK) => self.is_corked.into(),
            (IPPROTO_TCP, TCP_KEEPIDLE) => self.keep_idle_s as i32,
            (IPPROTO_TCP, TCP_KEEPINTVL) => self.keep_interval_s as i32,
            (IPPROTO_TCP, TCP_KEEPCNT) => self.keep_count as i32,
            (IPPROTO_TCP, TCP_USER_TIMEOUT) => self.user_timeout_ms as i32,
            (IPPROTO_IP, IP_TTL) | (IPPROTO_IPV6, IPV6_UNICAST_HOPS) => {
                self.hop_limit.unwrap_or(64).into()
            }
            (IPPROTO_IPV6, IPV6_V6ONLY) => self.is_version_6_only.into(),
            _ => self
                .recall(level, name)
                .or_else(|| default_of(level, name))
                .ok_or(ENOPROTOOPT)?,
        };
        Ok(number.to_ne_bytes().to_vec())
    }

    fn recall(&self, level: i32, name: i32) -> Option<i32> {
        let is_it = |entry: &&(i32, i32, i32)| (entry.0, entry.1) == (level, name);
        self.remembered.iter().find(is_it).map(|entry| entry.2)
    }

    fn remember(&mut self, level: i32, name: i32, number: i32) -> Result<(), Errno> {
        if default_of(level, name).is_none() {
            return Err(ENOPROTOOPT);
        }
        self.remembered
            .retain(|entry| (entry.0, entry.1) != (level, name));
        self.remembered.push((level, name, number));
        Ok(())
    }
}

/// The one "algorithm" there is: programs may name Linux's default.
const CONGESTION: &[u8] = b"cubic\0\0\0\0\0\0\0\0\0\0\0";

fn check_congestion(value: &[u8]) -> Result<(), Errno> {
    let end = value
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(value.len());
    match value.get(..end) {
        Some(b"cubic" | b"reno") => Ok(()),
        _ => Err(crate::errno::ENOENT),
    }
}

/// socket(7): the kernel doubles what was asked for.
fn twice(bytes: i32) -> i32 {
    bytes.clamp(1024, 1 << 20) * 2
}

fn within(number: i32, range: core::ops::RangeInclusive<i32>) -> Result<u32, Errno> {
    range
        .contains(&number)
        .then_some(number as u32)
        .ok_or(EINVAL)
}

/// -1 is the default (64); 0 would be dropped by the first router.
fn hop_limit(number: i32) -> Result<Option<u8>, Errno> {
    match number {
        -1 => Ok(None),
        1..=255 => Ok(Some(number as u8)),
        _ => Err(EINVAL),
    }
}

/// Options that are taken and remembered, with what they are before.
fn default_of(level: i32, name: i32) -> Option<i32> {
    const SO_DEBUG: i32 = 1;
    const SO_DONTROUTE: i32 = 5;
    const SO_BROADCAST: i32 = 6;
    const SO_OOBINLINE: i32 = 10;
    const SO_PRIORITY: i32 = 12;
    const SO_RCVLOWAT: i32 = 18;
    const SO_TIMESTAMP: i32 = 29;
    const SO_SNDBUFFORCE: i32 = 32;
    const SO_RCVBUFFORCE: i32 = 33;
    const SO_MARK: i32 = 36;
    const SO_BUSY_POLL: i32 = 46;
    const SO_INCOMING_CPU: i32 = 49;
    const IP_TOS: i32 = 1;
    const IP_MTU_DISCOVER: i32 = 10;
    const IP_RECVERR: i32 = 11;
    const IP_FREEBIND: i32 = 15;
    const IP_BIND_ADDRESS_NO_PORT: i32 = 24;
    const IPV6_RECVERR: i32 = 25;
    const IPV6_TCLASS: i32 = 67;
    match (level, name) {
        (SOL_SOCKET, SO_RCVLOWAT) => Some(1),
        (
            SOL_SOCKET,
            SO_DEBUG | SO_DONTROUTE | SO_BROADCAST | SO_OOBINLINE | SO_PRIORITY | SO_SNDBUF
            | SO_RCVBUF | SO_TIMESTAMP | SO_SNDBUFFORCE | SO_RCVBUFFORCE | SO_MARK | SO_BUSY_POLL
            | SO_INCOMING_CPU,
        ) => Some(0),
        (IPPROTO_TCP, TCP_MAXSEG) => Some(536),
        (IPPROTO_TCP, TCP_SYNCNT) => Some(6),
        (IPPROTO_TCP, TCP_LINGER2) => Some(60),
        (IPPROTO_TCP, TCP_QUICKACK) => Some(1),
        (IPPROTO_TCP, TCP_DEFER_ACCEPT | TCP_WINDOW_CLAMP | TCP_FASTOPEN | TCP_NOTSENT_LOWAT) => {
            Some(0)
        }
        (
            IPPROTO_IP,
            IP_TOS | IP_MTU_DISCOVER | IP_RECVERR | IP_FREEBIND | IP_BIND_ADDRESS_NO_PORT,
        ) => Some(0),
        (IPPROTO_IPV6, IPV6_RECVERR | IPV6_TCLASS) => Some(0),
        _ => None,
    }
}
