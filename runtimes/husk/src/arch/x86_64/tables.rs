//! GDT, TSS and IDT, and the registers of `syscall`.
//!
//! Stacks: IST1 is the running thread's kernel stack (interrupts come only from the application or
//! from idling, which has a stack of its own); IST2 serves exceptions, which the kernel may cause
//! too (a copy from a bad pointer); IST3 serves double faults, NMI and machine checks.

use core::arch::asm;
use core::cell::UnsafeCell;

use super::interrupt::{VECTORS, is_used};
use super::{cpu, entry};
use crate::mm::PAGE_SIZE;

pub const KERNEL_CODE: u16 = 0x08;
pub const KERNEL_DATA: u16 = 0x10;
const TSS_SELECTOR: u16 = 0x18;

const STACK_BYTES: usize = 16 * 1024;

/// A stack in the image above a page that `guards` names and mm unmaps.
#[repr(C, align(4096))]
struct Stack {
    guard: [u8; PAGE_SIZE],
    bytes: [u8; STACK_BYTES],
}

const EMPTY_STACK: Stack = Stack {
    guard: [0; PAGE_SIZE],
    bytes: [0; STACK_BYTES],
};

/// Task state segment (SDM vol. 3 § 8.7).
#[repr(C, packed(4))]
struct TaskState {
    reserved_0: u32,
    rsp: [u64; 3],
    reserved_1: u64,
    ist: [u64; 7],
    reserved_2: u64,
    reserved_3: u16,
    io_map_base: u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Gate {
    offset_low: u16,
    selector: u16,
    ist: u8,
    attributes: u8,
    offset_middle: u16,
    offset_high: u32,
    reserved: u32,
}

const EMPTY_GATE: Gate = Gate {
    offset_low: 0,
    selector: 0,
    ist: 0,
    attributes: 0,
    offset_middle: 0,
    offset_high: 0,
    reserved: 0,
};

struct Tables {
    gdt: [u64; 5],
    tss: TaskState,
    idt: [Gate; 256],
}

struct Shared<T>(UnsafeCell<T>);

// SAFETY: written during boot and by the one processor's context switch, with interrupts off.
unsafe impl<T> Sync for Shared<T> {}

/// Nothing but zeros, so that the file has none of it; `install` fills it.
static TABLES: Shared<Tables> = Shared(UnsafeCell::new(Tables {
    gdt: [0; 5],
    tss: TaskState {
        reserved_0: 0,
        rsp: [0; 3],
        reserved_1: 0,
        ist: [0; 7],
        reserved_2: 0,
        reserved_3: 0,
        io_map_base: 0,
    },
    idt: [EMPTY_GATE; 256],
}));
static INTERRUPT_STACK: Shared<Stack> = Shared(UnsafeCell::new(EMPTY_STACK));
static EXCEPTION_STACK: Shared<Stack> = Shared(UnsafeCell::new(EMPTY_STACK));
static FAULT_STACK: Shared<Stack> = Shared(UnsafeCell::new(EMPTY_STACK));

fn top(stack: &Shared<Stack>) -> usize {
    stack.0.get() as usize + PAGE_SIZE + STACK_BYTES
}

/// Pages below the processor's own stacks: a stack that runs over must not reach other data.
pub fn guards() -> [usize; 3] {
    [&INTERRUPT_STACK, &EXCEPTION_STACK, &FAULT_STACK].map(|stack| stack.0.get() as usize)
}

#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

/// Loads everything; interrupts stay off.
pub fn install() {
    let tables = TABLES.0.get();
    // SAFETY: boot runs alone; the tables are static.
    unsafe {
        fill_gdt(&mut *tables);
        fill_tss(&mut (*tables).tss);
        fill_idt(&mut *tables);
        load(&*tables);
    }
    install_syscall();
}

/// Flat segments, and the task's (SDM vol. 3 § 3.4.5, § 8.2.3).
fn fill_gdt(tables: &mut Tables) {
    const CODE: u64 = 0x00af_9b00_0000_ffff;
    const DATA: u64 = 0x00cf_9300_0000_ffff;
    const PRESENT_TSS: u64 = 0x89 << 40;
    let base = &raw const tables.tss as u64;
    let limit = core::mem::size_of::<TaskState>() as u64 - 1;
    let task = limit | (base & 0xff_ffff) << 16 | PRESENT_TSS | (base >> 24 & 0xff) << 56;
    tables.gdt = [0, CODE, DATA, task, base >> 32];
}

fn fill_tss(tss: &mut TaskState) {
    let mut ist = [0; 7];
    ist[0] = top(&INTERRUPT_STACK) as u64;
    ist[1] = top(&EXCEPTION_STACK) as u64;
    ist[2] = top(&FAULT_STACK) as u64;
    tss.ist = ist;
    tss.io_map_base = core::mem::size_of::<TaskState>() as u16; // none
}

/// A vector without a gate is a general protection fault to `int n`, as on Linux.
fn fill_idt(tables: &mut Tables) {
    for vector in (0..VECTORS).filter(|vector| is_used(*vector)) {
        let address = entry::stub(vector);
        const PRESENT_INTERRUPT_GATE: u8 = 0x8e;
        tables.idt[vector] = Gate {
            offset_low: address as u16,
            selector: KERNEL_CODE,
            ist: ist_of(vector),
            attributes: PRESENT_INTERRUPT_GATE,
            offset_middle: (address >> 16) as u16,
            offset_high: (address >> 32) as u32,
            reserved: 0,
        };
    }
}

fn ist_of(vector: usize) -> u8 {
    const NMI: usize = 2;
    const DOUBLE_FAULT: usize = 8;
    const MACHINE_CHECK: usize = 18;
    match vector {
        NMI | DOUBLE_FAULT | MACHINE_CHECK => 3,
        0..32 => 2,
        _ => 1,
    }
}

/// # Safety
/// `tables` is static and filled.
unsafe fn load(tables: &Tables) {
    let gdt = Pointer {
        limit: core::mem::size_of_val(&tables.gdt) as u16 - 1,
        base: tables.gdt.as_ptr() as u64,
    };
    let idt = Pointer {
        limit: core::mem::size_of_val(&tables.idt) as u16 - 1,
        base: tables.idt.as_ptr() as u64,
    };
    // SAFETY: the selectors describe the flat segments the kernel runs with already.
    unsafe {
        asm!(
            "lgdt [{gdt}]",
            "lidt [{idt}]",
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            "mov ss, {data:e}",
            "mov ds, {data:e}",
            "mov es, {data:e}",
            "ltr {tss:x}",
            gdt = in(reg) &gdt,
            idt = in(reg) &idt,
            code = const KERNEL_CODE as u64,
            data = in(reg) u32::from(KERNEL_DATA),
            tss = in(reg) TSS_SELECTOR,
            scratch = out(reg) _,
        );
    }
}

/// `syscall` enters at `husk_syscall_entry` with interrupts and direction flag off (SDM vol. 2).
fn install_syscall() {
    const INTERRUPT: u64 = 1 << 9;
    const DIRECTION: u64 = 1 << 10;
    const TRAP: u64 = 1 << 8;
    const ALIGNMENT_CHECK: u64 = 1 << 18;
    cpu::write_msr(cpu::IA32_STAR, u64::from(KERNEL_CODE) << 32);
    cpu::write_msr(cpu::IA32_LSTAR, entry::syscall_entry() as u64);
    cpu::write_msr(
        cpu::IA32_FMASK,
        INTERRUPT | DIRECTION | TRAP | ALIGNMENT_CHECK,
    );
}

/// Where interrupts build their frame from now on.
pub fn set_interrupt_stack(top: usize) {
    // SAFETY: a plain store to this processor's TSS, with interrupts off.
    unsafe {
        let tss = &raw mut (*TABLES.0.get()).tss;
        let ist1 = (tss as *mut u8).add(36).cast::<u64>(); // SDM vol. 3 figure 8-11
        ist1.write_unaligned(top as u64);
    }
}

/// Interrupts while idling use a stack of their own: the thread's kernel stack is in use.
pub fn use_idle_interrupt_stack() {
    set_interrupt_stack(top(&INTERRUPT_STACK));
}
