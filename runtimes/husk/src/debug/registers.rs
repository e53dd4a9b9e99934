//! The general registers, four lines.

use crate::arch::trap::TrapFrame;
use crate::klog;

pub fn print(frame: &TrapFrame) {
    let line = |registers: [(&str, usize); 4]| {
        let [(a, av), (b, bv), (c, cv), (d, dv)] = registers;
        klog!("  {a:>3} {av:016x}  {b:>3} {bv:016x}  {c:>3} {cv:016x}  {d:>3} {dv:016x}");
    };
    line([
        ("rax", frame.rax),
        ("rbx", frame.rbx),
        ("rcx", frame.rcx),
        ("rdx", frame.rdx),
    ]);
    line([
        ("rsi", frame.rsi),
        ("rdi", frame.rdi),
        ("rbp", frame.rbp),
        ("rsp", frame.rsp),
    ]);
    line([
        ("r8", frame.r8),
        ("r9", frame.r9),
        ("r10", frame.r10),
        ("r11", frame.r11),
    ]);
    line([
        ("r12", frame.r12),
        ("r13", frame.r13),
        ("r14", frame.r14),
        ("r15", frame.r15),
    ]);
    klog!("  rip {:016x}  rflags {:x}", frame.rip, frame.rflags);
}
