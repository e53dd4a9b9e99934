//! What is not linked: ENOSYS, and the call named once on the console.

use crate::boot::rootfs::between;
use crate::errno::ENOSYS;
use crate::names::{self, Name};
use crate::process::current;
use crate::sync::SpinLock;
use crate::{event, klog, syscall};

unsafe extern "C" {
    /// Packed, by number; empty where there is no such call.
    static husk_syscall_names: u8;
    static husk_syscall_names_end: u8;
}

const TRACKED: usize = 512;
static NAMED: SpinLock<[u64; TRACKED / 64]> = SpinLock::new([0; TRACKED / 64]);

syscall! {
    fn sys_not_implemented() {
        let number = current().frame().vector;
        if is_first(number) {
            match name(number) {
                Some(name) => {
                    let name = name.bytes().escape_ascii();
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
fn name(number: usize) -> Option<Name> {
    let (start, end) = (
        &raw const husk_syscall_names,
        &raw const husk_syscall_names_end,
    );
    // SAFETY: both symbols bound one read-only section of the image.
    let packed = unsafe { between(start, end) };
    names::nth(packed, number).filter(|name| !name.bytes().is_empty())
}
