//! Parents and children (wait(2), credentials(7)): who is whose child, who is told of an end, and
//! who takes over the children of one that ended.
//!
//! Nothing of this is in an image that links no fork(2): `exit` calls it through a hook that the
//! first child sets.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::signal::action::{SA_NOCLDWAIT, SIG_IGN};
use super::signal::{self, SIGCHLD, SignalInfo};
use super::stop::{self, Change};
use super::{Process, WaitStatus, exit, registry, scheduler};
use crate::errno::{ECHILD, Errno};

/// A process's relatives.
#[derive(Default)]
pub struct Family {
    pub parent: Weak<Process>,
    /// Until they have been waited for.
    pub children: Vec<Arc<Process>>,
    pub group: u32,
    pub session: u32,
    /// What the parent is sent at the end; 0 is nothing (clone(2)).
    pub exit_signal: u32,
    /// execve(2) succeeded since fork(2): setpgid(2) by the parent comes too late then.
    pub has_executed: bool,
    /// PR_SET_PDEATHSIG: what the process is sent when its parent ends.
    pub parent_death_signal: u32,
    /// PR_SET_CHILD_SUBREAPER.
    pub is_subreaper: bool,
}

impl Family {
    /// Of the first process: it leads a group and a session, as PID 1 of a container does.
    pub fn leader(pid: u32) -> Family {
        Family {
            group: pid,
            session: pid,
            ..Family::default()
        }
    }

    /// Of a child of `parent`: the same group and session.
    pub fn of_child(parent: &Arc<Process>, exit_signal: u32) -> Family {
        let theirs = parent.family.lock();
        Family {
            parent: Arc::downgrade(parent),
            group: theirs.group,
            session: theirs.session,
            exit_signal,
            ..Family::default()
        }
    }
}

/// The parent's id as getppid(2) tells it: 0 when there is none.
pub fn parent_id(process: &Process) -> u32 {
    let parent = process.family.lock().parent.upgrade();
    parent.map_or(0, |parent| parent.pid)
}

/// Which children wait(2) waits for.
#[derive(Clone, Copy)]
pub enum Which {
    Any,
    Process(u32),
    Group(u32),
}

impl Which {
    fn is(self, child: &Process) -> bool {
        match self {
            Which::Any => true,
            Which::Process(pid) => child.pid == pid,
            Which::Group(group) => child.family.lock().group == group,
        }
    }
}

/// Which changes wait(2) waits for, and which children by their exit signal.
#[derive(Clone, Copy)]
pub struct Interest {
    pub which: Which,
    pub ended: bool,
    pub stopped: bool,
    pub continued: bool,
    /// WNOWAIT: leave the child to be waited for again.
    pub keeps: bool,
    /// __WCLONE or not, unless __WALL.
    pub clones: Option<bool>,
}

/// What became of a child.
pub struct Report {
    pub pid: u32,
    pub uid: u32,
    pub change: Change,
    /// Of the child and the children it waited for.
    pub cpu_ns: u64,
}

/// Takes a change of a child of the running process; None while there is none, ECHILD when no
/// child could have one.
pub fn take_change(interest: Interest) -> Result<Option<Report>, Errno> {
    let process = &scheduler::current().process;
    let mut family = process.family.lock();
    let candidates: Vec<Arc<Process>> = family
        .children
        .iter()
        .filter(|child| is_meant(child, interest))
        .cloned()
        .collect();
    if candidates.is_empty() {
        return Err(ECHILD);
    }
    let found = candidates
        .iter()
        .find_map(|child| Some((child, change_of(child, interest)?)));
    let Some((child, change)) = found else {
        return Ok(None);
    };
    let report = report(child, change);
    if matches!(change, Change::Ended(_)) && !interest.keeps {
        family.children.retain(|other| !Arc::ptr_eq(other, child));
        registry::remove(child.pid);
        process
            .children_cpu_ns
            .fetch_add(report.cpu_ns, Ordering::Relaxed);
    }
    drop(family);
    Ok(Some(report))
}

