//! Job control (signal(7), wait(2)): stopping a process and letting it go on.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::family::Interest;
use super::signal::action::SA_NOCLDSTOP;
use super::signal::{self, SIGCHLD, SIGCONT, SIGHUP, SIGKILL, SignalInfo};
use super::thread::{WORK_EXIT, WORK_SIGNAL};
use super::{Process, WaitStatus, registry, scheduler};
use crate::sync::wait_until_killed_or;

/// A change of a process that its parent can wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    Ended(WaitStatus),
    Stopped(u32),
    Continued,
}

impl Change {
    /// The status word of wait4(2).
    pub fn status(self) -> u32 {
        const STOPPED: u32 = 0x7f;
        const CONTINUED: u32 = 0xffff;
        match self {
            Change::Ended(status) => status.0,
            Change::Stopped(signal) => signal << 8 | STOPPED,
            Change::Continued => CONTINUED,
        }
    }

    /// si_code and si_status (sigaction(2), waitid(2)).
    pub fn code_and_status(self) -> (i32, u32) {
        const CLD_EXITED: i32 = 1;
        const CLD_KILLED: i32 = 2;
        const CLD_STOPPED: i32 = 5;
        const CLD_CONTINUED: i32 = 6;
        match self {
            Change::Ended(status) if status.signal() == 0 => (CLD_EXITED, status.code()),
            Change::Ended(status) => (CLD_KILLED, status.signal()),
            Change::Stopped(signal) => (CLD_STOPPED, signal),
            Change::Continued => (CLD_CONTINUED, SIGCONT),
        }
    }

    /// What the parent of `child` is sent.
    pub fn signal_info(self, child: &Process, signal: u32) -> SignalInfo {
        let (code, status) = self.code_and_status();
        SignalInfo {
            code,
            words: [
                SignalInfo::from_process(child, signal).words[0],
                u64::from(status),
                0,
            ],
            ..SignalInfo::from_kernel(signal)
        }
    }
}

/// Whether a process is stopped, and what of it the parent has not heard yet.
#[derive(Default)]
pub struct Stop {
    stopped_by: Option<u32>,
    unreported: Option<Change>,
}

impl Stop {
    pub fn is_stopped(&self) -> bool {
        self.stopped_by.is_some()
    }

    /// What wait(2) tells, once unless told to keep it.
    pub fn take_unreported(&mut self, interest: Interest) -> Option<Change> {
        let change = self.unreported.filter(|change| match change {
            Change::Stopped(_) => interest.stopped,
            _ => interest.continued,
        })?;
        if !interest.keeps {
            self.unreported = None;
        }
        Some(change)
    }
}

/// The default action of SIGSTOP and its kin: every thread stops on its way to the application.
pub fn stop(process: &Arc<Process>, signal: u32) {
    let mut state = process.stop.lock();
    if state.is_stopped() {
        return;
    }
    state.stopped_by = Some(signal);
    state.unreported = Some(Change::Stopped(signal));
    drop(state);
    for thread in process.threads.lock().iter() {
        thread.add_work(WORK_SIGNAL);
        scheduler::wake(thread.clone());
    }
    tell_parent(process, Change::Stopped(signal));
}

/// SIGCONT or SIGKILL was sent: a stopped process goes on, whatever it does about the signal.
pub fn go_on(process: &Process, signal: u32) {
    let mut state = process.stop.lock();
    if state.stopped_by.take().is_none() {
        return;
    }
    state.unreported = (signal != SIGKILL).then_some(Change::Continued);
    drop(state);
    process.changed.wake_all();
    if signal != SIGKILL {
        tell_parent(process, Change::Continued);
    }
}

fn tell_parent(process: &Process, change: Change) {
    let Some(parent) = process.family.lock().parent.upgrade() else {
        return;
    };
    if parent.signals.action(SIGCHLD).flags & SA_NOCLDSTOP == 0 {
        signal::send_to_process(&parent, change.signal_info(process, SIGCHLD));
    }
    parent.changed.wake_all();
}

/// True when nobody outside of a group would let its stopped members go on: the parent of each is
/// in the group too, or of another session (POSIX 3.264 Orphaned Process Group).
pub fn is_orphaned(group: u32) -> bool {
    !members(group).iter().any(|member| is_tied(member))
}

fn members(group: u32) -> Vec<Arc<Process>> {
    let mut members = registry::all();
    members.retain(|process| !process.is_zombie() && process.family.lock().group == group);
    members
}

/// True when its parent is of another group of its session.
pub fn is_tied(process: &Process) -> bool {
    let [_, group, session] = process.ids();
    let parent = process.family.lock().parent.upgrade();
    parent.is_some_and(|parent| {
        let [_, others, theirs] = parent.ids();
        theirs == session && others != group
    })
}

/// The last tie of a group may have gone: if so, and some of it are stopped, it hears of it and
/// goes on (_exit(2) § Orphans).
pub fn hang_up_if_orphaned(group: u32) {
    let members = members(group);
    if is_orphaned(group) && members.iter().any(|member| member.stop.lock().is_stopped()) {
        for member in members {
            signal::send_to_process(&member, SignalInfo::from_kernel(SIGHUP));
            signal::send_to_process(&member, SignalInfo::from_kernel(SIGCONT));
        }
    }
}

/// Keeps the running thread here while its process is stopped.
pub fn park() {
    let thread = scheduler::current();
    let process = &thread.process;
    while process.stop.lock().is_stopped() && !thread.has_work(WORK_EXIT) {
        wait_until_killed_or(&process.changed, || {
            (!process.stop.lock().is_stopped()).then_some(())
        });
    }
}
