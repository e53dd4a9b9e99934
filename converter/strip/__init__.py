"""A new, smaller root: every path of the image kept or dropped, and some that stay rewritten.

Decisions follow from the Analysis and what the user wants alone, in path order, so the same input
gives the same root. An image that holds odd things is never an error here: they are dropped.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from ..errors import Dock2ukError
from ..model import (
    Analysis,
    Drop,
    Entrypoint,
    Image,
    Keep,
    Node,
    NodeType,
    Rootfs,
    StripMode,
    Stripping,
    Tree,
)
from ..path_rules import paths_to_keep, said_of_paths
from ..recipes import chosen
from .decide import Grounds, decide
from .removal import ACCOUNT_FILES, forbidden_inodes
from .rewrite import place, rewritten

__all__ = ["strip"]

# What programs expect to find and write to (hier(7), FHS 3.0), kept when the image has it.
_EMPTY_DIRECTORIES = {
    "/tmp": "temporary files of any program",
    "/var/tmp": "temporary files of any program",
    "/run": "state of any running program",
    "/var/run": "state of any running program",
    "/dev": "where the runtime puts devices",
    "/proc": "where the runtime puts process information",
    "/sys": "where the runtime puts devices",
}


def strip(image: Image, entrypoint: Entrypoint, analysis: Analysis, stripping: Stripping) -> Rootfs:
    """Decide every path of the image's tree."""
    tree = image.tree
    kept_by_rule, dropped_by_rule = said_of_paths(tree, stripping)
    _require_program(entrypoint, analysis, dropped_by_rule)
    grounds = Grounds(
        mode=stripping.mode,
        exe=entrypoint.exe,
        wanted={**_wanted(tree, entrypoint, analysis), **kept_by_rule},
        dropped=dropped_by_rule,
        left_out=analysis.left_out,
        owner={path: package.name for package in analysis.packages for path in package.files},
        inodes=forbidden_inodes(tree, entrypoint.exe),
    )
    decisions = decide(tree, grounds)
    kept = [node for node in tree if isinstance(decisions[node.path], Keep)]
    nodes, added = (kept, ()) if _is_whole(stripping) else rewritten(tree, entrypoint, kept)
    more = _missing_directories(image, entrypoint, nodes)
    in_order = sorted((*nodes, *(node for node, _ in more)), key=lambda node: node.path.split("/"))
    return Rootfs(
        nodes=tuple(in_order),
        decisions=tuple(decisions.values()),
        added=(*added, *(Keep(node.path, because) for node, because in more)),
        notes=(*_against_rules(tree, stripping, decisions), *_against_needs(analysis, grounds)),
    )


def _is_whole(stripping: Stripping) -> bool:
    """Whether the image is to stay as it is."""
    return stripping.mode is StripMode.NONE and not stripping.drop


def _require_program(
    entrypoint: Entrypoint, analysis: Analysis, dropped: Mapping[str, str]
) -> None:
    elf = analysis.elves.get(entrypoint.exe)
    linker = elf.interpreter if elf is not None else None
    for path in (entrypoint.exe, linker or entrypoint.exe):
        if path in dropped:
            raise Dock2ukError(
                f"{dropped[path]}: {path} is what the image runs",
                hint="drop a smaller part, or keep that path by a rule of its own",
            )


def _against_rules(
    tree: Tree, stripping: Stripping, decisions: Mapping[str, Keep | Drop]
) -> Iterator[str]:
    """What the user wants kept, by its own name, and is not."""
    for rule in stripping.keep:
        meant = dict.fromkeys(paths_to_keep(tree, rule))
        lost = [found for path in meant if isinstance(found := decisions[path], Drop)]
        for because in dict.fromkeys(drop.because for drop in lost):
            paths = [drop.path for drop in lost if drop.because == because]
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            yield f"{rule.because}: {paths[0]}{more} is dropped all the same: {because}"


def _against_needs(analysis: Analysis, grounds: Grounds) -> Iterator[str]:
    """What the program needs and the user wants dropped."""
    for path, because in analysis.needed.items():
        if path in grounds.dropped:
            yield f"{path} is dropped, though needed ({because}): {grounds.dropped[path]}"


def _wanted(tree: Tree, entrypoint: Entrypoint, analysis: Analysis) -> dict[str, str]:
    """Path -> the first reason to keep it."""
    wanted = dict(analysis.needed)
    for path, because in _EMPTY_DIRECTORIES.items():
        wanted.setdefault(path, because)
    home = _variable(entrypoint, "HOME")
    if home:
        wanted.setdefault(home, "home directory of the program's user")
    for path in ACCOUNT_FILES:
        node = tree.resolve(path)
        if node is not None:
            wanted.setdefault(node.path, "the accounts the program needs")
    return wanted | {"/": "root directory"}


def _missing_directories(
    image: Image, entrypoint: Entrypoint, nodes: Sequence[Node]
) -> tuple[tuple[Node, str], ...]:
    """Directories that must exist and do not, with the reason, parents first."""
    asked = [(entrypoint.cwd, "working directory, made as docker makes it")]
    asked += [(path, "volume, made as docker makes it") for path in image.config.volumes]
    for recipe in chosen(entrypoint.recipes):
        asked += [(path, f"recipe {recipe.name} asks for it") for path in recipe.directories]
    present = {node.path for node in nodes}
    missing: list[tuple[Node, str]] = []
    for path, because in asked:
        current = "/"
        for name in posixpath.normpath("/" + path).strip("/").split("/"):
            current = place(image.tree, posixpath.join(current, name))
            if current not in present:
                missing.append((Node(current, NodeType.DIRECTORY, 0o755, 0, 0, mtime=0), because))
                present.add(current)
    return tuple(missing)


def _variable(entrypoint: Entrypoint, name: str) -> str:
    values = [e.partition("=")[2] for e in entrypoint.env if e.startswith(f"{name}=")]
    return values[-1] if values else ""
