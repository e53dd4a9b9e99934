//! Epoll (epoll(7)): epoll_create(2), epoll_ctl(2), epoll_wait(2).

use alloc::sync::Arc;

use super::descriptor::{get, table};
use super::path::only;
use super::poll::{apply_mask, deadline_at, deadline_ms};
use crate::errno::{EINTR, EINVAL, EPERM, Errno, SysResult};
use crate::fs::OpenFile;
use crate::fs::epoll::{Epoll, Event, can_be_watched};
use crate::fs::open::{O_CLOEXEC, O_RDWR};
use crate::mm::user;
use crate::sync::{Deadline, Woken};
use crate::syscall;

const EPOLL_CTL_ADD: u32 = 1;
const EPOLL_CTL_DEL: u32 = 2;
const EPOLL_CTL_MOD: u32 = 3;
/// `struct epoll_event` is packed on x86-64: events, then data.
const EVENT_BYTES: usize = 12;

fn instance(open: &OpenFile) -> Result<&Epoll, Errno> {
    open.file.as_any().downcast_ref().ok_or(EINVAL)
}

fn create(flags: u32) -> SysResult {
    Ok(table().install(Epoll::new(), O_RDWR | flags)? as usize)
}

fn read_event(address: usize) -> Result<Event, Errno> {
    let [events, low, high]: [u32; 3] = user::read(address)?;
    Ok(Event {
        events,
        data: u64::from(low) | u64::from(high) << 32,
    })
}

fn write_event(address: usize, event: Event) -> Result<(), Errno> {
    user::write(
        address,
        [event.events, event.data as u32, (event.data >> 32) as u32],
    )
}

fn control(epoll: i32, operation: u32, fd: i32, address: usize) -> SysResult {
    let wanted = match operation {
        EPOLL_CTL_DEL => Event { events: 0, data: 0 },
        _ => read_event(address)?,
    };
    let open = table().get(epoll)?;
    let target = get(fd)?;
    if !can_be_watched(&target) {
        return Err(EPERM);
    }
    if Arc::ptr_eq(&open, &target) {
        return Err(EINVAL);
    }
    let epoll = instance(&open)?;
    match operation {
        EPOLL_CTL_ADD => epoll.add(fd, &target, wanted)?,
        EPOLL_CTL_MOD => epoll.modify(fd, &target, wanted)?,
        EPOLL_CTL_DEL => epoll.delete(fd, &target)?,
        _ => return Err(EINVAL),
    }
    Ok(0)
}

fn wait(epoll: i32, address: usize, limit: i32, deadline: Deadline) -> SysResult {
    const LIMIT: usize = i32::MAX as usize / EVENT_BYTES;
    let limit = usize::try_from(limit)
        .ok()
        .filter(|&limit| limit > 0 && limit <= LIMIT);
    let limit = limit.ok_or(EINVAL)?;
    let open = table().get(epoll)?;
    let mut next = address;
    let outcome = instance(&open)?.wait(limit, deadline, |event| {
        write_event(next, event)?;
        next += EVENT_BYTES;
        Ok(())
    });
    match outcome {
        Ok(result) => result,
        Err(Woken::TimedOut) => Ok(0),
        Err(Woken::Interrupted) => Err(EINTR),
    }
}

syscall! {
    fn sys_epoll_create(size: i32) {
        if size <= 0 { Err(EINVAL) } else { create(0) }
    }

    fn sys_epoll_create1(flags: u32) {
        only(flags, O_CLOEXEC)?;
        create(flags)
    }

    fn sys_epoll_ctl(epoll: i32, operation: u32, fd: i32, event: usize) {
        control(epoll, operation, fd, event)
    }

    fn sys_epoll_wait(epoll: i32, events: usize, limit: i32, timeout_ms: i32) {
        wait(epoll, events, limit, deadline_ms(timeout_ms))
    }

    fn sys_epoll_pwait(
        epoll: i32, events: usize, limit: i32, timeout_ms: i32, mask: usize, size: usize,
    ) {
        apply_mask(mask, size)?;
        wait(epoll, events, limit, deadline_ms(timeout_ms))
    }

    fn sys_epoll_pwait2(
        epoll: i32, events: usize, limit: i32, timeout: usize, mask: usize, size: usize,
    ) {
        let deadline = deadline_at(timeout)?;
        apply_mask(mask, size)?;
        wait(epoll, events, limit, deadline)
    }
}
