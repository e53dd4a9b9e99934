//! Children (wait4(2), waitid(2)): there are none before fork(2) is here.

use crate::errno::{ECHILD, EINVAL, ESRCH};
use crate::syscall;

syscall! {
    fn sys_wait4(pid: i32, _status: usize, options: u32, _usage: usize) {
        const KNOWN: u32 = 0xe000_000b; // WNOHANG WUNTRACED WCONTINUED __WNOTHREAD __WALL __WCLONE
        if options & !KNOWN != 0 {
            return Err(EINVAL);
        }
        if pid == i32::MIN { Err(ESRCH) } else { Err(ECHILD) }
    }

    fn sys_waitid(which: u32, _id: i32, _info: usize, options: u32) {
        const P_PIDFD: u32 = 3;
        const WEXITED_WSTOPPED_WCONTINUED: u32 = 0xe;
        if which > P_PIDFD || options & WEXITED_WSTOPPED_WCONTINUED == 0 {
            return Err(EINVAL);
        }
        Err(ECHILD)
    }
}
