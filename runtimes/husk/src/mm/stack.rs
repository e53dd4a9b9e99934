//! Kernel stacks, each above an unmapped guard page.
//!
//! Lock order: `SLOTS`, then the kernel's tables and frames.

use alloc::vec::Vec;

use super::frame::frames;
use super::map::{self, STACKS};
use super::{PAGE_SIZE, reserve};
use crate::errno::{ENOMEM, Errno};
use crate::sync::SpinLock;

/// A thread's kernel stack; unmapped and freed when dropped.
pub struct KernelStack {
    top: usize,
}

/// Which slots of the window are taken: those below `next` that are not in `free`.
struct Slots {
    next: usize,
    free: Vec<usize>,
}

static SLOTS: SpinLock<Slots> = SpinLock::new(Slots {
    next: 0,
    free: Vec::new(),
});

/// A slot: the guard page, then the stack.
const SLOT_BYTES: usize = PAGE_SIZE + KernelStack::SIZE_BYTES;
/// As many as Linux has process ids by default (proc(5), pid_max).
const LIMIT: usize = 32768;

impl KernelStack {
    pub const SIZE_BYTES: usize = 16 * 1024;

    pub fn new() -> Result<KernelStack, Errno> {
        let slot = take_slot()?;
        let top = STACKS + (slot + 1) * SLOT_BYTES;
        let stack = KernelStack { top }; // from here on dropping it cleans up
        for page in stack.pages() {
            let frame =
                frames().take_above(reserve::FOR_PROGRAMS).ok_or(ENOMEM)? as usize * PAGE_SIZE;
            map::map_page(page, frame).inspect_err(|_| {
                frames().give((frame / PAGE_SIZE) as u32);
            })?;
        }
        Ok(stack)
    }

    /// One past the highest byte, 16-byte aligned.
    pub fn top(&self) -> usize {
        self.top
    }

    fn pages(&self) -> impl Iterator<Item = usize> + use<> {
        (self.top - Self::SIZE_BYTES..self.top).step_by(PAGE_SIZE)
    }
}

fn take_slot() -> Result<usize, Errno> {
    let mut slots = SLOTS.lock();
    if let Some(slot) = slots.free.pop() {
        return Ok(slot);
    }
    if slots.next == LIMIT {
        return Err(ENOMEM);
    }
    // Room to give every slot back, so that dropping a stack never allocates.
    let missing = slots.next + 1 - slots.free.len();
    slots.free.try_reserve(missing).map_err(|_| ENOMEM)?;
    slots.next += 1;
    Ok(slots.next - 1)
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        for frame in self.pages().filter_map(map::unmap_page) {
            frames().give((frame / PAGE_SIZE) as u32);
        }
        SLOTS.lock().free.push((self.top - STACKS) / SLOT_BYTES - 1);
    }
}

/// True when an address is in a guard page: a kernel stack ran over.
pub fn is_guard(address: usize) -> bool {
    (STACKS..STACKS + LIMIT * SLOT_BYTES).contains(&address)
        && (address - STACKS) % SLOT_BYTES < PAGE_SIZE
}
