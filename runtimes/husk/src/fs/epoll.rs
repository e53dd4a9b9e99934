//! Epoll instances (epoll(7)): interests, and a ready list fed by the watched files' wait queues, so
//! that waiting costs what is ready, however much is watched.
//!
//! An interest is put on the ready list whenever its file's queue is woken; whether the file is
//! ready for what the interest asks is found out when the list is collected. Of EPOLLEXCLUSIVE
//! interests one with a waiting thread is told when one thing came (`WaitQueue::wake_one`).
//! EPOLLWAKEUP means nothing to a machine that never suspends.
//! Lock order: no other lock is taken while `inner` is held.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use super::device::Device;
use super::node::{Kind, Node};
use super::{Events, File, FileRef, FileStatus, OpenFile};
use crate::chunked_map::ChunkedMap;
use crate::errno::{EEXIST, EINVAL, ELOOP, ENOENT, ENOMEM, Errno, SysResult};
use crate::mm::heap;
use crate::sync::{Deadline, Observer, SpinLock, WaitQueue, Woken, wait_until};

pub const EPOLLEXCLUSIVE: u32 = 1 << 28;
pub const EPOLLWAKEUP: u32 = 1 << 29;
pub const EPOLLONESHOT: u32 = 1 << 30;
pub const EPOLLET: u32 = 1 << 31;
/// How deep epoll instances may watch each other (epoll_ctl(2) ELOOP).
const NESTING_LIMIT: usize = 5;
/// How many a search for loops looks at: by many ways it may come to the same one.
const VISITS_LIMIT: usize = 1000;

/// What `struct epoll_event` carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    pub events: u32,
    pub data: u64,
}

struct Interest {
    fd: i32,
    open: Weak<OpenFile>,
    wanted: Event,
    /// On the ready list.
    is_queued: bool,
    /// EPOLLONESHOT has fired: silent until EPOLL_CTL_MOD.
    is_spent: bool,
}

#[derive(Default)]
struct Inner {
    interests: Vec<Option<Interest>>,
    /// Free places in `interests`.
    free: Vec<u32>,
    by_file: ChunkedMap<u64>,
    ready: VecDeque<u32>,
}

pub struct Epoll {
    inner: SpinLock<Inner>,
    queue: WaitQueue,
    this: Weak<Epoll>,
}

impl Epoll {
    pub fn new() -> Arc<Epoll> {
        Arc::new_cyclic(|this| Epoll {
            inner: SpinLock::new(Inner::default()),
            queue: WaitQueue::new(),
            this: this.clone(),
        })
    }

    /// EPOLL_CTL_ADD.
    pub fn add(&self, fd: i32, open: &Arc<OpenFile>, wanted: Event) -> Result<(), Errno> {
        let target = open.file.as_any();
        if let Some(other) = target.downcast_ref::<Epoll>() {
            self.check_nesting(other, wanted)?;
        }
        check_exclusive(wanted.events)?;
        let index = self.inner.lock().insert(fd, open, wanted)?;
        self.watch(index, open, wanted)
            .inspect_err(|_| self.end(index, open))?;
        self.enqueue_if_ready(index, &open.file, wanted);
        Ok(())
    }

    fn watch(&self, index: u32, open: &OpenFile, wanted: Event) -> Result<(), Errno> {
        open.add_watcher(self.this.clone(), index)?;
        let Some(queue) = open.file.wait_queue() else {
            return Ok(());
        };
        let is_exclusive = wanted.events & EPOLLEXCLUSIVE != 0;
        queue.observe(u64::from(index), self.this.clone(), is_exclusive)
    }

    /// EPOLL_CTL_MOD.
    pub fn modify(&self, fd: i32, open: &Arc<OpenFile>, wanted: Event) -> Result<(), Errno> {
        let mut inner = self.inner.lock();
        let index = inner.find(fd, open)?;
        let interest = inner.interest(index).ok_or(ENOENT)?;
        if (interest.wanted.events | wanted.events) & EPOLLEXCLUSIVE != 0 {
            return Err(EINVAL);
        }
        interest.wanted = wanted;
        interest.is_spent = false;
        drop(inner);
        self.enqueue_if_ready(index, &open.file, wanted);
        Ok(())
    }

    /// EPOLL_CTL_DEL.
    pub fn delete(&self, fd: i32, open: &Arc<OpenFile>) -> Result<(), Errno> {
        let index = self.inner.lock().find(fd, open)?;
        self.end(index, open);
        Ok(())
    }

