"""Whether others may put a library where an ELF file has its libraries looked for (ld.so(8))."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from ..model import Node, NodeType
from .links import led_to

_OTHERS_WRITE, _STICKY = 0o002, 0o1000
# Anybody's to write in a container and in a guest, whether or not the image has them.
_ANYBODY_S = ("/tmp", "/var/tmp", "/dev/shm")
_ORIGIN = re.compile(r"\$(?:ORIGIN\b|\{ORIGIN\})")


def open_directories(
    directories: tuple[str, ...], origin: str, by_path: Mapping[str, Node]
) -> Iterator[str]:
    """Those of a file in the directory `origin` that others may fill. A relative or an empty one is
    of wherever the program is started."""
    for directory in directories:
        path = posixpath.normpath(_ORIGIN.sub(origin, directory))
        if not path.startswith("/") or _is_anybody_s(path) or _may_be_filled(path, by_path):
            yield directory


def _is_anybody_s(path: str) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in _ANYBODY_S)


def _may_be_filled(path: str, by_path: Mapping[str, Node]) -> bool:
    """What is there may be written, or made where nothing is; or a directory above be replaced,
    which the sticky bit forbids (unlink(2))."""
    found = list(_existing(path, by_path))
    replaceable = any(_others_write(one) and not one.mode & _STICKY for one in found)
    return replaceable or (bool(found) and _others_write(found[-1]))


def _existing(path: str, by_path: Mapping[str, Node]) -> Iterator[Node]:
    """The directories that a path leads through, from the top, as far as they are there."""
    names = path.strip("/").split("/")
    for count in range(1, len(names) + 1):
        node = by_path.get(led_to("/" + "/".join(names[:count]), by_path))
        if node is None or node.type is not NodeType.DIRECTORY:
            return
        yield node


def _others_write(node: Node) -> bool:
    return bool(node.mode & _OTHERS_WRITE)
