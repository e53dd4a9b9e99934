//! Entry by PVH (Xen docs/misc/pvh.pandoc): 32-bit protected mode without paging, EBX pointing to
//! `hvm_start_info`. Goes straight to long mode with boot page tables that map the first 4 GiB at
//! the direct map and the first 2 GiB at the kernel's base; `mm` replaces them.

use alloc::vec::Vec;
#[cfg(not(test))]
use core::arch::global_asm;

#[cfg(not(test))]
global_asm!(
    r#"
    .section .note.pvh, "a", @note
    .balign 4
    .long 4
    .long 8
    .long 18
    .asciz "Xen"
    .balign 4
    .quad husk_start - 0xffffffff80000000

    .section .bss.boot, "aw", @nobits
    .balign 4096
boot_pml4:
    .skip 4096
boot_pdpt_low:
    .skip 4096
boot_pdpt_high:
    .skip 4096
boot_directories:
    .skip 4 * 4096
    .globl husk_boot_stack_guard
husk_boot_stack_guard:
    .skip 4096
    .skip 32768
boot_stack_top:

    .section .text.boot, "ax"
    .code32
    .globl husk_start
husk_start:
    cld
    mov esp, offset boot_stack_top - 0xffffffff80000000
    mov edi, ebx

    # Four page directories of 2 MiB pages: present, writable, large.
    mov ebx, offset boot_directories - 0xffffffff80000000
    xor ecx, ecx
2:
    mov eax, ecx
    shl eax, 21
    or eax, 0x83
    mov [ebx + ecx * 8], eax
    inc ecx
    cmp ecx, 2048
    jne 2b

    # PDPT of the direct map (and, until paging is on here, of identity).
    mov edx, offset boot_pdpt_low - 0xffffffff80000000
    lea eax, [ebx + 0x0003]
    mov [edx], eax
    lea eax, [ebx + 0x1003]
    mov [edx + 8], eax
    lea eax, [ebx + 0x2003]
    mov [edx + 16], eax
    lea eax, [ebx + 0x3003]
    mov [edx + 24], eax

    # PDPT of the kernel: its last two entries.
    mov edx, offset boot_pdpt_high - 0xffffffff80000000
    lea eax, [ebx + 0x0003]
    mov [edx + 510 * 8], eax
    lea eax, [ebx + 0x1003]
    mov [edx + 511 * 8], eax

    mov ecx, offset boot_pml4 - 0xffffffff80000000
    mov eax, offset boot_pdpt_low - 0xffffffff80000000 + 3
    mov [ecx], eax
    mov [ecx + 256 * 8], eax
    mov eax, offset boot_pdpt_high - 0xffffffff80000000 + 3
    mov [ecx + 511 * 8], eax

    mov cr3, ecx
    mov eax, cr4
    or eax, 0x6a0           # PAE, PGE, OSFXSR, OSXMMEXCPT
    mov cr4, eax
    mov ecx, 0xc0000080     # EFER: SCE, LME, NXE
    rdmsr
    or eax, 0x901
    wrmsr
    mov eax, 0x80010033     # CR0: PG, WP, NE, ET, MP, PE
    mov cr0, eax
    lgdt [boot_gdt_pointer - 0xffffffff80000000]
    .byte 0xea              # ljmp $8, long_mode
    .long long_mode - 0xffffffff80000000
    .word 8

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff
    .quad 0x00cf93000000ffff
boot_gdt_pointer:
    .word 23
    .long boot_gdt - 0xffffffff80000000

    .code64
long_mode:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    xor eax, eax
    mov fs, ax
    mov gs, ax
    movabs rax, offset high_half
    jmp rax
high_half:
    movabs rsp, offset boot_stack_top
    xor ebp, ebp
    mov edi, edi
    call husk_boot
    ud2
"#
);

