//! The I/O APICs (82093AA datasheet): interrupt lines to vectors. PCI devices use messages instead;
//! only virtio-mmio and the serial port need this.

use crate::arch::lapic;
use crate::mm;

/// Where QEMU's machines have them; the second exists on microvm with ACPI.
const BASES: [usize; 2] = [0xfec0_0000, 0xfec1_0000];

const SELECT: usize = 0x00;
const WINDOW: usize = 0x10;
const VERSION: u32 = 1;
const REDIRECTION: u32 = 0x10;
const LEVEL_TRIGGERED: u32 = 1 << 15;

struct IoApic {
    registers: *mut u8,
}

impl IoApic {
    fn at(base: usize) -> Option<IoApic> {
        let apic = IoApic {
            registers: mm::map_device(base, mm::PAGE_SIZE).ok()?,
        };
        let version = apic.read(VERSION);
        (version != u32::MAX && version != 0).then_some(apic)
    }

    fn select(&self, register: u32) {
        // SAFETY: the selector register of a mapped I/O APIC.
        unsafe {
            self.registers
                .add(SELECT)
                .cast::<u32>()
                .write_volatile(register)
        };
    }

    fn read(&self, register: u32) -> u32 {
        self.select(register);
        // SAFETY: the data window of a mapped I/O APIC.
        unsafe { self.registers.add(WINDOW).cast::<u32>().read_volatile() }
    }

    fn write(&self, register: u32, value: u32) {
        self.select(register);
        // SAFETY: as for `read`.
        unsafe {
            self.registers
                .add(WINDOW)
                .cast::<u32>()
                .write_volatile(value)
        };
    }

    fn pins(&self) -> u32 {
        (self.read(VERSION) >> 16 & 0xff) + 1
    }

    fn route(&self, pin: u32, vector: u8) {
        self.write(REDIRECTION + 2 * pin + 1, lapic::id() << 24);
        self.write(REDIRECTION + 2 * pin, LEVEL_TRIGGERED | u32::from(vector));
    }
}

/// Routes one line of the first I/O APIC. Lines of ISA devices are asserted until the device has
/// been served, so that they may be taken for level-triggered ones.
pub fn route_line(pin: u32, vector: u8) {
    IoApic::at(BASES[0])
        .into_iter()
        .for_each(|apic| apic.route(pin, vector));
}

/// Routes every line that a virtio-mmio device of microvm may use to one vector: which line is
/// which device's stands only in ACPI's AML, and the handler asks each device anyway.
pub fn route_all_device_lines(vector: u8) {
    const FIRST_DEVICE_LINE: u32 = 5; // below are the timer, the keyboard and the serial ports
    for (index, base) in BASES.into_iter().enumerate() {
        let Some(apic) = IoApic::at(base) else {
            continue;
        };
        let first = if index == 0 { FIRST_DEVICE_LINE } else { 0 };
        (first..apic.pins())
            .filter(|&pin| pin != 8)
            .for_each(|pin| apic.route(pin, vector));
    }
}
