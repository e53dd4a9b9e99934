//! Parts of the kernel that drive nothing, and that an image can do without: the converter names them
//! as it names drivers.

use super::Driver;
use crate::{fs, net, process};

macro_rules! part {
    ($name:ident, $install:path) => {
        // SAFETY: the converter refers to it by this name, and nothing else has it.
        #[unsafe(no_mangle)]
        #[allow(non_upper_case_globals)]
        pub static $name: Driver = Driver {
            probe: {
                extern "C" fn install() {
                    $install();
                }
                install
            },
        };
    };
}

#[cfg(feature = "tcp")]
part!(husk_driver_tcp, net::tcp::install);
part!(husk_driver_udp, net::udp::install);
part!(husk_driver_unix_sockets, net::unix::install);
part!(husk_driver_netlink, net::netlink::install);
part!(husk_driver_proc, fs::proc::install);
part!(husk_driver_network_files, net::files::install);
part!(husk_driver_pseudo_terminals, fs::pty::install);
part!(husk_driver_fifos, fs::pipe::install);
part!(husk_driver_vdso, process::exec::vdso::install);
part!(husk_driver_signal_handlers, process::signal::frame::install);
