//! What compiled code calls by these names (string.h) and no C library is there for.

use core::arch::asm;

/// # Safety
/// As memcpy(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, size: usize) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "rep movsb",
            inout("rdi") to => _, inout("rsi") from => _, inout("rcx") size => _,
            options(nostack, preserves_flags)
        );
    }
    to
}

/// # Safety
/// As memset(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, size: usize) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "rep stosb",
            inout("rdi") to => _, in("al") value as u8, inout("rcx") size => _,
            options(nostack, preserves_flags)
        );
    }
    to
}

/// # Safety
/// As memcmp(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, size: usize) -> i32 {
    // SAFETY: the caller's.
    let pair = |at| unsafe { (i32::from(*one.add(at)), i32::from(*other.add(at))) };
    let mut pairs = (0..size).map(pair);
    pairs.find(|(a, b)| a != b).map_or(0, |(a, b)| a - b)
}

/// # Safety
/// As strlen(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the caller's.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    length
}
