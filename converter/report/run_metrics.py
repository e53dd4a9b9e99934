"""What recorded runs of the container showed of it at work: what it writes, its processes, and who
binds its sockets.

Of the guest a traced run shows forks and programs alone; nothing is said of what comes under load.
"""

from __future__ import annotations

from .. import capabilities
from ..model import Entrypoint, Image, Observed, SeenRun
from .metrics import Metric

_UNTIL = "until it rested, with nobody asking it; not known where no run was recorded"
_GUEST = (
    "after: in a traced run of the whole image in the guest, under the questions, up to its end; "
    "not known where none was traced"
)


def run_metrics(
    image: Image, entrypoint: Entrypoint, observed: Observed | None = None
) -> tuple[Metric, ...]:
    seen = entrypoint.seen
    return (
        *_writes(image.config.volumes, seen.written if seen is not None else None),
        *_processes(seen, observed),
        _bound_as_root(seen),
        _capabilities(entrypoint),
    )


def _writes(volumes: tuple[str, ...], written: tuple[str, ...] | None) -> tuple[Metric, ...]:
    """A volume is known from the configuration alone; how many paths in all is not."""
    places = tuple(one.rstrip("/") for one in volumes)
    lines = [f"{place} (volume)" for place in places]
    outside = None if written is None else [one for one in written if not _is_in(one, places)]
    count = None if outside is None else len(outside) + len(places)
    return (
        Metric(
            "written_paths", "paths written at run time", "paths", count, None,
            "volumes of the configuration, and what a recorded run made, changed or opened to "
            f"write outside them and was there at its end, {_UNTIL}",
            (*lines, *(outside or ())),
        ),
        Metric(
            "root_writes", "paths written outside volumes", "paths",
            None if outside is None else len(outside), None,
            "none: as far as the recorded run shows, the root file system could be read-only; "
            f"else each of these needs a volume or a tmpfs for that. Seen {_UNTIL}",
            tuple(outside or ()),
        ),
    )  # fmt: skip


def _is_in(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _processes(seen: SeenRun | None, observed: Observed | None) -> tuple[Metric, ...]:
    at_rest = seen.processes if seen is not None else None
    return (
        Metric(
            "processes_at_rest", "processes at rest", "processes",
            None if at_rest is None else len(at_rest), None,
            "living processes, wrappers among them, when a recorded run had come to rest, bound to "
            "one processor; a server that counts all of the machine has more. Not known where none "
            "was recorded or the program ended",
            tuple(at_rest or ()),
        ),
        Metric(
            "forks_after_ready", "processes made once it listens", "processes",
            seen.forks if seen is not None else None,
            observed.forks if observed is not None else None,
            f"by fork, vfork and clone, by whomever, after the program's first listen(2), {_UNTIL} "
            f"or it did not listen; {_GUEST}",
        ),
        Metric(
            "execs_after_ready", "programs executed once it listens", "calls",
            seen.execs if seen is not None else None,
            observed.execs if observed is not None else None,
            "execve(2) that succeeded, by whomever, after the program's first listen(2), "
            f"{_UNTIL} or it did not listen; {_GUEST}",
        ),
    )  # fmt: skip


def _capabilities(entrypoint: Entrypoint) -> Metric:
    """The same on both sides: the runtime begins with what the container's program had."""
    held, seen = capabilities.of_program(entrypoint), entrypoint.seen
    umask = f"umask {entrypoint.umask:04o}"
    restraint = "not known" if seen is None else "set" if seen.has_no_new_privileges else "not set"
    return Metric(
        "effective_capabilities", "capabilities it holds", "capabilities", len(held), len(held),
        "effective capabilities (capabilities(7)) of the program as it is executed, with umask and "
        "no_new_privs; before: as a recorded run showed, else what docker run gives its user; "
        "after: those that the library OS begins with and checks. What it gives up later is not "
        "in it",
        (*held, umask, f"no_new_privs {restraint}"), (*held, umask, "no_new_privs not set"),
    )  # fmt: skip


def _bound_as_root(seen: SeenRun | None) -> Metric:
    binders = seen.binders if seen is not None else ()
    by_root = [f"{socket} (user {user})" for socket, user in binders if user == 0]
    return Metric(
        "bound_as_root", "sockets bound as user 0", "sockets",
        len(by_root) if binders else None, None,
        "sockets listened on whose bind(2) was called with effective user 0; not known where no "
        "recorded run showed one", tuple(by_root),
    )  # fmt: skip
