//! The frame a signal handler runs on, and the return from it (Linux arch/x86/include/uapi/asm/
//! sigcontext.h and ucontext.h; System V ABI AMD64). Linked only where the converter names it: where
//! nothing sets handlers, none is ever entered.

use super::action::{SA_ONSTACK, SA_RESTORER};
use super::pending::AlternateStack;
use super::{Action, SignalInfo, SignalSet, info};
use crate::arch::context;
use crate::arch::trap::TrapFrame;
use crate::errno::{EFAULT, ENOSYS, Errno};
use crate::mm::user::{self, Plain};
use crate::process::Thread;
use crate::sync::Once;

const RED_ZONE_BYTES: usize = 128;
const LEGACY_BYTES: usize = 512;
const XMM_OFFSET: usize = 160;
const XMM_BYTES: usize = 256;
const XSTATE_BV_OFFSET: usize = LEGACY_BYTES;
const MXCSR_OFFSET: usize = 24;
const SOFTWARE_OFFSET: usize = 464;
const FP_XSTATE_MAGIC1: u32 = 0x4650_5853;
const FP_XSTATE_MAGIC2: u32 = 0x4650_5845;
const MAGIC2_BYTES: usize = 4;

pub const SS_ONSTACK: u32 = 1;
pub const SS_DISABLE: u32 = 2;
pub const SS_AUTODISARM: u32 = 1 << 31;

/// struct ucontext with struct sigcontext_64 inside.
#[repr(C)]
#[derive(Clone, Copy)]
struct UserContext {
    flags: u64,
    link: u64,
    stack_address: u64,
    stack_flags: u64,
    stack_size: u64,
    registers: [u64; 18],
    selectors: [u16; 4],
    error: u64,
    trap: u64,
    old_mask: u64,
    cr2: u64,
    fpstate: u64,
    reserved: [u64; 8],
    mask: SignalSet,
}

// SAFETY: integers throughout, each at its natural alignment: no padding, no invalid pattern.
unsafe impl Plain for UserContext {}

const CONTEXT_BYTES: usize = core::mem::size_of::<UserContext>();
const FRAME_BYTES: usize = 8 + CONTEXT_BYTES + info::SIZE_BYTES;
const _: () = assert!(CONTEXT_BYTES == 304);

/// The selectors a Linux process sees; husk's own differ, and nothing reads them back.
const LINUX_SELECTORS: [u16; 4] = [0x33, 0, 0, 0x2b];
const UC_FP_XSTATE: u64 = 1;
const UC_SIGCONTEXT_SS: u64 = 2;

type Push = fn(&Thread, &mut TrapFrame, &SignalInfo, &Action, SignalSet) -> Result<(), Errno>;

static PUSH: Once<Push> = Once::new();

pub fn install() {
    PUSH.set(push_frame);
}

/// Builds the handler's frame on the application's stack and makes `trap` enter the handler.
pub fn push(
    thread: &Thread,
    trap: &mut TrapFrame,
    info: &SignalInfo,
    action: &Action,
    mask_after: SignalSet,
) -> Result<(), Errno> {
    PUSH.get().ok_or(ENOSYS)?(thread, trap, info, action, mask_after)
}

fn push_frame(
    thread: &Thread,
    trap: &mut TrapFrame,
    info: &SignalInfo,
    action: &Action,
    mask_after: SignalSet,
) -> Result<(), Errno> {
    if action.flags & SA_RESTORER == 0 {
        return Err(EFAULT); // x86-64 has no other way back (Linux setup_rt_frame)
    }
    let alternate = thread.signals.lock().alternate_stack;
    let fpstate = round_down(
        stack_top(trap.rsp, action, &alternate) - fpstate_bytes(),
        64,
    );
    let at = round_down(fpstate - FRAME_BYTES, 16) - 8;
    push_fpstate(thread, trap, fpstate)?;
    let context = user_context(trap, &alternate, fpstate, mask_after);
    user::write(at, action.restorer)?;
    user::write(at + 8, context)?;
    user::write_bytes(at + 8 + CONTEXT_BYTES, &info.to_bytes())?;
    if alternate.flags & SS_AUTODISARM != 0 {
        thread.signals.lock().alternate_stack = AlternateStack::default();
    }
    trap.rsp = at;
    trap.rip = action.handler;
    trap.rdi = info.signal as usize;
    trap.rsi = at + 8 + CONTEXT_BYTES;
    trap.rdx = at + 8;
    trap.rax = 0;
    trap.rflags = clean_flags(0);
    trap.error = 0;
    Ok(())
}

