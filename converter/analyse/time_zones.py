"""The time zones that a program reads by names it is given (tzfile(5))."""

from __future__ import annotations

from .closure import Closure

ZONES = "/usr/share/zoneinfo"


def add_all_zones(closure: Closure, because: str) -> None:
    """Every zone once: `posix` and `right` are the same zones again, without and with leap
    seconds (tzfile(5))."""
    directory = closure.needs.tree.resolve(ZONES)
    for node in closure.needs.files_below(directory) if directory is not None else ():
        if not node.path.startswith((f"{ZONES}/posix", f"{ZONES}/right")):
            closure.needs.add(node.path, because)
