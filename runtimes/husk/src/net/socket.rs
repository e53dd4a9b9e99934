//! What a socket of any family can do, and the file behind a socket's descriptor.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bitflags::bitflags;

use super::address::Address;
use crate::errno::{EAGAIN, EINVAL, ENOTTY, EOPNOTSUPP, EPIPE, Errno, SysResult};
use crate::fs::{Events, File, FileStatus, IoRequest, OpenFile, Sink, Source};
use crate::mm::user;
use crate::process::{current, signal};
use crate::sync::{Deadline, WaitQueue, Woken, wait_until};
use crate::time;

bitflags! {
    /// MSG_* of send(2) and recv(2).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct MessageFlags: u32 {
        const OOB = 0x1;
        const PEEK = 0x2;
        const DONTROUTE = 0x4;
        const CTRUNC = 0x8;
        const TRUNC = 0x20;
        const DONTWAIT = 0x40;
        const EOR = 0x80;
        const WAITALL = 0x100;
        const NOSIGNAL = 0x4000;
        const MORE = 0x8000;
        const WAITFORONE = 0x10000;
        const ERRQUEUE = 0x2000;
        const CMSG_CLOEXEC = 0x4000_0000;
    }
}

pub const SOCK_STREAM: u32 = 1;
pub const SOCK_DGRAM: u32 = 2;
pub const SOCK_RAW: u32 = 3;
pub const SOCK_SEQPACKET: u32 = 5;

/// How long a call may sleep.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub is_nonblocking: bool,
    /// SO_RCVTIMEO or SO_SNDTIMEO; 0 for ever.
    pub timeout_ns: u64,
}

impl Patience {
    pub const NONE: Patience = Patience {
        is_nonblocking: true,
        timeout_ns: 0,
    };

    fn deadline(&self) -> Deadline {
        (self.timeout_ns != 0).then(|| time::now_ns().saturating_add(self.timeout_ns))
    }

    /// Sleeps on `queue` until `attempt` does not say EAGAIN any more.
    pub fn wait<T>(
        &self,
        queue: &WaitQueue,
        mut attempt: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        if self.is_nonblocking {
            return attempt();
        }
        let test = || match attempt() {
            Err(EAGAIN) => None,
            outcome => Some(outcome),
        };
        match wait_until(queue, self.deadline(), test) {
            Ok(outcome) => outcome,
            Err(Woken::TimedOut) => Err(EAGAIN),
            Err(Woken::Interrupted) => Err(self.interrupted()),
        }
    }

    /// signal(7): calls with a timeout set are not restarted.
    fn interrupted(&self) -> Errno {
        if self.timeout_ns != 0 {
            crate::errno::EINTR
        } else {
            Woken::Interrupted.into()
        }
    }
}

/// SCM_CREDENTIALS, SO_PEERCRED (unix(7)): struct ucred.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct PeerCredentials {
    pub pid: u32,
    pub uid: u32,
    pub gid: u32,
}

impl PeerCredentials {
    /// What SO_PEERCRED tells where there is no peer.
    pub const NONE: PeerCredentials = PeerCredentials {
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    };

    /// What SCM_CREDENTIALS tells of the running process.
    pub fn of_sender() -> PeerCredentials {
        let process = &current().process;
        let credentials = process.credentials.lock();
        PeerCredentials {
            pid: process.pid,
            uid: credentials.uid,
            gid: credentials.gid,
        }
    }

    pub fn encode(self) -> Vec<u8> {
        let fields = [self.pid, self.uid, self.gid];
        fields.into_iter().flat_map(u32::to_ne_bytes).collect()
    }
}

/// A message on its way out.
pub struct Outgoing<'a> {
    pub data: &'a mut dyn Source,
    pub to: Option<Address>,
    pub flags: MessageFlags,
    /// SCM_RIGHTS.
    pub rights: Vec<Arc<OpenFile>>,
    /// SCM_CREDENTIALS, where the sender chose to tell.
    pub credentials: Option<PeerCredentials>,
    /// The local address asked for by IP_PKTINFO or IPV6_PKTINFO.
    pub source: Option<core::net::IpAddr>,
    /// TTL and type of service of this message alone.
    pub hop_limit: Option<u8>,
    pub traffic_class: Option<u8>,
}

