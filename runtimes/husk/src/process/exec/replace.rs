//! Replacing the running program by another (execve(2)): everything that can fail happens before
//! anything of the old program is given up.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::busy;
use super::script::{self, Words};
use super::{Command, Loaded};
use crate::arch::context::ExtendedState;
use crate::errno::{EACCES, Errno, SysResult};
use crate::fs::node::{NodeRef, S_IFREG};
use crate::fs::{FileRef, FileTable, permission};
use crate::mm::space::AddressSpace;
use crate::process::launch::{command_name, first_frame};
use crate::process::limits::RLIMIT_STACK;
use crate::process::signal::pending::AlternateStack;
use crate::process::thread::WORK_FULL_RESTORE;
use crate::process::{Process, current, exit, scheduler};

/// What execve(2) is given: the file and the name it was found by.
pub struct Request {
    pub node: NodeRef,
    pub name: Vec<u8>,
    pub arguments: Vec<Vec<u8>>,
    pub environment: Vec<Vec<u8>>,
}

/// Makes the running thread go on as the first of the new program.
pub fn replace(request: Request) -> SysResult {
    require_executable(&request.node)?;
    let words = script::resolve(Words {
        node: request.node,
        name: request.name,
        arguments: request.arguments,
    })?;
    busy::require_not_written(&words.node)?;
    let process = &current().process;
    let space = Arc::new(AddressSpace::new()?);
    let files = own_files(process)?;
    let executable = words.node.absolute_path();
    let file: FileRef = words.node.clone();
    let credentials = process.credentials.lock().clone();
    let loaded = super::load(
        &space,
        &Command {
            file: &file,
            executable: &executable,
            name: &words.name,
            arguments: &words.arguments,
            environment: &request.environment,
            credentials: &credentials,
        },
    )?;
    let extended = ExtendedState::initial()?;
    exit::end_other_threads();
    exit::release_joiners(current()); // as long as the memory they are in is there
    scheduler::rename_current(process.pid);
    process.replace_space(space);
    let stack_limit = process.limits.lock().soft[RLIMIT_STACK];
    process.space().set_stack_limit(stack_limit as usize);
    process.space().activate();
    process.replace_files(files);
    forget_old_program();
    become_first_thread(&extended, &loaded, &words.name);
    *process.program.lock() = loaded.program;
    process.changed.wake_all();
    Ok(0)
}

/// EACCES for what is no regular file, or has no execute permission at all.
pub fn require_executable(node: &NodeRef) -> Result<(), Errno> {
    const ANYBODY: u32 = 0o111;
    let permissions = node.attributes.lock().permissions;
    let is_executable = node.file_type() == S_IFREG && permissions & ANYBODY != 0;
    is_executable.then_some(()).ok_or(EACCES)?;
    permission::check(node, permission::EXECUTE)
}

/// The table of descriptors, copied if another process shares it.
fn own_files(process: &Process) -> Result<Arc<FileTable>, Errno> {
    let files = process.files();
    match Arc::strong_count(&files) {
        0..=IN_PROCESS_AND_HERE => Ok(files),
        _ => Ok(Arc::new(files.duplicate()?)),
    }
}

const IN_PROCESS_AND_HERE: usize = 2;

/// execve(2): descriptors marked so are closed, handlers and timers are gone.
fn forget_old_program() {
    let process = &current().process;
    process.files().close_on_exec();
    process.signals.unshare();
    process.signals.reset_handlers();
    process.timers.clear_created();
    process.family.lock().has_executed = true;
    let mut ids = process.credentials.lock();
    (ids.suid, ids.sgid) = (ids.euid, ids.egid);
    ids.keeps_capabilities = false;
    ids.is_private = false;
    let [real, effective, _] = ids.user_ids();
    ids.capabilities.execute(real, effective);
}

/// Registers and what the kernel keeps per thread are as at a program's first instruction.
fn become_first_thread(extended: &ExtendedState, loaded: &Loaded, name: &[u8]) {
    let thread = current();
    for address in [
        &thread.fs_base,
        &thread.clear_child_tid,
        &thread.robust_list,
    ] {
        address.store(0, Ordering::Relaxed);
    }
    thread.set_thread_pointer(0);
    thread.signals.lock().alternate_stack = AlternateStack::default();
    *thread.name.lock() = command_name(name);
    extended.restore();
    *thread.frame() = first_frame(loaded);
    thread.add_work(WORK_FULL_RESTORE);
}
