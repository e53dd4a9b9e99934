//! virtio 1.2: what is common to transports and devices.

pub mod mmio;
pub mod net;
pub mod pci;
pub mod ring;

use crate::driver::registers::Registers;
use crate::errno::{EIO, Errno};
use ring::Layout;

/// Device types (§ 5).
pub const TYPE_NETWORK: u32 = 1;

/// Feature bits that belong to no device type (§ 6).
pub const FEATURE_EVENT_INDEX: u64 = 1 << 29;
pub const FEATURE_VERSION_1: u64 = 1 << 32;

/// Device status bits (§ 2.1).
const STATUS_ACKNOWLEDGE: u8 = 1;
const STATUS_DRIVER: u8 = 2;
const STATUS_DRIVER_OK: u8 = 4;
const STATUS_FEATURES_OK: u8 = 8;
const STATUS_FAILED: u8 = 128;

/// How a driver reaches its device: PCI or MMIO.
pub trait Transport: Send {
    fn status(&self) -> u8;
    fn set_status(&mut self, status: u8);
    fn offered_features(&mut self) -> u64;
    fn accept_features(&mut self, features: u64);
    /// Most buffers a queue can have; 0 when there is no such queue.
    fn queue_limit(&mut self, queue: u16) -> u16;
    /// Gives the device a queue; with `interrupts` it speaks up about what it used.
    fn enable_queue(
        &mut self,
        queue: u16,
        layout: &Layout,
        interrupts: bool,
    ) -> Result<Doorbell, Errno>;
    fn config_u8(&self, offset: usize) -> u8;
    fn config_u16(&self, offset: usize) -> u16;
    /// Takes note of an interrupt of a line (messages need no such thing).
    fn acknowledge_interrupt(&mut self);
    /// False when the driver has to look by itself.
    fn has_interrupt(&self) -> bool;
}

/// Where the device wants to be told that a queue has new buffers.
pub struct Doorbell {
    pub registers: Registers,
    pub offset: usize,
    pub queue: u16,
    /// MMIO takes 32 bits (§ 4.2.2), PCI takes 16 (§ 4.1.4.4).
    pub is_wide: bool,
}

impl Doorbell {
    pub fn ring(&self) {
        if self.is_wide {
            self.registers.write_u32(self.offset, u32::from(self.queue));
        } else {
            self.registers.write_u16(self.offset, self.queue);
        }
    }
}

/// Resets the device and agrees on features (§ 3.1.1, steps 1 to 6); what both sides want.
pub fn negotiate(transport: &mut dyn Transport, wanted: u64) -> Result<u64, Errno> {
    const LOOKS: usize = 1000;
    transport.set_status(0);
    if !(0..LOOKS).any(|_| transport.status() == 0) {
        return Err(EIO);
    }
    transport.set_status(STATUS_ACKNOWLEDGE);
    transport.set_status(STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    let features = transport.offered_features() & wanted;
    transport.accept_features(features);
    if features & FEATURE_VERSION_1 == 0 {
        return Ok(features); // a legacy device: there is no FEATURES_OK
    }
    transport.set_status(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    if transport.status() & STATUS_FEATURES_OK == 0 {
        transport.set_status(STATUS_FAILED);
        return Err(EIO);
    }
    Ok(features)
}

/// Lets the device begin (step 8).
pub fn start(transport: &mut dyn Transport) {
    let status = transport.status();
    transport.set_status(status | STATUS_DRIVER_OK);
}
