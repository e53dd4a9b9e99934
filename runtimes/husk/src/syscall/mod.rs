//! System calls: one function each, in the file named after its subject, all reached through the
//! table that the converter links (see `runtimes/husk/syscalls.tbl`).
//!
//! Entry code calls `husk_syscall_table[RAX]` with the six argument registers; a handler returns
//! RAX. `syscall!` turns registers into types, so that a handler decodes nothing by hand.

pub mod advice;
pub mod allocate;
pub mod attributes;
pub mod child;
pub mod descriptor;
pub mod directory;
pub mod epoll;
pub mod event;
pub mod exec;
pub mod file;
pub mod futex;
pub mod group;
pub mod identity;
pub mod inotify;
pub mod ipc;
pub mod ipc_message;
pub mod ipc_mqueue;
pub mod ipc_semaphore;
pub mod ipc_shared;
pub mod lock;
pub mod memory;
pub mod memory_lock;
pub mod message;
pub mod path;
pub mod pidfd;
pub mod poll;
pub mod priority;
pub mod signal;
pub mod socket;
pub mod socket_option;
pub mod splice;
pub mod status;
pub mod thread;
pub mod time;
pub mod transfer;
pub mod unlinked;
pub mod xattr;

use crate::errno::{Errno, SysResult};

/// A value that an argument register carries.
pub trait FromRegister {
    fn from_register(register: usize) -> Self;
}

macro_rules! from_register {
    ($($type:ty),*) => {
        $(impl FromRegister for $type {
            fn from_register(register: usize) -> Self {
                register as $type
            }
        })*
    };
}

from_register!(i32, u32, i64, u64, usize, isize, i16, u16, u8);

/// The kernel's answer as RAX carries it: errors are -4095..-1 (syscall(2)).
pub fn into_register(result: SysResult) -> isize {
    match result {
        Ok(value) => value as isize,
        Err(Errno(number)) => -(number as isize),
    }
}

/// Defines the handler of a system call under its linked name:
/// `syscall! { fn sys_read(fd: i32, buffer: usize, count: usize) -> SysResult { … } }`.
#[macro_export]
macro_rules! syscall {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block)*) => {
        $(
            $(#[$meta])*
            // SAFETY: the name is a row of syscalls.tbl and defined once.
            #[unsafe(no_mangle)]
            pub extern "C" fn $name(
                a0: usize, a1: usize, a2: usize, a3: usize, a4: usize, a5: usize,
            ) -> isize {
                #[allow(unused_mut)]
                let mut registers = [a0, a1, a2, a3, a4, a5].into_iter();
                $(let $arg = <$type as $crate::syscall::FromRegister>::from_register(
                    registers.next().unwrap_or(0),
                );)*
                let _ = registers;
                let handler = || -> $crate::errno::SysResult { $body };
                $crate::syscall::into_register(handler())
            }
        )*
    };
}
