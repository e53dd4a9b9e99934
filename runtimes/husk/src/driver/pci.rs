//! PCI through configuration mechanism #1 (PCI Local Bus 3.0 § 3.2.2.3.2): finding functions, their
//! capabilities and base addresses, and message-signalled interrupts (MSI-X, § 6.8.2).
//!
//! Boot code alone uses this, before there is a second thread: the address port needs no lock.

use alloc::vec::Vec;

use super::registers::Registers;
use crate::arch::{lapic, port};
use crate::errno::{EIO, ENODEV, Errno};
use crate::mm::PhysAddr;
use crate::sync::SpinLock;

const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
const ENABLE: u32 = 1 << 31;

const VENDOR: u8 = 0x00;
const COMMAND: u8 = 0x04;
const STATUS: u8 = 0x06;
const HEADER_TYPE: u8 = 0x0e;
const FIRST_BAR: u8 = 0x10;
const SECONDARY_BUS: u8 = 0x19;
const CAPABILITIES: u8 = 0x34;

const NO_VENDOR: u16 = 0xffff;
const COMMAND_MEMORY: u16 = 1 << 1;
const COMMAND_MASTER: u16 = 1 << 2;
const COMMAND_NO_LINE_INTERRUPT: u16 = 1 << 10;

/// A function on a bus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Function {
    bus: u8,
    device: u8,
    function: u8,
}

/// True when the machine has a PCI host bridge behind the configuration ports (microvm has none).
pub fn has_host_bridge() -> bool {
    port::write_u32(ADDRESS, ENABLE);
    let first = Function {
        bus: 0,
        device: 0,
        function: 0,
    };
    port::read_u32(ADDRESS) == ENABLE && first.vendor() != NO_VENDOR
}

/// Every function that answers, buses behind bridges included.
pub fn functions() -> Vec<Function> {
    let mut found = Vec::new();
    if has_host_bridge() {
        scan_bus(0, &mut found);
    }
    found
}

fn scan_bus(bus: u8, found: &mut Vec<Function>) {
    for device in 0..32 {
        scan_device(bus, device, found);
    }
}

fn scan_device(bus: u8, device: u8, found: &mut Vec<Function>) {
    const MULTIFUNCTION: u8 = 0x80;
    let at = |function| Function {
        bus,
        device,
        function,
    };
    if at(0).vendor() == NO_VENDOR {
        return;
    }
    let is_multifunction = at(0).read_u8(HEADER_TYPE) & MULTIFUNCTION != 0;
    let count = if is_multifunction { 8 } else { 1 };
    let present = (0..count).map(at).filter(|f| f.vendor() != NO_VENDOR);
    for function in present {
        found.push(function);
        function.scan_behind(found);
    }
}

impl Function {
    fn select(self, offset: u8) {
        let place = u32::from(self.bus) << 16
            | u32::from(self.device) << 11
            | u32::from(self.function) << 8
            | u32::from(offset & !3);
        port::write_u32(ADDRESS, ENABLE | place);
    }

    pub fn read_u32(self, offset: u8) -> u32 {
        self.select(offset);
        port::read_u32(DATA)
    }

    pub fn read_u16(self, offset: u8) -> u16 {
        (self.read_u32(offset) >> (8 * (offset & 2))) as u16
    }

    pub fn read_u8(self, offset: u8) -> u8 {
        (self.read_u32(offset) >> (8 * (offset & 3))) as u8
    }

    pub fn write_u32(self, offset: u8, value: u32) {
        self.select(offset);
        port::write_u32(DATA, value);
    }

    /// Writes only these two bytes: their neighbours may be cleared by writing (the status).
    pub fn write_u16(self, offset: u8, value: u16) {
        self.select(offset);
        port::write_u16(DATA + u16::from(offset & 2), value);
    }

    pub fn vendor(self) -> u16 {
        self.read_u16(VENDOR)
    }

    pub fn device_id(self) -> u16 {
        self.read_u16(VENDOR + 2)
    }

    /// Buses behind a bridge; firmware numbered them, higher than the bridge's own.
    fn scan_behind(self, found: &mut Vec<Function>) {
        const BRIDGE: u8 = 1;
        if self.read_u8(HEADER_TYPE) & 0x7f != BRIDGE {
            return;
        }
        let secondary = self.read_u8(SECONDARY_BUS);
        if secondary > self.bus {
            scan_bus(secondary, found);
        }
    }

    /// Lets the function answer memory accesses and reach memory itself.
    pub fn enable(self) {
        let command = self.read_u16(COMMAND);
        let wanted = COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_LINE_INTERRUPT;
        self.write_u16(COMMAND, command | wanted);
    }

