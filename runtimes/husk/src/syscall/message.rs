//! Messages on sockets (send(2), recv(2)), with control data (cmsg(3)): descriptors, credentials, and
//! where a datagram was sent to, with which TTL and when it came.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::descriptor::table;
use super::socket::Held;
use super::time::write_timespec;
use crate::errno::{EAGAIN, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, EPERM, ESRCH, Errno, SysResult};
use crate::fs::OpenFile;
use crate::mm::heap;
use crate::mm::user::{self, UserBuffers};
use crate::net::address::{AF_INET6, AF_UNIX, Address};
use crate::net::socket::{MessageFlags, Outgoing, PeerCredentials, Received};
use crate::process::capability;
use crate::process::{current, registry};
use crate::sync::Deadline;
use crate::{syscall, time};

const SOL_IP: i32 = 0;
const SOL_SOCKET: i32 = 1;
const SOL_IPV6: i32 = 41;
const SCM_RIGHTS: i32 = 1;
const SCM_CREDENTIALS: i32 = 2;
const SCM_TIMESTAMP: i32 = 29;
const SCM_TIMESTAMPNS: i32 = 35;
const IP_TOS: i32 = 1;
const IP_TTL: i32 = 2;
const IP_PKTINFO: i32 = 8;
const IPV6_PKTINFO: i32 = 50;
const IPV6_HOPLIMIT: i32 = 52;
const IPV6_TCLASS: i32 = 67;

/// struct msghdr: name, name length, iovec, count, control, control length, flags.
type Header = [usize; 7];
const NAME: usize = 0;
const NAME_LENGTH: usize = 1;
const VECTOR: usize = 2;
const COUNT: usize = 3;
const CONTROL: usize = 4;
const CONTROL_LENGTH: usize = 5;
const FLAGS: usize = 6;
const WORD: usize = size_of::<usize>();

/// struct cmsghdr: length, level, type; data and the next one begin at words.
const CONTROL_HEADER_BYTES: usize = 16;
/// net.core.optmem_max, as far as anybody needs it.
const CONTROL_LIMIT: usize = 20480;

/// struct mmsghdr.
const BATCH_ENTRY_BYTES: usize = 64;
const BATCH_LIMIT: u32 = 1024;

/// Unknown MSG_ bits are ignored, as on Linux.
fn flags(bits: u32) -> MessageFlags {
    MessageFlags::from_bits_truncate(bits)
}

fn send(held: &Held, header: &Header, bits: u32) -> SysResult {
    let name_length = header[NAME_LENGTH] as u32 as usize;
    let to = match (header[NAME], name_length) {
        (0, _) | (_, 0) => None,
        (address, length) => Some(Address::read(address, length)?),
    };
    let mut data = UserBuffers::vector(header[VECTOR], checked_count(header[COUNT])?)?;
    let control = read_control(header, held.socket()?.family)?;
    let message = Outgoing {
        data: &mut data,
        to,
        flags: flags(bits),
        rights: control.rights,
        credentials: control.credentials,
        source: control.source,
        hop_limit: control.hop_limit,
        traffic_class: control.traffic_class,
    };
    held.socket()?.send(message, held.is_nonblocking())
}

/// More buffers than IOV_MAX are EMSGSIZE here (sendmsg(2)).
fn checked_count(count: usize) -> Result<usize, Errno> {
    if count > 1024 {
        Err(EMSGSIZE)
    } else {
        Ok(count)
    }
}

#[derive(Default)]
struct Control {
    rights: Vec<Arc<OpenFile>>,
    credentials: Option<PeerCredentials>,
    source: Option<IpAddr>,
    hop_limit: Option<u8>,
    traffic_class: Option<u8>,
}

fn read_control(header: &Header, family: u16) -> Result<Control, Errno> {
    let (address, length) = (header[CONTROL], header[CONTROL_LENGTH]);
    let mut control = Control::default();
    if address == 0 || length == 0 {
        return Ok(control);
    }
    if length > CONTROL_LIMIT {
        return Err(ENOBUFS);
    }
    let mut bytes = heap::zeros(length)?;
    user::read_bytes(address, &mut bytes)?;
    let mut rest: &[u8] = &bytes;
    while rest.len() >= CONTROL_HEADER_BYTES {
        let size = word(rest, 0)?;
        let body = rest.get(CONTROL_HEADER_BYTES..size).ok_or(EINVAL)?;
        let kind = (int(rest, 8)?, int(rest, 12)?);
        match family {
            AF_UNIX => control.take_local(kind, body)?,
            _ => control.take_internet(kind, body)?,
        }
        rest = rest.get(size.next_multiple_of(WORD)..).unwrap_or(&[]);
    }
    Ok(control)
}