    fn end(&self, index: u32, open: &OpenFile) {
        open.remove_watcher(&self.this, index);
        self.forget(index, &open.file);
    }

    /// An interest is over: deleted, or its description closed.
    pub fn forget(&self, index: u32, file: &FileRef) {
        if let Some(queue) = file.wait_queue() {
            queue.unobserve(u64::from(index), &(self.this.clone() as Weak<dyn Observer>));
        }
        let removed = self.inner.lock().remove(index);
        drop(removed);
    }

    /// epoll_wait(2): gives at most `limit` events to `emit`, waiting for the first.
    pub fn wait(
        &self,
        limit: usize,
        deadline: Deadline,
        mut emit: impl FnMut(Event) -> Result<(), Errno>,
    ) -> Result<SysResult, Woken> {
        let outcome = wait_until(&self.queue, deadline, || self.collect(limit, &mut emit));
        let is_more_ready = !self.inner.lock().ready.is_empty();
        if is_more_ready {
            self.queue.pass_on();
        }
        outcome
    }

    /// Gives the events there are now; None when there are none.
    pub fn collect(
        &self,
        limit: usize,
        emit: &mut impl FnMut(Event) -> Result<(), Errno>,
    ) -> Option<SysResult> {
        let mut count = 0;
        let listed = self.inner.lock().ready.len();
        for _ in 0..listed {
            if count == limit {
                break;
            }
            let Some((index, event)) = self.take_ready() else {
                continue;
            };
            if let Err(error) = emit(event) {
                self.requeue_first(index);
                return Some(if count == 0 { Err(error) } else { Ok(count) });
            }
            self.inner.lock().emitted(index);
            count += 1;
        }
        (count > 0).then_some(Ok(count))
    }

    /// Takes the first interest off the ready list; None when it is not ready after all.
    fn take_ready(&self) -> Option<(u32, Event)> {
        let (index, open, wanted) = self.inner.lock().pop_ready()?;
        let events = ready_events(&open.upgrade()?.file, wanted.events);
        let event = Event { events, ..wanted };
        (events != 0).then_some((index, event))
    }

    fn requeue_first(&self, index: u32) {
        let mut inner = self.inner.lock();
        if let Some(interest) = inner.interest(index) {
            interest.is_queued = true;
            inner.ready.push_front(index);
        }
    }

    fn enqueue_if_ready(&self, index: u32, file: &FileRef, wanted: Event) {
        if ready_events(file, wanted.events) != 0 {
            self.notify(u64::from(index), wanted.events | ALWAYS);
        }
    }

    /// ELOOP when `other` watches this instance, at any depth, or the chain gets too long.
    fn check_nesting(&self, other: &Epoll, wanted: Event) -> Result<(), Errno> {
        if core::ptr::eq(self, other) || wanted.events & EPOLLEXCLUSIVE != 0 {
            return Err(EINVAL);
        }
        let mut visits = VISITS_LIMIT;
        let height = self.queue.height(&mut visits)?;
        if height + other.depth_avoiding(self, &mut visits)? >= NESTING_LIMIT {
            return Err(ELOOP);
        }
        Ok(())
    }

    /// How many instances deep this one watches; ELOOP when one of them is `avoided`. No chain is
    /// longer than `NESTING_LIMIT`.
    fn depth_avoiding(&self, avoided: &Epoll, visits: &mut usize) -> SysResult {
        *visits = visits.checked_sub(1).ok_or(EINVAL)?;
        let mut deepest = 0;
        let mut next = 0;
        while let Some((index, open)) = self.watched_epoll(next) {
            next = index + 1;
            let Some(epoll) = open.file.as_any().downcast_ref::<Epoll>() else {
                continue;
            };
            if core::ptr::eq(epoll, avoided) {
                return Err(ELOOP);
            }
            deepest = deepest.max(epoll.depth_avoiding(avoided, visits)?);
        }
        Ok(deepest + 1)
    }

    /// The first interest from `start` on that is in another instance.
    fn watched_epoll(&self, start: usize) -> Option<(usize, Arc<OpenFile>)> {
        let inner = self.inner.lock();
        let mut interests = inner.interests.iter().enumerate().skip(start);
        interests.find_map(|(index, interest)| {
            let open = interest.as_ref()?.open.upgrade()?;
            open.file.as_any().is::<Epoll>().then_some((index, open))
        })
    }
}

/// Told whether wanted or not (epoll_ctl(2)).
const ALWAYS: u32 = Events::ERR.union(Events::HUP).bits();

