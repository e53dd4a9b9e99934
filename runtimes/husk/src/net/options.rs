//! The options of a socket of any family (socket(7), ip(7), ipv6(7), tcp(7)): which there are, what
//! they are before anybody sets them and what they may be set to. Protocols ask for those they act
//! on; all others are without effect here, and still a program reads back what it set.
//!
//! Not here: what is more than a number (SO_PEERCRED, TCP_INFO, memberships): protocols know it.

use alloc::vec::Vec;

use super::socket::int_value;
use crate::errno::{EINVAL, ENODEV, ENOENT, ENOPROTOOPT, EOPNOTSUPP, Errno};
use crate::fs::permission;
use crate::process::capability;

/// A level and a name.
pub type Key = (i32, i32);

pub const SOL_SOCKET: i32 = 1;
pub const IPPROTO_IP: i32 = 0;
pub const IPPROTO_TCP: i32 = 6;
pub const IPPROTO_IPV6: i32 = 41;

pub const REUSEADDR: Key = (SOL_SOCKET, 2);
pub const ERROR: Key = (SOL_SOCKET, 4);
pub const BROADCAST: Key = (SOL_SOCKET, 6);
pub const SNDBUF: Key = (SOL_SOCKET, 7);
pub const RCVBUF: Key = (SOL_SOCKET, 8);
pub const KEEPALIVE: Key = (SOL_SOCKET, 9);
pub const LINGER: Key = (SOL_SOCKET, 13);
pub const REUSEPORT: Key = (SOL_SOCKET, 15);
pub const PASSCRED: Key = (SOL_SOCKET, 16);
pub const PEERCRED: Key = (SOL_SOCKET, 17);
const BINDTODEVICE: Key = (SOL_SOCKET, 25);
pub const TIMESTAMP: Key = (SOL_SOCKET, 29);
pub const ACCEPTCONN: Key = (SOL_SOCKET, 30);
const SNDBUFFORCE: Key = (SOL_SOCKET, 32);
const RCVBUFFORCE: Key = (SOL_SOCKET, 33);
const MARK: Key = (SOL_SOCKET, 36);
pub const TIMESTAMPNS: Key = (SOL_SOCKET, 35);
pub const NODELAY: Key = (IPPROTO_TCP, 1);
pub const MAXSEG: Key = (IPPROTO_TCP, 2);
pub const CORK: Key = (IPPROTO_TCP, 3);
pub const KEEPIDLE: Key = (IPPROTO_TCP, 4);
pub const KEEPINTVL: Key = (IPPROTO_TCP, 5);
pub const KEEPCNT: Key = (IPPROTO_TCP, 6);
pub const INFO: Key = (IPPROTO_TCP, 11);
const CONGESTION: Key = (IPPROTO_TCP, 13);
pub const USER_TIMEOUT: Key = (IPPROTO_TCP, 18);
const TOS: Key = (IPPROTO_IP, 1);
pub const TTL: Key = (IPPROTO_IP, 2);
pub const PKTINFO: Key = (IPPROTO_IP, 8);
pub const RECVTTL: Key = (IPPROTO_IP, 12);
pub const RECVTOS: Key = (IPPROTO_IP, 13);
const MULTICAST_TTL: Key = (IPPROTO_IP, 33);
pub const MULTICAST_LOOP: Key = (IPPROTO_IP, 34);
pub const MULTICAST_ALL: Key = (IPPROTO_IP, 49);
const MULTICAST_HOPS: Key = (IPPROTO_IPV6, 18);
pub const MULTICAST_LOOP_6: Key = (IPPROTO_IPV6, 19);
pub const MULTICAST_ALL_6: Key = (IPPROTO_IPV6, 29);
const FREEBIND: Key = (IPPROTO_IP, 15);
const TRANSPARENT: Key = (IPPROTO_IP, 19);
pub const UNICAST_HOPS: Key = (IPPROTO_IPV6, 16);
pub const V6ONLY: Key = (IPPROTO_IPV6, 26);
pub const RECVPKTINFO: Key = (IPPROTO_IPV6, 49);
pub const RECVHOPLIMIT: Key = (IPPROTO_IPV6, 51);
pub const RECVTCLASS: Key = (IPPROTO_IPV6, 66);
const TCLASS: Key = (IPPROTO_IPV6, 67);

/// Which sockets have an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Tcp4,
    Tcp6,
    Udp4,
    Udp6,
    Local,
}

