//! Descriptors without a path: pipe(2), eventfd(2), timerfd_create(2), signalfd(2),
//! memfd_create(2), and getrandom(2).

use alloc::sync::Arc;

use super::descriptor::{get, table};
use super::path::{new_attributes, only};
use super::signal::require_set_size;
use super::time::{clock_ns, read_timespec, write_timespec};
use crate::errno::{EINVAL, Errno, SysResult};
use crate::fs::device::read_random;
use crate::fs::event::EventCounter;
use crate::fs::open::{O_CLOEXEC, O_DIRECT, O_NONBLOCK, O_RDWR, O_WRONLY, anonymous};
use crate::fs::pipe::Pipe;
use crate::fs::seal::{F_SEAL_EXEC, F_SEAL_SEAL};
use crate::fs::signalfd::SignalFile;
use crate::fs::timerfd::{Schedule, TimerFile};
use crate::fs::{OpenFile, root};
use crate::mm::user::{self, UserBuffers};
use crate::process::signal::{SignalSet, UNBLOCKABLE};
use crate::syscall;
use crate::time::{now_ns, timer as timer_queue};

fn make_pipe(address: usize, flags: u32) -> SysResult {
    only(flags, O_CLOEXEC | O_NONBLOCK | O_DIRECT)?;
    let (reader, writer) = Pipe::pair(flags & O_DIRECT != 0);
    let read_fd = table().install(reader, flags)?;
    let write_fd = match table().install(writer, flags | O_WRONLY) {
        Ok(fd) => fd,
        Err(error) => {
            table().close(read_fd)?;
            return Err(error);
        }
    };
    if let Err(error) = user::write(address, [read_fd, write_fd]) {
        table().close(read_fd)?;
        table().close(write_fd)?;
        return Err(error);
    }
    Ok(0)
}

const EFD_SEMAPHORE: u32 = 1;

fn make_event(initial: u32, flags: u32) -> SysResult {
    only(flags, EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)?;
    let event = EventCounter::new(initial, flags & EFD_SEMAPHORE != 0);
    Ok(table().install(event, flags & !EFD_SEMAPHORE | O_RDWR)? as usize)
}

const TFD_TIMER_ABSTIME: u32 = 1;
const TFD_TIMER_CANCEL_ON_SET: u32 = 2;
/// CLOCK_REALTIME, _MONOTONIC, _BOOTTIME and the two _ALARM clocks (timerfd_create(2)).
const TIMER_CLOCKS: [i32; 5] = [0, 1, 7, 8, 9];

fn timer(open: &OpenFile) -> Result<&TimerFile, Errno> {
    open.file.as_any().downcast_ref().ok_or(EINVAL)
}

/// `struct itimerspec`: interval, then value.
fn read_schedule(address: usize, absolute_clock: Option<i32>) -> Result<Schedule, Errno> {
    let interval_ns = read_timespec(address)?;
    let value_ns = read_timespec(address + 16)?;
    let delay_ns = match absolute_clock {
        Some(clock) => value_ns.saturating_sub(clock_ns(clock)?),
        None => value_ns,
    };
    // A time that has passed is due now; 0 would mean never.
    let at_ns = if value_ns == 0 {
        0
    } else {
        now_ns().saturating_add(delay_ns)
    };
    Ok(Schedule { at_ns, interval_ns })
}

fn write_schedule(address: usize, schedule: Schedule) -> Result<(), Errno> {
    write_timespec(address, schedule.interval_ns)?;
    write_timespec(address + 16, schedule.at_ns.saturating_sub(now_ns()))
}

fn set_timer(fd: i32, flags: u32, new: usize, old: usize) -> SysResult {
    only(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)?;
    let open = get(fd)?;
    let timer = timer(&open)?;
    let absolute_clock = (flags & TFD_TIMER_ABSTIME != 0).then_some(timer.clock);
    let schedule = read_schedule(new, absolute_clock)?;
    timer_queue::reserve()?;
    let before = timer.set(schedule);
    if old != 0 {
        write_schedule(old, before)?;
    }
    Ok(0)
}