/// What a file is ready for, of what is wanted.
fn ready_events(file: &FileRef, wanted: u32) -> u32 {
    file.readiness().bits() & (wanted | ALWAYS)
}

/// Regular files and directories cannot be polled (epoll_ctl(2) EPERM).
pub fn can_be_watched(open: &OpenFile) -> bool {
    let target = open.file.as_any();
    match target.downcast_ref::<Node>() {
        Some(node) => matches!(node.kind, Kind::Device(Device::Console | Device::Tty)),
        None => !target.is::<super::proc::GeneratedFile>(),
    }
}

fn check_exclusive(events: u32) -> Result<(), Errno> {
    let allowed = (Events::IN | Events::OUT | Events::ERR | Events::HUP).bits()
        | EPOLLET
        | EPOLLWAKEUP
        | EPOLLEXCLUSIVE;
    let is_wrong = events & EPOLLEXCLUSIVE != 0 && events & !allowed != 0;
    if is_wrong { Err(EINVAL) } else { Ok(()) }
}

/// Descriptor and description in one word, so that no map of another type is in the image: 20 bits
/// of descriptor (NR_OPEN), and what tells apart addresses of the kernel's half, aligned to words.
fn key(fd: i32, open: *const OpenFile) -> u64 {
    const ADDRESS_BITS: u32 = 44;
    const ALIGNMENT_BITS: u32 = 3;
    let address = open as u64 >> ALIGNMENT_BITS & ((1 << ADDRESS_BITS) - 1);
    (fd as u64) << ADDRESS_BITS | address
}

impl Inner {
    fn insert(&mut self, fd: i32, open: &Arc<OpenFile>, wanted: Event) -> Result<u32, Errno> {
        let key = key(fd, Arc::as_ptr(open));
        if self.by_file.contains_key(key) {
            return Err(EEXIST);
        }
        self.reserve()?;
        let interest = Some(Interest {
            fd,
            open: Arc::downgrade(open),
            wanted,
            is_queued: false,
            is_spent: false,
        });
        let index = self.free.pop().unwrap_or(self.interests.len() as u32);
        match self.interests.get_mut(index as usize) {
            Some(place) => *place = interest,
            None => heap::push(&mut self.interests, interest)?,
        }
        self.by_file.insert(key, u64::from(index));
        Ok(index)
    }

    /// Room for one more place to come to be ready, or free.
    fn reserve(&mut self) -> Result<(), Errno> {
        let places = self.interests.len() + 1;
        let free = self.free.try_reserve(places - self.free.len());
        let ready = self.ready.try_reserve(places - self.ready.len());
        free.and(ready).map_err(|_| ENOMEM)
    }

    fn find(&self, fd: i32, open: &Arc<OpenFile>) -> Result<u32, Errno> {
        let index = self.by_file.get(key(fd, Arc::as_ptr(open)));
        index.map(|&index| index as u32).ok_or(ENOENT)
    }

    fn interest(&mut self, index: u32) -> Option<&mut Interest> {
        self.interests.get_mut(index as usize)?.as_mut()
    }

    fn remove(&mut self, index: u32) -> Option<Interest> {
        let interest = self.interests.get_mut(index as usize)?.take()?;
        self.by_file
            .remove(key(interest.fd, interest.open.as_ptr()));
        if interest.is_queued {
            // From the end: a description that closes takes its interests back last ones first.
            let place = self.ready.iter().rposition(|&ready| ready == index);
            place.and_then(|place| self.ready.remove(place));
        }
        self.free.push(index);
        Some(interest)
    }

    fn pop_ready(&mut self) -> Option<(u32, Weak<OpenFile>, Event)> {
        let index = self.ready.pop_front()?;
        let interest = self.interest(index)?;
        interest.is_queued = false;
        if interest.is_spent {
            return None;
        }
        Some((index, interest.open.clone(), interest.wanted))
    }

    /// After an event went out: level-triggered interests stay on the list, to be tested again.
    fn emitted(&mut self, index: u32) {
        let Some(interest) = self.interest(index) else {
            return;
        };
        interest.is_spent = interest.wanted.events & EPOLLONESHOT != 0;
        let stays = interest.wanted.events & (EPOLLET | EPOLLONESHOT) == 0;
        if stays && !interest.is_queued {
            interest.is_queued = true;
            self.ready.push_back(index);
        }
    }
}

