//! Who and where the program is: user and group ids, uname(2), prctl(2), limits, capabilities.
//!
//! There is one user of the machine, the application: what ids and capabilities forbid is refused, but
//! nothing keeps a program of ring 0 from taking it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::group::by_id;
use crate::boot;
use crate::errno::{EFAULT, EINVAL, ENAMETOOLONG, EPERM, Errno, SysResult};
use crate::fs::permission;
use crate::mm::user::{self, Plain};
use crate::mm::{PAGE_SIZE, frame, heap};
use crate::process::capability::{self, Capabilities};
use crate::process::limits::{RESOURCE_COUNT, RLIMIT_NOFILE, RLIMIT_STACK};
use crate::process::registry;
use crate::process::signal::LAST;
use crate::process::thread::DEFAULT_SLACK_NS;
use crate::process::{Credentials, Process, current};
use crate::sync::SpinLock;
use crate::{syscall, time};

const UTS_BYTES: usize = 65;
/// The Linux release whose behaviour is the measure: Debian 12's.
const RELEASE: &[u8] = b"6.1.0-husk";
/// NR_OPEN: the most RLIMIT_NOFILE can be (proc(5), fs.nr_open).
const NR_OPEN: u64 = 1 << 20;

/// What sethostname(2) set; empty while it is what boot said.
static HOSTNAME: SpinLock<([u8; UTS_BYTES], usize)> = SpinLock::new(([0; UTS_BYTES], 0));

/// The machine's name, for uname(2) and /proc/sys/kernel/hostname.
pub fn hostname() -> alloc::vec::Vec<u8> {
    let set = HOSTNAME.lock();
    if set.1 != 0 {
        return set.0[..set.1].to_vec();
    }
    let asked = boot::options().hostname.as_ref();
    let baked = &boot::config().hostname;
    asked
        .or((!baked.is_empty()).then_some(baked))
        .cloned()
        .unwrap_or_else(|| b"husk".to_vec())
}

/// struct sysinfo.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct SystemInformation {
    uptime_s: u64,
    loads: [u64; 3],
    total_ram: u64,
    free_ram: u64,
    shared_ram: u64,
    buffer_ram: u64,
    total_swap: u64,
    free_swap: u64,
    processes: u16,
    pad: [u16; 3],
    total_high: u64,
    free_high: u64,
    unit_bytes: u32,
    tail: u32,
}

// SAFETY: padding is spelt out as fields.
unsafe impl Plain for SystemInformation {}