impl Control {
    /// unix(7) § Ancillary messages; those of other levels are ignored.
    fn take_local(&mut self, kind: (i32, i32), body: &[u8]) -> Result<(), Errno> {
        match kind {
            (SOL_SOCKET, SCM_RIGHTS) => {
                for at in (0..body.len() / 4 * 4).step_by(4) {
                    self.rights.push(table().get(int(body, at)?)?);
                }
            }
            (SOL_SOCKET, SCM_CREDENTIALS) if body.len() == CREDENTIALS_BYTES => {
                self.credentials = Some(checked_credentials(body)?);
            }
            (SOL_SOCKET, _) => return Err(EINVAL),
            _ => {}
        }
        Ok(())
    }

    /// ip(7), ipv6(7).
    fn take_internet(&mut self, kind: (i32, i32), body: &[u8]) -> Result<(), Errno> {
        match kind {
            (SOL_SOCKET, SCM_RIGHTS | SCM_CREDENTIALS) => {}
            (SOL_IP, IP_PKTINFO) => {
                let octets: [u8; 4] = part(body, 4)?;
                self.source = Some(Ipv4Addr::from(octets).into());
            }
            (SOL_IPV6, IPV6_PKTINFO) => {
                let octets: [u8; 16] = part(body, 0)?;
                self.source = Some(Ipv6Addr::from(octets).to_canonical());
            }
            (SOL_IP, IP_TTL) => self.hop_limit = byte(body, 1)?,
            (SOL_IPV6, IPV6_HOPLIMIT) => self.hop_limit = byte(body, 0)?,
            (SOL_IP, IP_TOS) if body.len() == 1 => self.traffic_class = body.first().copied(),
            (SOL_IP, IP_TOS) | (SOL_IPV6, IPV6_TCLASS) => self.traffic_class = byte(body, 0)?,
            (SOL_SOCKET | SOL_IP | SOL_IPV6, _) => return Err(EINVAL),
            _ => {}
        }
        Ok(())
    }
}

/// An int that is a byte; -1 is the socket's own.
fn byte(body: &[u8], least: i32) -> Result<Option<u8>, Errno> {
    if body.len() != 4 {
        return Err(EINVAL);
    }
    match int(body, 0)? {
        -1 => Ok(None),
        number if (least..=255).contains(&number) => Ok(Some(number as u8)),
        _ => Err(EINVAL),
    }
}

/// sizeof(struct ucred).
const CREDENTIALS_BYTES: usize = 12;

