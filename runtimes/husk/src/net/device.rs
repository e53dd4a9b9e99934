//! What the network asks of a network interface card, in two halves so that a received frame can be
//! answered while it is still in its buffer.

use alloc::boxed::Box;

/// A card as its driver hands it over.
pub struct Nic {
    pub mac: [u8; 6],
    /// Largest IP packet in bytes.
    pub mtu: usize,
    pub receive: Box<dyn Receive>,
    pub transmit: Box<dyn Transmit>,
}

/// Frames that come in. Ethernet without the check sequence.
pub trait Receive: Send {
    /// Shows the next frame to `consume`; false when there is none.
    fn take(&mut self, consume: &mut dyn FnMut(&[u8])) -> bool;
    /// Gives the buffers of frames that were shown back to the card.
    fn give_back(&mut self);
    /// Asks for an interrupt at the next frame; true when one has come already.
    fn request_interrupt(&mut self) -> bool;
    /// Takes note of an interrupt; no other comes before the next request.
    fn acknowledge_interrupt(&mut self);
    /// False when nobody tells of frames and the network must look now and then.
    fn has_interrupt(&self) -> bool;
}

/// Frames that go out.
pub trait Transmit: Send {
    fn has_room(&mut self) -> bool;
    /// Queues a frame of `length` bytes that `fill` writes, all of it. There was room.
    fn send(&mut self, length: usize, fill: &mut dyn FnMut(&mut [u8]));
    /// Lets the card begin with what was queued.
    fn flush(&mut self);
}