impl Observer for Epoll {
    fn notify(&self, key: u64, events: u32) -> bool {
        let index = key as u32;
        let mut inner = self.inner.lock();
        let Some(interest) = inner.interest(index) else {
            return false;
        };
        if interest.is_queued
            || interest.is_spent
            || events & (interest.wanted.events | ALWAYS) == 0
        {
            return false;
        }
        interest.is_queued = true;
        inner.ready.push_back(index);
        drop(inner);
        self.queue.wake_one()
    }

    fn height(&self, visits: &mut usize) -> SysResult {
        *visits = visits.checked_sub(1).ok_or(EINVAL)?;
        Ok(self.queue.height(visits)? + 1)
    }
}

impl File for Epoll {
    fn readiness(&self) -> Events {
        let listed = self.inner.lock().ready.len();
        for _ in 0..listed {
            if let Some((index, _)) = self.take_ready() {
                self.requeue_first(index);
                return Events::IN | Events::RDNORM;
            }
        }
        Events::empty()
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(&self.queue)
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(super::event::anonymous_status())
    }

    fn details(&self) -> Vec<u8> {
        let inner = self.inner.lock();
        let mut lines = Vec::new();
        for interest in inner.interests.iter().flatten() {
            let (events, data) = (interest.wanted.events | ALWAYS, interest.wanted.data);
            let line = alloc::format!(
                "tfd: {:8} events: {events:8x} data: {data:16x}\n",
                interest.fd
            );
            lines.extend_from_slice(line.as_bytes());
        }
        lines
    }