/// What a program says of itself must be true, unless it is privileged; even then the process must
/// exist (unix(7) SCM_CREDENTIALS).
fn checked_credentials(body: &[u8]) -> Result<PeerCredentials, Errno> {
    let field = |at: usize| int(body, at).map(|number| number as u32);
    let (pid, uid, gid) = (field(0)?, field(4)?, field(8)?);
    if uid == u32::MAX || gid == u32::MAX {
        return Err(EINVAL);
    }
    let process = &current().process;
    let own = process.credentials.lock();
    let is_allowed = (pid == process.pid || own.may(capability::SYS_ADMIN))
        && (own.user_ids().contains(&uid) || own.may(capability::SETUID))
        && ([own.gid, own.egid, own.sgid].contains(&gid) || own.may(capability::SETGID));
    drop(own);
    if !is_allowed {
        return Err(EPERM);
    }
    registry::find(pid).ok_or(ESRCH)?;
    Ok(PeerCredentials { pid, uid, gid })
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Errno> {
    let slice = bytes.get(at..at + N).ok_or(EINVAL)?;
    slice.try_into().map_err(|_| EINVAL)
}

fn word(bytes: &[u8], at: usize) -> Result<usize, Errno> {
    Ok(usize::from_ne_bytes(part(bytes, at)?))
}

fn int(bytes: &[u8], at: usize) -> Result<i32, Errno> {
    Ok(i32::from_ne_bytes(part(bytes, at)?))
}

fn receive(held: &Held, header_at: usize, header: &Header, bits: u32) -> SysResult {
    let socket = held.socket()?;
    let mut into = UserBuffers::vector(header[VECTOR], checked_count(header[COUNT])?)?;
    if flags(bits).contains(MessageFlags::ERRQUEUE) {
        return Err(EAGAIN);
    }
    let received = socket.receive(&mut into, flags(bits), held.is_nonblocking())?;
    let name_length_at = header_at + NAME_LENGTH * WORD;
    match &received.from {
        Some(from) => from.write(socket.family, header[NAME], name_length_at)?,
        None => user::write(name_length_at, 0u32)?,
    }
    let bytes = received.bytes;
    let closes_on_exec = flags(bits).contains(MessageFlags::CMSG_CLOEXEC);
    let (control, control_flags) = write_control(socket.family, received, header, closes_on_exec)?;
    user::write(header_at + CONTROL_LENGTH * WORD, control)?;
    let asked = bits & MessageFlags::CMSG_CLOEXEC.bits(); // Linux gives it back
    user::write(header_at + FLAGS * WORD, control_flags | asked)?;
    Ok(bytes)
}

/// Gives control data; its length and the message's flags. What does not fit is MSG_CTRUNC.
fn write_control(
    family: u16,
    received: Received,
    header: &Header,
    closes_on_exec: bool,
) -> Result<(usize, u32), Errno> {
    let mut room = Room {
        at: header[CONTROL],
        left: if header[CONTROL] == 0 {
            0
        } else {
            header[CONTROL_LENGTH]
        },
        used: 0,
        is_cut: false,
    };
    if let Some(credentials) = received.credentials {
        room.put((SOL_SOCKET, SCM_CREDENTIALS), &credentials.encode())?;
    }
    if let Some((ns, is_exact)) = received.came_ns {
        let (kind, fraction) = match is_exact {
            true => (SCM_TIMESTAMPNS, ns % NS_PER_S),
            false => (SCM_TIMESTAMP, ns % NS_PER_S / 1000),
        };
        let fields = [ns / NS_PER_S, fraction].map(u64::to_ne_bytes);
        room.put((SOL_SOCKET, kind), &fields.concat())?;
    }
    if let Some(address) = received.destination {
        let (kind, body) = packet_information(family, address);
        room.put(kind, &body)?;
    }
    if let Some(hop_limit) = received.hop_limit {
        let number = i32::from(hop_limit).to_ne_bytes();
        match (family, is_from_version_4(&received)) {
            (AF_INET6, true) => {} // ipv6(7) tells nothing of IPv4's
            (AF_INET6, false) => room.put((SOL_IPV6, IPV6_HOPLIMIT), &number)?,
            _ => room.put((SOL_IP, IP_TTL), &number)?,
        }
    }
    if let Some(class) = received.traffic_class {
        match (family, is_from_version_4(&received)) {
            (AF_INET6, true) => {}
            (AF_INET6, false) => {
                room.put((SOL_IPV6, IPV6_TCLASS), &i32::from(class).to_ne_bytes())?;
            }
            _ => room.put((SOL_IP, IP_TOS), &[class])?,
        }
    }
    if !received.rights.is_empty() {
        room.put_rights(received.rights, closes_on_exec)?;
    }
    let cut = if room.is_cut {
        MessageFlags::CTRUNC.bits()
    } else {
        0
    };
    Ok((room.used, received.flags | cut))
}

const NS_PER_S: u64 = 1_000_000_000;

fn is_from_version_4(received: &Received) -> bool {
    matches!(&received.from, Some(Address::Ip(from)) if from.is_ipv4())
}

/// struct in_pktinfo and struct in6_pktinfo; the interface is told from the address.
fn packet_information(family: u16, address: IpAddr) -> ((i32, i32), Vec<u8>) {
    let (loopback, card) = (1u32, 2u32);
    let index = if address.is_loopback() {
        loopback
    } else {
        card
    };
    let mut body = Vec::new();
    match address {
        IpAddr::V4(address) if family != AF_INET6 => {
            body.extend_from_slice(&index.to_ne_bytes());
            body.extend_from_slice(&address.octets());
            body.extend_from_slice(&address.octets());
            ((SOL_IP, IP_PKTINFO), body)
        }
        address => {
            let mapped = match address {
                IpAddr::V4(address) => address.to_ipv6_mapped(),
                IpAddr::V6(address) => address,
            };
            body.extend_from_slice(&mapped.octets());
            body.extend_from_slice(&index.to_ne_bytes());
            ((SOL_IPV6, IPV6_PKTINFO), body)
        }
    }
}

/// The application's control buffer as it fills.
struct Room {
    at: usize,
    left: usize,
    used: usize,
    is_cut: bool,
}

impl Room {
    fn put(&mut self, kind: (i32, i32), body: &[u8]) -> Result<(), Errno> {
        if self.left < CONTROL_HEADER_BYTES {
            self.is_cut = true;
            return Ok(());
        }
        let whole = CONTROL_HEADER_BYTES + body.len();
        let size = whole.min(self.left); // what does not fit is cut (cmsg(3))
        self.is_cut |= size < whole;
        let body = body.get(..size - CONTROL_HEADER_BYTES).unwrap_or(body);
        let mut bytes = size.to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.0.to_ne_bytes());
        bytes.extend_from_slice(&kind.1.to_ne_bytes());
        bytes.extend_from_slice(body);
        user::write_bytes(self.at + self.used, &bytes)?;
        let taken = size.next_multiple_of(WORD).min(self.left);
        self.used += taken;
        self.left -= taken;
        Ok(())
    }

    /// As many descriptors as there is room for; the others are closed.
    fn put_rights(
        &mut self,
        rights: Vec<Arc<OpenFile>>,
        closes_on_exec: bool,
    ) -> Result<(), Errno> {
        let room = self.left.saturating_sub(CONTROL_HEADER_BYTES) / 4;
        self.is_cut |= room < rights.len();
        let mut body = Vec::new();
        for open in rights.into_iter().take(room) {
            match table().install_open(open, 0, closes_on_exec) {
                Ok(fd) => body.extend_from_slice(&fd.to_ne_bytes()),
                Err(_) => {
                    self.is_cut = true;
                    break;
                }
            }
        }
        if body.is_empty() {
            return Ok(());
        }
        self.put((SOL_SOCKET, SCM_RIGHTS), &body)
    }
}

