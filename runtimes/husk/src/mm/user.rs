//! Copies between the kernel and application memory. A bad pointer is EFAULT, never a fault of the
//! kernel: addresses are checked to be the application's, and the copy itself has a fixup.
//!
//! No reference to application memory is ever formed: another thread may change it at any time.

use alloc::vec::{self, Vec};
use core::mem::MaybeUninit;

use super::{PAGE_SIZE, USER_END};
use crate::arch::trap::TrapFrame;
use crate::errno::{EFAULT, EINVAL, ENAMETOOLONG, ENOMEM, Errno, SysResult};
use crate::fs::{Sink, Source};

/// Types whose every bit pattern is valid and that have no padding, so that they may be copied raw.
///
/// # Safety
/// Implementors promise exactly that.
pub unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($type:ty),*) => {
        // SAFETY: integers have no invalid bit pattern and no padding.
        $(unsafe impl Plain for $type {})*
    };
}
plain!(u8, i8, u16, i16, u32, i32, u64, i64, usize, isize);
// SAFETY: an array of such types has neither padding nor invalid patterns.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// Bytes at the lowest and at the highest addresses are not the application's.
fn is_application(address: usize, size_bytes: usize) -> bool {
    address
        .checked_add(size_bytes)
        .is_some_and(|end| end <= USER_END)
}

/// Copies what it can; the number of bytes that came through.
///
/// # Safety
/// The kernel's side of the two is valid for `size_bytes`; the other has been checked to be the
/// application's.
unsafe fn copy(to: usize, from: usize, size_bytes: usize) -> usize {
    // SAFETY: the caller's promise; faults on the application's side are fixed up.
    size_bytes - unsafe { husk_application_copy(to, from, size_bytes) }
}

#[cfg(not(test))]
unsafe extern "C" {
    /// In arch's bytes.rs: returns how many bytes it did not copy.
    fn husk_application_copy(to: usize, from: usize, size_bytes: usize) -> usize;
    static husk_application_copy_rep: u8;
    static husk_application_copy_rep_end: u8;
    static husk_application_copy_bytes: u8;
    static husk_application_copy_end: u8;
}

/// In the host's tests there is no application: nothing can be copied.
#[cfg(test)]
unsafe fn husk_application_copy(_to: usize, _from: usize, size_bytes: usize) -> usize {
    size_bytes
}

/// Copies from the application; how much came before a fault.
fn read_some(address: usize, into: &mut [u8]) -> usize {
    if !is_application(address, into.len()) {
        return 0;
    }
    // SAFETY: `into` is the kernel's, the address was checked.
    unsafe { copy(into.as_mut_ptr() as usize, address, into.len()) }
}

/// Copies to the application; how much went before a fault.
fn write_some(address: usize, bytes: &[u8]) -> usize {
    if !is_application(address, bytes.len()) {
        return 0;
    }
    // SAFETY: `bytes` is the kernel's, the address was checked.
    unsafe { copy(address, bytes.as_ptr() as usize, bytes.len()) }
}

/// Copies from the application into `into`.
pub fn read_bytes(address: usize, into: &mut [u8]) -> Result<(), Errno> {
    let is_whole = read_some(address, into) == into.len();
    is_whole.then_some(()).ok_or(EFAULT)
}

/// Copies `bytes` to the application.
pub fn write_bytes(address: usize, bytes: &[u8]) -> Result<(), Errno> {
    let is_whole = write_some(address, bytes) == bytes.len();
    is_whole.then_some(()).ok_or(EFAULT)
}

/// Reads a value.
pub fn read<T: Plain>(address: usize) -> Result<T, Errno> {
    let mut value = MaybeUninit::<T>::uninit();
    let size_bytes = size_of::<T>();
    if !is_application(address, size_bytes) {
        return Err(EFAULT);
    }
    // SAFETY: the value is the kernel's, the address was checked.
    let copied = unsafe { copy(value.as_mut_ptr() as usize, address, size_bytes) };
    if copied != size_bytes {
        return Err(EFAULT);
    }
    // SAFETY: all bytes were written, and any bytes are a `Plain` value.
    Ok(unsafe { value.assume_init() })
}

/// Writes a value.
pub fn write<T: Plain>(address: usize, value: T) -> Result<(), Errno> {
    // SAFETY: `Plain` values have no padding: every byte is initialised.
    let bytes = unsafe { core::slice::from_raw_parts((&raw const value).cast(), size_of::<T>()) };
    write_bytes(address, bytes)
}

/// Reads a NUL-terminated string, without the NUL; `limit` bytes at most, else ENAMETOOLONG.
/// Never looks at a page after the one the NUL is in.
pub fn read_string(address: usize, limit: usize) -> Result<Vec<u8>, Errno> {
    const CHUNK: usize = 128;
    let mut string = Vec::new();
    let mut chunk = [0; CHUNK];
    while string.len() <= limit {
        let at = address.checked_add(string.len()).ok_or(EFAULT)?;
        let left_in_page = PAGE_SIZE - at % PAGE_SIZE;
        let part = &mut chunk[..CHUNK.min(left_in_page)];
        read_bytes(at, part)?;
        let length = part.iter().position(|&byte| byte == 0);
        let text = &part[..length.unwrap_or(part.len())];
        string.try_reserve(text.len()).map_err(|_| ENOMEM)?;
        string.extend_from_slice(text);
        if length.is_some() {
            break;
        }
    }
    if string.len() > limit {
        return Err(ENAMETOOLONG);
    }
    Ok(string)
}

/// The most bytes one call moves (read(2) NOTES): INT_MAX rounded down to a page.
const MAX_RW_COUNT: usize = 0x7fff_f000;
/// readv(2): no more buffers than this.
const IOV_MAX: usize = 1024;

