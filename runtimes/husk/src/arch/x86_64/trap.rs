//! The registers of the application as saved on entry to the kernel.

/// Layout shared with entry.rs's assembly: lowest address first. It fills the top of the thread's
/// kernel stack, where interrupts through IST1 and `syscall` entry both build it.
#[repr(C, align(16))]
#[derive(Clone, Copy, Default)]
pub struct TrapFrame {
    pub xmm: [u128; 16],
    pub r15: usize,
    pub r14: usize,
    pub r13: usize,
    pub r12: usize,
    pub rbp: usize,
    pub rbx: usize,
    pub r11: usize,
    pub r10: usize,
    pub r9: usize,
    pub r8: usize,
    pub rax: usize,
    pub rcx: usize,
    pub rdx: usize,
    pub rsi: usize,
    pub rdi: usize,
    /// System call number as it was in RAX, or the vector of an interrupt or exception.
    pub vector: usize,
    /// Error code of an exception; `SYSTEM_CALL` for system calls.
    pub error: usize,
    pub rip: usize,
    pub cs: usize,
    pub rflags: usize,
    pub rsp: usize,
    pub ss: usize,
}

/// In `TrapFrame::error`: this frame was made by the `syscall` instruction.
pub const SYSTEM_CALL: usize = usize::MAX;

impl TrapFrame {
    pub const SIZE_BYTES: usize = core::mem::size_of::<TrapFrame>();

    pub fn at_stack_top(top: usize) -> *mut TrapFrame {
        (top - Self::SIZE_BYTES) as *mut TrapFrame
    }

    pub fn is_system_call(&self) -> bool {
        self.error == SYSTEM_CALL
    }

    /// True when the application was interrupted rather than the kernel: its code or its stack is
    /// in the lower half. Code alone would not do, since nothing keeps it from jumping up here.
    pub fn is_from_application(&self) -> bool {
        const HALF: usize = crate::mm::USER_END + crate::mm::PAGE_SIZE;
        self.rip < HALF || self.rsp < HALF
    }
}

const _: () = assert!(TrapFrame::SIZE_BYTES == 432);
