//! How threads are to be scheduled: sched_setscheduler(2), setpriority(2) and what asks for it.
//!
//! Policies without priorities and nice values are kept and told, and change nothing: all threads
//! take turns alike. Real-time policies are refused.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::thread::thread_of;
use super::time::write_timespec;
use crate::errno::{EACCES, EINVAL, EPERM, ESRCH, Errno};
use crate::fs::permission;
use crate::mm::user;
use crate::process::capability;
use crate::process::{Process, Thread, current, registry, scheduler};
use crate::syscall;

const SCHED_IDLE: u32 = 5;
const LEAST_NICE: i32 = -20;
const MOST_NICE: i32 = 19;

syscall! {
    fn sys_sched_getscheduler(tid: i32) {
        scheduled(tid).map(|thread| thread.policy.load(Ordering::Relaxed) as usize)
    }

    fn sys_sched_getparam(tid: i32, parameter: usize) {
        require_parameter(parameter)?;
        scheduled(tid)?;
        user::write(parameter, 0u32)?;
        Ok(0)
    }

    fn sys_sched_setscheduler(tid: i32, policy: u32, parameter: usize) {
        require_parameter(parameter)?;
        let priority: u32 = user::read(parameter)?;
        let thread = scheduled(tid)?;
        require_no_priority(policy, priority)?;
        require_own(&thread)?;
        let is_promoted = policy != SCHED_IDLE && thread.policy.load(Ordering::Relaxed) == SCHED_IDLE;
        if is_promoted && !permission::has(capability::SYS_NICE) {
            return Err(EPERM);
        }
        thread.policy.store(policy, Ordering::Relaxed);
        Ok(0)
    }

    fn sys_sched_setparam(tid: i32, parameter: usize) {
        require_parameter(parameter)?;
        let priority: u32 = user::read(parameter)?;
        let thread = scheduled(tid)?;
        require_no_priority(0, priority)?;
        require_own(&thread)?;
        Ok(0)
    }

    fn sys_sched_get_priority_max(policy: u32) {
        priority_range(policy).map(|(_, highest)| highest)
    }

    fn sys_sched_get_priority_min(policy: u32) {
        priority_range(policy).map(|(lowest, _)| lowest)
    }

    fn sys_sched_rr_get_interval(tid: i32, interval: usize) {
        scheduled(tid)?;
        write_timespec(interval, scheduler::slice_ns())?;
        Ok(0)
    }

    /// The raw call returns 20 - nice (getpriority(2) NOTES), of several the highest.
    fn sys_getpriority(which: u32, who: i32) {
        let threads = prioritised(which, who)?;
        let nice = threads.iter().map(|thread| thread.nice.load(Ordering::Relaxed)).min();
        nice.map(|nice| (20 - nice) as usize).ok_or(ESRCH)
    }

    fn sys_setpriority(which: u32, who: i32, nice: i32) {
        let nice = nice.clamp(LEAST_NICE, MOST_NICE);
        let threads = prioritised(which, who)?;
        for thread in &threads {
            require_may_set(thread, nice)?;
            thread.nice.store(nice, Ordering::Relaxed);
        }
        if threads.is_empty() { Err(ESRCH) } else { Ok(0) }
    }
}

/// A thread of a sched_*(2) call; a negative id is EINVAL.
fn scheduled(tid: i32) -> Result<Arc<Thread>, Errno> {
    thread_of(u32::try_from(tid).map_err(|_| EINVAL)?)
}

/// Linux looks for a missing structure before it tries to read it.
fn require_parameter(address: usize) -> Result<(), Errno> {
    if address == 0 { Err(EINVAL) } else { Ok(()) }
}

/// SCHED_OTHER, SCHED_BATCH and SCHED_IDLE have no priorities; real-time policies are refused.
fn require_no_priority(policy: u32, priority: u32) -> Result<(), Errno> {
    match policy {
        0 | 3 | SCHED_IDLE if priority == 0 => Ok(()),
        1 | 2 if (1..=99).contains(&priority) => Err(EPERM),
        _ => Err(EINVAL),
    }
}

fn priority_range(policy: u32) -> Result<(usize, usize), Errno> {
    match policy {
        1 | 2 => Ok((1, 99)),
        0 | 3 | SCHED_IDLE | 6 => Ok((0, 0)),
        _ => Err(EINVAL),
    }
}

/// Whom setpriority(2) means: a thread, or all of a group's or a user's processes.
fn prioritised(which: u32, who: i32) -> Result<Vec<Arc<Thread>>, Errno> {
    const PRIO_PROCESS: u32 = 0;
    const PRIO_PGRP: u32 = 1;
    const PRIO_USER: u32 = 2;
    let own = &current().process;
    let group = if who == 0 {
        own.family.lock().group
    } else {
        who as u32
    };
    let user = if who == 0 {
        own.credentials.lock().uid
    } else {
        who as u32
    };
    match which {
        PRIO_PROCESS if who < 0 => Err(ESRCH),
        PRIO_PROCESS => thread_of(who as u32).map(|thread| alloc::vec![thread]),
        PRIO_PGRP => Ok(threads_of(&|process| process.family.lock().group == group)),
        PRIO_USER => Ok(threads_of(&|process| {
            process.credentials.lock().uid == user
        })),
        _ => Err(EINVAL),
    }
}

fn threads_of(is_meant: &dyn Fn(&Process) -> bool) -> Vec<Arc<Thread>> {
    let mut threads = Vec::new();
    for process in registry::all() {
        if is_meant(&process) {
            threads.extend(process.threads.lock().iter().cloned());
        }
    }
    threads
}

/// setpriority(2): one's own processes only, and without privilege only to be nicer.
fn require_may_set(thread: &Thread, nice: i32) -> Result<(), Errno> {
    require_own(thread)?;
    let is_nicer = nice >= thread.nice.load(Ordering::Relaxed);
    (is_nicer || permission::has(capability::SYS_NICE))
        .then_some(())
        .ok_or(EACCES)
}

/// EPERM for threads of other users, but for who has CAP_SYS_NICE.
pub fn require_own(thread: &Thread) -> Result<(), Errno> {
    let euid = current().process.credentials.lock().euid;
    let is_own = {
        let theirs = thread.process.credentials.lock();
        euid == theirs.uid || euid == theirs.euid
    };
    (is_own || permission::has(capability::SYS_NICE))
        .then_some(())
        .ok_or(EPERM)
}