/// What came in beside the bytes.
#[derive(Default)]
pub struct Received {
    /// Bytes given to the application, or the datagram's size where MSG_TRUNC asks for it.
    pub bytes: usize,
    pub from: Option<Address>,
    pub flags: u32,
    pub rights: Vec<Arc<OpenFile>>,
    pub credentials: Option<PeerCredentials>,
    /// The address a datagram was sent to, when the socket wants to know.
    pub destination: Option<core::net::IpAddr>,
    /// Its TTL or hop limit, and its type of service or traffic class, likewise.
    pub hop_limit: Option<u8>,
    pub traffic_class: Option<u8>,
    /// When it came in, since the epoch, likewise; and whether that is told as a timespec.
    pub came_ns: Option<(u64, bool)>,
}

impl Received {
    /// What a second read for the same call brought.
    pub fn append(&mut self, later: Received) {
        self.bytes += later.bytes;
        self.flags |= later.flags;
        self.rights.extend(later.rights);
        self.from = self.from.take().or(later.from);
        self.credentials = self.credentials.or(later.credentials);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    Read,
    Write,
    Both,
}

impl How {
    pub fn reads(self) -> bool {
        self != How::Write
    }

    pub fn writes(self) -> bool {
        self != How::Read
    }
}

/// A socket of one protocol.
pub trait Protocol: Any + Send + Sync {
    fn bind(&self, address: &Address) -> Result<(), Errno>;
    fn connect(&self, address: &Address, patience: Patience) -> Result<(), Errno>;

    fn listen(&self, _backlog: u32) -> Result<(), Errno> {
        Err(EOPNOTSUPP)
    }

    /// A connection, and whose it is.
    fn accept(&self, _patience: Patience) -> Result<(Box<dyn Protocol>, Address), Errno> {
        Err(EOPNOTSUPP)
    }

