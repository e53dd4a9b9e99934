"""One layer's tar, entry by entry, into the tree (OCI image-spec layer.md).

The tar is read once, as a stream, and hashed as it passes: what it says counts only if the hash is
the layer's diff_id. File content stays in the blob; the tree holds where.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from .. import cache
from ..errors import LayerError
from ..model import Node, NodeType
from . import expansion, limits
from .blob import Blob, Range
from .sparse import SparseContent
from .stream import LayerStream
from .tree import TreeBuilder

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_AUFS = ".wh..wh."  # begins what AUFS kept for itself (aufs(5)); no file of the image
_XATTR = "SCHILY.xattr."
_NO_ID = 0xFFFFFFFF  # (uid_t)-1 is nobody's: chown(2) means "leave it" by it

# Devices every container is given by its runtime (OCI runtime-spec config-linux.md § Default
# Devices), and the ones debootstrap makes; any other device node in an image is refused. That
# includes 0:0, by which overlayfs hides a file: in a layer the form of that is `.wh.NAME`.
_USUAL_DEVICES = {
    "/dev/console": (5, 1), "/dev/full": (1, 7), "/dev/fuse": (10, 229), "/dev/kmsg": (1, 11),
    "/dev/null": (1, 3), "/dev/ptmx": (5, 2), "/dev/random": (1, 8), "/dev/tty": (5, 0),
    "/dev/urandom": (1, 9), "/dev/zero": (1, 5), **{f"/dev/tty{n}": (4, n) for n in range(64)},
}  # fmt: skip

_TYPES = {
    tarfile.REGTYPE: NodeType.FILE,
    tarfile.AREGTYPE: NodeType.FILE,
    tarfile.CONTTYPE: NodeType.FILE,
    tarfile.GNUTYPE_SPARSE: NodeType.FILE,
    tarfile.DIRTYPE: NodeType.DIRECTORY,
    tarfile.SYMTYPE: NodeType.SYMLINK,
    tarfile.FIFOTYPE: NodeType.FIFO,
    tarfile.CHRTYPE: NodeType.CHARACTER_DEVICE,
    tarfile.BLKTYPE: NodeType.BLOCK_DEVICE,
}


@dataclass(frozen=True, slots=True)
class BlobContent:
    """A file's bytes in a layer blob."""

    blob: Blob
    offset: int
    size: int
    layer: str  # its diff_id

    @property
    def place(self) -> tuple[str, int]:
        """The same of every image that has this layer."""
        return self.layer, self.offset

    def piece(self) -> tuple[Path, int]:
        return self.blob.path, self.blob.offset + self.offset

    def open(self) -> BinaryIO:
        part = Range(self.blob.path, self.blob.offset + self.offset, self.size)
        return cast(BinaryIO, io.BufferedReader(part))

    def read(self) -> bytes:
        with self.open() as file:
            return file.read()


def read_layer(
    compressed: Blob, diff_id: str, builder: TreeBuilder, advance: expansion.Advance
) -> int:
    """Apply a layer to the tree; the size of its tar in bytes. LayerError names the entry."""
    with expansion.opened(compressed, diff_id, builder.limits, advance) as (blob, stream):
        entry = "(start)"
        try:
            for member in _members(stream):
                entry = member.name
                _require_sane(member, diff_id, builder.limits)
                _apply(member, blob, builder, diff_id)
        except (tarfile.TarError, EOFError, ValueError, OverflowError) as broken:
            problem = f"the tar is damaged after it: {broken}"
            raise LayerError(diff_id, entry, problem, hint=_discard(blob, compressed)) from broken
        actual, size_bytes = stream.finish()
        if actual != diff_id:
            problem = f"its content has the digest {actual}"
            raise LayerError(diff_id, "(whole layer)", problem, hint=_discard(blob, compressed))
        return size_bytes


def _discard(blob: Blob, compressed: Blob) -> str | None:
    """What to try then. A layer that is only being expanded was never kept; what it is expanded
    from may have been."""
    return cache.discard(blob.path if blob.path.exists() else compressed.path)


def _members(stream: LayerStream) -> Iterator[tarfile.TarInfo]:
    """Each entry, before its content has passed; ValueError where the tar does not go on."""
    with tarfile.open(fileobj=cast(BinaryIO, stream), mode="r:") as archive:
        while (member := archive.next()) is not None:
            yield member
            if not stream.skip_to(member.offset_data + _stored_bytes(member)):
                raise ValueError("its content is cut short: the tar is truncated")
            if not stream.skip_to(archive.offset):
                return  # the last content need not be padded
            stream.expect_header(archive.offset)
            archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
    _require_end(stream)


def _require_end(stream: LayerStream) -> None:
    """tarfile takes whatever is no header for the end, where others go on or refuse it: entries
    that only some see. An end is one block of zeros and another, or nothing (tar(5))."""
    if any(stream.last_block):
        raise ValueError("what follows is neither a header nor the end")
    stream.expect_header(stream.tell())
    if any(stream.read(tarfile.BLOCKSIZE)):
        raise ValueError("something follows a lone block of zeros")


