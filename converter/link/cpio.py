"""Writes the root archive, a `newc` cpio from which the kernel maps files in place (Linux
Documentation/driver-api/early-userspace/buffer-format.rst).

Deterministic: entries in path order, inode numbers in order of appearance, times as in the image
(at most SOURCE_DATE_EPOCH where that is set). The data of a regular file begins at a page boundary
of the archive: the name field is padded with NULs, which its size counts. File data is streamed.

What newc cannot hold is left out: extended attributes, times outside 1970-2106.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import Dock2ukError
from ..model import Node, NodeType

PAGE_BYTES = 4096
_HEADER_BYTES = 110
_ALIGNMENT_BYTES = 4
_LARGEST_FIELD = 0xFFFFFFFF
_TRAILER = "TRAILER!!!"

# inode(7), the file type bits of st_mode.
_TYPE_BITS = {
    NodeType.FILE: 0o100000,
    NodeType.DIRECTORY: 0o040000,
    NodeType.SYMLINK: 0o120000,
    NodeType.CHARACTER_DEVICE: 0o020000,
    NodeType.BLOCK_DEVICE: 0o060000,
    NodeType.FIFO: 0o010000,
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """The header fields that do not come from the node alone."""

    node: Node
    inode: int
    link_count: int
    has_data: bool  # of several hard links to one file the last carries the data


def write(nodes: Iterable[Node], output: BinaryIO) -> int:
    """Write the archive of `nodes` to `output` and return its size in bytes."""
    position = 0
    latest_mtime = _latest_mtime(os.environ)
    for entry in _entries(sorted(nodes, key=lambda node: _name(node).split("/"))):
        position += _write_entry(entry, position, latest_mtime, output)
    trailer = _header(_fields(link_count=1), _TRAILER.encode() + b"\0", 0)
    position += output.write(trailer)
    return position


def _latest_mtime(environment: Mapping[str, str]) -> int:
    """https://reproducible-builds.org/specs/source-date-epoch: no later time in any output."""
    text = environment.get("SOURCE_DATE_EPOCH")
    if text is None:
        return _LARGEST_FIELD
    if not text.isdecimal():
        raise Dock2ukError(f"SOURCE_DATE_EPOCH is not a number of seconds: {text!r}")
    return min(int(text), _LARGEST_FIELD)


def _name(node: Node) -> str:
    return node.path.lstrip("/") or "."


def _link_key(node: Node) -> int | str:
    """Equal for two names of one file; a node without an inode number is a file of its own."""
    return node.inode if node.type is NodeType.FILE and node.inode else node.path


def _entries(nodes: Sequence[Node]) -> Iterable[_Entry]:
    names = Counter(_link_key(node) for node in nodes)
    subdirectories = _subdirectories(nodes)
    inodes: dict[int | str, int] = {}
    seen: Counter[int | str] = Counter()
    for node in nodes:
        key = _link_key(node)
        inode = inodes.setdefault(key, len(inodes) + 1)
        seen[key] += 1
        is_directory = node.type is NodeType.DIRECTORY
        link_count = 2 + subdirectories[_name(node)] if is_directory else names[key]
        yield _Entry(node, inode, link_count, has_data=seen[key] == names[key])


def _subdirectories(nodes: Iterable[Node]) -> Mapping[str, int]:
    """How many directories each directory holds: a directory's link count is two more."""
    counts: dict[str, int] = defaultdict(int)
    for node in nodes:
        if node.type is NodeType.DIRECTORY and _name(node) != ".":
            counts[_name(node).rpartition("/")[0] or "."] += 1
    return counts


def _write_entry(entry: _Entry, position: int, latest_mtime: int, output: BinaryIO) -> int:
    node = entry.node
    target = os.fsencode(node.target or "") if node.type is NodeType.SYMLINK else b""
    has_content = node.type is NodeType.FILE and entry.has_data
    size_bytes = node.size if has_content else len(target)
    name = os.fsencode(_name(node)) + b"\0"
    if has_content and size_bytes:
        name += bytes(-(position + _HEADER_BYTES + len(name)) % PAGE_BYTES)
    fields = _fields(
        inode=entry.inode,
        mode=_TYPE_BITS[node.type] | node.mode,
        uid=node.uid,
        gid=node.gid,
        link_count=entry.link_count,
        mtime=min(max(node.mtime, 0), latest_mtime),
        size_bytes=size_bytes,
        device=node.device or (0, 0),
    )
    written = output.write(_header(fields, name, position))
    written += _copy(node, size_bytes, output) if has_content else output.write(target)
    return written + output.write(bytes(-(position + written) % _ALIGNMENT_BYTES))


def _fields(
    *,
    inode: int = 0,
    mode: int = 0,
    uid: int = 0,
    gid: int = 0,
    link_count: int,
    mtime: int = 0,
    size_bytes: int = 0,
    device: tuple[int, int] = (0, 0),
) -> tuple[int, ...]:
    """In the order of the format, up to and without the name's size."""
    file_system = (0, 0)
    return (inode, mode, uid, gid, link_count, mtime, size_bytes, *file_system, *device)


def _header(fields: tuple[int, ...], name: bytes, position: int) -> bytes:
    checksum = 0  # used by the 070702 variant only
    values = (*fields, len(name), checksum)
    too_large = [value for value in values if not 0 <= value <= _LARGEST_FIELD]
    if too_large:
        shown = name.rstrip(b"\0").decode(errors="replace")
        raise Dock2ukError(f"{shown}: {too_large[0]} does not fit a cpio header field of 32 bits")
    header = b"070701" + b"".join(b"%08x" % value for value in values) + name
    return header + bytes(-(position + len(header)) % _ALIGNMENT_BYTES)


def _copy(node: Node, size_bytes: int, output: BinaryIO) -> int:
    assert node.content is not None, node.path
    before = output.tell()
    with node.content.open() as source:
        shutil.copyfileobj(source, output, 1 << 20)
    copied = output.tell() - before
    if copied != size_bytes:
        raise Dock2ukError(f"{node.path}: {copied} bytes where {size_bytes} were promised")
    return copied
