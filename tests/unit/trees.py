"""Images of a few paths, for tests of the stages that read one; the tree is the real one.

`tree({...})` takes path -> what is there: bytes or text is a file, `Link` a symlink, None a
directory, a Node whatever it says. Parent directories are made as needed.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dock2uk import entrypoint
from dock2uk.contents import Held
from dock2uk.ingest.tree import TreeBuilder
from dock2uk.model import Entrypoint, Image, ImageConfig, Node, NodeType, Tree


@dataclass(frozen=True)
class Link:
    """A symlink."""

    target: str


Entry = bytes | str | Link | Node | None


def tree(entries: Mapping[str, Entry], links: Mapping[str, str] | None = None) -> Tree:
    """A tree of these paths and their parent directories; `links` are hard links, new to old."""
    builder = TreeBuilder()
    builder.begin_layer("sha256:0")
    made = {"/"}
    for path, entry in entries.items():
        parents = [path[:end] for end, letter in enumerate(path) if letter == "/" and end]
        for parent in parents:
            if parent not in made and parent not in entries:
                builder.add(Node(parent, NodeType.DIRECTORY, 0o755, 0, 0, 0))
                made.add(parent)
        builder.add(_node(path, entry))
    for path, target in (links or {}).items():
        builder.link(path, target, path)
    return builder.tree()


def program(path: str, data: bytes = b"", *, mode: int = 0o755) -> Node:
    """An executable file."""
    return Node(path, NodeType.FILE, mode, 0, 0, 0, content=Held(data))


def image(
    entries: Mapping[str, Entry],
    config: ImageConfig | None = None,
    links: Mapping[str, str] | None = None,
) -> Image:
    """An image of one layer."""
    return Image("test:latest", "sha256:0", config or ImageConfig(), (), tree(entries, links))


def read_entrypoint(made: Image) -> Entrypoint:
    """The program as reading alone finds it: nothing is run."""
    return entrypoint.resolve(
        made, options=entrypoint.Options(entrypoint.Resolve.STATIC, is_baked=True)
    )


def host_entries(paths: Iterable[str]) -> dict[str, Entry]:
    """This machine's own files at these paths, every symlink on the way as it is."""
    found: dict[str, Entry] = {}
    pending = [posixpath.normpath(path) for path in paths]
    while pending:
        path = pending.pop()
        parts = path.split("/")[1:]
        for count in range(1, len(parts) + 1):
            place = "/" + "/".join(parts[:count])
            if os.path.islink(place):
                target = os.readlink(place)
                found[place] = Link(target)
                rest = "/".join(parts[count:])
                pending.append(
                    posixpath.normpath(posixpath.join(posixpath.dirname(place), target, rest))
                )
                break
        else:
            with open(path, "rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                found[path] = program(path, file.read(), mode=mode)
    return found


def _node(path: str, entry: Entry) -> Node:
    if isinstance(entry, Node):
        return replace(entry, path=path)
    if isinstance(entry, Link):
        return Node(path, NodeType.SYMLINK, 0o777, 0, 0, 0, target=entry.target)
    if entry is None:
        return Node(path, NodeType.DIRECTORY, 0o755, 0, 0, 0)
    data = entry.encode() if isinstance(entry, str) else entry
    return Node(path, NodeType.FILE, 0o644, 0, 0, 0, content=Held(data))
