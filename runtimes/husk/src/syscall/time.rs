//! Clocks, sleeping and timers (clock_gettime(2), nanosleep(2), setitimer(2), timer_create(2)).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use crate::errno::{EINVAL, EOPNOTSUPP, EPERM, ERESTARTNOHAND, Errno, SysResult};
use crate::fs::permission;
use crate::mm::user::{self, Plain};
use crate::process::capability;
use crate::process::signal::{self, SignalInfo, deadline_of_call, keep_deadline};
use crate::process::timers::{Notify, Schedule, SignalTimer};
use crate::process::{Process, current, registry, scheduler};
use crate::sync::{WaitQueue, Woken, wait_until};
use crate::syscall;
use crate::time::{now_ns, realtime_ns, timer as timer_queue, tsc};

const NS_PER_S: u64 = 1_000_000_000;

const CLOCK_REALTIME: i32 = 0;
const CLOCK_MONOTONIC: i32 = 1;
const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
const CLOCK_MONOTONIC_RAW: i32 = 4;
const CLOCK_REALTIME_COARSE: i32 = 5;
const CLOCK_MONOTONIC_COARSE: i32 = 6;
const CLOCK_BOOTTIME: i32 = 7;
const CLOCK_REALTIME_ALARM: i32 = 8;
const CLOCK_BOOTTIME_ALARM: i32 = 9;
const CLOCK_TAI: i32 = 11;

const TIMER_ABSTIME: u32 = 1;

/// struct timespec, or struct timeval with microseconds.
type Pair = [i64; 2];

/// Nanoseconds of a timespec: EINVAL for negative or unnormalised ones.
pub fn read_timespec(address: usize) -> Result<u64, Errno> {
    let [seconds, nanoseconds]: Pair = user::read(address)?;
    if seconds < 0 || !(0..NS_PER_S as i64).contains(&nanoseconds) {
        return Err(EINVAL);
    }
    Ok((seconds as u64)
        .saturating_mul(NS_PER_S)
        .saturating_add(nanoseconds as u64))
}

/// Writes nanoseconds as a timespec.
pub fn write_timespec(address: usize, ns: u64) -> Result<(), Errno> {
    user::write(address, [(ns / NS_PER_S) as i64, (ns % NS_PER_S) as i64])
}

/// The monotonic deadline a timespec of relative time means.
pub fn deadline_after(address: usize) -> Result<u64, Errno> {
    Ok(now_ns().saturating_add(read_timespec(address)?))
}

/// The monotonic deadline a timespec of absolute time means on a clock that shows `clock_ns` now.
pub fn deadline_at(address: usize, clock_ns: u64) -> Result<u64, Errno> {
    Ok(now_ns().saturating_add(read_timespec(address)?.saturating_sub(clock_ns)))
}

/// What a clock shows (clock_gettime(2)).
pub fn clock_ns(clock: i32) -> Result<u64, Errno> {
    match clock {
        CLOCK_REALTIME | CLOCK_REALTIME_COARSE | CLOCK_REALTIME_ALARM | CLOCK_TAI => {
            Ok(realtime_ns())
        }
        CLOCK_MONOTONIC
        | CLOCK_MONOTONIC_RAW
        | CLOCK_MONOTONIC_COARSE
        | CLOCK_BOOTTIME
        | CLOCK_BOOTTIME_ALARM => Ok(now_ns()),
        CLOCK_PROCESS_CPUTIME_ID => Ok(process_cpu_ns(&current().process)),
        CLOCK_THREAD_CPUTIME_ID => Ok(thread_cpu_ns()),
        i32::MIN..0 => processor_clock_ns(clock),
        _ => Err(EINVAL),
    }
}

