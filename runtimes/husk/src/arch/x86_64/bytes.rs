//! Moving, filling and comparing bytes: the symbols compiled code expects of a C library, and the
//! copy to and from application memory, which may fault.
//!
//! Two ways to move many bytes: `rep movsb`, fastest where the processor has ERMS, and plain
//! 16-byte moves, 43 times faster than `rep` under TCG. `install` chooses; plain until then.

use core::sync::atomic::{AtomicU8, Ordering};

use super::cpu;

/// Nonzero: long moves go by `rep`. Read by the assembly below.
#[unsafe(no_mangle)]
static HUSK_USES_REP: AtomicU8 = AtomicU8::new(0);

/// Chooses the faster way for this processor.
pub fn install() {
    const ERMS: u32 = 1 << 9;
    const TCG: [u32; 3] = [
        u32::from_le_bytes(*b"TCGT"),
        u32::from_le_bytes(*b"CGTC"),
        u32::from_le_bytes(*b"GTCG"),
    ];
    let has_erms = cpu::cpuid(7, 0)[1] & ERMS != 0;
    if has_erms && cpu::hypervisor() != Some(TCG) {
        HUSK_USES_REP.store(1, Ordering::Relaxed);
    }
}

#[cfg(not(test))]
core::arch::global_asm!(
    r#"
    .set REP_FROM, 1024     # shorter moves are not worth starting `rep` for

    .section .text.memcpy, "ax"
    .globl memcpy
    .balign 16
memcpy:
    mov rax, rdi
move_up:
    # Up to 32 bytes: everything is loaded before anything is stored, so overlap does not matter.
    cmp rdx, 16
    jb 1f
    cmp rdx, 32
    ja 5f
    movups xmm0, [rsi]
    movups xmm1, [rsi + rdx - 16]
    movups [rdi], xmm0
    movups [rdi + rdx - 16], xmm1
    ret
1:  cmp rdx, 8
    jb 2f
    mov rcx, [rsi]
    mov r8, [rsi + rdx - 8]
    mov [rdi], rcx
    mov [rdi + rdx - 8], r8
    ret
2:  cmp rdx, 4
    jb 3f
    mov ecx, [rsi]
    mov r8d, [rsi + rdx - 4]
    mov [rdi], ecx
    mov [rdi + rdx - 4], r8d
    ret
3:  test rdx, rdx
    je 4f
    mov r9, rdx
    shr r9
    movzx ecx, byte ptr [rsi]
    movzx r8d, byte ptr [rsi + r9]
    movzx r10d, byte ptr [rsi + rdx - 1]
    mov [rdi], cl
    mov [rdi + r9], r8b
    mov [rdi + rdx - 1], r10b
4:  ret

    # Longer, upwards: the last 32 bytes are loaded first, since the loop may overwrite them.
5:  cmp rdx, REP_FROM
    jae 8f
6:  movups xmm6, [rsi + rdx - 32]
    movups xmm7, [rsi + rdx - 16]
    lea r8, [rdi + rdx - 32]
    sub rdx, 64
    jb 9f
7:  movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + 32], xmm2
    movups [rdi + 48], xmm3
    add rsi, 64
    add rdi, 64
    sub rdx, 64
    jae 7b
9:  cmp rdx, -32
    jb 10f
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
10: movups [r8], xmm6
    movups [r8 + 16], xmm7
    ret
8:  cmp byte ptr [HUSK_USES_REP], 0
    je 6b
    mov rcx, rdx
    rep movsb
    ret

    .section .text.memmove, "ax"
    .globl memmove
    .balign 16
memmove:
    mov rax, rdi
    mov rcx, rdi
    sub rcx, rsi
    cmp rcx, rdx            # unsigned: below only when the target begins inside the source
    jae move_up
    cmp rdx, 32
    jbe move_up
    # Downwards, the first 32 bytes kept for the end.
    movups xmm6, [rsi]
    movups xmm7, [rsi + 16]
1:  movups xmm0, [rsi + rdx - 16]
    movups xmm1, [rsi + rdx - 32]
    movups [rdi + rdx - 16], xmm0
    movups [rdi + rdx - 32], xmm1
    sub rdx, 32
    cmp rdx, 32
    jae 1b
    movups [rdi], xmm6
    movups [rdi + 16], xmm7
    ret

    .section .text.memset, "ax"
    .globl memset
    .balign 16
