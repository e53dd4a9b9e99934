//! POSIX message queues (mq_overview(7)): named queues of messages by priority, behind descriptors.
//!
//! Not here: the mqueue file system (/dev/mqueue), SIGEV_THREAD (glibc makes it of a netlink
//! socket), and RLIMIT_MSGQUEUE. Lock order: `NAMES`, then a queue's state, which is a leaf.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use super::{IPC_PRIVATE, Owner, READ, WRITE, check_memory};
use crate::errno::{
    EACCES, EAGAIN, EBUSY, EEXIST, EINVAL, EMSGSIZE, ENOENT, ENOMEM, ENOSPC, Errno, SysResult,
};
use crate::fs::node::S_IFREG;
use crate::fs::open::{O_ACCMODE, O_CREAT, O_EXCL, O_WRONLY};
use crate::fs::{Events, File, FileRef, FileStatus, IoRequest, Sink};
use crate::process::signal::{self, SignalInfo};
use crate::process::{Process, current};
use crate::sync::{Deadline, SpinLock, WaitQueue, wait_until};

// Limits as Linux has them: queues, and what a privileged process may ask of one.
const LIMIT: usize = 256;
const MESSAGES_LIMIT: usize = 65_536;
const MESSAGE_BYTES_LIMIT: usize = 16 << 20;
/// Priorities are below this.
pub const PRIORITY_LIMIT: u32 = 32_768;
/// What fstat(2) gives as the size of a queue.
const STATUS_BYTES: u64 = 80;

struct Message {
    priority: u32,
    bytes: Vec<u8>,
}

/// Who is told once of a message that comes to an empty queue (mq_notify(3)).
struct Notification {
    process: Weak<Process>,
    pid: u32,
    /// The open file it was asked for through: closing that ends it.
    through: usize,
    /// None is SIGEV_NONE.
    info: Option<SignalInfo>,
}

struct State {
    /// The highest priority first, among equals the oldest.
    messages: VecDeque<Message>,
    notification: Option<Notification>,
    /// Threads in `receive`: they come before who wants to be told.
    receivers: usize,
}

/// What mq_getattr(3) tells, beside the flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    pub messages: usize,
    pub message_bytes: usize,
}

impl Default for Shape {
    /// /proc/sys/fs/mqueue/msg_default and msgsize_default.
    fn default() -> Shape {
        Shape {
            messages: 10,
            message_bytes: 8192,
        }
    }
}

pub struct Queue {
    pub shape: Shape,
    owner: Owner,
    state: SpinLock<State>,
    changed: WaitQueue,
}

/// A queue that a process has open.
pub struct QueueFile {
    pub queue: Arc<Queue>,
}

static NAMES: SpinLock<Vec<(Vec<u8>, Arc<Queue>)>> = SpinLock::new(Vec::new());

fn check_name(name: &[u8]) -> Result<(), Errno> {
    match name {
        b"" => Err(ENOENT),
        b"." | b".." => Err(EACCES),
        _ if name.contains(&b'/') => Err(EACCES),
        _ => Ok(()),
    }
}

/// mq_open(3): the name without its slash; `shape` of a queue that is made.
pub fn open(
    name: &[u8],
    flags: u32,
    mode: u32,
    shape: impl FnOnce() -> Result<Shape, Errno>,
) -> Result<FileRef, Errno> {
    check_name(name)?;
    let existing = find(name);
    let queue = match existing {
        Some(_) if flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL => return Err(EEXIST),
        Some(queue) => {
            queue.owner.check(access_of(flags))?;
            queue
        }
        None if flags & O_CREAT == 0 => return Err(ENOENT),
        None => make(name, mode, shape()?)?,
    };
    Ok(Arc::new(QueueFile { queue }))
}

fn access_of(flags: u32) -> u32 {
    match flags & O_ACCMODE {
        0 => READ,
        O_WRONLY => WRITE,
        _ => READ | WRITE,
    }
}

fn find(name: &[u8]) -> Option<Arc<Queue>> {
    let names = NAMES.lock();
    let entry = names.iter().find(|(other, _)| other == name);
    entry.map(|(_, queue)| queue.clone())
}

fn make(name: &[u8], mode: u32, shape: Shape) -> Result<Arc<Queue>, Errno> {
    let is_possible = (1..=MESSAGES_LIMIT).contains(&shape.messages)
        && (1..=MESSAGE_BYTES_LIMIT).contains(&shape.message_bytes);
    if !is_possible {
        return Err(EINVAL);
    }
    check_memory()?;
    let mut names = NAMES.lock();
    if names.len() >= LIMIT {
        return Err(ENOSPC);
    }
    names.try_reserve(1).map_err(|_| ENOMEM)?;
    let queue = Arc::new(Queue {
        shape,
        owner: Owner::current(IPC_PRIVATE, mode),
        state: SpinLock::new(State {
            messages: VecDeque::new(),
            notification: None,
            receivers: 0,
        }),
        changed: WaitQueue::new(),
    });
    names.push((name.to_vec(), queue.clone()));
    Ok(queue)
}

/// mq_unlink(3): who has it open still does.
pub fn unlink(name: &[u8]) -> Result<(), Errno> {
    check_name(name)?;
    let mut names = NAMES.lock();
    let is_meant = |(_, (other, _)): &(usize, &(Vec<u8>, Arc<Queue>))| other == name;
    let (index, (_, queue)) = names.iter().enumerate().find(is_meant).ok_or(ENOENT)?;
    queue.owner.check_owner()?; // the file system they are in has the sticky bit
    let entry = names.swap_remove(index);
    drop(names);
    drop(entry);
    Ok(())
}

