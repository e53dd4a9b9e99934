//! Ending the machine, so that a host can see how the program ended.

use super::{cpu, port};

/// QEMU's isa-debug-exit: the process ends with `(value << 1) | 1`.
const DEBUG_EXIT: u16 = 0xf4;
/// PM1a control registers of QEMU's pc and q35 (ACPI 6.4 § 4.8.3.2): SLP_EN, SLP_TYP 0.
const PM1A_CONTROL: [u16; 2] = [0x604, 0xb004];
const SLEEP_S5: u16 = 1 << 13;
/// The keyboard controller's reset line: what is left on a machine without ACPI.
const KEYBOARD_COMMAND: u16 = 0x64;
const PULSE_RESET: u8 = 0xfe;

/// Powers off; `status` (0-127) reaches the host where the device for it exists.
pub fn off(status: u8) -> ! {
    port::write_u8(DEBUG_EXIT, status.min(127));
    PM1A_CONTROL
        .into_iter()
        .for_each(|control| port::write_u16(control, SLEEP_S5));
    microvm_sleep();
    port::write_u8(KEYBOARD_COMMAND, PULSE_RESET);
    cpu::halt()
}

/// microvm's generic event device: ACPI's hardware-reduced sleep control register (QEMU
/// hw/i386/microvm.h, GED_MMIO_BASE_REGS).
fn microvm_sleep() {
    const SLEEP_CONTROL: usize = 0xfea0_0200;
    const SLEEP_ENABLE_S5: u8 = 1 << 5 | 5 << 2;
    if let Ok(register) = crate::mm::map_device(SLEEP_CONTROL, 1) {
        // SAFETY: a device register, or an address nothing answers at.
        unsafe { register.write_volatile(SLEEP_ENABLE_S5) };
    }
}