syscall! {
    fn sys_getpid() { Ok(current().process.pid as usize) }
    fn sys_getuid() { Ok(current().process.credentials.lock().uid as usize) }
    fn sys_geteuid() { Ok(current().process.credentials.lock().euid as usize) }
    fn sys_getgid() { Ok(current().process.credentials.lock().gid as usize) }
    fn sys_getegid() { Ok(current().process.credentials.lock().egid as usize) }

    fn sys_setuid(uid: u32) {
        require_id(uid)?;
        change(|c| {
            let may = c.may(capability::SETUID);
            set_ids([may.then_some(uid), Some(uid), may.then_some(uid)], uid_fields(c), may)
        })
    }

    fn sys_setgid(gid: u32) {
        require_id(gid)?;
        change(|c| {
            let may = c.may(capability::SETGID);
            set_ids([may.then_some(gid), Some(gid), may.then_some(gid)], gid_fields(c), may)
        })
    }

    fn sys_setreuid(real: i32, effective: i32) {
        change(|c| {
            let may = c.may(capability::SETUID);
            set_two_ids(given(real), given(effective), uid_fields(c), may)
        })
    }

    fn sys_setregid(real: i32, effective: i32) {
        change(|c| {
            let may = c.may(capability::SETGID);
            set_two_ids(given(real), given(effective), gid_fields(c), may)
        })
    }

    fn sys_setresuid(real: i32, effective: i32, saved: i32) {
        change(|c| {
            let may = c.may(capability::SETUID);
            set_ids([given(real), given(effective), given(saved)], uid_fields(c), may)
        })
    }

    fn sys_setresgid(real: i32, effective: i32, saved: i32) {
        change(|c| {
            let may = c.may(capability::SETGID);
            set_ids([given(real), given(effective), given(saved)], gid_fields(c), may)
        })
    }

    fn sys_getresuid(real: usize, effective: usize, saved: usize) {
        let c = current().process.credentials.lock().clone();
        tell_ids([(real, c.uid), (effective, c.euid), (saved, c.suid)])
    }

    fn sys_getresgid(real: usize, effective: usize, saved: usize) {
        let c = current().process.credentials.lock().clone();
        tell_ids([(real, c.gid), (effective, c.egid), (saved, c.sgid)])
    }

    fn sys_setfsuid(_uid: u32) { Ok(current().process.credentials.lock().euid as usize) }
    fn sys_setfsgid(_gid: u32) { Ok(current().process.credentials.lock().egid as usize) }

    fn sys_getgroups(size: i32, list: usize) {
        let groups = current().process.credentials.lock().groups.clone();
        if size < 0 || size != 0 && (size as usize) < groups.len() {
            return Err(EINVAL);
        }
        if size != 0 {
            for (index, group) in groups.iter().enumerate() {
                user::write(list.wrapping_add(4 * index), *group)?;
            }
        }
        Ok(groups.len())
    }

    fn sys_setgroups(size: usize, list: usize) {
        const NGROUPS_MAX: usize = 65_536;
        if size > NGROUPS_MAX {
            return Err(EINVAL);
        }
        let mut groups = Vec::new();
        for index in 0..size {
            heap::push(&mut groups, user::read(list.wrapping_add(4 * index))?)?;
        }
        change(|c| {
            if !c.may(capability::SETGID) {
                return Err(EPERM);
            }
            c.groups = Arc::new(groups);
            Ok(())
        })
    }

    fn sys_uname(buffer: usize) {
        let release = RELEASE;
        let host = hostname();
        let fields: [&[u8]; 6] =
            [b"Linux", &host, release, b"#1 husk", b"x86_64", b"(none)"];
        for (index, field) in fields.into_iter().enumerate() {
            let mut padded = [0u8; UTS_BYTES];
            let length = field.len().min(UTS_BYTES - 1);
            padded[..length].copy_from_slice(&field[..length]);
            user::write_bytes(buffer.wrapping_add(UTS_BYTES * index), &padded)?;
        }
        Ok(0)
    }

    fn sys_sethostname(name: usize, length: usize) {
        permission::require(capability::SYS_ADMIN)?;
        if length >= UTS_BYTES {
            return Err(EINVAL);
        }
        let mut bytes = [0; UTS_BYTES];
        user::read_bytes(name, &mut bytes[..length])?;
        *HOSTNAME.lock() = (bytes, length);
        Ok(0)
    }

    fn sys_sysinfo(buffer: usize) {
        let (total, used) = (frame::total_count(), frame::used_count());
        user::write(buffer, SystemInformation {
            uptime_s: time::now_ns() / 1_000_000_000,
            total_ram: (total * PAGE_SIZE) as u64,
            free_ram: ((total - used.min(total)) * PAGE_SIZE) as u64,
            processes: registry::count() as u16,
            unit_bytes: 1,
            ..SystemInformation::default()
        })?;
        Ok(0)
    }

    fn sys_getrlimit(resource: usize, limit: usize) {
        let limits = current().process.limits.lock().clone();
        if resource >= RESOURCE_COUNT {
            return Err(EINVAL);
        }
        user::write(limit, [limits.soft[resource], limits.hard[resource]])?;
        Ok(0)
    }

    fn sys_setrlimit(resource: usize, limit: usize) {
        set_limit(&current().process, resource, user::read(limit)?)
    }

    fn sys_prlimit64(pid: i32, resource: usize, new: usize, old: usize) {
        let process = by_id(pid)?;
        require_limits_of(&process)?;
        if resource >= RESOURCE_COUNT {
            return Err(EINVAL);
        }
        let limits = process.limits.lock().clone();
        if new != 0 {
            set_limit(&process, resource, user::read(new)?)?;
        }
        if old != 0 {
            user::write(old, [limits.soft[resource], limits.hard[resource]])?;
        }
        Ok(0)
    }

    fn sys_getrusage(who: i32, usage: usize) {
        const RUSAGE_CHILDREN: i32 = -1;
        const RUSAGE_SELF: i32 = 0;
        const RUSAGE_THREAD: i32 = 1;
        let cpu_ns = match who {
            RUSAGE_SELF => super::time::process_cpu_ns(&current().process),
            RUSAGE_THREAD => super::time::thread_cpu_ns(),
            RUSAGE_CHILDREN => current().process.children_cpu_ns.load(Ordering::Relaxed),
            _ => return Err(EINVAL),
        };
        write_usage(usage, cpu_ns)?;
        Ok(0)
    }

    fn sys_prctl(option: u32, argument: usize, a3: usize, a4: usize, a5: usize) {
        prctl(option, argument, [a3, a4, a5])
    }

    fn sys_capget(header: usize, data: usize) {
        let pid = match capability_header(header) {
            Err(EINVAL) | Ok(_) if data == 0 => return Ok(0), // it asks which version there is
            Ok(..0) => return Err(EINVAL),
            pid => pid?,
        };
        let held = by_id(pid)?.credentials.lock().capabilities;
        let words = [held.effective, held.permitted, held.inheritable];
        let [low, high] = [0, 32].map(|shift| words.map(|set| (set >> shift) as u32));
        user::write(data, [low, high])?;
        Ok(0)
    }

    fn sys_capset(header: usize, data: usize) {
        let own = current().process.pid as i32;
        if ![0, own].contains(&capability_header(header)?) {
            return Err(EPERM);
        }
        let [low, high]: [[u32; 3]; 2] = user::read(data)?;
        let set = |at: usize| (u64::from(low[at]) | u64::from(high[at]) << 32) & capability::ALL;
        let wanted = Capabilities {
            effective: set(0),
            permitted: set(1),
            inheritable: set(2),
            bounding: 0, // has no part in this
        };
        change(|c| c.capabilities.set(wanted))
    }

    fn sys_personality(persona: u32) {
        const ASK: u32 = u32::MAX;
        if persona == ASK || persona == 0 { Ok(0) } else { Err(EINVAL) }
    }
}

