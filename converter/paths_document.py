"""What report.json says of each path of the image, and answers from it for `explain`.

A reason names, where there is one, the path that it comes from ("DT_NEEDED libz.so.1 of
/usr/sbin/nginx"): following these leads back to the program. A path with blanks in it ends the
chain.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .calls_document import near
from .errors import Dock2ukError
from .model import Keep, Node, NodeType, Rootfs, Tree

_PATH = re.compile(r"/[^\s,;:]*")
_MAXIMUM_LINKS = 40  # as Linux, path_resolution(7)
_SHOWN = 200  # of the paths that a pattern or a directory means


@dataclass(frozen=True, slots=True)
class _Decided:
    is_kept: bool
    because: str
    target: str | None  # of a symlink


def document(tree: Tree, rootfs: Rootfs) -> dict[str, Any]:
    """As JSON values, in path order."""
    kept = [one for one in rootfs.decisions if isinstance(one, Keep)]
    dropped = [one for one in rootfs.decisions if not isinstance(one, Keep)]
    return {
        "kept": [_row(one.path, one.because, tree.get(one.path)) for one in kept],
        "added": [_row(one.path, one.because, None) for one in rootfs.added],
        "dropped": [_row(one.path, one.because, tree.get(one.path)) for one in dropped],
    }


def _row(path: str, because: str, node: Node | None) -> dict[str, Any]:
    row = {"path": path, "because": because}
    is_link = node is not None and node.type is NodeType.SYMLINK
    return row | {"target": node.target} if node is not None and is_link else row


def explanation(files: Mapping[str, Sequence[Mapping[str, Any]]], asked: str) -> Iterator[str]:
    """Why a path, or each that a pattern means, is or is not in the bundle, line by line;
    Dock2ukError when the image had none of that name."""
    decided = _decided(files)
    added = {row["path"]: row["because"] for row in files["added"]}
    path = posixpath.normpath("/" + asked.lstrip("/"))
    if re.search(r"[*?\[]", path) and path not in decided:
        yield from _of_pattern(path, decided)
        return
    yield from _of_path(path, decided, added)
    below = [one for one in decided if one.startswith(f"{path.rstrip('/')}/")]
    if below:
        yield from _of_directory(below, decided)


def _decided(files: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, _Decided]:
    return {
        row["path"]: _Decided(name == "kept", row["because"], row.get("target"))
        for name in ("kept", "dropped")
        for row in files[name]
    }


def _of_path(path: str, decided: Mapping[str, _Decided], added: Mapping[str, str]) -> Iterator[str]:
    for _ in range(_MAXIMUM_LINKS):
        found = decided.get(path)
        if found is None and (through := _through_link(path, decided)) is not None:
            yield f"{path} is {through} by a symlink on the way"
            path = through
            continue
        if found is None:
            yield from _not_of_image(path, decided, added)
            return
        yield f"{path} is {'' if found.is_kept else 'not '}in the bundle"
        yield f"  because {found.because}"
        if path in added:
            yield f"  {added[path]}"
        yield from _back_to_program(path, decided)
        if found.target is None:
            return
        path = _joined(path, found.target)
        yield f"it is a symlink to {path}:"


def _not_of_image(
    path: str, decided: Mapping[str, _Decided], added: Mapping[str, str]
) -> Iterator[str]:
    if path not in added:
        hint = near(path, decided)
        raise Dock2ukError(f"the image has no {path}", hint=hint)
    yield f"{path} is in the bundle, and was not in the image"
    yield f"  because {added[path]}"


def _back_to_program(path: str, decided: Mapping[str, _Decided]) -> Iterator[str]:
    met = {path}
    because = decided[path].because
    while (source := _named(because, decided, met)) is not None:
        because = decided[source].because
        yield f"  {source}: {because}"
        met.add(source)


def _named(because: str, decided: Mapping[str, _Decided], met: set[str]) -> str | None:
    """The last path of a reason that was decided for itself and is new."""
    named = [found.rstrip(".)'") for found in _PATH.findall(because)]
    paths = [path for path in named if path in decided and path not in met and path != "/"]
    return paths[-1] if paths else None


def _through_link(path: str, decided: Mapping[str, _Decided]) -> str | None:
    """The path with its first symlink replaced by where that leads."""
    parts = path.strip("/").split("/")
    for count in range(1, len(parts)):
        passed = "/" + "/".join(parts[:count])
        found = decided.get(passed)
        if found is not None and found.target is not None:
            return posixpath.join(_joined(passed, found.target), *parts[count:])
    return None


def _joined(link: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(link), target))


def _of_directory(below: Sequence[str], decided: Mapping[str, _Decided]) -> Iterator[str]:
    kept = [path for path in below if decided[path].is_kept]
    yield f"of what is in it {len(kept)} paths are in the bundle, {len(below) - len(kept)} are not:"
    reasons = Counter(decided[path].because for path in below if not decided[path].is_kept)
    for because, count in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))[:10]:
        yield f"  {count} not: {because}"
    for path in kept[:_SHOWN]:
        yield f"  {path}: {decided[path].because}"
    if len(kept) > _SHOWN:
        yield f"  and {len(kept) - _SHOWN} more"


def _of_pattern(pattern: str, decided: Mapping[str, _Decided]) -> Iterator[str]:
    meant = [path for path in decided if fnmatchcase(path, pattern)]
    if not meant:
        raise Dock2ukError(f"the image has nothing that {pattern} means")
    for path in meant[:_SHOWN]:
        found = decided[path]
        yield f"{path} is {'' if found.is_kept else 'not '}in the bundle: {found.because}"
    if len(meant) > _SHOWN:
        yield f"and {len(meant) - _SHOWN} more"