def _require_sane(member: tarfile.TarInfo, diff_id: str, raisable: limits.Limits) -> None:
    limit_bytes = raisable.sparse_bytes if member.sparse else raisable.layer_bytes
    if not 0 <= member.size <= limit_bytes:
        hint = limits.hint("sparse_bytes" if member.sparse else "layer_bytes")
        problem = f"it claims to be {member.size} bytes long"
        raise LayerError(diff_id, member.name, problem, hint=hint)
    position = 0
    for start, length in _pieces(member):
        if start < position or length < 0 or start + length > member.size:
            raise LayerError(diff_id, member.name, "the pieces of the sparse file overlap or stray")
        position = start + length


def _stored_bytes(member: tarfile.TarInfo) -> int:
    if member.sparse:
        return sum(length for _, length in _pieces(member))
    return member.size if member.isreg() else 0


def _apply(member: tarfile.TarInfo, blob: Blob, builder: TreeBuilder, diff_id: str) -> None:
    path = _path(member.name, diff_id, entry=member.name)
    parent, _, name = path.rpartition("/")
    if name == _OPAQUE:
        builder.hide_children(parent or "/")
    elif f"/{_AUFS}" in path:
        return
    elif name.startswith(_WHITEOUT):
        if name.removeprefix(_WHITEOUT) in ("", ".", ".."):
            raise LayerError(diff_id, member.name, "a whiteout that names no file")
        builder.hide(f"{parent}/{name.removeprefix(_WHITEOUT)}")
    elif path == "/" and not member.isdir():
        raise LayerError(diff_id, member.name, "the root is not a directory")
    elif member.islnk():
        builder.link(path, _path(member.linkname, diff_id, entry=member.name), member.name)
    else:
        builder.add(_node(path, member, blob, diff_id))


def _path(name: str, diff_id: str, *, entry: str) -> str:
    """A name that `entry` gives as an absolute path; one that climbs out is refused, not tamed."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise LayerError(diff_id, entry, f"the path {name!r} climbs out with `..`")
    if "\0" in name:
        raise LayerError(diff_id, entry[:64], "a NUL in the name")
    if any(len(os.fsencode(part)) > limits.NAME_BYTES for part in parts):
        raise LayerError(diff_id, entry[:64], f"a name of more than {limits.NAME_BYTES} bytes")
    if len(parts) > limits.DEPTH or len(name) > limits.PATH_BYTES:
        raise LayerError(diff_id, entry[:64], "the path is too long or too deep")
    return "/" + "/".join(parts)


def _node(path: str, member: tarfile.TarInfo, blob: Blob, diff_id: str) -> Node:
    kind = _TYPES.get(member.type)
    if kind is None:
        raise LayerError(diff_id, member.name, f"its type {member.type!r} is not known")
    is_device = kind in (NodeType.CHARACTER_DEVICE, NodeType.BLOCK_DEVICE)
    device = (member.devmajor, member.devminor)
    is_usual = kind is NodeType.CHARACTER_DEVICE and _USUAL_DEVICES.get(path) == device
    if is_device and not is_usual:
        raise LayerError(diff_id, member.name, f"a device node ({device[0]}:{device[1]})")
    if not (0 <= member.uid < _NO_ID and 0 <= member.gid < _NO_ID):
        raise LayerError(diff_id, member.name, f"the owner {member.uid}:{member.gid} is impossible")
    if kind is NodeType.SYMLINK and not _is_link_target(member.linkname):
        raise LayerError(diff_id, member.name, "no kernel takes its target: see symlink(2)")
    return Node(
        path=path,
        type=kind,
        mode=member.mode & 0o7777,
        uid=member.uid,
        gid=member.gid,
        mtime=int(member.mtime),
        content=_content(member, blob, diff_id) if kind is NodeType.FILE else None,
        target=member.linkname if kind is NodeType.SYMLINK else None,
        device=device if is_device else None,
        xattrs=_xattrs(member.pax_headers),
    )


def _is_link_target(text: str) -> bool:
    return 0 < len(os.fsencode(text)) < limits.PATH_BYTES and "\0" not in text


def _content(member: tarfile.TarInfo, blob: Blob, diff_id: str) -> BlobContent | SparseContent:
    if member.sparse:
        return SparseContent(blob, member.offset_data, _pieces(member), member.size)
    return BlobContent(blob, member.offset_data, member.size, diff_id)


def _pieces(member: tarfile.TarInfo) -> tuple[tuple[int, int], ...]:
    """Offset and length of each piece of data of a sparse file."""
    listed = cast(list[tuple[int, int]], member.sparse or [])
    return tuple((start, length) for start, length in listed if length)


def _xattrs(headers: Mapping[str, str]) -> dict[str, bytes]:
    """tarfile decodes PAX values as UTF-8 with surrogates for what is not."""
    return {
        key.removeprefix(_XATTR): value.encode("utf-8", "surrogateescape")
        for key, value in headers.items()
        if key.startswith(_XATTR)
    }