const TCP: u8 = 1 << Family::Tcp4 as u8 | 1 << Family::Tcp6 as u8;
const UDP: u8 = 1 << Family::Udp4 as u8 | 1 << Family::Udp6 as u8;
const LOCAL: u8 = 1 << Family::Local as u8;
const INET: u8 = TCP | UDP;
const INET6: u8 = 1 << Family::Tcp6 as u8 | 1 << Family::Udp6 as u8;
const ALL: u8 = INET | LOCAL;

/// What setsockopt(2) makes of a number.
#[derive(Clone, Copy)]
enum Rule {
    /// Whatever is not 0 is 1.
    Flag,
    /// 0 or 1, else EINVAL.
    Bit,
    Number,
    NotNegative,
    /// -1 is the default.
    Byte,
    HopLimit,
    /// tcp_sock's limits: MAX_TCP_KEEPIDLE and the like.
    Seconds,
    Count,
    Segment,
    Discovery,
    /// TCP_DEFER_ACCEPT: in whole retransmissions of a SYN-ACK.
    Retransmissions,
    LowWater,
    /// Doubled, for bookkeeping (socket(7)).
    Buffer,
    /// -1, or seconds: `struct linger` outside.
    Linger,
    Interface,
    Told,
}

struct Row {
    level: u8,
    name: u8,
    sockets: u8,
    rule: Rule,
    default: i32,
}

const fn row(key: Key, sockets: u8, rule: Rule, default: i32) -> Row {
    Row {
        level: key.0 as u8,
        name: key.1 as u8,
        sockets,
        rule,
        default,
    }
}

/// A run of flags, off at first.
macro_rules! flags {
    ($level:expr, $sockets:expr, [$($name:literal),*]) => {
        [$(row(($level, $name), $sockets, Rule::Flag, 0)),*]
    };
}

/// DEBUG, DONTROUTE, OOBINLINE, NO_CHECK, RXQ_OVFL, NOFCS, LOCK_FILTER, SELECT_ERR_QUEUE.
static SOCKET_FLAGS: [Row; 8] = flags!(SOL_SOCKET, ALL, [1, 5, 10, 11, 40, 43, 44, 45]);
/// RECVOPTS, RETOPTS, RECVERR, RECVTOS, RECVORIGDSTADDR, BIND_ADDRESS_NO_PORT.
static IP_FLAGS: [Row; 6] = flags!(IPPROTO_IP, INET, [6, 7, 11, 13, 20, 24]);
/// RECVERR, RECVRTHDR, RECVHOPOPTS, RECVDSTOPTS, RECVPATHMTU, DONTFRAG, RECVTCLASS, TRANSPARENT,
/// FREEBIND.
static IPV6_FLAGS: [Row; 9] = flags!(IPPROTO_IPV6, INET6, [25, 56, 53, 58, 60, 62, 66, 75, 78]);
/// THIN_LINEAR_TIMEOUTS, THIN_DUPACK, FASTOPEN_NO_COOKIE, INQ.
static TCP_FLAGS: [Row; 4] = flags!(IPPROTO_TCP, TCP, [16, 17, 34, 36]);