/// struct rusage: processor time, and the most memory that was in use.
pub fn write_usage(address: usize, cpu_ns: u64) -> Result<(), Errno> {
    const WORDS: usize = 18;
    let mut words = [0u64; WORDS];
    words[0] = cpu_ns / 1_000_000_000;
    words[1] = cpu_ns % 1_000_000_000 / 1000;
    words[4] = (frame::used_count() * PAGE_SIZE / 1024) as u64; // ru_maxrss
    user::write(address, words)
}

fn change(change: impl FnOnce(&mut Credentials) -> Result<(), Errno>) -> SysResult {
    let mut credentials = current().process.credentials.lock();
    let (before, acted) = (credentials.user_ids(), credentials.effective());
    change(&mut credentials)?;
    let (after, keeps) = (credentials.user_ids(), credentials.keeps_capabilities);
    credentials.is_private |= credentials.effective() != acted;
    if before != after {
        credentials.capabilities.follow_ids(before, after, keeps);
    }
    Ok(0)
}

fn given(id: i32) -> Option<u32> {
    (id != -1).then_some(id as u32)
}

fn uid_fields(c: &mut Credentials) -> [&mut u32; 3] {
    [&mut c.uid, &mut c.euid, &mut c.suid]
}

fn gid_fields(c: &mut Credentials) -> [&mut u32; 3] {
    [&mut c.gid, &mut c.egid, &mut c.sgid]
}

