//! The story: from the first instruction to the application's.
//!
//! `pvh` enters from the hypervisor, `machine` below brings the hardware up in order, and
//! `programs` runs what the image was made to run, one program after the other.

pub mod command_line;
pub mod config;
pub mod environment;
#[cfg(test)]
mod linked;
pub mod pvh;
pub mod rootfs;

use crate::arch::{context, interrupt, lapic, percpu, tables};
use crate::process::launch;
use crate::sync::Once;
use crate::{driver, fs, mm, net, time, trace};

pub use command_line::Options;
pub use config::Config;

static CONFIG: Once<Config> = Once::new();
static OPTIONS: Once<Options> = Once::new();

/// What the converter baked in.
pub fn config() -> &'static Config {
    CONFIG.get().unwrap_or(&config::EMPTY)
}

/// What the kernel command line says.
pub fn options() -> &'static Options {
    OPTIONS.get().unwrap_or(&command_line::NONE)
}

/// Entered from `pvh` on the boot stack, in long mode, interrupts off.
pub fn machine(start: &pvh::StartInfo) -> ! {
    driver::serial::install();
    percpu::install();
    tables::install();
    environment::install(mm::install(&start.memory(), start.module()));
    OPTIONS.set(Options::parse(&start.command_line()));
    CONFIG.set(Config::parse(rootfs::boot_config()));
    context::install();
    interrupt::mask_legacy_pic();
    lapic::install();
    time::install();
    trace::install();
    fs::install(rootfs::archive());
    driver::probe_all();
    net::install();
    launch::run_all()
}