    fn path(&self) -> Vec<u8> {
        b"anon_inode:[eventpoll]".to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What was watched is told no more. The first interest in a file ends all others in it, too.
impl Drop for Epoll {
    fn drop(&mut self) {
        let interests = core::mem::take(&mut self.inner.lock().interests);
        for interest in interests.into_iter().flatten() {
            let Some(open) = interest.open.upgrade() else {
                continue;
            };
            open.forget_gone_watchers();
            if let Some(queue) = open.file.wait_queue() {
                queue.forget_gone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::EventCounter;
    use super::super::file::tests::{Given, Taken};
    use super::super::{FileTable, IoRequest};
    use super::*;

    const IN: u32 = 1;
    const OUT: u32 = 4;
    const NOW: IoRequest = IoRequest {
        offset: 0,
        is_append: false,
        is_nonblocking: true,
    };

    fn counter() -> Arc<OpenFile> {
        Arc::new(OpenFile::new(EventCounter::new(0, false), 0))
    }

    fn signal(open: &OpenFile) {
        open.file
            .write(NOW, &mut Given::new(&1u64.to_ne_bytes()))
            .unwrap();
    }

    fn drain(open: &OpenFile) {
        open.file.read(NOW, &mut Taken::new(8)).unwrap();
    }

    fn wanted(events: u32, data: u64) -> Event {
        Event { events, data }
    }

    /// The data of what is ready.
    fn ready(epoll: &Epoll, limit: usize) -> Vec<u64> {
        let mut found = Vec::new();
        let mut emit = |event: Event| {
            found.push(event.data);
            Ok(())
        };
        let _ = epoll.collect(limit, &mut emit);
        found
    }

    #[test]
    fn level_triggered_interests_stay_ready_until_drained() {
        let (epoll, open) = (Epoll::new(), counter());
        epoll.add(3, &open, wanted(IN, 7)).unwrap();
        assert_eq!(ready(&epoll, 9), []);
        signal(&open);
        assert_eq!((ready(&epoll, 9), ready(&epoll, 9)), (vec![7], vec![7]));
        drain(&open);
        assert_eq!(ready(&epoll, 9), []);
        signal(&open);
        assert_eq!(ready(&epoll, 9), [7]);
    }

    #[test]
    fn edge_triggered_interests_speak_once_an_edge() {
        let (epoll, open) = (Epoll::new(), counter());
        signal(&open);
        epoll.add(3, &open, wanted(IN | EPOLLET, 7)).unwrap();
        assert_eq!((ready(&epoll, 9), ready(&epoll, 9)), (vec![7], vec![]));
        signal(&open);
        assert_eq!((ready(&epoll, 9), ready(&epoll, 9)), (vec![7], vec![]));
    }

    #[test]
    fn reading_from_a_pipe_is_no_edge_to_its_reader() {
        let (reader, writer) = super::super::pipe::Pipe::pair(false);
        let (epoll, open) = (Epoll::new(), Arc::new(OpenFile::new(reader, 0)));
        epoll.add(3, &open, wanted(IN | EPOLLET, 7)).unwrap();
        writer.write(NOW, &mut Given::new(b"several")).unwrap();
        assert_eq!(ready(&epoll, 9), [7]);
        open.file.read(NOW, &mut Taken::new(1)).unwrap();
        assert_eq!(ready(&epoll, 9), []);
        writer.write(NOW, &mut Given::new(b"more")).unwrap();
        assert_eq!(ready(&epoll, 9), [7]);
    }

    #[test]
    fn one_shot_interests_are_silent_until_modified() {
        let (epoll, open) = (Epoll::new(), counter());
        signal(&open);
        epoll.add(3, &open, wanted(IN | EPOLLONESHOT, 7)).unwrap();
        assert_eq!((ready(&epoll, 9), ready(&epoll, 9)), (vec![7], vec![]));
        signal(&open);
        assert_eq!(ready(&epoll, 9), []);
        epoll
            .modify(3, &open, wanted(IN | EPOLLONESHOT, 8))
            .unwrap();
        assert_eq!((ready(&epoll, 9), ready(&epoll, 9)), (vec![8], vec![]));
    }

    #[test]
    fn the_limit_is_kept_and_everybody_gets_a_turn() {
        let epoll = Epoll::new();
        let opens: Vec<_> = (0..4).map(|_| counter()).collect();
        for (data, open) in (0..).zip(&opens) {
            epoll.add(data as i32, open, wanted(IN, data)).unwrap();
            signal(open);
        }
        assert_eq!(ready(&epoll, 3), [0, 1, 2]);
        assert_eq!(ready(&epoll, 3), [3, 0, 1]);
        assert_eq!(ready(&epoll, 9), [2, 3, 0, 1]);
    }

    #[test]
    fn closed_descriptions_vanish() {
        let (epoll, table) = (Epoll::new(), FileTable::new());
        let fd = table.install(EventCounter::new(1, false), 0).unwrap();
        let open = table.get(fd).unwrap();
        epoll.add(fd, &open, wanted(IN, 7)).unwrap();
        let file = open.file.clone();
        drop(open);
        table.close(fd).unwrap();
        assert_eq!(ready(&epoll, 9), []);
        assert_eq!(epoll.inner.lock().by_file.len(), 0);
        file.write(NOW, &mut Given::new(&1u64.to_ne_bytes()))
            .unwrap();
        assert_eq!(epoll.inner.lock().ready.len(), 0);
    }

    #[test]
    fn control_errors_are_those_of_epoll_ctl() {
        let (epoll, open) = (Epoll::new(), counter());
        assert_eq!(epoll.delete(3, &open), Err(ENOENT));
        assert_eq!(epoll.modify(3, &open, wanted(IN, 0)), Err(ENOENT));
        epoll.add(3, &open, wanted(IN, 0)).unwrap();
        assert_eq!(epoll.add(3, &open, wanted(IN, 0)), Err(EEXIST));
        epoll.add(4, &open, wanted(IN, 0)).unwrap();
        epoll.delete(3, &open).unwrap();
        assert_eq!(epoll.delete(3, &open), Err(ENOENT));
        assert_eq!(
            epoll.modify(4, &open, wanted(EPOLLEXCLUSIVE, 0)),
            Err(EINVAL)
        );
    }

    #[test]
    fn epolls_in_a_circle_are_eloop() {
        let chain: Vec<_> = (0..6)
            .map(|_| Arc::new(OpenFile::new(Epoll::new(), 0)))
            .collect();
        let of = |open: &Arc<OpenFile>| {
            let any: Arc<dyn Any + Send + Sync> = open.file.clone();
            any.downcast::<Epoll>().unwrap()
        };
        of(&chain[0]).add(1, &chain[1], wanted(IN, 0)).unwrap();
        of(&chain[1]).add(2, &chain[2], wanted(IN, 0)).unwrap();
        assert_eq!(of(&chain[2]).add(0, &chain[0], wanted(IN, 0)), Err(ELOOP));
        assert_eq!(of(&chain[0]).add(0, &chain[0], wanted(IN, 0)), Err(EINVAL));
    }

    #[test]
    fn a_nested_epoll_is_ready_when_what_it_watches_is() {
        let (outer, inner) = (Epoll::new(), Arc::new(OpenFile::new(Epoll::new(), 0)));
        let open = counter();
        outer.add(5, &inner, wanted(IN, 1)).unwrap();
        let inner_epoll = inner.file.as_any().downcast_ref::<Epoll>().unwrap();
        inner_epoll.add(6, &open, wanted(IN | OUT, 2)).unwrap();
        assert_eq!(ready(&outer, 9), [1]);
        assert_eq!(ready(inner_epoll, 9), [2]);
    }
}
