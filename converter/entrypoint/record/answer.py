"""What a run tells the converter, as JSON: the recording, or what went wrong.

Both sides read this file, as with `request`. Contents of changed files are ranges of the run's
spool, which both have open and no path leads to.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from ...errors import SandboxUnavailableError, StartupError
from ...model import Change, Node, NodeType, ResourceLimit
from ...printable import quoted
from .obstacles import remedy
from .processes import Limits, State
from .recording import Ending, Exec, Final, Process, Recording
from .snapshot import Found
from .watch import Outcome

# Beyond the numbers an image's own files have (`Node.inode`): a file that start-up made is none of
# them.
_FIRST_INODE = 1 << 40
_SHOWN_LINES = 10


@dataclass(frozen=True, slots=True)
class SpooledContent:
    """A changed file's bytes, in a spool that stays open as long as one of these is held."""

    spool: BinaryIO
    offset: int
    size: int

    def read(self) -> bytes:
        pieces, place = [], self.offset
        while place < self.offset + self.size:
            piece = os.pread(self.spool.fileno(), self.offset + self.size - place, place)
            if not piece:
                raise EOFError(f"the spool ends at {place}")
            pieces.append(piece)
            place += len(piece)
        return b"".join(pieces)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.read())


def told(
    outcome: Outcome,
    changes: Sequence[tuple[str, Found | None]],
    written: Sequence[str] | None,
    output: str,
) -> str:
    """A run that went well."""
    verdict, final = outcome.verdict, outcome.final
    return json.dumps(
        {
            "final": _state_row(final.state, outcome.limits_at_first),
            "final_pid": verdict.pid,
            "ending": verdict.ending.value,
            "exit_status": outcome.exit_status,
            "execs": [[one.pid, one.parent, one.exe, one.argv] for one in outcome.execs],
            "processes": [
                [
                    member.inner,
                    parent,
                    member.record.state.exe,
                    member.record.state.argv,
                    outcome.listening.get(member.pid, ()),
                ]
                for member, parent in sorted(outcome.members, key=lambda one: one[0].inner)
                if member.record is not None
            ],
            "changes": [[path, _found_row(found)] for path, found in changes],
            "output": output,
            "written": written,
            "forks_after_ready": outcome.forks_after_ready,
            "execs_after_ready": outcome.execs_after_ready,
            "binders": outcome.binders,
            "called": outcome.called,
        }
    )


def failed(message: str, output: str) -> str:
    """The start-up failed or broke a bound."""
    return json.dumps({"failed": message, "output": output})


def unavailable(message: str) -> str:
    """There is no sandbox to be had."""
    return json.dumps({"unavailable": message})


def tried() -> str:
    """There is one to be had: nothing more was asked."""
    return json.dumps({})


def _state_row(state: State, limits_at_first: Limits) -> dict[str, Any]:
    row = {name: getattr(state, name) for name in Final.__slots__ if name != "limits"}
    changed = {k: v for k, v in state.limits.items() if limits_at_first.get(k) != v}
    return {**row, "limits": changed}


def _found_row(found: Found | None) -> list[Any] | None:
    if found is None or found.type is None:
        return None
    return [
        found.type.value, found.mode, found.uid, found.gid, found.mtime, found.size, found.offset,
        found.inode, found.target, {name: value.hex() for name, value in found.xattrs.items()},
    ]  # fmt: skip


def checked(text: str) -> dict[str, Any]:
    """The answer, if there was a sandbox at all."""
    row: dict[str, Any] = json.loads(text)
    if "unavailable" in row:
        message = f"no sandbox can be made: {row['unavailable']}"
        raise SandboxUnavailableError(message, hint=remedy())
    return row


def read(text: str, spool: BinaryIO) -> Recording:
    """The recording; raises the error that the run met instead."""
    row = checked(text)
    if "failed" in row:
        raise StartupError(_with_output(row["failed"], row["output"]))
    return Recording(
        final=_final(row["final"]),
        final_pid=row["final_pid"],
        ending=Ending(row["ending"]),
        exit_status=row["exit_status"],
        execs=tuple(Exec(pid, parent, exe, tuple(argv)) for pid, parent, exe, argv in row["execs"]),
        processes=tuple(
            Process(pid, parent, exe, tuple(argv), tuple(listening))
            for pid, parent, exe, argv, listening in row["processes"]
        ),
        changes=tuple(Change(path, _node(path, found, spool)) for path, found in row["changes"]),
        output=row["output"],
        written=None if row["written"] is None else tuple(row["written"]),
        forks_after_ready=row["forks_after_ready"],
        execs_after_ready=row["execs_after_ready"],
        binders=tuple((socket, user) for socket, user in row["binders"]),
        called={exe: frozenset(numbers) for exe, numbers in row["called"].items()},
    )


def _with_output(message: str, output: str) -> str:
    last = quoted("\n".join(output.splitlines()[-_SHOWN_LINES:]))
    return f"the image's start-up: {message}" + (f"\nthe last it printed:\n{last}" if last else "")


def _final(row: Mapping[str, Any]) -> Final:
    limits = tuple(
        ResourceLimit(name, _limit(soft), _limit(hard))
        for name, (soft, hard) in sorted(row["limits"].items())
    )
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return Final(**{**row, **lists, "limits": limits})


def _limit(value: int) -> int | None:
    """RLIM_INFINITY is -1 to Python."""
    return None if value < 0 else value


def _node(path: str, row: list[Any] | None, spool: BinaryIO) -> Node | None:
    if row is None:
        return None
    kind, mode, uid, gid, mtime, size, offset, inode, target, xattrs = row
    is_file = NodeType(kind) is NodeType.FILE
    return Node(
        path, NodeType(kind), mode, uid, gid, mtime,
        content=SpooledContent(spool, offset, size) if is_file else None,
        target=target,
        xattrs={name: bytes.fromhex(value) for name, value in xattrs.items()},
        inode=_FIRST_INODE + inode,
    )  # fmt: skip
