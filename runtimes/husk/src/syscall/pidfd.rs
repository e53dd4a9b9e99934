//! Processes by descriptor: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).

use alloc::sync::Arc;

use super::group::require_inspection;
use super::signal::{queued_info, require_permission, taken};
use crate::errno::{EINVAL, ESRCH};
use crate::fs::open::O_NONBLOCK;
use crate::mm::user;
use crate::process::signal::info::SI_USER;
use crate::process::signal::{self, SignalInfo};
use crate::process::{current, pidfd, registry};
use crate::syscall;

syscall! {
    fn sys_pidfd_open(pid: i32, flags: u32) {
        if pid <= 0 || flags & !O_NONBLOCK != 0 {
            return Err(EINVAL);
        }
        let process = registry::find(pid as u32).ok_or(ESRCH)?;
        pidfd::install(&process, flags).map(|fd| fd as usize)
    }

    fn sys_pidfd_send_signal(fd: i32, raw: u32, info: usize, flags: u32) {
        if flags != 0 {
            return Err(EINVAL);
        }
        let process = pidfd::process_of(fd).or_else(|_| pidfd::process_of_directory(fd))?;
        let info = match info {
            0 if raw == 0 => None,
            0 => Some(SignalInfo::from_current(signal::number(raw)?, SI_USER)),
            address if user::read::<u32>(address)? != raw => return Err(EINVAL),
            address => queued_info(process.pid as i32, raw, address)?,
        };
        registry::find(process.pid).filter(|known| Arc::ptr_eq(known, &process)).ok_or(ESRCH)?;
        require_permission(&process, raw)?;
        taken(info.is_none_or(|info| signal::send_to_process(&process, info)))
    }

    fn sys_pidfd_getfd(fd: i32, theirs: i32, flags: u32) {
        if flags != 0 {
            return Err(EINVAL);
        }
        let process = pidfd::process_of(fd)?;
        if process.is_zombie() {
            return Err(ESRCH);
        }
        require_inspection(&process)?;
        let open = process.files().get(theirs)?;
        current().process.files().install_open(open, 0, true).map(|fd| fd as usize)
    }
}