/// Those first that are asked for with every packet: they are looked for in this order.
static ROWS: [Row; 55] = [
    row(KEEPALIVE, ALL, Rule::Flag, 0),
    row(SNDBUF, ALL, Rule::Buffer, 212_992),
    row(LINGER, ALL, Rule::Linger, -1),
    row(NODELAY, TCP, Rule::Flag, 0),
    row(CORK, TCP, Rule::Flag, 0),
    row(USER_TIMEOUT, TCP, Rule::NotNegative, 0),
    row(REUSEADDR, ALL, Rule::Flag, 0),
    row(BROADCAST, ALL, Rule::Flag, 0),
    row(RCVBUF, ALL, Rule::Buffer, 212_992),
    row((SOL_SOCKET, 12), ALL, Rule::Number, 0), // SO_PRIORITY
    row(REUSEPORT, INET, Rule::Flag, 0),
    row(PASSCRED, LOCAL, Rule::Flag, 0),
    row((SOL_SOCKET, 18), ALL, Rule::LowWater, 1),
    row((SOL_SOCKET, 19), ALL, Rule::Told, 1), // SO_SNDLOWAT
    row(ACCEPTCONN, ALL, Rule::Told, 0),
    row(BINDTODEVICE, ALL, Rule::Interface, 0),
    row(TIMESTAMP, ALL, Rule::Flag, 0),
    row(TIMESTAMPNS, ALL, Rule::Flag, 0),
    row(MARK, ALL, Rule::Number, 0),
    row((SOL_SOCKET, 46), ALL, Rule::NotNegative, 0), // SO_BUSY_POLL
    row((SOL_SOCKET, 49), ALL, Rule::Number, -1),     // SO_INCOMING_CPU
    row(MAXSEG, TCP, Rule::Segment, 536),
    row(KEEPIDLE, TCP, Rule::Seconds, 7200),
    row(KEEPINTVL, TCP, Rule::Seconds, 75),
    row(KEEPCNT, TCP, Rule::Count, 9),
    row((IPPROTO_TCP, 7), TCP, Rule::Count, 6), // TCP_SYNCNT
    row((IPPROTO_TCP, 8), TCP, Rule::Number, 60), // TCP_LINGER2
    row((IPPROTO_TCP, 9), TCP, Rule::Retransmissions, 0),
    row((IPPROTO_TCP, 10), TCP, Rule::Number, 0), // TCP_WINDOW_CLAMP
    row((IPPROTO_TCP, 12), TCP, Rule::Flag, 1),   // TCP_QUICKACK
    row(CONGESTION, TCP, Rule::Told, 0),
    row((IPPROTO_TCP, 23), TCP, Rule::NotNegative, 0), // TCP_FASTOPEN
    row((IPPROTO_TCP, 25), TCP, Rule::Number, 0),      // TCP_NOTSENT_LOWAT
    row((IPPROTO_TCP, 30), TCP, Rule::Bit, 0),         // TCP_FASTOPEN_CONNECT
    row(TOS, INET, Rule::Byte, 0),
    row(TTL, INET, Rule::HopLimit, 64),
    row(PKTINFO, INET, Rule::Flag, 0),
    row((IPPROTO_IP, 10), INET, Rule::Discovery, 1), // IP_MTU_DISCOVER
    row(RECVTTL, INET, Rule::Flag, 0),
    row(FREEBIND, INET, Rule::Flag, 0),
    row(TRANSPARENT, INET, Rule::Flag, 0),
    row((IPPROTO_IP, 21), INET, Rule::Byte, 0), // IP_MINTTL
    row(MULTICAST_TTL, UDP, Rule::Byte, 1),
    row(MULTICAST_LOOP, INET, Rule::Flag, 1),
    row(MULTICAST_ALL, INET, Rule::Bit, 1),
    row(UNICAST_HOPS, INET6, Rule::Byte, 64),
    row(MULTICAST_HOPS, INET6, Rule::Byte, 1),
    row(MULTICAST_LOOP_6, INET6, Rule::Bit, 1),
    row((IPPROTO_IPV6, 23), INET6, Rule::Discovery, 1), // IPV6_MTU_DISCOVER
    row(V6ONLY, INET6, Rule::Flag, 0),
    row(MULTICAST_ALL_6, INET6, Rule::Bit, 1),
    row(RECVPKTINFO, INET6, Rule::Flag, 0),
    row(RECVHOPLIMIT, INET6, Rule::Flag, 0),
    row(TCLASS, INET6, Rule::Byte, 0),
    row((IPPROTO_IPV6, 70), INET6, Rule::Flag, 1), // IPV6_AUTOFLOWLABEL
];

fn find(key: Key) -> Option<&'static Row> {
    let tables: [&'static [Row]; 5] = [&ROWS, &SOCKET_FLAGS, &IP_FLAGS, &IPV6_FLAGS, &TCP_FLAGS];
    let is_it = |row: &&Row| (i32::from(row.level), i32::from(row.name)) == key;
    tables.into_iter().flatten().find(is_it)
}

/// The row of an option that these sockets have.
fn row_for(key: Key, family: Family) -> Result<&'static Row, Errno> {
    let row = find(key).ok_or(ENOPROTOOPT)?;
    match row.sockets & 1 << family as u8 {
        0 if key.0 == SOL_SOCKET => Err(EOPNOTSUPP),
        0 => Err(ENOPROTOOPT),
        _ => Ok(row),
    }
}

/// The options of one socket that differ from the default.
#[derive(Clone, Default, Debug)]
pub struct Options {
    set: Vec<(Key, i32)>,
}

impl Options {
    pub fn is_on(&self, key: Key) -> bool {
        self.number(key) != 0
    }

    pub fn number(&self, key: Key) -> i32 {
        let found = self.set.iter().find(|entry| entry.0 == key);
        found.map_or_else(|| find(key).map_or(0, |row| row.default), |entry| entry.1)
    }

    fn is_set(&self, key: Key) -> bool {
        self.set.iter().any(|entry| entry.0 == key)
    }

