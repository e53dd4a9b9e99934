"""Which of this machine's user and group IDs stand for a container's (user_namespaces(7)).

Never those of a real account: what a sandbox does can then be mistaken for nobody's, and no limit
on the number of processes counts it as anybody else's.
"""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from ... import tools
from ...errors import SandboxUnavailableError

# systemd's docs/UIDS-GIDS.md: from here on nothing is given to accounts, containers or services.
_UNUSED_FROM = 0x70000000
_UNUSED_COUNT = 1 << 27
_FEWEST = 65536  # "nobody" is 65534


@dataclass(frozen=True, slots=True)
class IdRange:
    """`count` IDs of this machine from `first`, which are 0 and on in the sandbox."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class IdMaps:
    users: IdRange
    groups: IdRange


def choose() -> IdMaps:
    """The ranges that we may give away; SandboxUnavailableError when there are none."""
    if os.geteuid() == 0:
        return IdMaps(_unused("/proc/self/uid_map"), _unused("/proc/self/gid_map"))
    for program in ("newuidmap", "newgidmap"):
        if shutil.which(program) is None:
            raise SandboxUnavailableError(
                f"{program} is not installed, and only it or root may give IDs to a user namespace",
                hint="apt-get install uidmap",
            )
    return IdMaps(_delegated("/etc/subuid"), _delegated("/etc/subgid"))


def apply(maps: IdMaps, pid: int) -> None:
    """Give them to the user namespace that a process has just made."""
    for kind, ids in (("uid", maps.users), ("gid", maps.groups)):
        if os.geteuid() == 0:
            Path(f"/proc/{pid}/{kind}_map").write_text(f"0 {ids.first} {ids.count}\n")
        else:
            tools.run(
                [f"new{kind}map", str(pid), "0", str(ids.first), str(ids.count)], timeout_s=10
            )


def _unused(path: str) -> IdRange:
    """Of those that our own namespace has: the highest part, where accounts are not."""
    for line in Path(path).read_text().splitlines():
        first, _, count = (int(word) for word in line.split())
        begin = max(first, min(_UNUSED_FROM, first + count - _FEWEST))
        free = min(first + count - begin, _UNUSED_COUNT)
        if free >= _FEWEST and begin > 0:
            return IdRange(begin, free)
    raise SandboxUnavailableError(
        f"{path} leaves no {_FEWEST} IDs beside our own",
        hint="run it outside the container it runs in, or give that container more IDs",
    )


def _delegated(path: str) -> IdRange:
    """A range of subuid(5) or subgid(5)."""
    uid = os.geteuid()
    owners = {str(uid), *(entry.pw_name for entry in pwd.getpwall() if entry.pw_uid == uid)}
    lines = Path(path).read_text().splitlines() if os.path.exists(path) else []
    for line in lines:
        owner, first, count = [*line.split(":"), "", "", ""][:3]
        if owner in owners and first.isdecimal() and count.isdecimal() and int(count) >= _FEWEST:
            return IdRange(int(first), int(count))
    name = max(owners)  # letters come after digits: the name, if there is one
    raise SandboxUnavailableError(
        f"{path} gives {name} no range of {_FEWEST} IDs",
        hint=f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}",
    )