impl Queue {
    /// Messages there are.
    pub fn count(&self) -> usize {
        self.state.lock().messages.len()
    }

    /// mq_timedsend(3).
    pub fn send(
        &self,
        priority: u32,
        bytes: Vec<u8>,
        is_nonblocking: bool,
        deadline: Deadline,
    ) -> Result<(), Errno> {
        if bytes.len() > self.shape.message_bytes {
            return Err(EMSGSIZE);
        }
        let mut message = Some(Message { priority, bytes });
        let attempt = || {
            let mut state = self.state.lock();
            if state.messages.len() >= self.shape.messages {
                return is_nonblocking.then_some(Err(EAGAIN));
            }
            Some(Ok(message.take().and_then(|message| state.put(message))))
        };
        let told = wait_until(&self.changed, deadline, attempt)??;
        self.changed.wake_all();
        if let Some(notification) = told {
            notification.tell();
        }
        Ok(())
    }

    /// mq_timedreceive(3): priority and bytes.
    pub fn receive(
        &self,
        room: usize,
        is_nonblocking: bool,
        deadline: Deadline,
    ) -> Result<(u32, Vec<u8>), Errno> {
        if room < self.shape.message_bytes {
            return Err(EMSGSIZE);
        }
        self.state.lock().receivers += 1;
        let outcome = wait_until(&self.changed, deadline, || {
            match self.state.lock().messages.pop_front() {
                Some(message) => Some(Ok(message)),
                None => is_nonblocking.then_some(Err(EAGAIN)),
            }
        });
        self.state.lock().receivers -= 1;
        let message = outcome??;
        self.changed.wake_all();
        Ok((message.priority, message.bytes))
    }
}

impl QueueFile {
    /// mq_notify(3): EBUSY when somebody is to be told already.
    pub fn notify(&self, info: Option<SignalInfo>) -> Result<(), Errno> {
        let process = &current().process;
        let mut state = self.queue.state.lock();
        let is_taken = state
            .notification
            .as_ref()
            .is_some_and(Notification::is_alive);
        if is_taken {
            return Err(EBUSY);
        }
        state.notification = Some(Notification {
            process: Arc::downgrade(process),
            pid: process.pid,
            through: self.identity(),
            info,
        });
        Ok(())
    }

    /// mq_notify(3) with nothing: no longer, if it is the running process that would be told.
    pub fn forget(&self) {
        let pid = current().process.pid;
        self.queue
            .forget_where(|notification| notification.pid == pid);
    }

    fn identity(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }
}

impl Drop for QueueFile {
    fn drop(&mut self) {
        let through = self.identity();
        self.queue
            .forget_where(|notification| notification.through == through);
    }
}

impl Queue {
    fn forget_where(&self, is_meant: impl FnOnce(&Notification) -> bool) {
        let mut state = self.state.lock();
        if state.notification.as_ref().is_some_and(is_meant) {
            state.notification = None;
        }
    }
}

impl Notification {
    fn is_alive(&self) -> bool {
        self.process.strong_count() > 0
    }

    fn tell(self) {
        if let (Some(process), Some(info)) = (self.process.upgrade(), self.info) {
            signal::send_to_process(&process, info);
        }
    }
}

impl State {
    /// Puts a message in its place; who is to be told of it.
    fn put(&mut self, message: Message) -> Option<Notification> {
        let is_first = self.messages.is_empty() && self.receivers == 0;
        let is_behind = |other: &Message| other.priority >= message.priority;
        let place = self.messages.partition_point(is_behind);
        self.messages.insert(place, message);
        if is_first {
            self.notification.take()
        } else {
            None
        }
    }

    /// What mq_overview(7) says can be read of a queue in /dev/mqueue.
    fn describe(&self) -> Vec<u8> {
        const SIGEV_NONE: u32 = 1;
        let held: usize = self.messages.iter().map(|m| m.bytes.len()).sum();
        let (notify, signal, pid) = match &self.notification {
            Some(Notification {
                info: Some(info),
                pid,
                ..
            }) => (0, info.signal, *pid),
            Some(Notification { pid, .. }) => (SIGEV_NONE, 0, *pid),
            None => (0, 0, 0),
        };
        format!("QSIZE:{held:<10} NOTIFY:{notify:<5} SIGNO:{signal:<5} NOTIFY_PID:{pid:<6}\n")
            .into_bytes()
    }
}

impl File for QueueFile {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        let text = self.queue.state.lock().describe();
        let start = usize::try_from(request.offset).unwrap_or(usize::MAX);
        match text.get(start..) {
            Some(rest) if !rest.is_empty() => into.put(rest),
            _ => Ok(0),
        }
    }

    fn readiness(&self) -> Events {
        let count = self.queue.count();
        let mut events = Events::empty();
        events.set(Events::IN | Events::RDNORM, count > 0);
        let has_room = count < self.queue.shape.messages;
        events.set(Events::OUT | Events::WRNORM, has_room);
        events
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(&self.queue.changed)
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        const QUEUE_DEVICE: u64 = 5;
        Ok(FileStatus {
            device: QUEUE_DEVICE,
            inode: Arc::as_ptr(&self.queue) as u64,
            mode: S_IFREG | self.queue.owner.mode,
            uid: self.queue.owner.uid,
            gid: self.queue.owner.gid,
            links: 1,
            size_bytes: STATUS_BYTES,
            ..FileStatus::default()
        })
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(STATUS_BYTES)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
