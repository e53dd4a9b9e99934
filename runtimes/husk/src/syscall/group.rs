//! Process groups and sessions (credentials(7)): getppid(2), getpgid(2), setpgid(2), getsid(2),
//! setsid(2). Of controlling terminals only pseudo-terminals know.

use alloc::sync::Arc;

use crate::errno::{EACCES, EINVAL, EPERM, ESRCH, Errno};
use crate::process::identity::may_inspect;
use crate::process::{Credentials, Process, current, family, registry};
use crate::syscall;

syscall! {
    fn sys_getppid() { Ok(family::parent_id(&current().process) as usize) }
    fn sys_getpgrp() { Ok(current().process.family.lock().group as usize) }

    fn sys_getpgid(pid: i32) {
        Ok(by_id(pid)?.family.lock().group as usize)
    }

    fn sys_getsid(pid: i32) {
        Ok(by_id(pid)?.family.lock().session as usize)
    }

    fn sys_setpgid(pid: i32, group: i32) {
        if group < 0 || pid < 0 && group == 0 {
            return Err(EINVAL);
        }
        let process = by_id(pid)?;
        if pid != 0 && pid as u32 != process.pid {
            return Err(EINVAL); // a thread's
        }
        require_own_or_child(&process)?;
        let group = if group == 0 { process.pid } else { group as u32 };
        let session = process.family.lock().session;
        let is_leader = session == process.pid;
        if is_leader || group != process.pid && !has_group(session, group) {
            return Err(EPERM);
        }
        process.family.lock().group = group;
        Ok(0)
    }

    fn sys_setsid() {
        let process = &current().process;
        let is_leader = |other: &Arc<Process>| other.family.lock().group == process.pid;
        if registry::all().iter().any(is_leader) {
            return Err(EPERM);
        }
        let mut family = process.family.lock();
        family.group = process.pid;
        family.session = process.pid;
        Ok(process.pid as usize)
    }
}

/// A process by its id or a thread's, 0 for the running one.
pub fn by_id(pid: i32) -> Result<Arc<Process>, Errno> {
    if pid == 0 {
        return Ok(current().process.clone());
    }
    let pid = u32::try_from(pid).map_err(|_| ESRCH)?;
    registry::find_by_thread(pid).ok_or(ESRCH)
}

/// EPERM for who may not look into a process.
pub fn require_inspection(process: &Process) -> Result<(), Errno> {
    may_inspect(process, Credentials::real)
        .then_some(())
        .ok_or(EPERM)
}

/// ESRCH for anybody but the caller and its children; children that have begun another program
/// (EACCES) or are of another session (EPERM) are past it.
fn require_own_or_child(process: &Arc<Process>) -> Result<(), Errno> {
    let own = &current().process;
    if Arc::ptr_eq(process, own) {
        return Ok(());
    }
    let session = own.family.lock().session;
    let theirs = process.family.lock();
    let parent = theirs.parent.upgrade().ok_or(ESRCH)?;
    match () {
        () if !Arc::ptr_eq(&parent, own) => Err(ESRCH),
        () if theirs.session != session => Err(EPERM),
        () if theirs.has_executed => Err(EACCES),
        () => Ok(()),
    }
}

fn has_group(session: u32, group: u32) -> bool {
    registry::all().iter().any(|process| {
        let family = process.family.lock();
        (family.session, family.group) == (session, group)
    })
}
