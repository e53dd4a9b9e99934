"""A kernel of a few dozen instructions with the interface of husk's library: enough to link
against and to boot. It prints, sends events, and ends as it is told; it runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dock2uk import tools
from dock2uk.runtime import Runtime, SystemCall

LINKER_SCRIPT = Path(__file__).resolve().parents[1] / "runtimes" / "husk" / "link" / "husk.ld"

SYSTEM_CALLS = (
    SystemCall(0, "read", "full", ""),
    SystemCall(1, "write", "partial", "to the console"),
    SystemCall(3, "close", "none", ""),
)

EXIT = "mov dx, 0xf4\n mov eax, {status}\n out dx, eax"
HANG = "nop"
# A descriptor table without a handler: the next interrupt is a triple fault.
TRIPLE_FAULT = "push 0\n push 0\n lidt [esp]\n int3"

_SOURCE = """
.intel_syntax noprefix
.section .note.pvh,"a",@note
.balign 4
.long 4, 8, 18
.asciz "Xen"
.balign 4
.quad husk_start - 0xffffffff80000000

.section .text.boot,"ax"
.code32
.globl husk_start
husk_start:
    mov esp, offset stack_top - 0xffffffff80000000
    mov esi, offset console - 0xffffffff80000000
    mov dx, 0x3f8
    call say
    mov esi, offset events - 0xffffffff80000000
    mov dx, 0xe9
    call say
    {ending}
1:  hlt
    jmp 1b
say:
    lodsb
    test al, al
    jz 2f
    out dx, al
    jmp say
2:  ret

.section .rodata
console: .asciz "{console}"
events: .asciz "{events}"
.section .bss
.skip 4096
stack_top:
.skip 16

.section .text.sys_not_implemented,"ax"
.globl sys_not_implemented
sys_not_implemented: ret
.section .text.sys_read,"ax"
.globl sys_read
sys_read: ret
.section .text.sys_write,"ax"
.globl sys_write
sys_write: ret
.section .text.sys_unused,"ax"
.globl sys_unused
sys_unused: .skip 65536
"""


@dataclass(frozen=True)
class Stub:
    """What the kernel says and how it ends."""

    console: str = "hello from the stub\\n"
    events: str = "exit 7\\n"
    ending: str = EXIT.format(status=7)


def build_runtime(directory: Path, stub: Stub = Stub()) -> Runtime:
    """A runtime whose library is `stub`, built in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    source = _SOURCE.format(console=stub.console, events=stub.events, ending=stub.ending)
    (directory / "stub.s").write_text(source)
    tools.run(["as", "--64", "-o", "stub.o", "stub.s"], cwd=directory)
    tools.run(["ar", "rcD", "libstub.a", "stub.o"], cwd=directory)
    return Runtime(
        name="stub",
        version="1",
        directory=directory,
        library=directory / "libstub.a",
        linker_script=LINKER_SCRIPT,
        elf_types=("ET_EXEC", "ET_DYN"),
        system_calls=SYSTEM_CALLS,
        drivers=(),
        machines=("microvm", "q35", "pc"),
        minimum_memory_bytes=16 << 20,
    )