fn signals(fd: i32, set: usize, size: usize, flags: u32) -> SysResult {
    only(flags, O_CLOEXEC | O_NONBLOCK)?;
    require_set_size(size)?;
    let wanted = user::read::<SignalSet>(set)? & !UNBLOCKABLE;
    if fd == -1 {
        let file = SignalFile::new(wanted);
        return Ok(table().install(file, flags | O_RDWR)? as usize);
    }
    let open = get(fd)?;
    let file: &SignalFile = open.file.as_any().downcast_ref().ok_or(EINVAL)?;
    file.set_wanted(wanted);
    Ok(fd as usize)
}

const MFD_CLOEXEC: u32 = 1;
const MFD_ALLOW_SEALING: u32 = 2;
const MFD_NOEXEC_SEAL: u32 = 8;
const MFD_EXEC: u32 = 16;
/// Longest name (memfd_create(2)).
const MEMFD_NAME_LIMIT: usize = 249;

fn make_memory_file(name: usize, flags: u32) -> SysResult {
    only(
        flags,
        MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC,
    )?;
    let name = user::read_string(name, MEMFD_NAME_LIMIT).map_err(|error| match error {
        crate::errno::ENAMETOOLONG => EINVAL,
        other => other,
    })?;
    let mut attributes = new_attributes(0);
    let (permissions, seals) = match flags {
        _ if flags & MFD_NOEXEC_SEAL != 0 => (0o666, F_SEAL_EXEC),
        _ if flags & MFD_ALLOW_SEALING != 0 => (0o777, 0),
        _ => (0o777, F_SEAL_SEAL),
    };
    attributes.permissions = permissions;
    let node = anonymous(attributes, root(), &[b"memfd:", &name[..]].concat());
    if let Some(content) = node.content() {
        content.seals.begin(seals);
    }
    let open = Arc::new(OpenFile::of_new_memory_file(node, O_RDWR));
    Ok(table().install_open(open, 0, flags & MFD_CLOEXEC != 0)? as usize)
}

const GRND_NONBLOCK: u32 = 1;
const GRND_RANDOM: u32 = 2;
const GRND_INSECURE: u32 = 4;

syscall! {
    fn sys_pipe(fds: usize) {
        make_pipe(fds, 0)
    }

    fn sys_pipe2(fds: usize, flags: u32) {
        make_pipe(fds, flags)
    }

    fn sys_eventfd(initial: u32) {
        make_event(initial, 0)
    }

    fn sys_eventfd2(initial: u32, flags: u32) {
        make_event(initial, flags)
    }

    fn sys_timerfd_create(clock: i32, flags: u32) {
        only(flags, O_CLOEXEC | O_NONBLOCK)?;
        if !TIMER_CLOCKS.contains(&clock) {
            return Err(EINVAL);
        }
        Ok(table().install(TimerFile::new(clock), flags | O_RDWR)? as usize)
    }

    fn sys_timerfd_settime(fd: i32, flags: u32, new: usize, old: usize) {
        set_timer(fd, flags, new, old)
    }

    fn sys_timerfd_gettime(fd: i32, value: usize) {
        write_schedule(value, timer(&*get(fd)?)?.get())?;
        Ok(0)
    }

    fn sys_signalfd(fd: i32, set: usize, size: usize) {
        signals(fd, set, size, 0)
    }

    fn sys_signalfd4(fd: i32, set: usize, size: usize, flags: u32) {
        signals(fd, set, size, flags)
    }

    fn sys_memfd_create(name: usize, flags: u32) {
        make_memory_file(name, flags)
    }

    fn sys_getrandom(buffer: usize, count: usize, flags: u32) {
        const BOTH: u32 = GRND_RANDOM | GRND_INSECURE;
        only(flags, GRND_NONBLOCK | BOTH)?;
        if flags & BOTH == BOTH {
            return Err(EINVAL);
        }
        read_random(&mut UserBuffers::single(buffer, count.min(i32::MAX as usize))?)
    }
}