/// How much stack a handler's frame may take, for AT_MINSIGSTKSZ (sysconf(3), _SC_MINSIGSTKSZ).
pub fn largest_bytes() -> usize {
    const ALIGNMENT_BYTES: usize = 64 + 16;
    FRAME_BYTES + fpstate_bytes() + RED_ZONE_BYTES + ALIGNMENT_BYTES
}

fn round_down(address: usize, alignment: usize) -> usize {
    address & !(alignment - 1)
}

fn fpstate_bytes() -> usize {
    context::extended_size_bytes() + MAGIC2_BYTES
}

fn stack_top(rsp: usize, action: &Action, alternate: &AlternateStack) -> usize {
    let is_wanted = action.flags & SA_ONSTACK != 0 && alternate.size_bytes != 0;
    if is_wanted && !is_on(alternate, rsp) {
        return alternate.address + alternate.size_bytes;
    }
    rsp - RED_ZONE_BYTES
}

/// True when `rsp` is on the alternate stack; with SS_AUTODISARM it never counts as being there.
pub fn is_on(stack: &AlternateStack, rsp: usize) -> bool {
    stack.flags & SS_AUTODISARM == 0
        && rsp > stack.address
        && rsp - stack.address <= stack.size_bytes
}

fn user_context(
    trap: &TrapFrame,
    alternate: &AlternateStack,
    fpstate: usize,
    mask: SignalSet,
) -> UserContext {
    let t = trap;
    let registers = [
        t.r8, t.r9, t.r10, t.r11, t.r12, t.r13, t.r14, t.r15, t.rdi, t.rsi, t.rbp, t.rbx, t.rdx,
        t.rax, t.rcx, t.rsp, t.rip, t.rflags,
    ];
    let xstate = if context::has_xsave() {
        UC_FP_XSTATE
    } else {
        0
    };
    UserContext {
        flags: xstate | UC_SIGCONTEXT_SS,
        link: 0,
        stack_address: alternate.address as u64,
        stack_flags: u64::from(stack_flags(alternate, trap.rsp)),
        stack_size: alternate.size_bytes as u64,
        registers: registers.map(|register| register as u64),
        selectors: LINUX_SELECTORS,
        error: if trap.vector == 14 {
            trap.error as u64
        } else {
            0
        },
        trap: trap.vector as u64,
        old_mask: mask,
        cr2: crate::arch::cpu::read_cr2() as u64,
        fpstate: fpstate as u64,
        reserved: [0; 8],
        mask,
    }
}

/// The flags sigaltstack(2) tells: SS_DISABLE without a stack, SS_ONSTACK while on it.
pub fn stack_flags(stack: &AlternateStack, rsp: usize) -> u32 {
    if stack.size_bytes == 0 {
        return SS_DISABLE;
    }
    let on = if is_on(stack, rsp) { SS_ONSTACK } else { 0 };
    stack.flags & SS_AUTODISARM | on
}

/// Saves the thread's extended state with the application's XMM registers put in: the processor's
/// hold the kernel's scratch values.
fn push_fpstate(thread: &Thread, trap: &TrapFrame, address: usize) -> Result<(), Errno> {
    let image = saved_image(thread);
    // SAFETY: the running thread's own area, of `extended_size_bytes`; nothing else uses it now.
    let bytes = unsafe { core::slice::from_raw_parts_mut(image, context::extended_size_bytes()) };
    put_xmm(bytes, trap);
    if context::has_xsave() {
        put_software_bytes(bytes);
        user::write(address + bytes.len(), FP_XSTATE_MAGIC2)?;
    }
    user::write_bytes(address, bytes)
}

fn saved_image(thread: &Thread) -> *mut u8 {
    // SAFETY: the running thread's own saved state, which only a switch would use.
    unsafe {
        let extended = &mut *thread.extended();
        extended.save();
        extended.as_ptr()
    }
}

fn put_xmm(image: &mut [u8], trap: &TrapFrame) {
    for (index, register) in trap.xmm.iter().enumerate() {
        let at = XMM_OFFSET + 16 * index;
        image[at..at + 16].copy_from_slice(&register.to_le_bytes());
    }
    const SSE: u8 = 1 << 1;
    if context::has_xsave() {
        image[XSTATE_BV_OFFSET] |= SSE;
    }
}

