"""Chooses what runs the guest's instructions: KVM where it truly helps, else TCG.

`/dev/kvm` may be there, open, and still interpret every instruction of a kernel at a small part of
TCG's speed, or hang. So a tiny guest is booted with both, and KVM has to win. The answer is kept
until the host reboots, in $XDG_CACHE_HOME/dock2uk.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import tools
from ..errors import Dock2ukError
from .qemu import EXIT_PORT, PACKAGE, PROGRAM

CHOICES = ("auto", "kvm", "tcg")
_DEVICE = Path("/dev/kvm")
_TRIAL_TIMEOUT_S = 3.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_STATUS = 0x2A
# QEMU ends with this when the guest writes _STATUS to isa-debug-exit.
_QEMU_STATUS = _STATUS << 1 | 1
# Kernel-mode work enough that an interpreting hypervisor shows: about 0.1 s under TCG.
_ROUNDS = 10_000_000
_CODE = b"".join(
    (
        b"\xb9" + struct.pack("<I", _ROUNDS),  # mov ecx, _ROUNDS
        b"\x49",  # 1: dec ecx
        b"\x75\xfd",  # jnz 1b
        b"\x66\xba" + struct.pack("<H", EXIT_PORT),  # mov dx, EXIT_PORT
        b"\xb8" + struct.pack("<I", _STATUS),  # mov eax, _STATUS
        b"\xef",  # out dx, eax
        b"\xf4",  # 2: hlt
        b"\xeb\xfd",  # jmp 2b
    )
)
_LOAD_ADDRESS = 0x100000


@dataclass(frozen=True, slots=True)
class Choice:
    """An accelerator and why it is the one."""

    accelerator: str
    because: str


def choose(wanted: str) -> Choice:
    """What `wanted` ("auto", "kvm" or "tcg") comes to on this machine."""
    if wanted not in CHOICES:
        raise Dock2ukError(f"no accelerator {wanted!r}", hint=f"one of {', '.join(CHOICES)}")
    if wanted != "auto":
        return Choice(wanted, "asked for")
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return Choice("tcg", f"{_DEVICE} cannot be opened")
    return _remembered() or _remember(_compare())


def _compare() -> Choice:
    with tempfile.TemporaryDirectory(prefix="dock2uk-trial-") as directory:
        image = Path(directory, "trial.elf")
        image.write_bytes(_trial_image())
        kvm_s = _boot_time_s(image, "kvm")
        if kvm_s is None:
            return Choice("tcg", f"a trial boot with KVM did not end in {_TRIAL_TIMEOUT_S:g} s")
        tcg_s = _boot_time_s(image, "tcg")
    if tcg_s is None or kvm_s <= tcg_s:
        return Choice("kvm", f"a trial boot took {kvm_s:.2f} s")
    return Choice("tcg", f"a trial boot took {kvm_s:.2f} s with KVM and {tcg_s:.2f} s with TCG")


def _boot_time_s(image: Path, accelerator: str) -> float | None:
    """How long the trial guest takes from start to end; None when it does not end as it should."""
    program = tools.require(PROGRAM, package=PACKAGE)
    command = [program, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]
    command += ["-machine", "microvm", "-accel", accelerator, "-m", "16", "-kernel", str(image)]
    command += ["-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4"]
    began_s = time.monotonic()
    status = tools.status_within(command, timeout_s=_TRIAL_TIMEOUT_S)
    return time.monotonic() - began_s if status == _QEMU_STATUS else None


def _trial_image() -> bytes:
    """An ELF-64 file with one segment and a PVH note (Xen docs/misc/pvh.pandoc): 32-bit entry."""
    note = struct.pack("<III4sQ", 4, 8, 18, b"Xen\0", _LOAD_ADDRESS)
    file_header_bytes, program_header_bytes = 64, 56
    code_offset = file_header_bytes + 2 * program_header_bytes
    note_offset = code_offset + len(_CODE) + -len(_CODE) % 8
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    executable, x86_64 = 2, 62
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", identity, executable, x86_64, 1, _LOAD_ADDRESS, file_header_bytes,
        0, 0, file_header_bytes, program_header_bytes, 2, 0, 0, 0,
    )  # fmt: skip
    segments = _program_header(1, code_offset, len(_CODE), _LOAD_ADDRESS)
    segments += _program_header(4, note_offset, len(note), 0)
    return (header + segments + _CODE).ljust(note_offset, b"\0") + note


def _program_header(kind: int, offset: int, size_bytes: int, address: int) -> bytes:
    read_execute, alignment = 5, 4
    return struct.pack(
        "<IIQQQQQQ", kind, read_execute, offset, address, address, size_bytes, size_bytes, alignment
    )


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "dock2uk", "accelerator.json")


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip()


def _remembered() -> Choice | None:
    try:
        document = json.loads(_cache().read_text())
        if document.pop("boot_id") == _boot_id():
            return Choice(**document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # no answer kept, or none of ours: try again
    return None


def _remember(choice: Choice) -> Choice:
    """A cache that cannot be written costs a trial a run, nothing else."""
    path = _cache()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"boot_id": _boot_id(), **asdict(choice)}) + "\n")
    except OSError:
        pass
    return choice
