//! Devices. Which drivers exist in an image is decided when it is linked: `husk_drivers` names them.

pub mod host_signals;
pub mod parts;
pub mod pci;
pub mod registers;
pub mod serial;
pub mod virtio;

/// A driver the converter can link: `husk_driver_<name>`.
#[repr(C)]
pub struct Driver {
    /// Looks for its devices and brings them up.
    pub probe: extern "C" fn(),
}

unsafe extern "C" {
    /// Null-terminated, written by the converter.
    static husk_drivers: [Option<&'static Driver>; 1];
}

/// Lets every linked driver look for its devices.
pub fn probe_all() {
    let mut next = &raw const husk_drivers as *const Option<&'static Driver>;
    // SAFETY: the array ends with a null, which is None.
    while let Some(driver) = unsafe { *next } {
        (driver.probe)();
        // SAFETY: the entry just read was not the last.
        next = unsafe { next.add(1) };
    }
}
