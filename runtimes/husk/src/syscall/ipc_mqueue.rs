//! POSIX message queues (mq_overview(7)).

use alloc::sync::Arc;

use super::descriptor::{get, readable, table, writable};
use super::time::deadline_at;
use crate::errno::{EBADF, EINVAL, EMSGSIZE, Errno};
use crate::fs::OpenFile;
use crate::fs::open::{O_ACCMODE, O_CLOEXEC, O_NONBLOCK};
use crate::ipc::mqueue::{self, PRIORITY_LIMIT, QueueFile, Shape};
use crate::mm::user;
use crate::process::current;
use crate::process::signal::{self, SignalInfo};
use crate::sync::Deadline;
use crate::{ipc, syscall, time};

/// Longest name (NAME_MAX).
const NAME_LIMIT: usize = 255;
/// `struct mq_attr`: flags, messages, bytes in a message, messages there are.
type Attributes = [i64; 8];

syscall! {
    /// mq_open(3): glibc has taken the slash off the name.
    fn sys_mq_open(name: usize, flags: u32, mode: u32, attributes: usize) {
        if flags & O_ACCMODE == O_ACCMODE {
            return Err(EINVAL);
        }
        let name = user::read_string(name, NAME_LIMIT)?;
        let mode = mode & 0o777 & !current().process.paths.umask();
        let file = mqueue::open(&name, flags, mode, || read_shape(attributes))?;
        let kept = flags & (O_ACCMODE | O_NONBLOCK);
        Ok(table().install(file, kept | O_CLOEXEC)? as usize)
    }

    fn sys_mq_unlink(name: usize) {
        mqueue::unlink(&user::read_string(name, NAME_LIMIT)?)?;
        Ok(0)
    }

    fn sys_mq_timedsend(fd: i32, buffer: usize, size: usize, priority: u32, timeout: usize) {
        let deadline = absolute(timeout)?;
        if priority >= PRIORITY_LIMIT {
            return Err(EINVAL);
        }
        let open = writable(fd)?;
        let file = queue_file(&open)?;
        if size > file.queue.shape.message_bytes {
            return Err(EMSGSIZE);
        }
        let mut bytes = ipc::buffer(size)?;
        user::read_bytes(buffer, &mut bytes)?;
        file.queue.send(priority, bytes, is_nonblocking(&open), deadline)?;
        Ok(0)
    }

    fn sys_mq_timedreceive(fd: i32, buffer: usize, size: usize, priority: usize, timeout: usize) {
        let deadline = absolute(timeout)?;
        let open = readable(fd)?;
        let queue = &queue_file(&open)?.queue;
        let (sent_with, bytes) = queue.receive(size, is_nonblocking(&open), deadline)?;
        if priority != 0 {
            user::write(priority, sent_with)?;
        }
        user::write_bytes(buffer, &bytes)?;
        Ok(bytes.len())
    }

    fn sys_mq_notify(fd: i32, event: usize) {
        let info = match event {
            0 => None,
            event => Some(read_event(event)?),
        };
        let open = get(fd)?;
        let file = queue_file(&open)?;
        match info {
            None => file.forget(),
            Some(info) => file.notify(info)?,
        }
        Ok(0)
    }

    /// mq_getattr(3) and mq_setattr(3): of the attributes only O_NONBLOCK can be set.
    fn sys_mq_getsetattr(fd: i32, new: usize, old: usize) {
        let wanted = match new {
            0 => None,
            new => Some(user::read::<Attributes>(new)?[0]),
        };
        if wanted.is_some_and(|flags| flags & !i64::from(O_NONBLOCK) != 0) {
            return Err(EINVAL);
        }
        let open = get(fd)?;
        let queue = &queue_file(&open)?.queue;
        let mut flags = open.flags.lock();
        let before = i64::from(*flags & O_NONBLOCK);
        if let Some(wanted) = wanted {
            *flags = *flags & !O_NONBLOCK | wanted as u32;
        }
        drop(flags);
        if old != 0 {
            let shape = queue.shape;
            let attributes: Attributes = [
                before,
                shape.messages as i64,
                shape.message_bytes as i64,
                queue.count() as i64,
                0,
                0,
                0,
                0,
            ];
            user::write(old, attributes)?;
        }
        Ok(0)
    }
}

fn queue_file(open: &Arc<OpenFile>) -> Result<&QueueFile, Errno> {
    open.file.as_any().downcast_ref().ok_or(EBADF)
}

fn is_nonblocking(open: &OpenFile) -> bool {
    open.status_flags() & O_NONBLOCK != 0
}

/// A time of CLOCK_REALTIME, or never.
fn absolute(timeout: usize) -> Result<Deadline, Errno> {
    if timeout == 0 {
        return Ok(None);
    }
    deadline_at(timeout, time::realtime_ns()).map(Some)
}

fn read_shape(attributes: usize) -> Result<Shape, Errno> {
    if attributes == 0 {
        return Ok(Shape::default());
    }
    let [_flags, messages, message_bytes, ..]: Attributes = user::read(attributes)?;
    let size = |number: i64| usize::try_from(number).map_err(|_| EINVAL);
    Ok(Shape {
        messages: size(messages)?,
        message_bytes: size(message_bytes)?,
    })
}

/// What a `struct sigevent` asks for: a signal, or (SIGEV_NONE) nothing.
fn read_event(event: usize) -> Result<Option<SignalInfo>, Errno> {
    const SIGEV_SIGNAL: u32 = 0;
    const SIGEV_NONE: u32 = 1;
    const SI_MESGQ: i32 = -3;
    let [value, kind]: [u64; 2] = user::read(event)?;
    let (number, notify) = (kind as u32, (kind >> 32) as u32);
    match notify {
        SIGEV_NONE => Ok(None),
        SIGEV_SIGNAL => {
            let mut info = SignalInfo::from_current(signal::number(number)?, SI_MESGQ);
            info.words[1] = value;
            Ok(Some(info))
        }
        _ => Err(EINVAL),
    }
}