/// A clock with an id in it (clock_getcpuclockid(3)): its complement, whether it is a thread's, and
/// two bits for the kind, of which 3 is another kind of clock.
fn processor_clock_ns(clock: i32) -> Result<u64, Errno> {
    const OF_THREAD: i32 = 4;
    const OF_DESCRIPTOR: i32 = 3;
    let id = !(clock >> 3) as u32;
    let running = current();
    if clock & OF_DESCRIPTOR == OF_DESCRIPTOR {
        return Err(EINVAL);
    }
    if clock & OF_THREAD == 0 {
        return match id {
            0 => Ok(process_cpu_ns(&running.process)),
            _ => registry::find(id)
                .as_deref()
                .map(process_cpu_ns)
                .ok_or(EINVAL),
        };
    }
    if id == 0 || id == running.tid() {
        return Ok(thread_cpu_ns());
    }
    let thread = scheduler::find(id).filter(|t| Arc::ptr_eq(&t.process, &running.process));
    Ok(thread.ok_or(EINVAL)?.cpu_ns.load(Ordering::Relaxed))
}

/// EOPNOTSUPP for clocks that can be read but not be waited for.
fn require_waiting(clock: i32) -> Result<(), Errno> {
    match clock {
        CLOCK_MONOTONIC_RAW | CLOCK_REALTIME_COARSE | CLOCK_MONOTONIC_COARSE => Err(EOPNOTSUPP),
        _ => Ok(()),
    }
}

fn is_processor_time(clock: i32) -> bool {
    clock < 0 || matches!(clock, CLOCK_PROCESS_CPUTIME_ID | CLOCK_THREAD_CPUTIME_ID)
}

/// Processor time the running thread has used.
pub fn thread_cpu_ns() -> u64 {
    let thread = current();
    let since_ns = thread.running_since_ns.load(Ordering::Relaxed);
    thread.cpu_ns.load(Ordering::Relaxed) + now_ns().saturating_sub(since_ns)
}

/// Processor time every thread of the process has used, those that ended included.
pub fn process_cpu_ns(process: &Process) -> u64 {
    let threads = process.threads.lock();
    let sum: u64 = threads
        .iter()
        .map(|thread| thread.cpu_ns.load(Ordering::Relaxed))
        .sum();
    let ended_ns = process.ended_cpu_ns.load(Ordering::Relaxed);
    let running = current();
    if process.pid != running.process.pid {
        return sum + ended_ns;
    }
    let since_ns = running.running_since_ns.load(Ordering::Relaxed);
    sum + ended_ns + now_ns().saturating_sub(since_ns)
}

