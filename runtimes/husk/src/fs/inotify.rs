//! Inotify instances (inotify(7)): watches by inode number, and the events they gave.
//!
//! A watch does not keep its file: that tells when it goes. A file with several names is reported
//! under the one it was given last. Locks: the list of instances, then an instance's state.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use super::event::anonymous_status;
use super::notify::{self, IN_DELETE_SELF, IN_EXCL_UNLINK, IN_ISDIR, IN_MOVE_SELF};
use super::{Events, File, FileStatus, IoRequest, Sink};
use crate::errno::{EAGAIN, EEXIST, EINVAL, EMFILE, ENOSPC, ENOTTY, Errno, SysResult};
use crate::mm::user;
use crate::sorted_map::SortedMap;
use crate::sync::{SpinLock, WaitQueue, wait_until};

// inotify(7), linux/inotify.h
pub const IN_ALL_EVENTS: u32 = 0xfff;
const IN_Q_OVERFLOW: u32 = 0x4000;
const IN_IGNORED: u32 = 0x8000;
pub const IN_MASK_CREATE: u32 = 0x1000_0000;
pub const IN_MASK_ADD: u32 = 0x2000_0000;
const IN_ONESHOT: u32 = 0x8000_0000;
/// What a watch keeps of its mask.
const KEPT: u32 = IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT;
/// Events an instance holds at most (/proc/sys/fs/inotify/max_queued_events).
const QUEUE_LIMIT: usize = 16_384;
/// Watches of one instance, and instances (max_user_watches, max_user_instances there).
const WATCH_LIMIT: usize = 65_536;
const INSTANCE_LIMIT: usize = 128;
/// `struct inotify_event` without the name, which is padded to a multiple of it.
const HEADER_BYTES: usize = 16;

static INSTANCES: SpinLock<Vec<Weak<Inotify>>> = SpinLock::new(Vec::new());

struct Watch {
    number: i32,
    mask: u32,
}

#[derive(PartialEq, Eq)]
struct Event {
    watch: i32,
    mask: u32,
    cookie: u32,
    name: Vec<u8>,
}

impl Event {
    fn name_bytes(&self) -> usize {
        match self.name.len() {
            0 => 0,
            length => (length + 1).next_multiple_of(HEADER_BYTES),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let length = self.name_bytes();
        let header = [self.watch as u32, self.mask, self.cookie, length as u32];
        let mut bytes: Vec<u8> = header.into_iter().flat_map(u32::to_ne_bytes).collect();
        bytes.extend_from_slice(&self.name);
        bytes.resize(HEADER_BYTES + length, 0);
        bytes
    }
}

#[derive(Default)]
struct State {
    /// By the inode number of what is watched.
    watches: SortedMap<u64, Watch>,
    events: VecDeque<Event>,
    last_watch: i32,
    has_overflow: bool,
}

pub struct Inotify {
    state: SpinLock<State>,
    arrival: WaitQueue,
}

impl Inotify {
    /// EMFILE when there are as many as there may be.
    pub fn new() -> Result<Arc<Inotify>, Errno> {
        notify::tell(happened);
        if INSTANCES.lock().len() >= INSTANCE_LIMIT {
            return Err(EMFILE);
        }
        let instance = Arc::new(Inotify {
            state: SpinLock::new(State::default()),
            arrival: WaitQueue::new(),
        });
        INSTANCES.lock().push(Arc::downgrade(&instance));
        Ok(instance)
    }

    /// inotify_add_watch(2), of an inode.
    pub fn add(&self, inode: u64, mask: u32) -> Result<i32, Errno> {
        let mut state = self.state.lock();
        let kept = mask & KEPT;
        if let Some(watch) = state.watches.get_mut(&inode) {
            if mask & IN_MASK_CREATE != 0 {
                return Err(EEXIST);
            }
            watch.mask = kept
                | if mask & IN_MASK_ADD != 0 {
                    watch.mask
                } else {
                    0
                };
            return Ok(watch.number);
        }
        if state.watches.len() >= WATCH_LIMIT {
            return Err(ENOSPC);
        }
        state.last_watch += 1;
        let number = state.last_watch;
        state.watches.insert(inode, Watch { number, mask: kept });
        Ok(number)
    }

    /// inotify_rm_watch(2).
    pub fn remove(&self, number: i32) -> Result<(), Errno> {
        let mut state = self.state.lock();
        let inode = state
            .watches
            .iter()
            .find_map(|(inode, watch)| (watch.number == number).then_some(*inode));
        let inode = inode.ok_or(EINVAL)?;
        state.end_watch(inode);
        drop(state);
        self.arrival.wake_all();
        Ok(())
    }

    fn happened(&self, inode: u64, name: &[u8], event: u32, cookie: u32) {
        let mut state = self.state.lock();
        let Some(watch) = state.watches.get(&inode) else {
            return;
        };
        let (number, wanted) = (watch.number, watch.mask);
        let is_excluded = event & wanted & IN_EXCL_UNLINK != 0;
        let is_wanted = event & wanted & IN_ALL_EVENTS != 0 && !is_excluded;
        if is_wanted {
            state.queue(Event {
                watch: number,
                mask: event & shown(event),
                cookie,
                name: name.to_vec(),
            });
        }
        if event & IN_DELETE_SELF != 0 || is_wanted && wanted & IN_ONESHOT != 0 {
            state.end_watch(inode);
        }
        drop(state);
        self.arrival.wake_all();
    }

    fn unread_bytes(&self) -> usize {
        let state = self.state.lock();
        let sizes = state.events.iter();
        sizes.map(|event| HEADER_BYTES + event.name_bytes()).sum()
    }

