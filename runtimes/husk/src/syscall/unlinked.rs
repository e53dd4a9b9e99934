//! What is not linked: ENOSYS, and the call named once on the console.

use core::ffi::{CStr, c_char};

use crate::errno::ENOSYS;
use crate::process::current;
use crate::sync::SpinLock;
use crate::{event, klog, syscall};

unsafe extern "C" {
    static husk_syscall_count: u64;
    /// `husk_syscall_count` names one after the other; empty where there is no such call.
    static husk_syscall_names: c_char;
}

const TRACKED: usize = 512;
static NAMED: SpinLock<[u64; TRACKED / 64]> = SpinLock::new([0; TRACKED / 64]);

syscall! {
    fn sys_not_implemented() {
        let number = current().frame().vector;
        if is_first(number) {
            match name(number) {
                Some(name) => {
                    klog!("system call {name} ({number}) is not in this image: ENOSYS; convert --keep-syscall {name} links it, if husk has it");
                    event!("enosys {name}");
                }
                None => {
                    klog!("there is no system call {number}: ENOSYS");
                    event!("enosys {number}");
                }
            }
        }
        Err(ENOSYS)
    }
}

fn is_first(number: usize) -> bool {
    let mut named = NAMED.lock();
    let Some(word) = named.get_mut(number / 64) else {
        return false;
    };
    let bit = 1 << (number % 64);
    let is_first = *word & bit == 0;
    *word |= bit;
    is_first
}

/// A system call's name as the converter linked it.
pub fn name(number: usize) -> Option<&'static str> {
    // SAFETY: the converter writes as many names as it says, each NUL-terminated.
    unsafe {
        if number as u64 >= husk_syscall_count {
            return None;
        }
        let mut name = CStr::from_ptr(&raw const husk_syscall_names);
        for _ in 0..number {
            name = CStr::from_ptr(name.as_ptr().add(name.count_bytes() + 1));
        }
        name.to_str().ok().filter(|name| !name.is_empty())
    }
}