/// setresuid(2): who has CAP_SETUID sets anything, others only permute what they have.
fn set_ids(wanted: [Option<u32>; 3], fields: [&mut u32; 3], is_root: bool) -> Result<(), Errno> {
    let held = [*fields[0], *fields[1], *fields[2]];
    let may_set = |id: &u32| is_root || held.contains(id);
    if !wanted.iter().flatten().all(may_set) {
        return Err(EPERM);
    }
    for (field, wanted) in fields.into_iter().zip(wanted) {
        *field = wanted.unwrap_or(*field);
    }
    Ok(())
}

/// setreuid(2): others than root may make the effective id real and any they have effective. The
/// saved one follows the effective unless nothing but that goes back to the real.
fn set_two_ids(
    real: Option<u32>,
    effective: Option<u32>,
    fields: [&mut u32; 3],
    is_root: bool,
) -> Result<(), Errno> {
    let (held_real, held_effective) = (*fields[0], *fields[1]);
    let is_swap = real.is_none_or(|id| id == held_real || id == held_effective);
    if !is_root && !is_swap {
        return Err(EPERM);
    }
    let follows = real.is_some() || effective.is_some_and(|id| id != held_real);
    let saved = follows.then(|| effective.unwrap_or(held_effective));
    set_ids([real, effective, saved], fields, is_root)
}

/// -1 is no id (setuid(2)).
fn require_id(id: u32) -> Result<(), Errno> {
    if id == u32::MAX { Err(EINVAL) } else { Ok(()) }
}

fn tell_ids(ids: [(usize, u32); 3]) -> SysResult {
    for (address, id) in ids {
        user::write(address, id)?;
    }
    Ok(0)
}

fn set_limit(process: &Process, resource: usize, [soft, hard]: [u64; 2]) -> SysResult {
    if resource >= RESOURCE_COUNT || soft > hard {
        return Err(EINVAL);
    }
    if resource == RLIMIT_NOFILE && hard > NR_OPEN {
        return Err(EPERM);
    }
    let mut limits = process.limits.lock();
    if hard > limits.hard[resource] && !permission::has(capability::SYS_RESOURCE) {
        return Err(EPERM);
    }
    limits.soft[resource] = soft;
    limits.hard[resource] = hard;
    if resource == RLIMIT_STACK {
        process.space().set_stack_limit(soft as usize);
    }
    Ok(0)
}

/// prlimit(2): all the ids of another process are the caller's real ones, or CAP_SYS_RESOURCE.
fn require_limits_of(process: &Process) -> Result<(), Errno> {
    let own = &current().process;
    let real = own.credentials.lock().real();
    let is_own = own.pid == process.pid || process.credentials.lock().belong_to(real);
    (is_own || permission::has(capability::SYS_RESOURCE))
        .then_some(())
        .ok_or(EPERM)
}