    fn put(&mut self, key: Key, number: i32) {
        self.set.retain(|entry| entry.0 != key);
        self.set.push((key, number));
    }

    /// SO_SNDBUF in bytes, as getsockopt(2) tells it.
    pub fn send_bytes(&self) -> usize {
        self.number(SNDBUF).max(0) as usize
    }

    /// SO_RCVBUF in bytes.
    pub fn receive_bytes(&self) -> usize {
        self.number(RCVBUF).max(0) as usize
    }

    /// IP_FREEBIND, IP_TRANSPARENT: any address may be bound to.
    pub fn binds_freely(&self) -> bool {
        self.is_on(FREEBIND) || self.is_on(TRANSPARENT)
    }

    /// SO_LINGER in seconds.
    pub fn linger(&self) -> Option<u32> {
        u32::try_from(self.number(LINGER)).ok()
    }

    /// IP_TTL or IPV6_UNICAST_HOPS when it was set.
    pub fn hop_limit(&self) -> Option<u8> {
        let key = [TTL, UNICAST_HOPS]
            .into_iter()
            .find(|&key| self.is_set(key));
        let limit = key.and_then(|key| u8::try_from(self.number(key)).ok());
        limit.filter(|&limit| limit != 0) // nothing would leave the machine
    }

    /// IP_MULTICAST_TTL or IPV6_MULTICAST_HOPS; 0 stays in the machine.
    pub fn group_hop_limit(&self, is_version_6: bool) -> u8 {
        self.number(if is_version_6 {
            MULTICAST_HOPS
        } else {
            MULTICAST_TTL
        }) as u8
    }

    /// IP_TOS or IPV6_TCLASS.
    pub fn traffic_class(&self) -> u8 {
        let found = self.set.iter().find(|e| e.0 == TOS || e.0 == TCLASS);
        found.map_or(0, |entry| entry.1 as u8)
    }

    pub fn set(&mut self, key: Key, value: &[u8], family: Family) -> Result<(), Errno> {
        const LARGEST_BUFFER: i32 = 212_992; // net.core.wmem_max
        if [SNDBUFFORCE, RCVBUFFORCE, MARK].contains(&key) && int_value(value).is_ok() {
            permission::require(capability::NET_ADMIN)?;
        }
        if key == SNDBUFFORCE || key == RCVBUFFORCE {
            let buffer = if key == SNDBUFFORCE { SNDBUF } else { RCVBUF };
            return self.set_buffer(buffer, int_value(value)?.max(0));
        }
        let row = row_for(key, family)?;
        let number = match row.rule {
            Rule::Interface => interface_named(value)?,
            Rule::Told => return check_congestion(key, value),
            Rule::Linger => lingering(value)?,
            Rule::Buffer => {
                let asked = int_value(value)? as u32;
                return self.set_buffer(key, asked.min(LARGEST_BUFFER as u32) as i32);
            }
            rule => permitted(rule, row.default, number_of(key, value)?)?,
        };
        if number != 0 && (key == TIMESTAMP || key == TIMESTAMPNS) {
            self.put(TIMESTAMP, 0); // one or the other
            self.put(TIMESTAMPNS, 0);
        }
        self.put(key, number);
        Ok(())
    }

    fn set_buffer(&mut self, key: Key, bytes: i32) -> Result<(), Errno> {
        let least = if key == SNDBUF { 4608 } else { 2304 }; // SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF
        self.put(key, bytes.saturating_mul(2).max(least));
        Ok(())
    }

    pub fn get(&self, key: Key, family: Family) -> Result<Vec<u8>, Errno> {
        let is_version_4 = matches!(family, Family::Tcp4 | Family::Udp4);
        let row = match row_for(key, family) {
            Err(_) if is_version_4 && find(key).is_some() => return Err(EOPNOTSUPP),
            row => row?,
        };
        let number = self.number(key);
        let bytes = match row.rule {
            Rule::Linger => {
                let fields = [i32::from(number >= 0), number.max(0)];
                return Ok(fields.into_iter().flat_map(i32::to_ne_bytes).collect());
            }
            Rule::Interface => super::interfaces::name(number).unwrap_or_default(),
            Rule::Told if key == CONGESTION => ALGORITHM.to_vec(),
            _ => self
                .default_buffer(key, family)
                .unwrap_or(number)
                .to_ne_bytes()
                .to_vec(),
        };
        Ok(bytes)
    }

