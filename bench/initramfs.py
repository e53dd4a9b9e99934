"""The Linux guest's initramfs: the very root archive of a husk image, and an init.

The archive is taken out of the kernel image. Its names are cut to their real length: husk's are
padded so that file data begins at a page, which Linux takes for names that are too long
(Linux Documentation/driver-api/early-userspace/buffer-format.rst, init/initramfs.c).
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_HEADER_BYTES = 110
_TRAILER = b"TRAILER!!!"
_DIRECTORY = 0o040755
_EXECUTABLE = 0o100755


@dataclass(frozen=True, slots=True)
class Entry:
    """One newc record; `fields` are the thirteen numbers of its header, in order."""

    fields: tuple[int, ...]
    name: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Guest:
    """What the init is to do."""

    init: Path
    modules: tuple[Path, ...]
    exe: str
    argv: tuple[str, ...]


def root_archive(kernel_image: Path) -> bytes:
    """The `.rootfs` section of a husk image."""
    with tempfile.NamedTemporaryFile() as output:
        extract = ["objcopy", "-O", "binary", "--only-section=.rootfs"]
        subprocess.run([*extract, kernel_image, output.name], check=True)
        return Path(output.name).read_bytes()


def build(archive: bytes, guest: Guest, output: Path) -> None:
    """Two archives one after the other, as Linux takes them: the root, then what starts it."""
    modules = [(f"/bench/{path.name}", path.read_bytes()) for path in guest.modules]
    files = [
        ("/init", guest.init.read_bytes()),
        ("/bench/modules", _lines([name for name, _ in modules])),
        ("/bench/command", _lines([guest.exe, *guest.argv])),
        ("/bench/environment", _lines(["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])),
        *modules,
    ]
    ours = [_entry(0o20600, "/dev/console", device=(5, 1)), _entry(_DIRECTORY, "/bench")]
    ours += [_entry(_EXECUTABLE, name, content) for name, content in files]
    directories = [_entry(_DIRECTORY, "/dev")]
    written = [_record(entry) for entry in [*read(archive), *directories, *ours]]
    output.write_bytes(b"".join([*written, _record(_entry(0, _TRAILER.decode()))]))


def read(archive: bytes) -> Iterator[Entry]:
    """The records before the trailer."""
    position = 0
    while True:
        header = archive[position : position + _HEADER_BYTES]
        if header[:6] != b"070701":
            raise ValueError(f"no newc record at byte {position}")
        fields = tuple(int(header[at : at + 8], 16) for at in range(6, _HEADER_BYTES, 8))
        data_size, name_size = fields[6], fields[11]
        name_at = position + _HEADER_BYTES
        name = archive[name_at : name_at + name_size].rstrip(b"\0")
        if name == _TRAILER:
            return
        data_at = _aligned(name_at + name_size)
        yield Entry(fields, name, archive[data_at : data_at + data_size])
        position = _aligned(data_at + data_size)


def _entry(mode: int, name: str, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> Entry:
    # ino, mode, uid, gid, nlink, mtime, filesize, major, minor, rmajor, rminor, namesize, check
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, 0, 0)
    return Entry(fields, name.lstrip("/").encode(), data)


def _record(entry: Entry) -> bytes:
    fields = list(entry.fields)
    fields[11] = len(entry.name) + 1
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + entry.name + b"\0") + _padded(entry.data)


def _lines(words: Sequence[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _aligned(position: int) -> int:
    return position + -position % 4
