//! x86-64: entry and exit of the kernel, interrupts, the local APIC, context switch.

pub mod bytes;
pub mod context;
pub mod cpu;
pub mod entry;
pub mod interrupt;
pub mod ioapic;
pub mod lapic;
pub mod percpu;
pub mod port;
pub mod power;
pub mod tables;
pub mod trap;
