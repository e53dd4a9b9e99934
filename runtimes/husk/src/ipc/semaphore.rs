//! System V semaphores (semop(2)): sets of counters that are changed together or not at all.
//!
//! What SEM_UNDO gives back at exit is remembered with the set. Lock order: the table, then a set's
//! state, which is a leaf.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{IPC_NOWAIT, Object, READ, Table, WRITE, now_s};
use crate::errno::{E2BIG, EAGAIN, EFBIG, EIDRM, EINTR, EINVAL, ENOMEM, ERANGE, Errno, SysResult};
use crate::process::{at_exit, current};
use crate::sync::{Deadline, SpinLock, WaitQueue, Woken, wait_until};

// Limits as Linux has them: semaphores in a set and in all, operations in a call, sets, values.
pub const IN_SET_LIMIT: usize = 32_000;
pub const TOTAL_LIMIT: usize = 1_024_000_000;
pub const OPERATION_LIMIT: usize = 500;
pub const LIMIT: usize = 32_000;
pub const LARGEST_VALUE: i32 = 32_767;

const SEM_UNDO: u32 = 0x1000;

/// `struct sembuf`.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub number: u16,
    pub change: i16,
    pub flags: u16,
}

impl Operation {
    fn has(&self, flag: u32) -> bool {
        u32::from(self.flags) & flag != 0
    }
}

#[derive(Clone, Copy, Default, Debug)]
pub struct Semaphore {
    pub value: u16,
    /// Who changed it last.
    pub pid: u32,
}

/// A thread that waits for a semaphore to be zero, or to be large enough.
struct Waiting {
    tid: u32,
    number: u16,
    for_zero: bool,
}

/// What a process's end adds to a semaphore.
struct Undo {
    pid: u32,
    number: u16,
    change: i32,
}

pub struct State {
    pub semaphores: Vec<Semaphore>,
    pub operated_s: u64,
    waiting: Vec<Waiting>,
    undo: Vec<Undo>,
    is_removed: bool,
}

pub struct Set {
    pub state: SpinLock<State>,
    changed: WaitQueue,
}

/// Why operations were not done.
#[derive(Clone, Copy)]
enum Blocked {
    By(Operation),
    Failed(Errno),
}

static TABLE: Table<Set> = Table::new(LIMIT);

pub fn table() -> &'static Table<Set> {
    &TABLE
}

/// semget(2).
pub fn get(key: i32, count: i32, flags: u32) -> SysResult {
    let count = usize::try_from(count).map_err(|_| EINVAL)?;
    if count > IN_SET_LIMIT {
        return Err(EINVAL);
    }
    let is_large_enough = |set: &Set| {
        let fits = count <= set.state.lock().semaphores.len();
        fits.then_some(()).ok_or(EINVAL)
    };
    TABLE.find_or_make((key, flags), is_large_enough, || Set::new(count))
}

/// semop(2) and semtimedop(2).
pub fn operate(id: u32, operations: &[Operation], deadline: Deadline) -> SysResult {
    if operations.len() > OPERATION_LIMIT {
        return Err(E2BIG);
    }
    let object = TABLE.get(id)?;
    let set = &object.content;
    let count = set.state.lock().semaphores.len();
    if operations.iter().any(|o| usize::from(o.number) >= count) {
        return Err(EFBIG);
    }
    let alters = operations.iter().any(|o| o.change != 0);
    object.check(if alters { WRITE } else { READ })?;
    if operations.iter().any(|o| o.has(SEM_UNDO)) {
        at_exit::add(undo_all);
    }
    let thread = current();
    let outcome = wait_until(&set.changed, deadline, || {
        let tried = set.state.lock().attempt(operations, thread.tid());
        match tried {
            Ok(()) => Some(Ok(())),
            Err(Blocked::By(operation)) if operation.has(IPC_NOWAIT) => Some(Err(EAGAIN)),
            Err(Blocked::By(_)) => None,
            Err(Blocked::Failed(error)) => Some(Err(error)),
        }
    });
    set.state.lock().stop_waiting(thread.tid());
    match outcome {
        Ok(Ok(())) => {
            set.changed.wake_all();
            Ok(0)
        }
        Ok(Err(error)) => Err(error),
        Err(Woken::TimedOut) => Err(EAGAIN),
        Err(Woken::Interrupted) => Err(EINTR), // never made again (signal(7))
    }
}

/// IPC_RMID: whoever waits is told.
pub fn remove(id: u32) -> Result<(), Errno> {
    TABLE.get(id)?.check_owner()?;
    let object = TABLE.remove(id)?;
    object.content.state.lock().is_removed = true;
    object.content.changed.wake_all();
    Ok(())
}

/// The end of a process: what it did with SEM_UNDO is undone.
fn undo_all(pid: u32) {
    for object in TABLE.all() {
        object.content.undo(pid);
    }
}

impl Set {
    fn new(count: usize) -> Result<Set, Errno> {
        if count == 0 {
            return Err(EINVAL);
        }
        let mut semaphores = Vec::new();
        semaphores.try_reserve_exact(count).map_err(|_| ENOMEM)?;
        semaphores.resize(count, Semaphore::default());
        Ok(Set {
            state: SpinLock::new(State {
                semaphores,
                operated_s: 0,
                waiting: Vec::new(),
                undo: Vec::new(),
                is_removed: false,
            }),
            changed: WaitQueue::new(),
        })
    }

