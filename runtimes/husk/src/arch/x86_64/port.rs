//! Port I/O.

use core::arch::asm;

macro_rules! port_access {
    ($read:ident, $write:ident, $type:ty, $register:tt) => {
        pub fn $read(port: u16) -> $type {
            let value: $type;
            // SAFETY: reading a port touches no memory of Rust's.
            unsafe {
                asm!(concat!("in ", $register, ", dx"), in("dx") port, out($register) value,
                     options(nomem, nostack, preserves_flags));
            }
            value
        }

        pub fn $write(port: u16, value: $type) {
            // SAFETY: writing a port touches no memory of Rust's; devices that read memory are
            // given only buffers that their drivers own.
            unsafe {
                asm!(concat!("out dx, ", $register), in("dx") port, in($register) value,
                     options(nomem, nostack, preserves_flags));
            }
        }
    };
}

port_access!(read_u8, write_u8, u8, "al");
port_access!(read_u16, write_u16, u16, "ax");
port_access!(read_u32, write_u32, u32, "eax");
