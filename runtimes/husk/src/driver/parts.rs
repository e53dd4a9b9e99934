//! Parts of the kernel that drive nothing, and that an image can do without: the converter names them
//! as it names drivers.

use super::Driver;
use crate::{fs, net};

// SAFETY: the converter refers to it by this name, and nothing else has it.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static husk_driver_netlink: Driver = Driver {
    probe: install_netlink,
};

// SAFETY: as above.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static husk_driver_network_files: Driver = Driver {
    probe: install_network_files,
};

// SAFETY: as above.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static husk_driver_pseudo_terminals: Driver = Driver {
    probe: install_pseudo_terminals,
};

extern "C" fn install_pseudo_terminals() {
    fs::pty::install();
}

extern "C" fn install_network_files() {
    net::files::install();
}

extern "C" fn install_netlink() {
    net::netlink::install();
}
