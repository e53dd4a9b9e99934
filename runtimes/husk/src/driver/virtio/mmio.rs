//! virtio over MMIO (virtio 1.2 § 4.2), modern (version 2) and legacy (version 1, § 4.2.4), at the
//! places where QEMU's microvm has them. Other machines may have anything else there: probed only
//! where there is no PCI host bridge.

use super::{Doorbell, TYPE_NETWORK, Transport, net, ring::Layout};
use crate::arch::{interrupt, ioapic};
use crate::driver::registers::Registers;
use crate::driver::{Driver, pci};
use crate::errno::{EIO, ENODEV, Errno};
use crate::klog;
use crate::mm::PAGE_SIZE;
use crate::sync::SpinLock;

/// QEMU include/hw/i386/microvm.h; 8 devices, or 24 with the second I/O APIC.
const FIRST: usize = 0xfeb0_0000;
const SLOT_BYTES: usize = 0x200;
const SLOTS: usize = 24;

const MAGIC: u32 = u32::from_le_bytes(*b"virt");
const MAGIC_VALUE: usize = 0x000;
const VERSION: usize = 0x004;
const DEVICE_ID: usize = 0x008;
const DEVICE_FEATURES: usize = 0x010;
const DEVICE_FEATURES_SELECT: usize = 0x014;
const DRIVER_FEATURES: usize = 0x020;
const DRIVER_FEATURES_SELECT: usize = 0x024;
const LEGACY_GUEST_PAGE_SIZE: usize = 0x028;
const QUEUE_SELECT: usize = 0x030;
const QUEUE_SIZE_MAX: usize = 0x034;
const QUEUE_SIZE: usize = 0x038;
const LEGACY_QUEUE_ALIGN: usize = 0x03c;
const LEGACY_QUEUE_PAGE: usize = 0x040;
const QUEUE_READY: usize = 0x044;
const QUEUE_NOTIFY: usize = 0x050;
const INTERRUPT_STATUS: usize = 0x060;
const INTERRUPT_ACKNOWLEDGE: usize = 0x064;
const STATUS: usize = 0x070;
const QUEUE_DESCRIPTORS: usize = 0x080;
const QUEUE_AVAILABLE: usize = 0x090;
const QUEUE_USED: usize = 0x0a0;
const CONFIG: usize = 0x100;

const LEGACY: u32 = 1;
const MODERN: u32 = 2;

#[unsafe(no_mangle)]
pub static husk_driver_virtio_net_mmio: Driver = Driver { probe };

extern "C" fn probe() {
    if pci::has_host_bridge() {
        return;
    }
    for slot in 0..SLOTS {
        if let Err(error) = probe_slot(slot)
            && error != ENODEV
        {
            klog!("virtio-net in slot {slot} does not start: {}", error.name());
        }
    }
}

fn probe_slot(slot: usize) -> Result<(), Errno> {
    let registers = Registers::map(FIRST + slot * SLOT_BYTES, SLOT_BYTES)?;
    let version = registers.read_u32(VERSION);
    if registers.read_u32(MAGIC_VALUE) != MAGIC
        || registers.read_u32(DEVICE_ID) != TYPE_NETWORK
        || !(LEGACY..=MODERN).contains(&version)
    {
        return Err(ENODEV);
    }
    let transport = MmioTransport {
        registers,
        is_legacy: version == LEGACY,
        has_interrupt: route_lines(),
    };
    net::start(alloc::boxed::Box::new(transport))
}

/// Every line goes to one vector; done once. Lines are shared: the handler looks at every device.
fn route_lines() -> bool {
    static VECTOR: SpinLock<Option<u8>> = SpinLock::new(None);
    let mut vector = VECTOR.lock();
    if vector.is_none() {
        *vector = interrupt::allocate_vector(crate::net::on_interrupt);
        vector
            .iter()
            .copied()
            .for_each(ioapic::route_all_device_lines);
    }
    vector.is_some()
}

struct MmioTransport {
    registers: Registers,
    is_legacy: bool,
    has_interrupt: bool,
}

impl MmioTransport {
    /// § 4.2.4: legacy devices take the number of the page the whole queue begins at.
    fn enable_legacy_queue(&self, layout: &Layout) -> Result<(), Errno> {
        let page = u32::try_from(layout.descriptors / PAGE_SIZE).map_err(|_| EIO)?;
        let registers = &self.registers;
        registers.write_u32(LEGACY_GUEST_PAGE_SIZE, PAGE_SIZE as u32);
        registers.write_u32(QUEUE_SIZE, u32::from(layout.size));
        registers.write_u32(LEGACY_QUEUE_ALIGN, PAGE_SIZE as u32);
        registers.write_u32(LEGACY_QUEUE_PAGE, page);
        Ok(())
    }

    fn enable_modern_queue(&self, layout: &Layout) {
        let registers = &self.registers;
        registers.write_u32(QUEUE_SIZE, u32::from(layout.size));
        registers.write_u64(QUEUE_DESCRIPTORS, layout.descriptors as u64);
        registers.write_u64(QUEUE_AVAILABLE, layout.available as u64);
        registers.write_u64(QUEUE_USED, layout.used as u64);
        registers.write_u32(QUEUE_READY, 1);
    }
}

impl Transport for MmioTransport {
    fn status(&self) -> u8 {
        self.registers.read_u32(STATUS) as u8
    }

    fn set_status(&mut self, status: u8) {
        self.registers.write_u32(STATUS, u32::from(status));
    }

    fn offered_features(&mut self) -> u64 {
        let half = |select| {
            self.registers.write_u32(DEVICE_FEATURES_SELECT, select);
            u64::from(self.registers.read_u32(DEVICE_FEATURES))
        };
        if self.is_legacy {
            half(0)
        } else {
            half(0) | half(1) << 32
        }
    }

    fn accept_features(&mut self, features: u64) {
        self.registers.write_u32(DRIVER_FEATURES_SELECT, 0);
        self.registers.write_u32(DRIVER_FEATURES, features as u32);
        if !self.is_legacy {
            self.registers.write_u32(DRIVER_FEATURES_SELECT, 1);
            self.registers
                .write_u32(DRIVER_FEATURES, (features >> 32) as u32);
        }
    }

    fn queue_limit(&mut self, queue: u16) -> u16 {
        self.registers.write_u32(QUEUE_SELECT, u32::from(queue));
        self.registers.read_u32(QUEUE_SIZE_MAX) as u16
    }

    fn enable_queue(
        &mut self,
        queue: u16,
        layout: &Layout,
        _interrupts: bool,
    ) -> Result<Doorbell, Errno> {
        self.registers.write_u32(QUEUE_SELECT, u32::from(queue));
        if self.is_legacy {
            self.enable_legacy_queue(layout)?;
        } else {
            self.enable_modern_queue(layout);
        }
        Ok(Doorbell {
            registers: self.registers,
            offset: QUEUE_NOTIFY,
            queue,
            is_wide: true,
        })
    }

    fn config_u8(&self, offset: usize) -> u8 {
        self.registers.read_u8(CONFIG + offset)
    }

    fn config_u16(&self, offset: usize) -> u16 {
        self.registers.read_u16(CONFIG + offset)
    }

    fn acknowledge_interrupt(&mut self) {
        let status = self.registers.read_u32(INTERRUPT_STATUS);
        if status != 0 {
            self.registers.write_u32(INTERRUPT_ACKNOWLEDGE, status);
        }
    }

    fn has_interrupt(&self) -> bool {
        self.has_interrupt
    }
}
