"""Numbers for the page's bars; the template draws them, with the same numbers as text beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_WIDTH = 100.0  # of the widest bar, in the drawing's own units
_MOST_PACKAGES = 15
# What an attacker would count, in the order in which it is asked for; sizes have their own chart.
_SURFACE = (
    "files", "code_bytes", "elf_executable", "elf_library", "scripts", "modules", "shells",
    "interpreters", "package_managers", "network_tools", "living_off_the_land", "setuid", "setgid",
    "capabilities", "world_writable", "accounts", "login_accounts", "password_hashes",
    "empty_passwords", "privilege_rules", "scheduled", "secrets", "packages",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    before: int
    after: int
    unit: str
    before_width: float
    after_width: float
    id: str = ""  # of the figure, where it is one


def package_sizes(packages: Sequence[Mapping[str, Any]]) -> tuple[Bar, ...]:
    """The largest, and the rest as one; by bytes, all to one scale."""
    ordered = sorted(packages, key=lambda one: (-one["bytes"], one["name"]))
    rows = [(one["name"], one["bytes"], one["bytes_kept"]) for one in ordered[:_MOST_PACKAGES]]
    rest = ordered[_MOST_PACKAGES:]
    if rest:
        name = f"{len(rest)} others"
        rows.append((name, sum(o["bytes"] for o in rest), sum(o["bytes_kept"] for o in rest)))
    widest = max((before for _, before, _ in rows), default=0)
    return tuple(_bar(name, before, after, "bytes", widest) for name, before, after in rows)


def surface(metrics: Sequence[Mapping[str, Any]]) -> tuple[Bar, ...]:
    """Each to its own scale: how much of it is left. What was never there is no bar."""
    by_id = {one["id"]: one for one in metrics}
    rows = [by_id[one] for one in _SURFACE if one in by_id]
    return tuple(
        replace(
            _bar(row["name"], row["before"], row["after"], row["unit"], row["before"]), id=row["id"]
        )
        for row in rows
        if row["before"] and row["after"] is not None
    )


def calls(in_guest: Mapping[str, Any]) -> tuple[Bar, ...]:
    """Within the guest alone: the host's kernel is another boundary."""
    total = in_guest["of_runtime"]
    rows = [("the library OS has", total), ("linked into this kernel", in_guest["linked"])]
    if in_guest["reachable"] is not None:
        rows.append(("the program's code can reach", in_guest["reachable"]))
    if in_guest.get("observed") is not None:  # not in older reports
        rows.append(("the program was seen making", len(in_guest["observed"])))
    return tuple(_bar(name, count, count, "calls", total) for name, count in rows)


def _bar(name: str, before: int, after: int, unit: str, widest: int) -> Bar:
    scale = _WIDTH / widest if widest else 0.0
    return Bar(name, before, after, unit, round(before * scale, 2), round(after * scale, 2))
