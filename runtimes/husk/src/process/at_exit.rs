//! What parts of the kernel that may not be in the image want done when a process ends. They add
//! themselves when they are first used, so that nothing here names them.

use alloc::vec::Vec;

use crate::sync::SpinLock;

/// Is given the pid.
pub type AtExit = fn(u32);

static ALL: SpinLock<Vec<AtExit>> = SpinLock::new(Vec::new());

/// From now on `action` is called for every process that ends; adding it again changes nothing.
pub fn add(action: AtExit) {
    let mut all = ALL.lock();
    if !all
        .iter()
        .any(|other| core::ptr::fn_addr_eq(*other, action))
    {
        all.push(action);
    }
}

/// The process with that pid has ended.
pub fn run(pid: u32) {
    let all = ALL.lock().clone();
    all.into_iter().for_each(|action| action(pid));
}
