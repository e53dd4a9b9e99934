"""ELF files planted with and without each property: made so by the compiler and the linker."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.images import Entry, directory, file

# strcpy(3) into memory whose size the compiler knows: the call that FORTIFY checks, and an array
# that a canary guards.
_SOURCE = """
#include <string.h>
int copy(const char *text) { char here[16]; strcpy(here, text); return here[3]; }
int main(int count, char **words) { return copy(words[count - 1]); }
"""
# The compiler's own defaults differ from distribution to distribution: each flag is said.
_HARDENED = {
    "pie": ("-fPIE", "-pie"), "relro": ("-Wl,-z,relro,-z,now",), "stack": ("-Wl,-z,noexecstack",),
    "canary": ("-fstack-protector-all",), "fortify": ("-O2", "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=2"), "path": (), "cet": ("-fcf-protection=full", "-Wl,-z,ibt,-z,shstk"),
}  # fmt: skip
# One file each: its path, and what is other than in a hardened one.
_FILES: dict[str, dict[str, tuple[str, ...]]] = {
    "/opt/elf/hardened": {},
    "/opt/elf/fixed": {"pie": ("-fno-pie", "-no-pie")},
    "/opt/elf/no-relro": {"relro": ("-Wl,-z,norelro,-z,lazy",)},
    "/opt/elf/lazy": {"relro": ("-Wl,-z,relro,-z,lazy",)},
    "/opt/elf/stack": {"stack": ("-Wl,-z,execstack",)},
    "/opt/elf/no-canary": {"canary": ("-fno-stack-protector",)},
    "/opt/elf/no-fortify": {"fortify": ("-O2", "-U_FORTIFY_SOURCE")},
    "/opt/elf/origin": {"path": ("-Wl,-rpath,$ORIGIN/lib,--enable-new-dtags",)},
    "/opt/elf/rpath": {"path": ("-Wl,-rpath,lib:/opt/lib,--disable-new-dtags",)},
    "/opt/elf/tmplibs": {"path": ("-Wl,-rpath,/tmplibs/x",)},
    "/opt/elf/var-tmp": {"path": ("-Wl,-rpath,/var/tmp/lib",)},
    "/opt/elf/shm": {"path": ("-Wl,-rpath,/dev/shm",)},
    "/opt/elf/shared": {"path": ("-Wl,-rpath,/opt/shared/lib",)},
    "/opt/elf/empty": {"path": ("-Wl,-rpath,/usr/lib/x:",)},
    "/opt/elf/no-cet": {"cet": ("-fcf-protection=none",)},
    "/opt/elf/ibt": {"cet": ("-fcf-protection=full", "-Wl,-z,ibt")},
}


@cache
def _made(path: str) -> bytes:
    flags = [flag for one in (_HARDENED | _FILES[path]).values() for flag in one]
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "made"
        command = ["gcc", "-w", "-x", "c", "-", "-o", output, *flags]
        subprocess.run(command, input=_SOURCE, text=True, check=True)
        return output.read_bytes()


def entries() -> list[Entry]:
    shared = directory("opt/shared", 0o777)
    return [shared, *(file(path[1:], _made(path), 0o755) for path in _FILES)]