/// The page below boot's stack, which mm unmaps.
#[cfg(not(test))]
pub fn stack_guard() -> usize {
    unsafe extern "C" {
        static husk_boot_stack_guard: u8;
    }
    &raw const husk_boot_stack_guard as usize
}

#[cfg(test)]
pub fn stack_guard() -> usize {
    0
}

/// `hvm_start_info` (Xen public/arch-x86/hvm/start_info.h), version 1.
#[repr(C)]
struct RawStartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    module_count: u32,
    modules: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    memory_map_entries: u32,
    reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct RawRegion {
    address: u64,
    size_bytes: u64,
    kind: u32,
    reserved: u32,
}

/// `hvm_modlist_entry`.
#[repr(C)]
struct RawModule {
    address: u64,
    size_bytes: u64,
    command_line: u64,
    reserved: u64,
}

#[cfg(not(test))]
const MAGIC: u32 = 0x336e_c578;
const RAM: u32 = 1;
/// Longest command line that is read.
const COMMAND_LINE_LIMIT: usize = 4096;
/// Most memory regions a machine is expected to have.
pub const REGION_LIMIT: usize = 32;

/// A range of usable RAM, in bytes.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Region {
    pub start: usize,
    pub end: usize,
}

/// What the hypervisor told.
pub struct StartInfo {
    raw: *const RawStartInfo,
}

fn at<T>(address: u64) -> *const T {
    (crate::mm::DIRECT_MAP + address as usize) as *const T
}

impl StartInfo {
    /// Usable RAM as the hypervisor lists it, not yet less what the image occupies.
    /// Unused places are empty regions: there is no heap yet when this is asked.
    pub fn memory(&self) -> [Region; REGION_LIMIT] {
        let mut regions = [Region::default(); REGION_LIMIT];
        // SAFETY: PVH promises the structure and its map; both are below 4 GiB, mapped by boot.
        let (map, count) = unsafe {
            (
                at::<RawRegion>((*self.raw).memory_map),
                (*self.raw).memory_map_entries as usize,
            )
        };
        let mut next = regions.iter_mut();
        for index in 0..count {
            // SAFETY: `index` is within the map.
            let region = unsafe { map.add(index).read_unaligned() };
            if region.kind != RAM {
                continue;
            }
            let Some(slot) = next.next() else { break };
            let end = region.address + region.size_bytes;
            *slot = Region {
                start: region.address as usize,
                end: end as usize,
            };
        }
        regions
    }

    /// Where the first thing is that the hypervisor loaded beside the image; empty when it loaded
    /// nothing.
    pub fn module(&self) -> Region {
        // SAFETY: as for `memory`; a list with entries has a first one.
        let module = unsafe {
            match (*self.raw).module_count {
                0 => return Region::default(),
                _ => at::<RawModule>((*self.raw).modules).read_unaligned(),
            }
        };
        let start = module.address as usize;
        Region {
            start,
            end: start.saturating_add(module.size_bytes as usize),
        }
    }

    /// The command line without its NUL.
    pub fn command_line(&self) -> Vec<u8> {
        // SAFETY: as for `memory`; 0 means there is none.
        let address = unsafe { (*self.raw).command_line };
        if address == 0 {
            return Vec::new();
        }
        let first = at::<u8>(address);
        // SAFETY: the string is NUL-terminated; reading stops there or at the limit.
        (0..COMMAND_LINE_LIMIT)
            .map(|index| unsafe { first.add(index).read() })
            .take_while(|&byte| byte != 0)
            .collect()
    }
}

/// From the assembly above: `start_info` is a physical address.
#[cfg(not(test))]
#[unsafe(no_mangle)]
extern "C" fn husk_boot(start_info: usize) -> ! {
    let raw = at::<RawStartInfo>(start_info as u64);
    // SAFETY: PVH promises the structure.
    let magic = unsafe { (*raw).magic };
    assert!(magic == MAGIC, "not entered by PVH: {magic:#x}");
    super::machine(&StartInfo { raw })
}
