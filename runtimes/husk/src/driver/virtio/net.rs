//! The virtio network device (virtio 1.2 § 5.1): one receive and one transmit queue.
//!
//! Not used: checksum and segmentation offload, merged receive buffers, several queue pairs.

use alloc::boxed::Box;

use super::ring::Ring;
use super::{Doorbell, FEATURE_EVENT_INDEX, FEATURE_VERSION_1, Transport};
use crate::errno::{ENODEV, Errno};
use crate::mm::{PAGE_SIZE, frame};
use crate::net::device::{Nic, Receive, Transmit};

const FEATURE_MTU: u64 = 1 << 3;
const FEATURE_MAC: u64 = 1 << 5;
const WANTED: u64 = FEATURE_MTU | FEATURE_MAC | FEATURE_EVENT_INDEX | FEATURE_VERSION_1;

const CONFIG_MAC: usize = 0;
const CONFIG_MTU: usize = 10;

const RECEIVE_QUEUE: u16 = 0;
const TRANSMIT_QUEUE: u16 = 1;

/// struct virtio_net_hdr (§ 5.1.6); a legacy one ends before num_buffers.
const HEADER_BYTES: usize = 12;
const LEGACY_HEADER_BYTES: usize = 10;
/// Header and the longest frame of an ordinary Ethernet fit; two buffers a page.
const BUFFER_BYTES: usize = 2048;
const ETHERNET_MTU: usize = 1500;

/// Brings a device up and hands it to the network.
pub fn start(mut transport: Box<dyn Transport>) -> Result<(), Errno> {
    let features = super::negotiate(&mut *transport, WANTED)?;
    let has_event_index = features & FEATURE_EVENT_INDEX != 0;
    let (mut receive, receive_bell) = open_queue(&mut *transport, RECEIVE_QUEUE, has_event_index)?;
    let (mut transmit, transmit_bell) =
        open_queue(&mut *transport, TRANSMIT_QUEUE, has_event_index)?;
    let (mac, mtu) = identity(&*transport, features);
    let header_bytes = if features & FEATURE_VERSION_1 != 0 {
        HEADER_BYTES
    } else {
        LEGACY_HEADER_BYTES
    };
    super::start(&mut *transport);
    while let Some(index) = receive.take_free() {
        receive.offer(index);
    }
    receive.request_interrupt();
    transmit.suppress_interrupts();
    let mut receiver = VirtioReceive {
        ring: receive,
        bell: receive_bell,
        header_bytes,
        has_interrupt: transport.has_interrupt(),
        transport,
    };
    receiver.publish();
    crate::net::attach(Nic {
        mac,
        mtu,
        receive: Box::new(receiver),
        transmit: Box::new(VirtioTransmit {
            ring: transmit,
            bell: transmit_bell,
            header_bytes,
        }),
    });
    Ok(())
}

fn open_queue(
    transport: &mut dyn Transport,
    queue: u16,
    has_event_index: bool,
) -> Result<(Ring, Doorbell), Errno> {
    let limit = transport.queue_limit(queue);
    if limit == 0 {
        return Err(ENODEV);
    }
    let size = limit.min(buffers_for_memory());
    let size = 1 << size.ilog2();
    let ring = Ring::new(size, BUFFER_BYTES, has_event_index)?;
    let interrupts = queue == RECEIVE_QUEUE;
    let bell = transport.enable_queue(queue, ring.layout(), interrupts)?;
    Ok((ring, bell))
}

/// Both queues together take a 64th of memory, 1 MiB at most. A legacy device insists on the size
/// it names, but takes a smaller one from the QueueNum register of MMIO (§ 4.2.4).
fn buffers_for_memory() -> u16 {
    let memory_bytes = frame::total_count() * PAGE_SIZE;
    (memory_bytes / 64 / (2 * BUFFER_BYTES)).clamp(32, 256) as u16
}

fn identity(transport: &dyn Transport, features: u64) -> ([u8; 6], usize) {
    /// A locally administered address, for a device that has none.
    const FALLBACK_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
    let mut mac = FALLBACK_MAC;
    if features & FEATURE_MAC != 0 {
        for (offset, byte) in mac.iter_mut().enumerate() {
            *byte = transport.config_u8(CONFIG_MAC + offset);
        }
    }
    let mtu = if features & FEATURE_MTU != 0 {
        usize::from(transport.config_u16(CONFIG_MTU)).min(ETHERNET_MTU)
    } else {
        ETHERNET_MTU
    };
    (mac, mtu)
}

struct VirtioReceive {
    ring: Ring,
    bell: Doorbell,
    header_bytes: usize,
    has_interrupt: bool,
    transport: Box<dyn Transport>,
}

impl VirtioReceive {
    fn publish(&mut self) {
        if self.ring.publish() {
            self.bell.ring();
        }
    }
}

impl Receive for VirtioReceive {
    fn take(&mut self, consume: &mut dyn FnMut(&[u8])) -> bool {
        let Some((index, length)) = self.ring.take_used() else {
            return false;
        };
        if let Some(frame) = self.ring.bytes(index).get(self.header_bytes..length) {
            consume(frame);
        }
        self.ring.offer(index);
        true
    }

    fn give_back(&mut self) {
        self.publish();
    }

    fn request_interrupt(&mut self) -> bool {
        self.ring.request_interrupt()
    }

    fn acknowledge_interrupt(&mut self) {
        self.transport.acknowledge_interrupt();
        self.ring.suppress_interrupts();
    }

    fn has_interrupt(&self) -> bool {
        self.has_interrupt
    }
}

struct VirtioTransmit {
    ring: Ring,
    bell: Doorbell,
    header_bytes: usize,
}

impl Transmit for VirtioTransmit {
    fn has_room(&mut self) -> bool {
        if self.ring.free_count() == 0 {
            self.ring.reclaim();
        }
        self.ring.free_count() > 0
    }

    fn send(&mut self, length: usize, fill: &mut dyn FnMut(&mut [u8])) {
        let Some(index) = self.ring.take_free() else {
            return;
        };
        let total = self.header_bytes + length;
        let header_bytes = self.header_bytes;
        let Some(packet) = self.ring.bytes(index).get_mut(..total) else {
            self.ring.put_free(index);
            return;
        };
        let (header, frame) = packet.split_at_mut(header_bytes);
        header.fill(0); // no offload
        fill(frame);
        self.ring.submit(index, total);
    }

    fn flush(&mut self) {
        if self.ring.publish() {
            self.bell.ring();
        }
    }
}