syscall! {
    fn sys_clock_gettime(clock: i32, timespec: usize) {
        write_timespec(timespec, clock_ns(clock)?)?;
        Ok(0)
    }

    fn sys_clock_getres(clock: i32, timespec: usize) {
        clock_ns(clock)?;
        if timespec != 0 {
            let resolution_ns = match clock {
                CLOCK_REALTIME_COARSE | CLOCK_MONOTONIC_COARSE => 4_000_000,
                _ => 1,
            };
            write_timespec(timespec, resolution_ns)?;
        }
        Ok(0)
    }

    fn sys_clock_settime(clock: i32, timespec: usize) {
        let ns = read_timespec(timespec)?;
        match clock {
            ..0 => return Err(EPERM), // a processor clock of some process
            CLOCK_REALTIME => permission::require(capability::SYS_TIME)?,
            _ => return Err(EINVAL),
        }
        tsc::set_realtime_ns(ns);
        Ok(0)
    }

    fn sys_gettimeofday(timeval: usize, timezone: usize) {
        let now = realtime_ns();
        if timeval != 0 {
            user::write(timeval, [now / NS_PER_S, now % NS_PER_S / 1000])?;
        }
        if timezone != 0 {
            user::write(timezone, [0u32; 2])?;
        }
        Ok(0)
    }

    fn sys_time(address: usize) {
        let seconds = (realtime_ns() / NS_PER_S) as usize;
        if address != 0 {
            user::write(address, seconds)?;
        }
        Ok(seconds)
    }

    fn sys_nanosleep(request: usize, remaining: usize) {
        sleep_for(request, remaining)
    }

    fn sys_clock_nanosleep(clock: i32, flags: u32, request: usize, remaining: usize) {
        let clock_now_ns = clock_ns(clock)?;
        require_waiting(clock)?;
        if is_processor_time(clock) {
            return Err(EOPNOTSUPP);
        }
        if flags & TIMER_ABSTIME != 0 {
            let is_over = sleep_until(deadline_at(request, clock_now_ns)?);
            return is_over.then_some(0).ok_or(ERESTARTNOHAND);
        }
        sleep_for(request, remaining)
    }

    fn sys_times(buffer: usize) {
        const NS_PER_TICK: u64 = 10_000_000;
        let process = &current().process;
        let cpu_ticks = process_cpu_ns(process) / NS_PER_TICK;
        let children_ticks = process.children_cpu_ns.load(Ordering::Relaxed) / NS_PER_TICK;
        if buffer != 0 {
            user::write(buffer, [cpu_ticks, 0, children_ticks, 0])?;
        }
        Ok((now_ns() / NS_PER_TICK) as usize)
    }

    fn sys_alarm(seconds: u32) {
        let timer = current().process.timers.interval_timer(0)?;
        let at_ns = if seconds == 0 { 0 } else { now_ns() + u64::from(seconds) * NS_PER_S };
        let left_ns = left(timer.set(Schedule { at_ns, interval_ns: 0 }).at_ns);
        let nearest_s = (left_ns + NS_PER_S / 2) / NS_PER_S;
        Ok(nearest_s.max(u64::from(left_ns != 0)) as usize) // 0 would say that none was set
    }

    fn sys_getitimer(which: u32, value: usize) {
        let schedule = current().process.timers.interval_timer(which)?.get();
        write_itimerval(value, schedule)?;
        Ok(0)
    }

    fn sys_setitimer(which: u32, new: usize, old: usize) {
        let schedule = if new == 0 { Schedule::default() } else { read_itimerval(new)? };
        let timer = current().process.timers.interval_timer(which)?;
        let before = timer.set(schedule);
        if old != 0 {
            write_itimerval(old, before)?;
        }
        Ok(0)
    }

    fn sys_timer_create(clock: i32, event: usize, id: usize) {
        let event = if event == 0 { None } else { Some(user::read::<SignalEvent>(event)?) };
        clock_ns(clock)?;
        require_waiting(clock)?;
        let timers = &current().process.timers;
        let timer = timers.add(|id| Ok(SignalTimer::new(clock, notification(event, id)?)))?;
        user::write(id, timer)?;
        Ok(0)
    }

    fn sys_timer_settime(id: u32, flags: u32, new: usize, old: usize) {
        if new == 0 {
            return Err(EINVAL);
        }
        let timer = current().process.timers.get(id)?;
        let before = timer.get();
        let clock = (flags & TIMER_ABSTIME != 0).then_some(timer.clock);
        let schedule = read_itimerspec(new, clock)?;
        timer_queue::reserve()?;
        timer.set(schedule);
        if old != 0 {
            write_itimerspec(old, before)?;
        }
        Ok(0)
    }

    fn sys_timer_gettime(id: u32, value: usize) {
        write_itimerspec(value, current().process.timers.get(id)?.get())?;
        Ok(0)
    }

    fn sys_timer_getoverrun(id: u32) {
        Ok(current().process.timers.get(id)?.overrun() as usize)
    }

    fn sys_timer_delete(id: u32) {
        current().process.timers.remove(id)?;
        Ok(0)
    }
}

fn sleep_for(request: usize, remaining: usize) -> SysResult {
    let deadline_ns = deadline_of_call(deadline_after(request)?);
    if sleep_until(deadline_ns) {
        return Ok(0);
    }
    if remaining != 0 {
        write_timespec(remaining, left(deadline_ns))?;
    }
    Err(keep_deadline(deadline_ns))
}

