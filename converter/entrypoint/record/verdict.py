"""When a recorded run has shown what it has to, and which process is the image's program.

Pure: a `Scene` in, a `Verdict` or None out; `watch` makes the scenes. The rules, in words:

- process 1 is a program and listens: it is the one, once it has started its workers and rests;
- process 1 stays a shell or an init: the one that listens is, once nothing has happened for a
  while. A server that start-up uses and stops again is not: its script goes on meanwhile;
- process 1 is a program and nothing more happens: it is the one;
- process 1 ended: what it executed last is.
"""

from __future__ import annotations

from dataclasses import dataclass

from .recording import Ending

# A server listens before it has started its workers: give them time, for the list of programs.
_SETTLE_S = 0.2
# …but not for ever: one that always starts something is no less a server.
_LONGEST_SETTLE_S = 2.0
# How long a script that uses a server is idle at most: it asks, or sleeps for a second, and asks
# again. Where nothing else than the server is left, half a second says enough.
_ALONE_QUIET_S = 0.5
_COMPANY_QUIET_S = 3.0
# A script that goes on beside its server for so long looks after it, and will not stop it.
_LONGEST_USE_S = 60.0
# A program that never listens: no execve, fork or exit for so long, and no work done either…
_IDLE_QUIET_S = 2.0
# …or work without an end: some programs compute.
_BUSY_QUIET_S = 20.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that listens and the one that executed its program, if that is another."""

    pid: int
    program_pid: int
    is_on_network: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to see of a run at one moment. Pids are the container's."""

    first_is_wrapper: bool
    first_is_shell: bool
    exit_status: int | None  # of process 1
    listeners: tuple[Listener, ...]
    has_company: bool  # children of process 1 that lead to no listener
    only_program: int | None  # the one process that is no wrapper, when there is just one
    quiet_s: float  # since the last execve, fork or exit
    idle_s: float  # since anything was computed, too
    listening_s: float  # since the first listen(2)


@dataclass(frozen=True, slots=True)
class Verdict:
    ending: Ending
    pid: int


def decide(scene: Scene) -> Verdict | None:
    """The verdict, or None: watch on."""
    if scene.exit_status is not None:
        return Verdict(Ending.ENDED, 1)
    if any(listener.program_pid == 1 for listener in scene.listeners):
        is_settled = scene.idle_s >= _SETTLE_S or scene.listening_s >= _LONGEST_SETTLE_S
        return Verdict(Ending.LISTENS, 1) if is_settled else None
    if scene.first_is_wrapper:
        return _behind_a_wrapper(scene)
    if scene.listeners:
        return Verdict(Ending.LISTENS, 1) if scene.idle_s >= _COMPANY_QUIET_S else None
    return Verdict(Ending.SETTLED, 1) if _is_settled(scene) else None


def _behind_a_wrapper(scene: Scene) -> Verdict | None:
    if scene.listeners:
        wanted_s = _COMPANY_QUIET_S if scene.has_company else _ALONE_QUIET_S
        is_quiet = scene.quiet_s >= wanted_s or scene.listening_s >= _LONGEST_USE_S
        return Verdict(Ending.LISTENS, _main(scene.listeners)) if is_quiet else None
    # A shell that waits for a program that does not listen may go on with something else; an init
    # will not.
    if scene.first_is_shell or scene.only_program is None or not _is_settled(scene):
        return None
    return Verdict(Ending.SETTLED, scene.only_program)


def _is_settled(scene: Scene) -> bool:
    return scene.idle_s >= _IDLE_QUIET_S or scene.quiet_s >= _BUSY_QUIET_S


def _main(listeners: tuple[Listener, ...]) -> int:
    """The one on the network rather than behind a Unix socket; then the one started first, for
    helpers are started by what they help."""
    ordered = sorted(listeners, key=lambda one: (not one.is_on_network, one.program_pid))
    return ordered[0].program_pid
