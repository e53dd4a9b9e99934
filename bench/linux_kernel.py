"""Debian's cloud kernel, fetched but not installed: the bzImage, the vmlinux in it, its modules.

The vmlinux is what QEMU boots by PVH, as it boots husk; it skips the bzImage's own unpacking.
Only LZ4 payloads are read, which is what Debian 12 builds.
"""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

META_PACKAGE = "linux-image-cloud-amd64"
# The drivers a microvm needs; what they depend on is loaded before them.
DRIVERS = ("virtio_mmio", "virtio_net")

_LZ4_LEGACY_MAGIC = b"\x02\x21\x4c\x18"


@dataclass(frozen=True, slots=True)
class LinuxKernel:
    version: str
    bzimage: Path
    vmlinux: Path
    modules: tuple[Path, ...]


def fetch(directory: Path) -> LinuxKernel:
    """Download and unpack into `directory`; a second call finds it there."""
    root = directory / "root"
    if not list(root.glob("boot/vmlinuz-*")):
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", _package()], cwd=directory, check=True)
        package = next(directory.glob("linux-image-*.deb"))
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    bzimage = next(root.glob("boot/vmlinuz-*"))
    vmlinux = directory / "vmlinux"
    if not vmlinux.exists():
        vmlinux.write_bytes(unpack(bzimage.read_bytes()))
    found = {path.stem: path for path in root.glob("lib/modules/**/*.ko")}
    modules = tuple(
        dict.fromkeys(found[m] for name in DRIVERS for m in _loading_order(name, found))
    )
    return LinuxKernel(bzimage.name.removeprefix("vmlinuz-"), bzimage, vmlinux, modules)


def unpack(bzimage: bytes) -> bytes:
    """The ELF inside a bzImage (Linux Documentation/x86/boot.rst § payload_offset)."""
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = bzimage[start : start + length - 4]  # the last four bytes are the unpacked size
    if not payload.startswith(_LZ4_LEGACY_MAGIC):
        raise ValueError(f"the kernel's payload begins with {payload[:4].hex()}, not LZ4's magic")
    done = subprocess.run(["lz4", "-dc"], input=payload, capture_output=True, check=True)
    return done.stdout


def _loading_order(name: str, found: Mapping[str, Path]) -> list[str]:
    """A module after everything its .modinfo section says it depends on."""
    said = re.search(rb"\0depends=([^\0]*)\0", found[name].read_bytes())
    needs = said[1].decode().split(",") if said and said[1] else []
    return [module for need in needs for module in _loading_order(need, found)] + [name]


def _package() -> str:
    """The package that the meta package depends on: the newest kernel's."""
    shown = subprocess.run(
        ["apt-cache", "depends", META_PACKAGE], capture_output=True, text=True, check=True
    ).stdout
    named = re.search(r"Depends: (linux-image-\S+)", shown)
    if named is None:
        raise ValueError(f"apt knows no {META_PACKAGE}")
    return named[1]