    fn undo(&self, pid: u32) {
        let mut state = self.state.lock();
        let (own, others) = core::mem::take(&mut state.undo)
            .into_iter()
            .partition(|undo: &Undo| undo.pid == pid);
        state.undo = others;
        for undo in &own {
            if let Some(semaphore) = state.semaphores.get_mut(usize::from(undo.number)) {
                let sum = i32::from(semaphore.value) + undo.change;
                semaphore.value = sum.clamp(0, LARGEST_VALUE) as u16;
                semaphore.pid = pid;
            }
        }
        drop(state);
        if !own.is_empty() {
            self.changed.wake_all();
        }
    }
}

impl Object<Set> {
    /// SETVAL and SETALL: `values` from semaphore `first` on. What was to be undone is forgotten.
    pub fn set_values(&self, first: usize, values: &[u16]) -> Result<(), Errno> {
        if values.iter().any(|&value| i32::from(value) > LARGEST_VALUE) {
            return Err(ERANGE);
        }
        let pid = current().process.pid;
        let mut state = self.content.state.lock();
        let range = first..first + values.len();
        let semaphores = state.semaphores.get_mut(range.clone()).ok_or(EINVAL)?;
        for (semaphore, &value) in semaphores.iter_mut().zip(values) {
            *semaphore = Semaphore { value, pid };
        }
        state
            .undo
            .retain(|undo| !range.contains(&usize::from(undo.number)));
        drop(state);
        self.owner.lock().changed_s = now_s();
        self.content.changed.wake_all();
        Ok(())
    }
}

impl State {
    /// How many threads wait for a semaphore (GETNCNT, GETZCNT).
    pub fn waiting(&self, number: usize, for_zero: bool) -> usize {
        let is_meant = |w: &&Waiting| usize::from(w.number) == number && w.for_zero == for_zero;
        self.waiting.iter().filter(is_meant).count()
    }

    /// Does all operations or none; the thread is on record as waiting when one must wait.
    fn attempt(&mut self, operations: &[Operation], tid: u32) -> Result<(), Blocked> {
        if self.is_removed {
            return Err(Blocked::Failed(EIDRM));
        }
        self.stop_waiting(tid);
        let done = self.apply(operations);
        if let Err((count, blocked)) = done {
            for operation in operations.iter().take(count) {
                self.add(*operation, -1);
            }
            if let Blocked::By(operation) = blocked {
                self.waiting.push(Waiting {
                    tid,
                    number: operation.number,
                    for_zero: operation.change == 0,
                });
            }
            return Err(blocked);
        }
        self.record(operations);
        Ok(())
    }

    fn stop_waiting(&mut self, tid: u32) {
        self.waiting.retain(|waiting| waiting.tid != tid);
    }

    /// How many were done before the one that could not be.
    fn apply(&mut self, operations: &[Operation]) -> Result<(), (usize, Blocked)> {
        for (index, operation) in operations.iter().enumerate() {
            let semaphore = self.semaphores.get(usize::from(operation.number));
            let value = semaphore.map_or(0, |semaphore| i32::from(semaphore.value));
            let sum = value + i32::from(operation.change);
            let must_wait = sum < 0 || (operation.change == 0 && value != 0);
            if must_wait {
                return Err((index, Blocked::By(*operation)));
            }
            if sum > LARGEST_VALUE || !self.can_be_undone(operation) {
                return Err((index, Blocked::Failed(ERANGE)));
            }
            self.add(*operation, 1);
        }
        Ok(())
    }

    fn add(&mut self, operation: Operation, sign: i32) {
        if let Some(semaphore) = self.semaphores.get_mut(usize::from(operation.number)) {
            let sum = i32::from(semaphore.value) + sign * i32::from(operation.change);
            semaphore.value = sum as u16;
        }
    }

    fn can_be_undone(&self, operation: &Operation) -> bool {
        if !operation.has(SEM_UNDO) {
            return true;
        }
        let pid = current().process.pid;
        let so_far = self
            .undo
            .iter()
            .find(|undo| undo.pid == pid && undo.number == operation.number)
            .map_or(0, |undo| undo.change);
        let then = so_far - i32::from(operation.change);
        (-LARGEST_VALUE - 1..=LARGEST_VALUE).contains(&then)
    }

    fn record(&mut self, operations: &[Operation]) {
        let pid = current().process.pid;
        self.operated_s = now_s();
        for operation in operations {
            if let Some(semaphore) = self.semaphores.get_mut(usize::from(operation.number)) {
                semaphore.pid = pid;
            }
            if operation.has(SEM_UNDO) && operation.change != 0 {
                self.remember(pid, operation);
            }
        }
    }

    fn remember(&mut self, pid: u32, operation: &Operation) {
        let change = -i32::from(operation.change);
        let number = operation.number;
        let known = self
            .undo
            .iter_mut()
            .find(|undo| undo.pid == pid && undo.number == number);
        match known {
            Some(undo) => undo.change += change,
            None => self.undo.push(Undo {
                pid,
                number,
                change,
            }),
        }
    }
}

/// All sets and the semaphores in them, for SEM_INFO.
pub fn counts() -> (usize, usize) {
    let in_set = |set: Arc<Object<Set>>| set.content.state.lock().semaphores.len();
    (TABLE.all().count(), TABLE.all().map(in_set).sum())
}
