//! Eventfd objects (eventfd(2)): a counter to wait on.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use super::{Events, File, FileStatus, IoRequest, Sink, Source};
use crate::errno::{EAGAIN, EINVAL, Errno, SysResult};
use crate::sync::{SpinLock, WaitQueue, wait_until};

/// The counter stays below this (eventfd(2)).
const COUNTER_LIMIT: u64 = u64::MAX - 1;
const VALUE_BYTES: usize = 8;

pub struct EventCounter {
    counter: SpinLock<u64>,
    is_semaphore: bool,
    queue: WaitQueue,
}

impl EventCounter {
    pub fn new(initial: u32, is_semaphore: bool) -> Arc<EventCounter> {
        Arc::new(EventCounter {
            counter: SpinLock::new(u64::from(initial)),
            is_semaphore,
            queue: WaitQueue::new(),
        })
    }

    /// Takes what a read gives; None while the counter is zero.
    fn take(&self) -> Option<u64> {
        let mut counter = self.counter.lock();
        if *counter == 0 {
            return None;
        }
        let value = if self.is_semaphore { 1 } else { *counter };
        *counter -= value;
        Some(value)
    }

    /// Adds; None while it does not fit.
    fn add(&self, value: u64) -> Option<()> {
        let mut counter = self.counter.lock();
        let sum = counter
            .checked_add(value)
            .filter(|&sum| sum <= COUNTER_LIMIT)?;
        *counter = sum;
        Some(())
    }
}

impl File for EventCounter {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        if into.remaining() < VALUE_BYTES {
            return Err(EINVAL);
        }
        let value = match self.take() {
            Some(value) => value,
            None if request.is_nonblocking => return Err(EAGAIN),
            None => wait_until(&self.queue, None, || self.take())?,
        };
        self.queue.wake_all_for(Events::OUT.bits());
        into.put(&value.to_ne_bytes())
    }

    fn write(&self, request: IoRequest, from: &mut dyn Source) -> SysResult {
        let mut bytes = [0; VALUE_BYTES];
        if from.remaining() < VALUE_BYTES || from.take(&mut bytes)? < VALUE_BYTES {
            return Err(EINVAL);
        }
        let value = u64::from_ne_bytes(bytes);
        if value > COUNTER_LIMIT {
            return Err(EINVAL);
        }
        match self.add(value) {
            Some(()) => {}
            None if request.is_nonblocking => return Err(EAGAIN),
            None => wait_until(&self.queue, None, || self.add(value))?,
        }
        self.queue.wake_all_for(Events::IN.bits());
        Ok(VALUE_BYTES)
    }

    fn readiness(&self) -> Events {
        let counter = *self.counter.lock();
        let mut events = Events::empty();
        events.set(Events::IN | Events::RDNORM, counter > 0);
        events.set(Events::OUT | Events::WRNORM, counter < COUNTER_LIMIT);
        events
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(&self.queue)
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous_status())
    }

    fn details(&self) -> Vec<u8> {
        let counter = *self.counter.lock();
        alloc::format!("eventfd-count: {counter:16x}\n").into_bytes()
    }

    fn path(&self) -> Vec<u8> {
        b"anon_inode:[eventfd]".to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What fstat(2) tells of objects that are in no file system: they share one inode on Linux too.
pub fn anonymous_status() -> FileStatus {
    const ANONYMOUS_DEVICE: u64 = 4;
    FileStatus {
        device: ANONYMOUS_DEVICE,
        inode: 1,
        mode: 0o600,
        links: 1,
        ..FileStatus::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{Given, Taken};
    use super::*;

    const NOW: IoRequest = IoRequest {
        offset: 0,
        is_append: false,
        is_nonblocking: true,
    };

    fn read(event: &EventCounter) -> Result<u64, Errno> {
        let mut taken = Taken::new(8);
        event.read(NOW, &mut taken)?;
        Ok(u64::from_ne_bytes(taken.bytes.try_into().unwrap()))
    }

    #[test]
    fn a_counter_is_read_whole_and_a_semaphore_by_ones() {
        let counter = EventCounter::new(3, false);
        assert_eq!(read(&counter), Ok(3));
        assert_eq!(read(&counter), Err(EAGAIN));
        let semaphore = EventCounter::new(2, true);
        assert_eq!((read(&semaphore), read(&semaphore)), (Ok(1), Ok(1)));
        assert_eq!(read(&semaphore), Err(EAGAIN));
    }

    #[test]
    fn the_counter_never_overflows() {
        let counter = EventCounter::new(0, false);
        let write = |value: u64| counter.write(NOW, &mut Given::new(&value.to_ne_bytes()));
        assert_eq!(write(u64::MAX), Err(EINVAL));
        assert_eq!(write(u64::MAX - 1), Ok(8));
        assert_eq!(write(1), Err(EAGAIN));
        assert_eq!(counter.readiness(), Events::IN | Events::RDNORM);
        assert_eq!(counter.write(NOW, &mut Given::new(b"short")), Err(EINVAL));
    }
}
