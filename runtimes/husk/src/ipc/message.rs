//! System V message queues (msgop(2)): typed messages that are sent and received whole.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::{IPC_NOWAIT, Object, READ, Table, WRITE, buffer, now_s};
use crate::errno::{E2BIG, EAGAIN, EIDRM, EINTR, EINVAL, ENOMSG, Errno, SysResult};
use crate::mm::user;
use crate::process::current;
use crate::sync::{SpinLock, WaitQueue, wait_until};

// Limits as Linux has them: queues, bytes in a message, bytes in a queue.
pub const LIMIT: usize = 32_000;
pub const LARGEST_MESSAGE_BYTES: usize = 8192;
pub const QUEUE_BYTES: u64 = 16_384;

const MSG_NOERROR: u32 = 0o10_000;
const MSG_EXCEPT: u32 = 0o20_000;
const MSG_COPY: u32 = 0o40_000;
/// `struct msgbuf` begins with the type.
const TYPE_BYTES: usize = 8;

struct Message {
    kind: i64,
    bytes: Vec<u8>,
}

pub struct State {
    messages: VecDeque<Message>,
    /// Bytes in all messages, and how many there may be.
    pub held_bytes: u64,
    pub limit_bytes: u64,
    pub sent_s: u64,
    pub received_s: u64,
    pub last_sender: u32,
    pub last_receiver: u32,
    is_removed: bool,
}

pub struct Queue {
    pub state: SpinLock<State>,
    changed: WaitQueue,
}

/// Which message msgrcv(2) takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    First,
    OfType(i64),
    NotOfType(i64),
    /// The lowest type up to this.
    UpTo(i64),
}

static TABLE: Table<Queue> = Table::new(LIMIT);

pub fn table() -> &'static Table<Queue> {
    &TABLE
}

/// msgget(2).
pub fn get(key: i32, flags: u32) -> SysResult {
    TABLE.find_or_make((key, flags), |_| Ok(()), || Ok(Queue::new()))
}

/// msgsnd(2) of a `struct msgbuf`.
pub fn send(id: u32, buffer: usize, size_bytes: usize, flags: u32) -> Result<(), Errno> {
    if size_bytes > LARGEST_MESSAGE_BYTES {
        return Err(EINVAL);
    }
    let kind: i64 = user::read(buffer)?;
    if kind < 1 {
        return Err(EINVAL);
    }
    let mut message = Some(Message {
        kind,
        bytes: copy_in(buffer.wrapping_add(TYPE_BYTES), size_bytes)?,
    });
    let object = TABLE.get(id)?;
    object.check(WRITE)?;
    let queue = &object.content;
    let pid = current().process.pid;
    let is_nonblocking = flags & IPC_NOWAIT != 0;
    queue.wait(|state| match state.has_room(size_bytes as u64) {
        true => Some(message.take().ok_or(EAGAIN).map(|m| state.put(m, pid))),
        false => is_nonblocking.then_some(Err(EAGAIN)),
    })?;
    queue.changed.wake_all();
    Ok(())
}

fn copy_in(address: usize, size_bytes: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = buffer(size_bytes)?;
    user::read_bytes(address, &mut bytes)?;
    Ok(bytes)
}

/// msgrcv(2): the bytes of the message's text.
pub fn receive(id: u32, buffer: usize, room: usize, kind: i64, flags: u32) -> SysResult {
    if room > isize::MAX as usize {
        return Err(EINVAL);
    }
    if flags & MSG_COPY != 0 {
        return copy(id, buffer, room, kind, flags);
    }
    let wanted = Wanted::of(kind, flags);
    let object = TABLE.get(id)?;
    object.check(READ)?;
    let queue = &object.content;
    let pid = current().process.pid;
    let is_nonblocking = flags & IPC_NOWAIT != 0;
    let message = queue.wait(|state| match state.find(wanted) {
        Some(index) => Some(state.take(index, room, flags, pid)),
        None => is_nonblocking.then_some(Err(ENOMSG)),
    })?;
    queue.changed.wake_all();
    copy_out(&message, buffer, room)
}

/// MSG_COPY: the message at an index, which stays.
fn copy(id: u32, buffer: usize, room: usize, index: i64, flags: u32) -> SysResult {
    if flags & MSG_EXCEPT != 0 || flags & IPC_NOWAIT == 0 {
        return Err(EINVAL);
    }
    let object = TABLE.get(id)?;
    object.check(READ)?;
    let state = object.content.state.lock();
    let index = usize::try_from(index).map_err(|_| ENOMSG)?;
    let message = state.messages.get(index).ok_or(ENOMSG)?;
    message.check_fits(room, flags)?;
    let message = Message {
        kind: message.kind,
        bytes: message.bytes.clone(),
    };
    drop(state);
    copy_out(&message, buffer, room)
}

fn copy_out(message: &Message, buffer: usize, room: usize) -> SysResult {
    let bytes = message.bytes.get(..room).unwrap_or(&message.bytes);
    user::write(buffer, message.kind)?;
    user::write_bytes(buffer.wrapping_add(TYPE_BYTES), bytes)?;
    Ok(bytes.len())
}

