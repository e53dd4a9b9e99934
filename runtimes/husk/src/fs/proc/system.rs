//! Files of /proc and /sys that tell of the machine (proc(5), sysfs(5)).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::arch::cpu;
use crate::fs::random;
use crate::mm::{PAGE_SIZE, frame};
use crate::process::scheduler;
use crate::syscall::identity;
use crate::time;

type File = (&'static str, fn() -> Vec<u8>);

/// Paths below /proc.
pub const PROC_FILES: &[File] = &[
    ("cpuinfo", cpuinfo),
    ("meminfo", meminfo),
    ("stat", stat),
    ("uptime", uptime),
    ("loadavg", loadavg),
    ("version", version),
    ("filesystems", || text("nodev\ttmpfs\nnodev\tproc\n")),
    ("sys/kernel/ostype", || text("Linux\n")),
    ("sys/kernel/osrelease", || {
        format!("{RELEASE}\n").into_bytes()
    }),
    ("sys/kernel/version", || format!("{VERSION}\n").into_bytes()),
    ("sys/kernel/hostname", hostname),
    ("sys/kernel/pid_max", || text("32768\n")),
    ("sys/kernel/threads-max", || text("32768\n")),
    ("sys/kernel/cap_last_cap", || text("40\n")),
    ("sys/kernel/ngroups_max", || text("65536\n")),
    ("sys/kernel/randomize_va_space", || text("2\n")),
    // What `ipc` allows; it need not be in the image for these to be asked.
    ("sys/kernel/shmmax", || text("18446744073692774399\n")),
    ("sys/kernel/shmall", || text("18446744073692774399\n")),
    ("sys/kernel/shmmni", || text("4096\n")),
    ("sys/kernel/sem", || text("32000\t1024000000\t500\t32000\n")),
    ("sys/kernel/msgmax", || text("8192\n")),
    ("sys/kernel/msgmnb", || text("16384\n")),
    ("sys/kernel/msgmni", || text("32000\n")),
    ("sys/kernel/random/uuid", uuid),
    ("sys/kernel/random/boot_id", boot_id),
    ("sys/kernel/random/entropy_avail", || text("256\n")),
    ("sys/fs/file-max", || text("1048576\n")),
    ("sys/fs/nr_open", || text("1048576\n")),
    ("sys/fs/pipe-max-size", || text("1048576\n")),
    ("sys/net/core/somaxconn", || text("4096\n")),
    // What `check_commit` does: refused is only what can never be had.
    ("sys/vm/overcommit_memory", || text("0\n")),
    ("sys/vm/max_map_count", || text("65530\n")),
];

/// Paths below /sys.
pub const SYS_FILES: &[File] = &[
    ("devices/system/cpu/online", || text("0\n")),
    ("devices/system/cpu/possible", || text("0\n")),
    ("devices/system/cpu/present", || text("0\n")),
    ("kernel/mm/transparent_hugepage/enabled", || {
        text("always madvise [never]\n")
    }),
];

/// What uname(2) says of a kernel with this ABI.
const RELEASE: &str = "6.1.0-husk";
const VERSION: &str = "#1 husk";
/// Clock ticks per second in /proc (USER_HZ).
pub const TICKS_PER_S: u64 = 100;
const NS_PER_S: u64 = 1_000_000_000;

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn cpuinfo() -> Vec<u8> {
    let [_, ebx, ecx, edx] = cpu::cpuid(0, 0);
    let vendor: Vec<u8> = [ebx, edx, ecx]
        .iter()
        .flat_map(|part| part.to_le_bytes())
        .collect();
    let [signature, _, features_c, features_d] = cpu::cpuid(1, 0);
    let (family, model) = family_and_model(signature);
    format!(
        "processor\t: 0\nvendor_id\t: {}\ncpu family\t: {family}\nmodel\t\t: {model}\n\
         model name\t: {}\nstepping\t: {}\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\n\
         cpu cores\t: 1\nfpu\t\t: yes\ncpuid level\t: {}\nwp\t\t: yes\nflags\t\t:{}\n\
         clflush size\t: 64\ncache_alignment\t: 64\n\n",
        String::from_utf8_lossy(&vendor),
        brand(),
        signature & 0xf,
        cpu::cpuid(0, 0)[0],
        flags(features_c, features_d),
    )
    .into_bytes()
}

/// SDM vol. 2, CPUID leaf 1.
fn family_and_model(signature: u32) -> (u32, u32) {
    let (family, model) = (signature >> 8 & 0xf, signature >> 4 & 0xf);
    let has_extended_model = family == 6 || family == 15;
    let extended = if has_extended_model {
        signature >> 16 & 0xf
    } else {
        0
    };
    let extended_family = if family == 15 {
        signature >> 20 & 0xff
    } else {
        0
    };
    (family + extended_family, extended << 4 | model)
}

fn brand() -> String {
    let leaves = (0x8000_0002..=0x8000_0004).flat_map(|leaf| cpu::cpuid(leaf, 0));
    let bytes: Vec<u8> = leaves
        .flat_map(u32::to_le_bytes)
        .filter(|&byte| byte != 0)
        .collect();
    String::from(String::from_utf8_lossy(&bytes).trim())
}

fn flags(ecx: u32, edx: u32) -> String {
    const EDX: [(u32, &str); 14] = [
        (0, "fpu"),
        (4, "tsc"),
        (5, "msr"),
        (6, "pae"),
        (8, "cx8"),
        (9, "apic"),
        (13, "pge"),
        (15, "cmov"),
        (16, "pat"),
        (19, "clflush"),
        (23, "mmx"),
        (24, "fxsr"),
        (25, "sse"),
        (26, "sse2"),
    ];
    const ECX: [(u32, &str); 14] = [
        (0, "pni"),
        (1, "pclmulqdq"),
        (9, "ssse3"),
        (12, "fma"),
        (13, "cx16"),
        (19, "sse4_1"),
        (20, "sse4_2"),
        (22, "movbe"),
        (23, "popcnt"),
        (25, "aes"),
        (26, "xsave"),
        (28, "avx"),
        (30, "rdrand"),
        (31, "hypervisor"),
    ];
    let named =
        |word: u32, (bit, name): &(u32, &'static str)| (word >> bit & 1 != 0).then_some(*name);
    let low = EDX.iter().filter_map(|flag| named(edx, flag));
    let high = ECX.iter().filter_map(|flag| named(ecx, flag));
    low.chain(high)
        .fold(String::new(), |line, name| line + " " + name)
}

fn meminfo() -> Vec<u8> {
    let kib = |frames: usize| frames * PAGE_SIZE / 1024;
    let total = frame::total_count();
    let free = total.saturating_sub(frame::used_count());
    format!(
        "MemTotal:       {:8} kB\nMemFree:        {:8} kB\nMemAvailable:   {:8} kB\n\
         Buffers:        {:8} kB\nCached:         {:8} kB\nSwapCached:     {:8} kB\n\
         SwapTotal:      {:8} kB\nSwapFree:       {:8} kB\n",
        kib(total),
        kib(free),
        kib(free),
        0,
        0,
        0,
        0,
        0
    )
    .into_bytes()
}

/// Idle time is not measured: everything counts as user time.
fn stat() -> Vec<u8> {
    let ticks = time::now_ns() / (NS_PER_S / TICKS_PER_S);
    let booted_s = (time::realtime_ns() - time::now_ns()) / NS_PER_S;
    format!(
        "cpu  {ticks} 0 0 0 0 0 0 0 0 0\ncpu0 {ticks} 0 0 0 0 0 0 0 0 0\nintr 0\nctxt 0\n\
         btime {booted_s}\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n"
    )
    .into_bytes()
}

fn uptime() -> Vec<u8> {
    let hundredths = time::now_ns() / (NS_PER_S / 100);
    format!("{}.{:02} 0.00\n", hundredths / 100, hundredths % 100).into_bytes()
}

fn loadavg() -> Vec<u8> {
    format!("0.00 0.00 0.00 1/{} 1\n", scheduler::count()).into_bytes()
}

fn version() -> Vec<u8> {
    format!("Linux version {RELEASE} (husk) {VERSION}\n").into_bytes()
}

fn hostname() -> Vec<u8> {
    let mut name = identity::hostname();
    name.push(b'\n');
    name
}

fn uuid() -> Vec<u8> {
    format_uuid(u128::from(random::number()) << 64 | u128::from(random::number()))
}

fn boot_id() -> Vec<u8> {
    static ID: crate::sync::Once<(u64, u64)> = crate::sync::Once::new();
    ID.set((random::number(), random::number()));
    let (high, low) = ID.get().copied().unwrap_or_default();
    format_uuid(u128::from(high) << 64 | u128::from(low))
}

/// RFC 9562 § 5.4, version 4.
fn format_uuid(random: u128) -> Vec<u8> {
    const FIXED: u128 = 0xf000_c000_0000_0000_0000;
    const VERSION_4: u128 = 0x4000_8000_0000_0000_0000;
    let id = random & !FIXED | VERSION_4;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}\n",
        id >> 96,
        id >> 80 & 0xffff,
        id >> 64 & 0xffff,
        id >> 48 & 0xffff,
        id & 0xffff_ffff_ffff
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        let uuid = format_uuid(u128::MAX);
        assert_eq!(uuid, b"ffffffff-ffff-4fff-bfff-ffffffffffff\n");
    }

    #[test]
    fn families_and_models_are_put_together_as_the_manual_says() {
        assert_eq!(family_and_model(0x000a_0655), (6, 0xa5));
        assert_eq!(family_and_model(0x0087_0f10), (0x17, 0x71));
    }
}