    /// TCP's buffers begin smaller (net.ipv4.tcp_wmem, tcp_rmem).
    fn default_buffer(&self, key: Key, family: Family) -> Option<i32> {
        if self.is_set(key) || !matches!(family, Family::Tcp4 | Family::Tcp6) {
            return None;
        }
        match key {
            SNDBUF => Some(16_384),
            RCVBUF => Some(131_072),
            _ => None,
        }
    }
}

/// ip(7): its options may be given as bytes too.
fn number_of(key: Key, value: &[u8]) -> Result<i32, Errno> {
    match value {
        [byte] | [byte, _] | [byte, _, _] if key.0 == IPPROTO_IP => Ok(i32::from(*byte)),
        _ => int_value(value),
    }
}

fn permitted(rule: Rule, default: i32, number: i32) -> Result<i32, Errno> {
    let within = |least: i32, most: i32| {
        let is_within = (least..=most).contains(&number);
        is_within.then_some(number).ok_or(EINVAL)
    };
    match rule {
        Rule::Flag => Ok(i32::from(number != 0)),
        Rule::Bit => within(0, 1),
        Rule::NotNegative => within(0, i32::MAX),
        Rule::Byte | Rule::HopLimit if number == -1 => Ok(default),
        Rule::Byte => within(0, 255),
        Rule::HopLimit => within(1, 255),
        Rule::Seconds => within(1, 32767),
        Rule::Count => within(1, 127),
        Rule::Segment if number == 0 => Ok(default),
        Rule::Segment => within(88, 32767),
        Rule::Discovery => within(0, 5),
        Rule::Retransmissions => Ok(whole_retransmissions(number)),
        Rule::LowWater if number < 0 => Ok(i32::MAX),
        Rule::LowWater => Ok(number.max(1)),
        _ => Ok(number),
    }
}

/// secs_to_retrans() and back: 1, 3, 7, 15, … seconds.
fn whole_retransmissions(seconds: i32) -> i32 {
    let all = (1..8).map(|count| (1 << count) - 1);
    let enough = all.into_iter().find(|&after| after >= seconds);
    if seconds <= 0 {
        0
    } else {
        enough.unwrap_or(127)
    }
}

/// struct linger.
fn lingering(value: &[u8]) -> Result<i32, Errno> {
    let seconds = int_value(value.get(4..).unwrap_or(&[]))?;
    let is_on = int_value(value)? != 0;
    Ok(if is_on { seconds.max(0) } else { -1 })
}

/// SO_BINDTODEVICE: an empty name is none.
fn interface_named(value: &[u8]) -> Result<i32, Errno> {
    let end = value.iter().position(|&byte| byte == 0);
    match value.get(..end.unwrap_or(value.len())).unwrap_or(value) {
        [] => Ok(0),
        name => super::interfaces::index(name).ok_or(ENODEV),
    }
}

/// The one "algorithm" there is: programs may name Linux's default.
const ALGORITHM: &[u8] = b"cubic\0\0\0\0\0\0\0\0\0\0\0";

fn check_congestion(key: Key, value: &[u8]) -> Result<(), Errno> {
    let end = value.iter().position(|&byte| byte == 0);
    match value.get(..end.unwrap_or(value.len())) {
        _ if key != CONGESTION => Err(ENOPROTOOPT),
        Some(b"cubic" | b"reno") => Ok(()),
        _ => Err(ENOENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_there_once() {
        let tables: [&[Row]; 5] = [&ROWS, &SOCKET_FLAGS, &IP_FLAGS, &IPV6_FLAGS, &TCP_FLAGS];
        let mut keys: Vec<_> = tables
            .into_iter()
            .flatten()
            .map(|r| (r.level, r.name))
            .collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn options_are_checked_and_read_back() {
        let mut options = Options::default();
        let mut set = |key, number: i32| options.set(key, &number.to_ne_bytes(), Family::Tcp4);
        assert_eq!(set(KEEPIDLE, 0), Err(EINVAL));
        assert_eq!(set(KEEPIDLE, 50), Ok(()));
        assert_eq!(set(V6ONLY, 1), Err(ENOPROTOOPT));
        assert_eq!(set(PASSCRED, 1), Err(EOPNOTSUPP));
        assert_eq!(set((IPPROTO_TCP, 9), 5), Ok(()));
        assert_eq!(set(RCVBUF, 20_000), Ok(()));
        assert_eq!(options.number(KEEPIDLE), 50);
        assert_eq!(options.number((IPPROTO_TCP, 9)), 7);
        assert_eq!(options.number(RCVBUF), 40_000);
    }
}
