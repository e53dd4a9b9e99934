//! Character devices (null(4), random(4), full(4)) and the console.
//!
//! The console is a terminal to the program, as a container's is with `docker run -t`: stdio then
//! writes line by line. There is no input: reading gives end of file.

use super::{Events, Sink, Source, random};
use crate::driver::serial;
use crate::errno::{ENODEV, ENOSPC, ENOTTY, Errno, SysResult};
use crate::mm::frame::Frame;
use crate::mm::user;
use crate::sync::SpinLock;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Device {
    Null,
    Zero,
    Full,
    Random,
    Urandom,
    Console,
    /// The controlling terminal, which is the console.
    Tty,
}

/// Name in /dev, device, permissions.
pub const DEVICES: [(&[u8], Device, u32); 7] = [
    (b"null", Device::Null, 0o666),
    (b"zero", Device::Zero, 0o666),
    (b"full", Device::Full, 0o666),
    (b"random", Device::Random, 0o666),
    (b"urandom", Device::Urandom, 0o666),
    (b"console", Device::Console, 0o620),
    (b"tty", Device::Tty, 0o666),
];

/// Bytes moved at a time, on the kernel stack.
const CHUNK_BYTES: usize = 512;

/// `dev_t` as makedev(3) packs it, for small numbers.
pub const fn make_device(major: u64, minor: u64) -> u64 {
    (major & 0xfff) << 8 | (major & !0xfff) << 32 | minor & 0xff | (minor & !0xff) << 12
}

impl Device {
    /// st_rdev, by Linux Documentation/admin-guide/devices.txt.
    pub fn number(self) -> u64 {
        match self {
            Device::Null => make_device(1, 3),
            Device::Zero => make_device(1, 5),
            Device::Full => make_device(1, 7),
            Device::Random => make_device(1, 8),
            Device::Urandom => make_device(1, 9),
            Device::Console => make_device(5, 1),
            Device::Tty => make_device(5, 0),
        }
    }

    /// The device of that number, for nodes in the archive and mknod(2).
    pub fn with_number(number: u64) -> Option<Device> {
        DEVICES
            .iter()
            .map(|(_, device, _)| *device)
            .find(|device| device.number() == number)
    }

    /// lseek(2) succeeds (and means nothing).
    pub fn has_positions(self) -> bool {
        !self.is_terminal()
    }

    fn is_terminal(self) -> bool {
        matches!(self, Device::Console | Device::Tty)
    }

    pub fn readiness(self) -> Events {
        Events::IN | Events::OUT | Events::RDNORM | Events::WRNORM
    }

    pub fn read(self, into: &mut dyn Sink) -> SysResult {
        match self {
            Device::Null | Device::Console | Device::Tty => Ok(0),
            Device::Zero | Device::Full => fill(into, |_| {}),
            Device::Random | Device::Urandom => fill(into, random::fill),
        }
    }

    pub fn write(self, from: &mut dyn Source) -> SysResult {
        match self {
            Device::Full => Err(ENOSPC),
            Device::Console | Device::Tty => drain(from, serial::write),
            Device::Null | Device::Zero => from.discard(),
            Device::Random | Device::Urandom => drain(from, |_| {}),
        }
    }

    pub fn control(self, command: u32, argument: usize) -> SysResult {
        if self.is_terminal() {
            terminal_control(command, argument)
        } else {
            Err(ENOTTY)
        }
    }

    /// Mapping /dev/zero privately gives zeros (zero(4)).
    pub fn page(self) -> Result<Frame, Errno> {
        if self == Device::Zero {
            Frame::zeroed()
        } else {
            Err(ENODEV)
        }
    }
}

fn fill(into: &mut dyn Sink, generate: impl Fn(&mut [u8])) -> SysResult {
    let mut done = 0;
    while into.remaining() > 0 {
        let mut chunk = [0; CHUNK_BYTES];
        let length = into.remaining().min(CHUNK_BYTES);
        let bytes = chunk.get_mut(..length).unwrap_or_default();
        generate(bytes);
        match into.put(bytes) {
            Ok(count) => done += count,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

fn drain(from: &mut dyn Source, consume: impl Fn(&[u8])) -> SysResult {
    let mut done = 0;
    let mut chunk = [0; CHUNK_BYTES];
    while from.remaining() > 0 {
        match from.take(&mut chunk) {
            Ok(0) => break,
            Ok(count) => {
                consume(chunk.get(..count).unwrap_or_default());
                done += count;
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// The console's settings, as told; without input, and with output as it comes, nothing obeys them.
static SETTINGS: SpinLock<[u8; TERMIOS_BYTES]> = SpinLock::new(TERMIOS);

/// ioctl_tty(2), as far as isatty(3), tcsetattr(3) and programs that ask for the window need it.
fn terminal_control(command: u32, argument: usize) -> SysResult {
    const TCGETS: u32 = 0x5401;
    const TCSETS: u32 = 0x5402;
    const TCSETSW: u32 = 0x5403;
    const TCSETSF: u32 = 0x5404;
    const TIOCGPGRP: u32 = 0x540f;
    const TIOCGWINSZ: u32 = 0x5413;
    const FIONREAD: u32 = 0x541b;
    const WINDOW: [u16; 4] = [24, 80, 0, 0];
    match command {
        TCGETS => {
            let settings = *SETTINGS.lock();
            user::write(argument, settings)?;
        }
        TCSETS | TCSETSW | TCSETSF => {
            let settings = user::read(argument)?;
            *SETTINGS.lock() = settings;
        }
        TIOCGWINSZ => user::write(argument, WINDOW)?,
        TIOCGPGRP => user::write(argument, 1i32)?,
        FIONREAD => user::write(argument, 0i32)?,
        _ => return Err(ENOTTY),
    }
    Ok(0)
}

pub const TERMIOS_BYTES: usize = 36;

/// `struct termios` of the kernel (asm-generic/termbits.h): four flag words, line discipline and 19
/// control characters, as a console has them after boot.
pub const TERMIOS: [u8; TERMIOS_BYTES] = {
    let mut bytes = [0; TERMIOS_BYTES];
    bytes[1] = 0x05; // c_iflag: ICRNL | IXON
    bytes[4] = 0x05; // c_oflag: OPOST | ONLCR
    bytes[8] = 0xbf; // c_cflag: B38400 | CS8 | CREAD
    bytes[12] = 0x3b; // c_lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK
    bytes[13] = 0x8a; // ECHOCTL | ECHOKE | IEXTEN
    let characters = [
        3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0,
    ];
    let mut index = 0;
    while index < characters.len() {
        bytes[17 + index] = characters[index];
        index += 1;
    }
    bytes
};

/// Bytes for getrandom(2) and the like, through the same path as a read of /dev/urandom.
pub fn read_random(into: &mut dyn Sink) -> SysResult {
    fill(into, random::fill)
}