/// IPC_RMID: whoever waits is told.
pub fn remove(id: u32) -> Result<(), Errno> {
    TABLE.get(id)?.check_owner()?;
    let object = TABLE.remove(id)?;
    object.content.state.lock().is_removed = true;
    object.content.changed.wake_all();
    Ok(())
}

/// Queues, messages and bytes, for MSG_INFO.
pub fn counts() -> [usize; 3] {
    let mut counts = [0; 3];
    for queue in TABLE.all() {
        let state = queue.content.state.lock();
        counts[0] += 1;
        counts[1] += state.messages.len();
        counts[2] += state.held_bytes as usize;
    }
    counts
}

impl Wanted {
    fn of(kind: i64, flags: u32) -> Wanted {
        match kind {
            0 => Wanted::First,
            ..0 => Wanted::UpTo(kind.saturating_neg()),
            _ if flags & MSG_EXCEPT != 0 => Wanted::NotOfType(kind),
            _ => Wanted::OfType(kind),
        }
    }
}

impl Message {
    fn check_fits(&self, room: usize, flags: u32) -> Result<(), Errno> {
        let fits = self.bytes.len() <= room || flags & MSG_NOERROR != 0;
        fits.then_some(()).ok_or(E2BIG)
    }
}

impl Queue {
    fn new() -> Queue {
        Queue {
            state: SpinLock::new(State::new()),
            changed: WaitQueue::new(),
        }
    }

    /// Waits until `attempt` has an outcome. A signal ends it for good (signal(7)).
    fn wait<T>(
        &self,
        mut attempt: impl FnMut(&mut State) -> Option<Result<T, Errno>>,
    ) -> Result<T, Errno> {
        let outcome = wait_until(&self.changed, None, || {
            let mut state = self.state.lock();
            if state.is_removed {
                return Some(Err(EIDRM));
            }
            attempt(&mut state)
        });
        outcome.unwrap_or(Err(EINTR))
    }
}

impl Object<Queue> {
    /// IPC_SET's msg_qbytes: senders may find room now.
    pub fn set_limit(&self, bytes: u64) {
        self.content.state.lock().limit_bytes = bytes;
        self.content.changed.wake_all();
    }
}

impl State {
    fn new() -> State {
        State {
            messages: VecDeque::new(),
            held_bytes: 0,
            limit_bytes: QUEUE_BYTES,
            sent_s: 0,
            received_s: 0,
            last_sender: 0,
            last_receiver: 0,
            is_removed: false,
        }
    }

    pub fn count(&self) -> usize {
        self.messages.len()
    }

    /// There may be no more messages than bytes either: empty ones take room too.
    fn has_room(&self, bytes: u64) -> bool {
        let count = self.messages.len() as u64;
        self.held_bytes + bytes <= self.limit_bytes && count < self.limit_bytes
    }

    fn put(&mut self, message: Message, pid: u32) {
        self.held_bytes += message.bytes.len() as u64;
        self.messages.push_back(message);
        self.sent_s = now_s();
        self.last_sender = pid;
    }

    fn find(&self, wanted: Wanted) -> Option<usize> {
        let mut kinds = self.messages.iter().map(|message| message.kind);
        match wanted {
            Wanted::First => kinds.next().map(|_| 0),
            Wanted::OfType(wanted) => kinds.position(|kind| kind == wanted),
            Wanted::NotOfType(unwanted) => kinds.position(|kind| kind != unwanted),
            Wanted::UpTo(limit) => {
                let low = kinds.enumerate().filter(|(_, kind)| *kind <= limit);
                low.min_by_key(|(_, kind)| *kind).map(|(index, _)| index)
            }
        }
    }

    /// Takes a message out, unless it is longer than the receiver has room for.
    fn take(&mut self, index: usize, room: usize, flags: u32, pid: u32) -> Result<Message, Errno> {
        let message = self.messages.get(index).ok_or(ENOMSG)?;
        message.check_fits(room, flags)?;
        let message = self.messages.remove(index).ok_or(ENOMSG)?;
        self.held_bytes -= message.bytes.len() as u64;
        self.received_s = now_s();
        self.last_receiver = pid;
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(kinds: &[i64]) -> State {
        let mut state = State::new();
        for &kind in kinds {
            state.messages.push_back(Message {
                kind,
                bytes: Vec::new(),
            });
        }
        state
    }

    #[test]
    fn a_message_is_chosen_by_its_type() {
        let state = state(&[5, 3, 7, 3]);
        assert_eq!(state.find(Wanted::of(0, 0)), Some(0));
        assert_eq!(state.find(Wanted::of(3, 0)), Some(1));
        assert_eq!(state.find(Wanted::of(5, MSG_EXCEPT)), Some(1));
        assert_eq!(state.find(Wanted::of(-6, 0)), Some(1));
        assert_eq!(state.find(Wanted::of(-2, 0)), None);
        assert_eq!(state.find(Wanted::of(i64::MIN, 0)), Some(1));
    }
}
