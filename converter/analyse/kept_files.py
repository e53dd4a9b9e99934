"""ELF files that the user keeps: what they load is kept with them, and what they call counts."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Node, NodeType, Observed, Rule
from ..path_rules import paths_to_keep
from .closure import Closure

# gABI "ELF Header": 64-bit, little-endian; e_type and e_machine of what can run or be loaded.
_IDENTITY = b"\x7fELF\x02\x01"
_TYPE_AND_MACHINE = (b"\x02\x00\x3e\x00", b"\x03\x00\x3e\x00")


def add_kept_files(closure: Closure, keep: Sequence[Rule]) -> None:
    """Those that could run here; a file for another machine is data."""
    tree = closure.needs.tree
    for rule in keep:
        for path in paths_to_keep(tree, rule):
            node = tree.get(path)
            if node is not None and _could_run(node):
                closure.add_library(path, rule.because)


def add_observed_files(closure: Closure, observed: Observed | None) -> None:
    """What a traced run named; a directory by itself."""
    if observed is None:
        return
    for path in sorted(observed.paths):
        node = closure.needs.tree.get(path)
        if node is not None and _could_run(node):
            closure.add_library(path, observed.because)
        else:
            closure.needs.add(path, observed.because)


def _could_run(node: Node) -> bool:
    if node.type is not NodeType.FILE or node.content is None:
        return False
    with node.content.open() as content:
        header = content.read(20)
    return header.startswith(_IDENTITY) and header[16:20] in _TYPE_AND_MACHINE