/// Application buffers in order (readv(2), or a single one): a sink and a source.
pub struct UserBuffers {
    /// Address and length of what is left of the buffer in use.
    current: (usize, usize),
    /// The ones after it. Empty for a single buffer, which thus allocates nothing.
    later: vec::IntoIter<(usize, usize)>,
}

impl UserBuffers {
    /// One buffer, EFAULT when it reaches past the application's addresses; that nothing is mapped
    /// there, `put` and `take` find. It moves MAX_RW_COUNT at most.
    pub fn single(address: usize, length: usize) -> Result<UserBuffers, Errno> {
        if !is_application(address, length) {
            return Err(EFAULT);
        }
        Ok(UserBuffers {
            current: (address, length.min(MAX_RW_COUNT)),
            later: Vec::new().into_iter(),
        })
    }

    /// `count` iovecs at `address`; EINVAL when there are more than IOV_MAX or
    /// one that is negative as ssize_t, EFAULT for one that reaches past the application's
    /// addresses. Together they move MAX_RW_COUNT at most, and of a single one no more is looked
    /// at (Linux lib/iov_iter.c, `__import_iovec`).
    pub fn vector(address: usize, count: usize) -> Result<UserBuffers, Errno> {
        const IOVEC_BYTES: usize = 2 * size_of::<usize>();
        if count > IOV_MAX {
            return Err(EINVAL);
        }
        let mut segments = Vec::new();
        segments.try_reserve_exact(count).map_err(|_| ENOMEM)?;
        let mut total = 0usize;
        for index in 0..count {
            let at = address.checked_add(index * IOVEC_BYTES).ok_or(EFAULT)?;
            let [base, length]: [usize; 2] = read(at)?;
            if length > isize::MAX as usize {
                return Err(EINVAL);
            }
            let room = MAX_RW_COUNT - total;
            let checked = if count == 1 { length.min(room) } else { length };
            if !is_application(base, checked) {
                return Err(EFAULT);
            }
            let length = length.min(room);
            total += length;
            if length > 0 {
                segments.push((base, length));
            }
        }
        Ok(UserBuffers {
            current: (0, 0),
            later: segments.into_iter(),
        })
    }

    /// Moves up to `size_bytes`, a segment at a time, until `transfer` moves less than it was asked
    /// to: a fault. `transfer` is given the application's address, what was moved before, and how
    /// much to move.
    fn advance(
        &mut self,
        size_bytes: usize,
        mut transfer: impl FnMut(usize, usize, usize) -> usize,
    ) -> SysResult {
        let mut done = 0;
        while done < size_bytes {
            if self.current.1 == 0 {
                match self.later.next() {
                    Some(next) => self.current = next,
                    None => break,
                }
            }
            let (address, length) = self.current;
            let wanted = length.min(size_bytes - done);
            let moved = transfer(address, done, wanted);
            self.current = (address + moved, length - moved);
            done += moved;
            if moved < wanted {
                return if done > 0 { Ok(done) } else { Err(EFAULT) };
            }
        }
        Ok(done)
    }
}

impl Sink for UserBuffers {
    fn remaining(&self) -> usize {
        let later = self.later.as_slice().iter();
        self.current.1 + later.map(|segment| segment.1).sum::<usize>()
    }

    fn put(&mut self, bytes: &[u8]) -> SysResult {
        self.advance(bytes.len(), |address, done, size| {
            write_some(address, bytes.get(done..done + size).unwrap_or(&[]))
        })
    }
}

impl Source for UserBuffers {
    fn remaining(&self) -> usize {
        Sink::remaining(self)
    }

    fn take(&mut self, into: &mut [u8]) -> SysResult {
        self.advance(into.len(), |address, done, size| {
            read_some(address, into.get_mut(done..done + size).unwrap_or(&mut []))
        })
    }

    fn discard(&mut self) -> SysResult {
        self.advance(Sink::remaining(self), |_, _, size| size)
    }
}

/// If the faulting instruction is one of the copies above, makes it return an error instead.
#[cfg(not(test))]
pub fn fix_up(frame: &mut TrapFrame) -> bool {
    let fast = husk_application_copy as *const () as usize;
    let rep = &raw const husk_application_copy_rep as usize;
    let rep_end = &raw const husk_application_copy_rep_end as usize;
    let bytes = &raw const husk_application_copy_bytes as usize;
    let end = &raw const husk_application_copy_end as usize;
    frame.rip = match frame.rip {
        rip if rip == rep => rep_end,
        rip if (fast..bytes).contains(&rip) => bytes,
        rip if (bytes..end).contains(&rip) => end,
        _ => return false,
    };
    true
}

#[cfg(test)]
pub fn fix_up(_frame: &mut TrapFrame) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_half_is_refused() {
        assert!(is_application(0x1000, 16));
        assert!(is_application(USER_END - 16, 16));
        assert!(!is_application(USER_END - 15, 16));
        assert!(!is_application(usize::MAX, 2));
        assert!(!is_application(super::super::KERNEL_BASE, 1));
    }

    #[test]
    fn a_transfer_goes_through_segments_and_stops_at_a_fault() {
        let mut buffers = UserBuffers {
            current: (0, 0),
            later: vec![(100, 3), (200, 5)].into_iter(),
        };
        let mut seen = Vec::new();
        let moved = buffers.advance(6, |address, done, size| {
            seen.push((address, done, size));
            size
        });
        assert_eq!(moved, Ok(6));
        assert_eq!(seen, [(100, 0, 3), (200, 3, 3)]);
        assert_eq!(Sink::remaining(&buffers), 2);
        assert_eq!(buffers.advance(2, |_, _, _| 1), Ok(1));
        assert_eq!(buffers.advance(2, |_, _, _| 0), Err(EFAULT));
    }
}