fn batch_entry(at: usize, index: u32) -> Result<usize, Errno> {
    at.checked_add(index as usize * BATCH_ENTRY_BYTES)
        .ok_or(EFAULT)
}

/// How many of a batch went through; an error only when none did.
fn batch(count: u32, mut one: impl FnMut(u32) -> Result<bool, Errno>) -> SysResult {
    let mut done = 0;
    for index in 0..count.min(BATCH_LIMIT) {
        match one(index) {
            Ok(goes_on) => {
                done += 1;
                if !goes_on {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

fn deadline(timeout: usize) -> Result<Deadline, Errno> {
    if timeout == 0 {
        return Ok(None);
    }
    let [seconds, nanoseconds]: [i64; 2] = user::read(timeout)?;
    if seconds < 0 || !(0..1_000_000_000).contains(&nanoseconds) {
        return Err(EINVAL);
    }
    let length_ns = (seconds as u64).saturating_mul(1_000_000_000) + nanoseconds as u64;
    Ok(Some(time::now_ns().saturating_add(length_ns)))
}

syscall! {
    fn sys_sendto(
        fd: i32, buffer: usize, length: usize, bits: u32, address: usize, address_length: u32,
    ) {
        let mut data = UserBuffers::single(buffer, length.min(i32::MAX as usize))?;
        let held = Held::get(fd)?;
        let to = match address {
            0 => None,
            address => Some(Address::read(address, address_length as usize)?),
        };
        let message = Outgoing {
            data: &mut data,
            to,
            flags: flags(bits),
            rights: Vec::new(),
            credentials: None,
            source: None,
            hop_limit: None,
            traffic_class: None,
        };
        held.socket()?.send(message, held.is_nonblocking())
    }

    fn sys_recvfrom(
        fd: i32, buffer: usize, length: usize, bits: u32, address: usize, length_at: usize,
    ) {
        let mut into = UserBuffers::single(buffer, length.min(i32::MAX as usize))?;
        let held = Held::get(fd)?;
        let socket = held.socket()?;
        if flags(bits).contains(MessageFlags::ERRQUEUE) {
            return Err(EAGAIN);
        }
        let received = socket.receive(&mut into, flags(bits), held.is_nonblocking())?;
        match &received.from {
            Some(from) => from.write(socket.family, address, length_at)?,
            None if address != 0 => user::write(length_at, 0u32)?,
            None => {}
        }
        Ok(received.bytes)
    }

    fn sys_sendmsg(fd: i32, header_at: usize, bits: u32) {
        send(&Held::get(fd)?, &user::read(header_at)?, bits)
    }

    fn sys_recvmsg(fd: i32, header_at: usize, bits: u32) {
        let held = Held::get(fd)?;
        receive(&held, header_at, &user::read(header_at)?, bits)
    }

    fn sys_sendmmsg(fd: i32, entries: usize, count: u32, bits: u32) {
        let held = Held::get(fd)?;
        batch(count, |index| {
            let at = batch_entry(entries, index)?;
            let sent = send(&held, &user::read(at)?, bits)?;
            user::write(at + size_of::<Header>(), sent as u32)?;
            Ok(true)
        })
    }

    fn sys_recvmmsg(fd: i32, entries: usize, count: u32, bits: u32, timeout: usize) {
        let held = Held::get(fd)?;
        let deadline = deadline(timeout)?;
        let waits_for_one = flags(bits).contains(MessageFlags::WAITFORONE);
        let received = batch(count, |index| {
            let at = batch_entry(entries, index)?;
            let dont_wait = if waits_for_one && index > 0 {
                MessageFlags::DONTWAIT.bits()
            } else {
                0
            };
            let received = receive(&held, at, &user::read(at)?, bits | dont_wait)?;
            user::write(at + size_of::<Header>(), received as u32)?;
            // Looked at only between datagrams, as recvmmsg(2) admits.
            Ok(deadline.is_none_or(|at_ns| time::now_ns() < at_ns))
        })?;
        if let Some(at_ns) = deadline && received > 0 {
            write_timespec(timeout, at_ns.saturating_sub(time::now_ns()))?;
        }
        Ok(received)
    }
}