    fn send(&self, message: Outgoing<'_>, patience: Patience) -> SysResult;
    fn receive(
        &self,
        into: &mut dyn Sink,
        flags: MessageFlags,
        patience: Patience,
    ) -> Result<Received, Errno>;
    fn shutdown(&self, how: How) -> Result<(), Errno>;
    fn local_address(&self) -> Result<Address, Errno>;
    fn peer_address(&self) -> Result<Address, Errno>;
    /// Options of the protocol's own levels, and SOL_SOCKET's that concern it.
    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno>;
    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno>;
    fn readiness(&self) -> Events;
    fn wait_queue(&self) -> &WaitQueue;
    /// FIONREAD: bytes that can be read.
    fn unread_bytes(&self) -> SysResult;

    /// SIOCOUTQ: bytes sent and not acknowledged.
    fn unsent_bytes(&self) -> SysResult {
        Ok(0)
    }

    fn as_any(&self) -> &dyn Any;
}

/// Sockets open.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static NEXT_INODE: AtomicU64 = AtomicU64::new(10_000);

/// How many sockets are open.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// A socket behind descriptors.
pub struct Socket {
    pub protocol: Box<dyn Protocol>,
    pub family: u16,
    /// SOCK_STREAM and so on.
    pub kind: u32,
    /// IPPROTO_*.
    pub number: u32,
    pub receive_timeout_ns: AtomicU64,
    pub send_timeout_ns: AtomicU64,
    inode: u64,
}

impl Socket {
    pub fn new(protocol: Box<dyn Protocol>, family: u16, kind: u32, number: u32) -> Socket {
        COUNT.fetch_add(1, Ordering::Relaxed);
        Socket {
            protocol,
            family,
            kind,
            number,
            receive_timeout_ns: AtomicU64::new(0),
            send_timeout_ns: AtomicU64::new(0),
            inode: NEXT_INODE.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// As fstat(2) tells it.
    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// An accepted internet socket has those of its listener.
    pub fn inherit_timeouts(&self, listener: &Socket) {
        let receive_ns = listener.receive_timeout_ns.load(Ordering::Relaxed);
        let send_ns = listener.send_timeout_ns.load(Ordering::Relaxed);
        self.receive_timeout_ns.store(receive_ns, Ordering::Relaxed);
        self.send_timeout_ns.store(send_ns, Ordering::Relaxed);
    }

    pub fn receive_patience(&self, is_nonblocking: bool) -> Patience {
        Patience {
            is_nonblocking,
            timeout_ns: self.receive_timeout_ns.load(Ordering::Relaxed),
        }
    }

    pub fn send_patience(&self, is_nonblocking: bool) -> Patience {
        Patience {
            is_nonblocking,
            timeout_ns: self.send_timeout_ns.load(Ordering::Relaxed),
        }
    }

    /// Sends, and raises SIGPIPE where send(2) does.
    pub fn send(&self, message: Outgoing<'_>, is_nonblocking: bool) -> SysResult {
        let flags = message.flags;
        let is_nonblocking = is_nonblocking || flags.contains(MessageFlags::DONTWAIT);
        let outcome = self
            .protocol
            .send(message, self.send_patience(is_nonblocking));
        let is_stream = self.kind == SOCK_STREAM;
        if outcome == Err(EPIPE) && is_stream && !flags.contains(MessageFlags::NOSIGNAL) {
            signal::send_to_current(signal::SIGPIPE);
        }
        outcome
    }

    pub fn receive(
        &self,
        into: &mut dyn Sink,
        flags: MessageFlags,
        is_nonblocking: bool,
    ) -> Result<Received, Errno> {
        let is_nonblocking = is_nonblocking || flags.contains(MessageFlags::DONTWAIT);
        let patience = self.receive_patience(is_nonblocking);
        self.protocol.receive(into, flags, patience)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

impl File for Socket {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        if into.remaining() == 0 {
            return Ok(0); // read(2) of nothing waits for nothing, unlike recv(2)
        }
        let received = self.receive(into, MessageFlags::empty(), request.is_nonblocking)?;
        Ok(received.bytes)
    }

    fn write(&self, request: IoRequest, from: &mut dyn Source) -> SysResult {
        let message = Outgoing {
            data: from,
            to: None,
            flags: MessageFlags::empty(),
            rights: Vec::new(),
            credentials: None,
            source: None,
            hop_limit: None,
            traffic_class: None,
        };
        self.send(message, request.is_nonblocking)
    }

    fn readiness(&self) -> Events {
        self.protocol.readiness()
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(self.protocol.wait_queue())
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        const S_IFSOCK: u32 = 0o140_000;
        Ok(FileStatus {
            device: 8, // the anonymous device sockets are on; any constant does
            inode: self.inode,
            mode: S_IFSOCK | 0o777,
            links: 1,
            ..FileStatus::default()
        })
    }

    fn control(&self, command: u32, argument: usize) -> SysResult {
        const FIONREAD: u32 = 0x541b;
        const SIOCOUTQ: u32 = 0x5411;
        const SIOCATMARK: u32 = 0x8905;
        match command {
            FIONREAD => user::write(argument, self.protocol.unread_bytes()? as u32)?,
            SIOCOUTQ => user::write(argument, self.protocol.unsent_bytes()? as u32)?,
            SIOCATMARK => user::write(argument, 0u32)?,
            0x8900..=0x89ff => return super::interfaces::control(command, argument),
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }

    fn path(&self) -> Vec<u8> {
        alloc::format!("socket:[{}]", self.inode).into_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An int option's value; EINVAL when it is too short (setsockopt(2)).
pub fn int_value(value: &[u8]) -> Result<i32, Errno> {
    let bytes = value.get(..4).ok_or(EINVAL)?;
    Ok(i32::from_ne_bytes(bytes.try_into().map_err(|_| EINVAL)?))
}