    /// Offsets of the capabilities with this id (§ 6.7); the list may be broken, so it is bounded.
    pub fn capabilities(self, id: u8) -> Vec<u8> {
        const HAS_LIST: u16 = 1 << 4;
        const MOST: usize = 48;
        let mut found = Vec::new();
        if self.read_u16(STATUS) & HAS_LIST == 0 {
            return found;
        }
        let mut at = self.read_u8(CAPABILITIES) & !3;
        for _ in 0..MOST {
            if at == 0 {
                break;
            }
            if self.read_u8(at) == id {
                found.push(at);
            }
            at = self.read_u8(at + 1) & !3;
        }
        found
    }

    /// Maps part of what a memory base address register points at.
    pub fn map_bar(self, bar: u8, offset: usize, size_bytes: usize) -> Result<Registers, Errno> {
        let start = self.bar(bar)?.checked_add(offset).ok_or(EIO)?;
        Registers::map(start, size_bytes)
    }

    /// Where a memory BAR is, given an address first when firmware left it without one (qboot).
    fn bar(self, bar: u8) -> Result<PhysAddr, Errno> {
        const IS_PORT: u32 = 1;
        const IS_64_BIT: u32 = 1 << 2;
        const FLAGS: u32 = 0xf;
        if bar > 5 {
            return Err(EIO);
        }
        let register = FIRST_BAR + 4 * bar;
        let low = self.read_u32(register);
        if low & IS_PORT != 0 {
            return Err(ENODEV);
        }
        let is_64_bit = low & IS_64_BIT != 0 && bar < 5;
        let high = if is_64_bit {
            self.read_u32(register + 4)
        } else {
            0
        };
        let address = (u64::from(high) << 32 | u64::from(low & !FLAGS)) as usize;
        if address != 0 {
            return Ok(address);
        }
        self.assign_bar(register, is_64_bit)
    }

    fn assign_bar(self, register: u8, is_64_bit: bool) -> Result<PhysAddr, Errno> {
        let command = self.read_u16(COMMAND);
        self.write_u16(COMMAND, command & !COMMAND_MEMORY);
        self.write_u32(register, u32::MAX);
        let size_bytes = (!(self.read_u32(register) & !0xf)).wrapping_add(1) as usize;
        let address = place_in_hole(size_bytes).ok_or(ENODEV)?;
        self.write_u32(register, address as u32);
        if is_64_bit {
            self.write_u32(register + 4, 0);
        }
        self.write_u16(COMMAND, command);
        Ok(address)
    }

    /// Points the function's MSI-X entry 0 at a vector of this processor; false without MSI-X.
    pub fn enable_message(self, vector: u8) -> Result<bool, Errno> {
        const MSI_X: u8 = 0x11;
        const CONTROL_ENABLE: u16 = 1 << 15;
        const CONTROL_MASK_ALL: u16 = 1 << 14;
        const ENTRY_BYTES: usize = 16;
        let Some(&at) = self.capabilities(MSI_X).first() else {
            return Ok(false);
        };
        let table = self.read_u32(at + 4);
        let entry = self.map_bar(table as u8 & 7, (table & !7) as usize, ENTRY_BYTES)?;
        let (address, data) = lapic::message(vector);
        entry.write_u64(0, address);
        entry.write_u32(8, data);
        entry.write_u32(12, 0); // unmasked
        let control = self.read_u16(at + 2) & !CONTROL_MASK_ALL;
        self.write_u16(at + 2, control | CONTROL_ENABLE);
        Ok(true)
    }
}

/// The hole below 4 GiB that `pc` and `q35` leave for PCI at every memory size, above q35's ECAM
/// and below the I/O APIC.
const HOLE: core::ops::Range<PhysAddr> = 0xe000_0000..0xfe00_0000;
static NEXT_IN_HOLE: SpinLock<PhysAddr> = SpinLock::new(HOLE.start);

/// Room for a BAR, aligned to its size as BARs must be.
fn place_in_hole(size_bytes: usize) -> Option<PhysAddr> {
    if !size_bytes.is_power_of_two() {
        return None;
    }
    let mut next = NEXT_IN_HOLE.lock();
    let address = next.next_multiple_of(size_bytes.max(crate::mm::PAGE_SIZE));
    let end = address.checked_add(size_bytes)?;
    if end > HOLE.end {
        return None;
    }
    *next = end;
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_addresses_are_aligned_and_stay_in_the_hole() {
        let first = place_in_hole(0x1000).unwrap();
        let second = place_in_hole(0x4000).unwrap();
        assert!(second >= first + 0x1000 && second.is_multiple_of(0x4000));
        assert_eq!(place_in_hole(0), None);
        assert_eq!(place_in_hole(0x3000), None);
        assert_eq!(place_in_hole(1 << 31), None);
    }
}
