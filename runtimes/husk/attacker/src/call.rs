//! System calls by number, told step by step.

use core::arch::asm;

use crate::report;

/// Linux's numbers for x86-64.
pub mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const OPEN: usize = 2;
    pub const CLOSE: usize = 3;
    pub const MMAP: usize = 9;
    pub const MPROTECT: usize = 10;
    pub const PREAD64: usize = 17;
    pub const PWRITE64: usize = 18;
    pub const NANOSLEEP: usize = 35;
    pub const SOCKET: usize = 41;
    pub const CONNECT: usize = 42;
    pub const BIND: usize = 49;
    pub const LISTEN: usize = 50;
    pub const CLONE: usize = 56;
    pub const FORK: usize = 57;
    pub const EXECVE: usize = 59;
    pub const EXIT: usize = 60;
    pub const WAIT4: usize = 61;
    pub const KILL: usize = 62;
    pub const PTRACE: usize = 101;
    pub const SETUID: usize = 105;
    pub const SETRESUID: usize = 117;
    pub const MOUNT: usize = 165;
    pub const INIT_MODULE: usize = 175;
    pub const CLOCK_NANOSLEEP: usize = 230;
    pub const EXIT_GROUP: usize = 231;
    pub const OPENAT: usize = 257;
    pub const FINIT_MODULE: usize = 313;
    pub const MEMFD_CREATE: usize = 319;
    pub const EXECVEAT: usize = 322;
}

pub const ENOSYS: isize = -38;

/// Without a word; -errno where it failed.
pub fn quietly(number: usize, arguments: &[usize]) -> isize {
    let mut all = [0; 6];
    all.iter_mut()
        .zip(arguments)
        .for_each(|(to, from)| *to = *from);
    let returned: isize;
    // SAFETY: what a call does to memory is what its caller asks for.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => returned,
            in("rdi") all[0], in("rsi") all[1], in("rdx") all[2],
            in("r10") all[3], in("r8") all[4], in("r9") all[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    returned
}

/// A call and what it is about; what it returned where that is no error.
pub fn told(name: &str, subject: &[u8], number: usize, arguments: &[usize]) -> Option<usize> {
    report::trying(name, subject);
    let returned = quietly(number, arguments);
    report::got(returned);
    returned.try_into().ok()
}

/// The first of several ways to the same end that is linked; the others are not told.
pub fn first_linked(subject: &[u8], ways: &[(&str, usize, &[usize])]) -> Option<usize> {
    let mut last = ("", ENOSYS);
    for &(name, number, arguments) in ways {
        last = (name, quietly(number, arguments));
        if last.1 != ENOSYS {
            break;
        }
    }
    report::trying(last.0, subject);
    report::got(last.1);
    last.1.try_into().ok()
}

pub fn exit() -> ! {
    quietly(number::EXIT_GROUP, &[0]);
    quietly(number::EXIT, &[0]);
    // SAFETY: an invalid instruction ends a program that has no other way to end.
    unsafe { asm!("ud2", options(noreturn)) }
}
