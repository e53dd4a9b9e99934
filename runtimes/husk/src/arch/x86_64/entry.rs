//! Every way into the kernel and out of it, in assembly.
//!
//! The application runs at the kernel's privilege level, so the processor switches no stack by
//! itself: `syscall` entry switches by hand, interrupts and exceptions through the IST. SYSRET
//! would go to ring 3, so a system call returns by a jump, with STI's one-instruction shadow
//! keeping interrupts away until the application's stack is back.
//!
//! Handlers are in the top 2 GiB, so the table has the lower halves of their addresses.
//!
//! The kernel is compiled with SSE: XMM registers are saved on every entry, since the system call
//! ABI keeps them (System V ABI AMD64 § A.2.1). Upper halves and x87 state the kernel never touches.

use core::arch::global_asm;

use super::cpu;
use super::interrupt::VECTORS;

global_asm!(
    r#"
.macro SAVE_REGISTERS
    push rdi
    push rsi
    push rdx
    push rcx
    push rax
    push r8
    push r9
    push r10
    push r11
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    sub rsp, 256
    movups [rsp + 0x00], xmm0
    movups [rsp + 0x10], xmm1
    movups [rsp + 0x20], xmm2
    movups [rsp + 0x30], xmm3
    movups [rsp + 0x40], xmm4
    movups [rsp + 0x50], xmm5
    movups [rsp + 0x60], xmm6
    movups [rsp + 0x70], xmm7
    movups [rsp + 0x80], xmm8
    movups [rsp + 0x90], xmm9
    movups [rsp + 0xa0], xmm10
    movups [rsp + 0xb0], xmm11
    movups [rsp + 0xc0], xmm12
    movups [rsp + 0xd0], xmm13
    movups [rsp + 0xe0], xmm14
    movups [rsp + 0xf0], xmm15
.endm

.macro RESTORE_REGISTERS
    movups xmm0, [rsp + 0x00]
    movups xmm1, [rsp + 0x10]
    movups xmm2, [rsp + 0x20]
    movups xmm3, [rsp + 0x30]
    movups xmm4, [rsp + 0x40]
    movups xmm5, [rsp + 0x50]
    movups xmm6, [rsp + 0x60]
    movups xmm7, [rsp + 0x70]
    movups xmm8, [rsp + 0x80]
    movups xmm9, [rsp + 0x90]
    movups xmm10, [rsp + 0xa0]
    movups xmm11, [rsp + 0xb0]
    movups xmm12, [rsp + 0xc0]
    movups xmm13, [rsp + 0xd0]
    movups xmm14, [rsp + 0xe0]
    movups xmm15, [rsp + 0xf0]
    add rsp, 256
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    pop r11
    pop r10
    pop r9
    pop r8
    pop rax
    pop rcx
    pop rdx
    pop rsi
    pop rdi
.endm

.macro ENTER_BY_SYSCALL
    mov gs:[0], rsp
    mov rsp, gs:[8]
    push 0x10
    push gs:[0]
    or r11, 0x200
    push r11
    push 0x08
    push rcx
    push -1
    push rax
    SAVE_REGISTERS
    mov rcx, r10
    xor ebp, ebp
.endm

.set FRAME_R10, 256 + 7 * 8
.set FRAME_R9, 256 + 8 * 8
.set FRAME_R8, 256 + 9 * 8
.set FRAME_RAX, 256 + 10 * 8
.set FRAME_RDX, 256 + 12 * 8
.set FRAME_RSI, 256 + 13 * 8
.set FRAME_RDI, 256 + 14 * 8

    .section .text.husk_entry, "ax"

    .globl husk_syscall_entry
    .balign 16
husk_syscall_entry:
    ENTER_BY_SYSCALL
    cmp rax, [husk_syscall_count]
    jae 3f
    movsxd rax, dword ptr [husk_syscall_table + rax * 4]
    call rax
2:
    mov [rsp + FRAME_RAX], rax
    mov rcx, gs:[16]
    cmp dword ptr [rcx], 0
    jne 4f
    RESTORE_REGISTERS
    add rsp, 16
    pop rcx
    add rsp, 8
    and dword ptr [rsp], 0xfffffdff
    popfq
    pop rsp
    sti
    jmp rcx
3:
    call sys_not_implemented
    jmp 2b
4:
    mov rdi, rsp
    call husk_before_return
    jmp husk_return_to_application

    # The same with a record before and after; RBX, which the handler keeps, is the call's number.
    .globl husk_traced_syscall_entry
    .balign 16
husk_traced_syscall_entry:
    ENTER_BY_SYSCALL
    mov rbx, rax
    mov rdi, rsp
    call husk_trace_call
    mov rdi, [rsp + FRAME_RDI]
    mov rsi, [rsp + FRAME_RSI]
    mov rdx, [rsp + FRAME_RDX]
    mov rcx, [rsp + FRAME_R10]
    mov r8, [rsp + FRAME_R8]
    mov r9, [rsp + FRAME_R9]
    cmp rbx, [husk_syscall_count]
    jae 6f
    movsxd rax, dword ptr [husk_syscall_table + rbx * 4]
    call rax
5:
    mov [rsp + FRAME_RAX], rax
    mov rdi, rsp
    mov rsi, rbx
    call husk_trace_return
    mov rax, [rsp + FRAME_RAX]
    jmp 2b
6:
    call sys_not_implemented
    jmp 5b

    # A new thread, a signal handler, an interrupted program: every register comes from the frame.
    .globl husk_return_to_application
    .balign 16
husk_return_to_application:
    RESTORE_REGISTERS
    add rsp, 16
    iretq

    .balign 16
husk_interrupt_common:
    cld
    SAVE_REGISTERS
    mov rdi, rsp
    xor ebp, ebp
    call husk_interrupt
    jmp husk_return_to_application

    # On IST2. The handler returns the frame to go on with: the same one when the exception is
    # dealt with, or its copy on the thread's kernel stack, where a signal can be delivered.
    .balign 16
husk_exception_common:
    cld
    SAVE_REGISTERS
    mov rdi, rsp
    xor ebp, ebp
    call husk_exception
    mov rsp, rax
    cmp rdx, 0
    je husk_return_to_application
    mov rdi, rsp
    call husk_application_exception
    jmp husk_return_to_application

    # Stubs, 16 bytes apart. Vectors 8, 10-14, 17, 21, 29 and 30 come with an error code.
    .globl husk_stubs
    .balign 16
husk_stubs:
    .set vector, 0
    .rept {vectors}
    .balign 16
    .if !((vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
    push 0
    .endif
    push vector
    .if vector < 32
    jmp husk_exception_common
    .else
    jmp husk_interrupt_common
    .endif
    .set vector, vector + 1
    .endr

    # rdi: where the old RSP goes, rsi: the new RSP. Callee-saved registers stay on the old stack.
    .globl husk_switch
    .balign 16
husk_switch:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    mov [rdi], rsp
    mov rsp, rsi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

    # Where a new thread begins: above this on its stack is its first frame.
    .globl husk_thread_start
    .balign 16
husk_thread_start:
    call husk_finish_switch
    mov rdi, rsp
    call husk_before_return
    jmp husk_return_to_application
"#,
    vectors = const VECTORS,
);

unsafe extern "C" {
    fn husk_syscall_entry();
    fn husk_traced_syscall_entry();
    fn husk_thread_start();
    static husk_stubs: u8;
}

/// Where `syscall` goes.
pub fn syscall_entry() -> usize {
    husk_syscall_entry as *const () as usize
}

/// From now on `syscall` goes where calls are traced.
pub fn trace_system_calls() {
    let entry = husk_traced_syscall_entry as *const () as u64;
    cpu::write_msr(cpu::IA32_LSTAR, entry);
}

/// First address a new thread executes, in the kernel.
pub fn thread_start() -> usize {
    husk_thread_start as *const () as usize
}

/// Where an interrupt vector below `VECTORS` goes.
pub fn stub(vector: usize) -> usize {
    &raw const husk_stubs as usize + vector * 16
}