memset:
    mov rax, rdi
    movzx ecx, sil
    movabs r8, 0x0101010101010101
    imul rcx, r8
    cmp rdx, 16
    jb 3f
    movq xmm0, rcx
    punpcklqdq xmm0, xmm0
    cmp rdx, REP_FROM
    jae 6f
1:  movups [rdi + rdx - 16], xmm0
    sub rdx, 64
    jb 8f
2:  movups [rdi], xmm0
    movups [rdi + 16], xmm0
    movups [rdi + 32], xmm0
    movups [rdi + 48], xmm0
    add rdi, 64
    sub rdx, 64
    jae 2b
8:  add rdx, 64
9:  cmp rdx, 16
    jb 5f
    movups [rdi], xmm0
    add rdi, 16
    sub rdx, 16
    jmp 9b
3:  cmp rdx, 8
    jb 4f
    mov [rdi], rcx
    mov [rdi + rdx - 8], rcx
    ret
4:  test rdx, rdx
    je 5f
    mov [rdi], cl
    inc rdi
    dec rdx
    jmp 4b
5:  ret
6:  cmp byte ptr [HUSK_USES_REP], 0
    je 1b
    mov r9, rax
    mov eax, ecx
    mov rcx, rdx
    rep stosb
    mov rax, r9
    ret

    .section .text.memcmp, "ax"
    .globl memcmp
    .globl bcmp
    .balign 16
memcmp:
bcmp:
    cmp rdx, 8
    jb 2f
1:  mov rax, [rdi]
    mov rcx, [rsi]
    cmp rax, rcx
    jne 4f
    add rdi, 8
    add rsi, 8
    sub rdx, 8
    cmp rdx, 8
    jae 1b
2:  test rdx, rdx
    je 5f
3:  movzx eax, byte ptr [rdi]
    movzx ecx, byte ptr [rsi]
    sub eax, ecx
    jne 6f
    inc rdi
    inc rsi
    dec rdx
    jne 3b
5:  xor eax, eax
6:  ret
4:  bswap rax               # the first byte in memory decides
    bswap rcx
    cmp rax, rcx
    sbb eax, eax
    or eax, 1
    ret

    .section .text.strlen, "ax"
    .globl strlen
strlen:
    xor eax, eax
1:  cmp byte ptr [rdi + rax], 0
    je 2f
    inc rax
    jmp 1b
2:  ret

    # rdi: to, rsi: from, rdx: bytes. Returns the bytes that were not copied.
    # RDX, RSI and RDI are exact at every access (RCX in `rep`): a fault in a fast part goes on 
    # in the part that goes byte by byte, and a fault there ends the copy.
    .section .text.husk_application_copy, "ax"
    .globl husk_application_copy
    .balign 16
husk_application_copy:
    cmp rdx, REP_FROM
    jae 6f
1:  cmp rdx, 64
    jb 4f
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + 32], xmm2
    movups [rdi + 48], xmm3
    add rsi, 64
    add rdi, 64
    sub rdx, 64
    jmp 1b
4:  cmp rdx, 8
    jb husk_application_copy_bytes
    mov rax, [rsi]
    mov [rdi], rax
    add rsi, 8
    add rdi, 8
    sub rdx, 8
    jmp 4b
6:  cmp byte ptr [HUSK_USES_REP], 0
    je 1b
    mov rcx, rdx
    .globl husk_application_copy_rep
husk_application_copy_rep:
    rep movsb
    .globl husk_application_copy_rep_end
husk_application_copy_rep_end:
    mov rdx, rcx
    .globl husk_application_copy_bytes
husk_application_copy_bytes:
    test rdx, rdx
    je husk_application_copy_end
    mov al, [rsi]
    mov [rdi], al
    inc rsi
    inc rdi
    dec rdx
    jmp husk_application_copy_bytes
    .globl husk_application_copy_end
husk_application_copy_end:
    mov rax, rdx
    ret
"#
);

// Named by the prebuilt `core` and `alloc`, never called: a panic ends the machine.
#[cfg(not(test))]
core::arch::global_asm!(
    ".section .text.husk_unwinding, \"ax\"",
    ".globl rust_eh_personality",
    ".globl _Unwind_Resume",
    "rust_eh_personality:",
    "_Unwind_Resume:",
    "ud2",
);