fn prctl(option: u32, argument: usize, rest: [usize; 3]) -> SysResult {
    const PR_SET_PDEATHSIG: u32 = 1;
    const PR_GET_PDEATHSIG: u32 = 2;
    const PR_SET_NAME: u32 = 15;
    const PR_GET_NAME: u32 = 16;
    const PR_SET_TIMERSLACK: u32 = 29;
    const PR_GET_TIMERSLACK: u32 = 30;
    const PR_SET_CHILD_SUBREAPER: u32 = 36;
    const PR_GET_CHILD_SUBREAPER: u32 = 37;
    const PR_SET_VMA: u32 = 0x5356_4d41;
    match option {
        PR_SET_NAME => set_name(argument),
        PR_GET_NAME => user::write(argument, *current().name.lock()).map(|()| 0),
        PR_GET_PDEATHSIG => {
            let signal = current().process.family.lock().parent_death_signal;
            user::write(argument, signal).map(|()| 0)
        }
        PR_SET_PDEATHSIG if argument <= LAST as usize => {
            current().process.family.lock().parent_death_signal = argument as u32;
            Ok(0)
        }
        PR_SET_CHILD_SUBREAPER => {
            current().process.family.lock().is_subreaper = argument != 0;
            Ok(0)
        }
        PR_GET_CHILD_SUBREAPER => {
            let is_subreaper = current().process.family.lock().is_subreaper;
            user::write(argument, u32::from(is_subreaper)).map(|()| 0)
        }
        PR_GET_TIMERSLACK => Ok(current().slack_ns.load(Ordering::Relaxed)),
        PR_SET_TIMERSLACK => {
            let wanted = if argument == 0 {
                DEFAULT_SLACK_NS
            } else {
                argument
            };
            current().slack_ns.store(wanted, Ordering::Relaxed);
            Ok(0)
        }
        PR_SET_VMA => Ok(0), // names of anonymous mappings, for /proc only
        _ => {
            let mut credentials = current().process.credentials.lock();
            control_credentials(&mut credentials, option, argument, rest)
        }
    }
}

/// What prctl(2) changes and tells of a process's credentials.
fn control_credentials(
    credentials: &mut Credentials,
    option: u32,
    argument: usize,
    rest: [usize; 3],
) -> SysResult {
    const PR_GET_DUMPABLE: u32 = 3;
    const PR_SET_DUMPABLE: u32 = 4;
    const PR_GET_KEEPCAPS: u32 = 7;
    const PR_SET_KEEPCAPS: u32 = 8;
    const PR_CAPBSET_READ: u32 = 23;
    const PR_CAPBSET_DROP: u32 = 24;
    const PR_SET_NO_NEW_PRIVS: u32 = 38;
    const PR_GET_NO_NEW_PRIVS: u32 = 39;
    match option {
        PR_GET_DUMPABLE => return Ok(usize::from(!credentials.is_private)),
        PR_SET_DUMPABLE if argument <= 1 => credentials.is_private = argument == 0,
        PR_CAPBSET_READ => {
            let bounding = credentials.capabilities.bounding;
            return capability::bit(argument).map(|bit| usize::from(bounding & bit != 0));
        }
        PR_CAPBSET_DROP => credentials.capabilities.leave(argument)?,
        PR_GET_KEEPCAPS => return Ok(usize::from(credentials.keeps_capabilities)),
        PR_SET_KEEPCAPS if argument <= 1 => credentials.keeps_capabilities = argument == 1,
        PR_SET_NO_NEW_PRIVS if argument == 1 && rest == [0; 3] => {
            credentials.no_new_privileges = true;
        }
        PR_GET_NO_NEW_PRIVS if argument == 0 && rest == [0; 3] => {
            return Ok(usize::from(credentials.no_new_privileges));
        }
        _ => return Err(EINVAL),
    }
    Ok(0)
}

fn set_name(address: usize) -> SysResult {
    const NAME_BYTES: usize = 16;
    let mut name = [0u8; NAME_BYTES];
    let given = match user::read_string(address, NAME_BYTES) {
        Err(ENAMETOOLONG) => {
            user::read_bytes(address, &mut name)?;
            name[NAME_BYTES - 1] = 0;
            *current().name.lock() = name;
            return Ok(0);
        }
        given => given?,
    };
    let length = given.len().min(NAME_BYTES - 1);
    name[..length].copy_from_slice(&given[..length]);
    *current().name.lock() = name;
    Ok(0)
}

/// capget(2), capset(2): which process they are about, asked in version 3; 0 is the caller.
fn capability_header(header: usize) -> Result<i32, Errno> {
    const VERSION_3: u32 = 0x2008_0522;
    let [version, pid]: [u32; 2] = user::read(header)?;
    if version != VERSION_3 {
        user::write(header, VERSION_3).map_err(|_| EFAULT)?;
        return Err(EINVAL);
    }
    Ok(pid as i32)
}