fn is_meant(child: &Process, interest: Interest) -> bool {
    let is_clone = child.family.lock().exit_signal != SIGCHLD;
    interest.which.is(child) && interest.clones.is_none_or(|clones| clones == is_clone)
}

fn change_of(child: &Process, interest: Interest) -> Option<Change> {
    if interest.ended && child.is_zombie() {
        return Some(Change::Ended(child.wait_status()));
    }
    child.stop.lock().take_unreported(interest)
}

fn report(child: &Process, change: Change) -> Report {
    let own_ns = child.ended_cpu_ns.load(Ordering::Relaxed);
    Report {
        pid: child.pid,
        uid: child.credentials.lock().uid,
        change,
        cpu_ns: own_ns + child.children_cpu_ns.load(Ordering::Relaxed),
    }
}

/// Makes `child` known as one of `parent`'s.
pub fn adopt(parent: &Arc<Process>, child: Arc<Process>) {
    exit::ENDED.set(ended);
    parent.family.lock().children.push(child);
}

/// The last thread of a process has ended.
fn ended(process: &Arc<Process>) {
    if registry::init().is_some_and(|init| Arc::ptr_eq(&init, process)) {
        kill_all_but(process);
    }
    hand_over_children(process);
    if stop::is_tied(process) {
        let [_, group, _] = process.ids();
        stop::hang_up_if_orphaned(group);
    }
    let Some(parent) = process.family.lock().parent.upgrade() else {
        return registry::remove(process.pid);
    };
    tell_parent(&parent, process);
}

/// As the end of PID 1 ends a container (pid_namespaces(7)).
fn kill_all_but(init: &Arc<Process>) {
    for other in registry::all() {
        if !Arc::ptr_eq(&other, init) {
            exit::begin(&other, WaitStatus::KILLED);
        }
    }
}

/// To the nearest ancestor that asked for orphans, else to the first process.
fn hand_over_children(process: &Arc<Process>) {
    let children = core::mem::take(&mut process.family.lock().children);
    if children.is_empty() {
        return;
    }
    let heir = heir_of(process);
    for child in children {
        let was_tied = stop::is_tied(&child);
        let mut family = child.family.lock();
        family.parent = heir.as_ref().map(Arc::downgrade).unwrap_or_default();
        family.exit_signal = SIGCHLD; // the heir did not choose it (Linux reparent_leader)
        let (death_signal, group) = (family.parent_death_signal, family.group);
        drop(family);
        if was_tied {
            stop::hang_up_if_orphaned(group);
        }
        if death_signal != 0 {
            signal::send_to_process(&child, SignalInfo::from_process(process, death_signal));
        }
        let Some(heir) = &heir else { continue };
        heir.family.lock().children.push(child.clone());
        if child.is_zombie() {
            tell_parent(heir, &child);
        }
    }
}

fn heir_of(process: &Process) -> Option<Arc<Process>> {
    let mut ancestor = process.family.lock().parent.upgrade();
    while let Some(candidate) = ancestor {
        if candidate.family.lock().is_subreaper && !candidate.is_zombie() {
            return Some(candidate);
        }
        ancestor = candidate.family.lock().parent.upgrade();
    }
    registry::init().filter(|init| !init.is_zombie())
}

/// SIGCHLD, or the end of the zombie at once where the parent does not want to know.
fn tell_parent(parent: &Arc<Process>, child: &Arc<Process>) {
    let exit_signal = child.family.lock().exit_signal;
    let action = parent.signals.action(SIGCHLD);
    let is_ignored = exit_signal == SIGCHLD && action.handler == SIG_IGN;
    if is_ignored || exit_signal == SIGCHLD && action.flags & SA_NOCLDWAIT != 0 {
        let mut family = parent.family.lock();
        family.children.retain(|other| !Arc::ptr_eq(other, child));
        registry::remove(child.pid);
    }
    let is_signal = signal::number(exit_signal).is_ok(); // clone(2) takes 0, and what is none
    if is_signal && !is_ignored {
        let change = Change::Ended(child.wait_status());
        signal::send_to_process(parent, change.signal_info(child, exit_signal));
    }
    parent.changed.wake_all();
}