/// Whether it slept to the end.
fn sleep_until(deadline_ns: u64) -> bool {
    let nothing = WaitQueue::new();
    let outcome = wait_until(&nothing, Some(deadline_ns), || None::<()>);
    outcome != Err(Woken::Interrupted)
}

/// Nanoseconds until a deadline; 0 for one that is past or never.
fn left(at_ns: u64) -> u64 {
    at_ns.saturating_sub(now_ns())
}

fn after(delay_ns: u64) -> u64 {
    if delay_ns == 0 {
        0
    } else {
        now_ns().saturating_add(delay_ns)
    }
}

/// struct itimerval: interval, then value, in seconds and microseconds.
fn read_itimerval(address: usize) -> Result<Schedule, Errno> {
    let [interval, value]: [Pair; 2] = user::read(address)?;
    Ok(Schedule {
        at_ns: after(timeval_ns(value)?),
        interval_ns: timeval_ns(interval)?,
    })
}

fn timeval_ns([seconds, microseconds]: Pair) -> Result<u64, Errno> {
    if seconds < 0 || !(0..1_000_000).contains(&microseconds) {
        return Err(EINVAL);
    }
    Ok((seconds as u64)
        .saturating_mul(NS_PER_S)
        .saturating_add(microseconds as u64 * 1000))
}

fn write_itimerval(address: usize, schedule: Schedule) -> Result<(), Errno> {
    let timeval = |ns: u64| [ns / NS_PER_S, ns % NS_PER_S / 1000];
    user::write(
        address,
        [timeval(schedule.interval_ns), timeval(left(schedule.at_ns))],
    )
}

/// struct itimerspec: interval, then value; absolute on a clock, or relative.
fn read_itimerspec(address: usize, clock: Option<i32>) -> Result<Schedule, Errno> {
    let interval_ns = read_timespec(address)?;
    let value_ns = read_timespec(address + 16)?;
    let at_ns = match clock {
        Some(clock) if value_ns != 0 => deadline_at(address + 16, clock_ns(clock)?)?,
        _ => after(value_ns),
    };
    Ok(Schedule { at_ns, interval_ns })
}

/// struct sigevent's first 24 bytes (sigevent(3type)).
#[repr(C)]
#[derive(Clone, Copy)]
struct SignalEvent {
    value: u64,
    signal: u32,
    notify: u32,
    tid: u32,
    pad: u32,
}

// SAFETY: integers without padding between them.
unsafe impl Plain for SignalEvent {}

/// What timer_create(2) makes of a sigevent; without one it is SIGALRM with the timer's id.
fn notification(event: Option<SignalEvent>, id: u32) -> Result<Notify, Errno> {
    const SIGEV_SIGNAL: u32 = 0;
    const SIGEV_NONE: u32 = 1;
    const SIGEV_THREAD: u32 = 2;
    const SIGEV_THREAD_ID: u32 = 4;
    let Some(event) = event else {
        let info = SignalInfo::of_timer(signal::SIGALRM, id, u64::from(id));
        return Ok(Notify::Process(info));
    };
    if event.notify == SIGEV_NONE {
        return Ok(Notify::Nothing);
    }
    let info = SignalInfo::of_timer(signal::number(event.signal)?, id, event.value);
    match event.notify {
        SIGEV_SIGNAL | SIGEV_THREAD => Ok(Notify::Process(info)), // whose thread is glibc's to make
        SIGEV_THREAD_ID => {
            let thread = scheduler::find(event.tid).ok_or(EINVAL)?;
            let is_own = Arc::ptr_eq(&thread.process, &current().process);
            is_own
                .then_some(Notify::Thread(event.tid, info))
                .ok_or(EINVAL)
        }
        _ => Err(EINVAL),
    }
}

fn write_itimerspec(address: usize, schedule: Schedule) -> Result<(), Errno> {
    write_timespec(address, schedule.interval_ns)?;
    write_timespec(address + 16, left(schedule.at_ns))
}