/// struct _fpx_sw_bytes: tells the application that an XSAVE image is there, and how long.
fn put_software_bytes(image: &mut [u8]) {
    let total = (image.len() + MAGIC2_BYTES) as u32;
    let size = image.len() as u32;
    let features = context::features();
    let software = &mut image[SOFTWARE_OFFSET..LEGACY_BYTES];
    software.fill(0);
    software[0..4].copy_from_slice(&FP_XSTATE_MAGIC1.to_le_bytes());
    software[4..8].copy_from_slice(&total.to_le_bytes());
    software[8..16].copy_from_slice(&features.to_le_bytes());
    software[16..20].copy_from_slice(&size.to_le_bytes());
}

/// rt_sigreturn(2): every register from the frame that `trap.rsp` points into.
pub fn pop(thread: &Thread, trap: &mut TrapFrame) -> Result<(), Errno> {
    let context: UserContext = user::read(trap.rsp)?;
    pop_fpstate(thread, trap, context.fpstate as usize)?;
    let r = context.registers.map(|register| register as usize);
    [trap.r8, trap.r9, trap.r10, trap.r11] = [r[0], r[1], r[2], r[3]];
    [trap.r12, trap.r13, trap.r14, trap.r15] = [r[4], r[5], r[6], r[7]];
    [trap.rdi, trap.rsi, trap.rbp, trap.rbx] = [r[8], r[9], r[10], r[11]];
    [trap.rdx, trap.rax, trap.rcx] = [r[12], r[13], r[14]];
    [trap.rsp, trap.rip] = [r[15], r[16]];
    trap.rflags = clean_flags(r[17]);
    trap.error = 0;
    let mut signals = thread.signals.lock();
    signals.blocked = context.mask & !super::UNBLOCKABLE;
    signals.alternate_stack = AlternateStack {
        address: context.stack_address as usize,
        size_bytes: context.stack_size as usize,
        flags: context.stack_flags as u32 & SS_AUTODISARM,
    };
    Ok(())
}

/// Flags the application may choose, and interrupts on.
fn clean_flags(flags: usize) -> usize {
    const APPLICATIONS: usize = 0x0024_0dd5; // CF PF AF ZF SF TF DF OF AC ID
    const ALWAYS: usize = 0x202; // IF and the bit that reads as one
    flags & APPLICATIONS | ALWAYS
}

fn pop_fpstate(thread: &Thread, trap: &mut TrapFrame, address: usize) -> Result<(), Errno> {
    let image = saved_image(thread);
    // SAFETY: as in `push_fpstate`.
    let bytes = unsafe { core::slice::from_raw_parts_mut(image, context::extended_size_bytes()) };
    if address == 0 {
        return Ok(());
    }
    user::read_bytes(address, bytes)?;
    make_valid(bytes);
    for (register, chunk) in trap
        .xmm
        .iter_mut()
        .zip(bytes[XMM_OFFSET..XMM_OFFSET + XMM_BYTES].chunks_exact(16))
    {
        let mut raw = [0; 16];
        raw.copy_from_slice(chunk);
        *register = u128::from_le_bytes(raw);
    }
    // SAFETY: the image was made valid.
    unsafe { (*thread.extended()).restore() };
    Ok(())
}

/// Clears what would make XRSTOR or FXRSTOR fault (SDM vol. 1 § 13.8.1).
fn make_valid(image: &mut [u8]) {
    const MXCSR_MASK: u32 = 0xffff;
    let mut mxcsr = [0; 4];
    mxcsr.copy_from_slice(&image[MXCSR_OFFSET..MXCSR_OFFSET + 4]);
    let mxcsr = u32::from_le_bytes(mxcsr) & MXCSR_MASK;
    image[MXCSR_OFFSET..MXCSR_OFFSET + 4].copy_from_slice(&mxcsr.to_le_bytes());
    if !context::has_xsave() {
        return;
    }
    let header = &mut image[XSTATE_BV_OFFSET..XSTATE_BV_OFFSET + 64];
    let mut present = [0; 8];
    present.copy_from_slice(&header[..8]);
    let present = u64::from_le_bytes(present) & context::features();
    header.fill(0);
    header[..8].copy_from_slice(&present.to_le_bytes());
}
