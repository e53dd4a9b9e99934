//! New processes (fork(2), vfork(2), clone(2) without CLONE_THREAD): memory copied on write, or
//! shared; everything else copied.
//!
//! Linked only where the converter names `husk_start_process`. Not here: namespaces.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use super::clone::{
    CLONE_CHILD_SETTID, CLONE_CLEAR_SIGHAND, CLONE_FILES, CLONE_FS, CLONE_PARENT, CLONE_PIDFD,
    CLONE_SIGHAND, CLONE_THREAD, CLONE_VFORK, CLONE_VM, CloneRequest, new_thread, tell_parent,
};
use super::{Family, Parts, Process, clone, family, pidfd, scheduler};
use crate::errno::{EFAULT, ENOSYS, EPERM, Errno, SysResult};
use crate::mm::user;
use crate::sync::wait_until_killed_or;

/// CLONE_NEW*: CAP_SYS_ADMIN in a container's user namespace is not given (capabilities(7)).
const NAMESPACES: u64 = 0x7e02_0080;

/// What `clone` calls where processes are linked.
// SAFETY: the one definition of the name.
#[unsafe(no_mangle)]
pub extern "C" fn husk_start_process(request: &CloneRequest) -> isize {
    crate::syscall::into_register(start(request))
}

fn start(request: &CloneRequest) -> SysResult {
    check(request)?;
    let parent = &scheduler::current().process;
    let child = Process::new(parts(parent, request)?);
    let thread = new_thread(&child, child.pid, request)?;
    tell_ids(request, &child)?;
    child.threads.lock().push(thread.clone());
    let is_siblings = request.flags & CLONE_PARENT != 0;
    let relative = is_siblings.then(|| parent.family.lock().parent.upgrade());
    family::adopt(relative.flatten().as_ref().unwrap_or(parent), child.clone());
    let must_wait = request.flags & CLONE_VFORK != 0;
    child.borrows_space.store(must_wait, Ordering::Release);
    scheduler::start(thread);
    if must_wait {
        let has_left = || (!child.borrows_space.load(Ordering::Acquire)).then_some(());
        wait_until_killed_or(&child.changed, has_left);
    }
    Ok(child.pid as usize)
}

fn check(request: &CloneRequest) -> Result<(), Errno> {
    if request.flags & NAMESPACES != 0 {
        return Err(EPERM);
    }
    if request.flags & CLONE_THREAD != 0 {
        return Err(ENOSYS);
    }
    Ok(())
}

/// What is shared is the parent's own, everything else a copy.
fn parts(parent: &Arc<Process>, request: &CloneRequest) -> Result<Parts, Errno> {
    let shares = |flag| request.flags & flag != 0;
    let space = parent.space();
    let space = match shares(CLONE_VM) {
        true => space,
        false => Arc::new(space.duplicate()?),
    };
    let files = match shares(CLONE_FILES) {
        true => parent.files(),
        false => Arc::new(parent.files().duplicate()?),
    };
    let paths = match shares(CLONE_FS) {
        true => parent.paths.clone(),
        false => Arc::new(parent.paths.duplicate()),
    };
    let signals = match shares(CLONE_SIGHAND) {
        true => parent.signals.shared(),
        false => parent.signals.inherited(),
    };
    if shares(CLONE_CLEAR_SIGHAND) {
        signals.reset_handlers();
    }
    let relative = match shares(CLONE_PARENT) {
        true => parent.family.lock().parent.upgrade(),
        false => None,
    };
    let exit_signal = match shares(CLONE_PARENT) {
        true => parent.family.lock().exit_signal, // a sibling ends as its maker does (clone(2))
        false => request.exit_signal,
    };
    let family = Family::of_child(relative.as_ref().unwrap_or(parent), exit_signal);
    Ok(Parts {
        space,
        files,
        paths,
        credentials: parent.credentials.lock().clone(),
        limits: parent.limits.lock().clone(),
        signals,
        program: parent.program.lock().clone(),
        family: Some(family),
        oom_score: *parent.oom_score.lock(),
    })
}

/// CLONE_PARENT_SETTID and CLONE_PIDFD in the parent's memory, CLONE_CHILD_SETTID in the child's.
fn tell_ids(request: &CloneRequest, child: &Arc<Process>) -> Result<(), Errno> {
    tell_parent(request, child.pid);
    if request.flags & CLONE_CHILD_SETTID != 0 {
        let bytes = child.pid.to_ne_bytes();
        let _ = child.space().write_bytes(request.child_tid, &bytes); // as `tell_parent`
    }
    if request.flags & CLONE_PIDFD != 0 {
        let fd = pidfd::install(child, 0)?;
        if user::write(request.pidfd, fd as u32).is_err() {
            // In a table that the child shares it would keep the child, and the child the table.
            scheduler::current().process.files().close(fd)?;
            return Err(EFAULT);
        }
    }
    Ok(())
}

/// fork(2) and vfork(2) as clone(2) has them.
pub fn as_clone(flags: u64) -> SysResult {
    clone::start(&CloneRequest {
        flags,
        exit_signal: crate::process::signal::SIGCHLD,
        ..CloneRequest::default()
    })
}
