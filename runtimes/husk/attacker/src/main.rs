//! What an attacker tries who has code running in the program's place: `attacker ID [WHERE…]` makes
//! one attempt, with the rights it was started with, and tells each step and what it returned. It
//! judges nothing: that is the converter's (`converter/scenarios/`).
//!
//! No C library, no allocation, no writable data: what is missing in a guest is missing here too.

#![no_std]
#![no_main]
// A loop in `bytes` must not become a call of itself.
#![no_builtins]

mod bytes;
mod call;
mod files;
mod kernel;
mod memory;
mod network;
mod processes;
mod report;
mod start;

use core::ffi::CStr;

use start::Arguments;

/// An attempt, by the name that the converter knows it by.
type Attempt = (&'static [u8], fn(&Arguments));

const ATTEMPTS: [Attempt; 19] = [
    (b"shell", files::start_a_shell),
    (b"dropped_program", files::execute_a_dropped_file),
    (b"memory_program", files::execute_a_file_in_memory),
    (b"dropped_library", files::map_code_of_a_dropped_file),
    (b"password_file", files::read_the_password_file),
    (b"program_code", memory::overwrite_the_program),
    (b"write_execute", memory::write_and_execute_at_once),
    (b"injected_code", memory::execute_what_was_written),
    (b"trace", processes::trace_another),
    (b"kill", processes::kill_another),
    (b"fork_bomb", processes::multiply),
    (b"become_root", processes::become_root),
    (b"mount", kernel::mount),
    (b"kernel_module", kernel::load_a_module),
    (b"kernel_code", kernel::overwrite_its_code),
    (b"kernel_privilege", kernel::lift_write_protection),
    (b"raw_socket", network::open_raw_sockets),
    (b"listen", network::listen),
    (b"connect", network::connect_out),
];

/// What a copy of this program is told, to say that it runs.
pub const ARRIVED: &CStr = c"arrived";

fn run(arguments: &Arguments) -> ! {
    let id = arguments.get(1).unwrap_or_default();
    if id == ARRIVED {
        report::achieved();
    }
    for (name, attempt) in ATTEMPTS {
        if name == id.to_bytes() {
            attempt(arguments);
        }
    }
    call::exit()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    call::exit()
}
