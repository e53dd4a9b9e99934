//! virtio over PCI, modern interface (virtio 1.2 § 4.1): structures found through capabilities.

use super::{Doorbell, TYPE_NETWORK, Transport, net, ring::Layout};
use crate::arch::interrupt;
use crate::driver::Driver;
use crate::driver::pci::{self, Function};
use crate::driver::registers::Registers;
use crate::errno::{EIO, ENODEV, Errno};
use crate::klog;

const VENDOR_VIRTIO: u16 = 0x1af4;
/// Device ids are this plus the device type; transitional devices have their own (§ 4.1.2).
const MODERN_BASE: u16 = 0x1040;
const TRANSITIONAL_NETWORK: u16 = 0x1000;

const VENDOR_CAPABILITY: u8 = 0x09;
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const DEVICE: u8 = 4;

/// Common configuration (§ 4.1.4.3).
const DEVICE_FEATURE_SELECT: usize = 0x00;
const DEVICE_FEATURE: usize = 0x04;
const DRIVER_FEATURE_SELECT: usize = 0x08;
const DRIVER_FEATURE: usize = 0x0c;
const CONFIG_VECTOR: usize = 0x10;
const DEVICE_STATUS: usize = 0x14;
const QUEUE_SELECT: usize = 0x16;
const QUEUE_SIZE: usize = 0x18;
const QUEUE_VECTOR: usize = 0x1a;
const QUEUE_ENABLE: usize = 0x1c;
const QUEUE_NOTIFY_OFFSET: usize = 0x1e;
const QUEUE_DESCRIPTORS: usize = 0x20;
const QUEUE_AVAILABLE: usize = 0x28;
const QUEUE_USED: usize = 0x30;
const COMMON_BYTES: usize = 0x38;

const NO_VECTOR: u16 = 0xffff;

#[unsafe(no_mangle)]
pub static husk_driver_virtio_net_pci: Driver = Driver { probe };

extern "C" fn probe() {
    let is_network = |function: &Function| {
        function.vendor() == VENDOR_VIRTIO
            && [TRANSITIONAL_NETWORK, MODERN_BASE + TYPE_NETWORK as u16]
                .contains(&function.device_id())
    };
    for function in pci::functions().into_iter().filter(is_network) {
        let started = PciTransport::open(function)
            .and_then(|transport| net::start(alloc::boxed::Box::new(transport)));
        if let Err(error) = started {
            klog!("virtio-net on PCI does not start: {}", error.name());
        }
    }
}

struct PciTransport {
    common: Registers,
    device: Registers,
    notify: Registers,
    notify_multiplier: usize,
    has_message: bool,
}

impl PciTransport {
    fn open(function: Function) -> Result<PciTransport, Errno> {
        function.enable();
        let notify_at = structure(function, NOTIFY)?;
        let vector = interrupt::allocate_vector(crate::net::on_interrupt);
        let has_message = match vector {
            Some(vector) => function.enable_message(vector)?,
            None => false,
        };
        let common = map(function, structure(function, COMMON)?)?;
        common.write_u16(CONFIG_VECTOR, NO_VECTOR);
        Ok(PciTransport {
            common,
            device: map(function, structure(function, DEVICE)?)?,
            notify: map(function, notify_at)?,
            notify_multiplier: function.read_u32(notify_at + 16) as usize,
            has_message,
        })
    }

    fn select(&self, queue: u16) {
        self.common.write_u16(QUEUE_SELECT, queue);
    }
}

/// The offset of the capability that describes a structure (§ 4.1.4); the first one is preferred.
fn structure(function: Function, kind: u8) -> Result<u8, Errno> {
    let capabilities = function.capabilities(VENDOR_CAPABILITY);
    let found = capabilities
        .into_iter()
        .find(|&at| function.read_u8(at + 3) == kind);
    found.ok_or(ENODEV)
}

fn map(function: Function, at: u8) -> Result<Registers, Errno> {
    let bar = function.read_u8(at + 4);
    let offset = function.read_u32(at + 8) as usize;
    let size_bytes = function.read_u32(at + 12) as usize;
    function.map_bar(bar, offset, size_bytes)
}

impl Transport for PciTransport {
    fn status(&self) -> u8 {
        self.common.read_u8(DEVICE_STATUS)
    }

    fn set_status(&mut self, status: u8) {
        self.common.write_u8(DEVICE_STATUS, status);
    }

    fn offered_features(&mut self) -> u64 {
        let half = |select| {
            self.common.write_u32(DEVICE_FEATURE_SELECT, select);
            u64::from(self.common.read_u32(DEVICE_FEATURE))
        };
        half(0) | half(1) << 32
    }

    fn accept_features(&mut self, features: u64) {
        for (select, half) in [(0, features as u32), (1, (features >> 32) as u32)] {
            self.common.write_u32(DRIVER_FEATURE_SELECT, select);
            self.common.write_u32(DRIVER_FEATURE, half);
        }
    }

    fn queue_limit(&mut self, queue: u16) -> u16 {
        self.select(queue);
        self.common.read_u16(QUEUE_SIZE)
    }

    fn enable_queue(
        &mut self,
        queue: u16,
        layout: &Layout,
        interrupts: bool,
    ) -> Result<Doorbell, Errno> {
        self.select(queue);
        let vector = if interrupts && self.has_message {
            0
        } else {
            NO_VECTOR
        };
        self.common.write_u16(QUEUE_SIZE, layout.size);
        self.common.write_u16(QUEUE_VECTOR, vector);
        if self.common.read_u16(QUEUE_VECTOR) != vector {
            return Err(EIO);
        }
        self.common
            .write_u64(QUEUE_DESCRIPTORS, layout.descriptors as u64);
        self.common
            .write_u64(QUEUE_AVAILABLE, layout.available as u64);
        self.common.write_u64(QUEUE_USED, layout.used as u64);
        self.common.write_u16(QUEUE_ENABLE, 1);
        let offset = usize::from(self.common.read_u16(QUEUE_NOTIFY_OFFSET));
        Ok(Doorbell {
            registers: self.notify,
            offset: offset * self.notify_multiplier,
            queue,
            is_wide: false,
        })
    }

    fn config_u8(&self, offset: usize) -> u8 {
        self.device.read_u8(offset)
    }

    fn config_u16(&self, offset: usize) -> u16 {
        self.device.read_u16(offset)
    }

    /// Messages need no acknowledgement, and lines are turned off.
    fn acknowledge_interrupt(&mut self) {}

    fn has_interrupt(&self) -> bool {
        self.has_message
    }
}

// The mapping of the common structure must reach its last register.
const _: () = assert!(QUEUE_USED + 8 == COMMON_BYTES);
