//! What the converter linked beside the kernel.

unsafe extern "C" {
    static husk_rootfs: u8;
    static husk_rootfs_end: u8;
    static husk_boot_config: u8;
    static husk_boot_config_end: u8;
}

/// The root archive: a newc cpio, page-aligned.
pub fn archive() -> &'static [u8] {
    // SAFETY: both symbols bound one read-only section of the image.
    unsafe { between(&raw const husk_rootfs, &raw const husk_rootfs_end) }
}

/// The boot configuration's records.
pub fn boot_config() -> &'static [u8] {
    // SAFETY: as above.
    unsafe { between(&raw const husk_boot_config, &raw const husk_boot_config_end) }
}

/// # Safety
/// `start..end` is mapped, initialised and never written.
pub unsafe fn between(start: *const u8, end: *const u8) -> &'static [u8] {
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(start, end as usize - start as usize) }
}
