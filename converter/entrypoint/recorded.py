"""The program as a recorded run shows it: two runs in different surroundings, and what they say.

Running is `record`'s, comparing `compare`'s, choosing what goes in `bake`'s.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..model import Change, Confidence, Entrypoint, Image, reachable_ports
from ..progress import Progress
from .bake import Baked, bake_agreed, bake_all
from .compare import Run, compare
from .launch import Launch, ports_of
from .options import Options
from .programs import children_of, require_one_program
from .record import record
from .record.recording import Ending, Recording, Surroundings
from .seen import seen_run
from .stop_signal import stop_signal_number

METHOD = "recorded run"
_HOSTNAME = "HOSTNAME="
# Everything differs that a start-up could copy into what it makes. Always the same two, so that
# what is baked on the user's word is the same each time as far as it can be.
_FIRST = Surroundings("3b7c5e8f9a10", "172.17.0.2", clock_offset_s=0, processors=None)
_SECOND = Surroundings("e41d07b2c6f5", "172.18.0.3", clock_offset_s=400 * 86_400, processors=1)


def record_twice(image: Image, launch: Launch, options: Options, progress: Progress) -> Entrypoint:
    """The image's program; UnsupportedError when it is more than one or not always the same, and
    what `record` raises."""
    where = (_FIRST, _SECOND)
    start = _without_hostname(launch) if launch.has_machine_hostname else launch
    recordings = record(image.tree, start, where, options.bounds, progress)
    first, second = (Run(*pair) for pair in zip(recordings, where, strict=True))
    require_one_program(first.recording)
    comparison = compare(first, second, launch.env)
    baked = bake_all(comparison) if options.is_baked else bake_agreed(image.tree, comparison)
    found = _entrypoint(image, launch, first.recording, baked)
    return replace(found, seen=seen_run(*recordings))


def _without_hostname(launch: Launch) -> Launch:
    """As a container's environment is before it has a name of its own."""
    env = tuple(entry for entry in launch.env if not entry.startswith(_HOSTNAME))
    return replace(launch, env=env)


def _hostname(launch: Launch) -> Iterator[str]:
    """The stable name in place of what was different in each run."""
    if launch.has_machine_hostname:
        yield from (entry for entry in launch.env if entry.startswith(_HOSTNAME))


def _entrypoint(image: Image, launch: Launch, recording: Recording, baked: Baked) -> Entrypoint:
    final = recording.final
    children = children_of(recording, image.tree)
    listening = tuple(dict.fromkeys(_listening(recording)))
    return Entrypoint(
        exe=final.exe,
        argv=final.argv,
        env=(*_hostname(launch), *baked.env),
        cwd=final.cwd,
        uid=final.uid,
        gid=final.gid,
        groups=final.groups,
        umask=final.umask,
        stop_signal=stop_signal_number(image.config.stop_signal),
        ports=tuple(dict.fromkeys((*ports_of(image.config), *reachable_ports(listening)))),
        method=METHOD,
        evidence=tuple(_evidence(image, recording, baked, children.shells)),
        confidence=Confidence.RECORDED,
        capabilities=final.capabilities,
        limits=final.limits,
        listening=listening,
        changes=tuple(_dated(image, baked.changes)),
        differences=baked.differences,
        children=children.kept,
    )


def _dated(image: Image, changes: Iterable[Change]) -> Iterator[Change]:
    """With the time of the image's newest file: when the start-up was recorded is not part of
    what is baked."""
    mtime = max((node.mtime for node in image.tree), default=0)
    for change in changes:
        node = None if change.node is None else replace(change.node, mtime=mtime)
        yield Change(change.path, node)


def _listening(recording: Recording) -> Iterator[str]:
    for process in recording.processes:
        yield from process.listening


def _evidence(
    image: Image, recording: Recording, baked: Baked, shells: Sequence[str]
) -> Iterator[str]:
    """The way from the first program to the one that stays, and what was left behind."""
    line = [one for one in recording.execs if one.pid in (1, recording.final_pid)]
    for one in line:
        yield f"recorded: process {one.pid} became {one.exe}: {shlex.join(one.argv)}"
    others = len(recording.execs) - len(line)
    if others:
        yield f"recorded: {others} other programs were started on the way or by the program"
    yield f"recorded: {_ending(recording)}"
    heard = tuple(reachable_ports(_listening(recording)))
    for port in (one for one in ports_of(image.config) if heard and one not in heard):
        yield f"recorded: nothing listened on {port}, which the image exposes: it is not asked"
    for change in baked.changes:
        made = "was made" if image.tree.get(change.path) is None else "was changed"
        yield f"recorded: {change.path} {'is gone' if change.node is None else made}"
    for difference in baked.differences:
        done = "baked" if difference.is_baked else "not baked"
        yield f"{difference.kind.value}, {done}: {difference.subject}: {difference.detail}"
    for shell in shells:
        yield f"recorded: the program runs {shell} itself; a shell is not carried over"


def _ending(recording: Recording) -> str:
    listening = sorted(set(_listening(recording)))
    if recording.ending is Ending.LISTENS and listening:
        return f"it listens on {', '.join(listening)}"
    if recording.ending is Ending.ENDED:
        return f"it ended by itself with status {recording.exit_status}"
    return str(recording.ending.value)