    /// The next event, if it fits: None to wait, EINVAL when it does not.
    fn take(&self, room: usize) -> Option<Result<Event, Errno>> {
        let mut state = self.state.lock();
        let size_bytes = HEADER_BYTES + state.events.front()?.name_bytes();
        if size_bytes > room {
            return Some(Err(EINVAL));
        }
        let event = state.events.pop_front()?;
        state.has_overflow &= event.mask != IN_Q_OVERFLOW;
        Some(Ok(event))
    }
}

/// Whether it is a directory is not said of what happens to a watched one's own place.
fn shown(event: u32) -> u32 {
    match event & (IN_DELETE_SELF | IN_MOVE_SELF) {
        0 => IN_ALL_EVENTS | IN_ISDIR,
        _ => IN_ALL_EVENTS,
    }
}

impl State {
    /// Puts an event last, unless it says the same as the one before.
    fn queue(&mut self, event: Event) {
        let is_repeated = self.events.back() == Some(&event) && event.mask != IN_IGNORED;
        if is_repeated {
            return;
        }
        let is_full = self.events.len() >= QUEUE_LIMIT || self.events.try_reserve(1).is_err();
        if !is_full {
            self.events.push_back(event);
            return;
        }
        let is_news = !core::mem::replace(&mut self.has_overflow, true);
        if is_news && self.events.try_reserve(1).is_ok() {
            self.events.push_back(Event {
                watch: -1,
                mask: IN_Q_OVERFLOW,
                cookie: 0,
                name: Vec::new(),
            });
        }
    }

    fn end_watch(&mut self, inode: u64) {
        if let Some(watch) = self.watches.remove(&inode) {
            self.queue(Event {
                watch: watch.number,
                mask: IN_IGNORED,
                cookie: 0,
                name: Vec::new(),
            });
        }
    }
}

/// The hook: tells every instance, one at a time and with the list unlocked.
fn happened(inode: u64, name: &[u8], event: u32, cookie: u32) {
    let mut index = 0;
    loop {
        let Some(instance) = INSTANCES.lock().get(index).map(Weak::upgrade) else {
            return;
        };
        if let Some(instance) = instance {
            instance.happened(inode, name, event, cookie);
        }
        index += 1;
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        INSTANCES.lock().retain(|one| one.strong_count() > 0);
    }
}

impl File for Inotify {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        let room = into.remaining();
        let first = match self.take(room) {
            Some(first) => first?,
            None if request.is_nonblocking => return Err(EAGAIN),
            None => wait_until(&self.arrival, None, || self.take(room))??,
        };
        let mut done = into.put(&first.to_bytes())?;
        while let Some(Ok(event)) = self.take(into.remaining()) {
            done += into.put(&event.to_bytes())?;
        }
        Ok(done)
    }

    fn readiness(&self) -> Events {
        match self.state.lock().events.is_empty() {
            true => Events::empty(),
            false => Events::IN | Events::RDNORM,
        }
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(&self.arrival)
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous_status())
    }

    fn control(&self, command: u32, argument: usize) -> SysResult {
        const FIONREAD: u32 = 0x541b;
        if command != FIONREAD {
            return Err(ENOTTY);
        }
        user::write(argument, self.unread_bytes() as i32)?;
        Ok(0)
    }

    fn details(&self) -> Vec<u8> {
        let state = self.state.lock();
        let mut lines = Vec::new();
        for (inode, Watch { number, mask }) in state.watches.iter() {
            let line = alloc::format!("inotify wd:{number:x} ino:{inode:x} sdev:1 mask:{mask:x}\n");
            lines.extend_from_slice(line.as_bytes());
        }
        lines
    }

    fn path(&self) -> Vec<u8> {
        b"anon_inode:inotify".to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::Taken;
    use super::super::notify::{IN_CREATE, IN_OPEN};
    use super::*;

    const NOW: IoRequest = IoRequest {
        offset: 0,
        is_append: false,
        is_nonblocking: true,
    };

    fn sizes(instance: &Inotify, room: usize) -> SysResult {
        instance.read(NOW, &mut Taken::new(room))
    }

    #[test]
    fn names_are_padded_and_reads_take_whole_events() {
        let instance = Inotify::new().unwrap();
        assert_eq!(instance.add(1 << 60, IN_ALL_EVENTS), Ok(1));
        instance.happened(1 << 60, b"sixteen-letters.", IN_CREATE, 0);
        instance.happened(1 << 60, b"", IN_OPEN, 0);
        instance.happened(1 << 60, b"", IN_OPEN, 0);
        assert_eq!(instance.unread_bytes(), 48 + 16);
        assert_eq!(sizes(&instance, 47), Err(EINVAL));
        assert_eq!(sizes(&instance, 63), Ok(48));
        assert_eq!(sizes(&instance, 63), Ok(16));
        assert_eq!(sizes(&instance, 63), Err(EAGAIN));
    }

    #[test]
    fn a_full_queue_says_so_once() {
        let instance = Inotify::new().unwrap();
        instance.add(1 << 60, IN_ALL_EVENTS).unwrap();
        for cookie in 0..QUEUE_LIMIT as u32 + 10 {
            instance.happened(1 << 60, b"", IN_OPEN, cookie);
        }
        assert_eq!(instance.unread_bytes(), (QUEUE_LIMIT + 1) * HEADER_BYTES);
        assert_eq!(
            sizes(&instance, 1 << 20),
            Ok((QUEUE_LIMIT + 1) * HEADER_BYTES)
        );
    }
}
