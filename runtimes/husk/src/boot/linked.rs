//! What the converter links beside the kernel, empty, so that the host's tests link.

/// Everything is a word of zeros: no system calls, no drivers, no archive, no configuration.
macro_rules! zeros {
    ($($name:ident),*) => {
        // SAFETY: the converter defines these names only where there are no tests.
        $(#[unsafe(no_mangle)]
        #[allow(non_upper_case_globals)]
        static $name: u64 = 0;)*
    };
}

zeros!(
    husk_syscall_count,
    husk_syscall_table,
    husk_syscall_names,
    husk_syscall_names_end,
    husk_process_starter,
    husk_drivers
);
zeros!(
    husk_rootfs,
    husk_rootfs_end,
    husk_boot_config,
    husk_boot_config_end
);
