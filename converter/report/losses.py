"""What got worse or was lost, said with every report: a list of improvements alone would not be
believed, and rightly.

Some is so in every machine of one address space; the rest follows from the image's configuration,
from what recorded runs of the container showed, and from what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..model import Entrypoint, Image, Observed, Rootfs
from ..runtime import Match
from .shells import shells

_MOST_PLACES = 5  # of what is written; the metrics list the rest
# x86-64's setuid, setreuid and setresuid: how a process takes on another user (credentials(7)).
_USER_CHANGES = frozenset({105, 113, 117})
_PROCESSES = "processes"  # the part of a runtime (runtime.toml) that has fork(2)
_NO_HEALTHCHECK = "NONE"  # of `Test` (Docker Engine API, HealthConfig): the base image's is off

_NO_SEPARATION = (
    "no separation of users",
    "The program runs at the kernel's privilege level: modes of files and permissions to "
    "signal are checked in system calls, and code that goes round these finds no boundary.",
)
_OF_EVERY_MACHINE = (
    (
        "no seccomp, AppArmor or SELinux inside",
        "There is no second line of defence within the guest; the boundary is the hypervisor.",
    ),
    (
        "limits of the container bind only code that asks",
        "Capabilities and resource limits are checked in system calls, and what `docker run` sets "
        "beside the image (--memory, --cpus, --pids-limit, --read-only) is not known here: the "
        "virtual machine's memory and processor are the bound.",
    ),
    (
        "one virtual processor",
        "Threads and processes take turns on it; a container has all processors of its host.",
    ),
    (
        "the library OS is new code",
        "Its system calls, TCP/IP stack and drivers are in the guest and were not in the image.",
    ),
)


@dataclass(frozen=True, slots=True)
class Converted:
    """What losses follow from."""

    image: Image
    entrypoint: Entrypoint
    rootfs: Rootfs
    match: Match
    unneeded: Mapping[str, str] = field(default_factory=dict)  # part of the runtime -> why not
    observed: Observed | None = None  # a traced run in the guest, where one was asked for

    @property
    def is_one_process(self) -> bool:
        """A recipe says so, or the kernel has no fork(2)."""
        can_fork = any(call.name == "fork" for call in self.match.system_calls)
        return _PROCESSES in self.unneeded or not can_fork

    @property
    def processes_before(self) -> tuple[str, ...]:
        seen = self.entrypoint.seen
        return (seen.processes or ()) if seen is not None else ()


def losses(converted: Converted) -> tuple[tuple[str, str], ...]:
    """Name and detail of each; what is of this image stands before what is of every one."""
    return (
        _NO_SEPARATION,
        *_privilege_separation(converted),
        *_one_process(converted),
        *_written(converted),
        *_started_otherwise(converted.entrypoint),
        *_healthcheck(converted.image),
        *_nobody_looks_around(converted),
        *_OF_EVERY_MACHINE,
        *_write_execute(converted.entrypoint),
    )


def _privilege_separation(converted: Converted) -> Iterator[tuple[str, str]]:
    """OpenSSH's word for it: some processes keep user 0, others work as somebody else."""
    because = _separated_by(converted)
    observed = converted.observed
    if converted.entrypoint.uid != 0 or not because:
        return
    if not converted.is_one_process:
        kept = "Its processes still take on other users, and all have the kernel's privilege level"
    elif observed is not None and observed.calls & _USER_CHANGES:
        return  # the one process gives user 0 up by itself
    else:
        kept = "Here the one process begins as user 0, and nothing shows that it gives that up"
    yield "no privilege separation", f"{because}. {kept}: who takes one takes all."


def _separated_by(converted: Converted) -> str:
    """How it is known that some of the container's processes are other users; empty: it is not."""
    seen = converted.entrypoint.seen
    called = seen.called.get(converted.entrypoint.exe, frozenset()) if seen is not None else ()
    if len(converted.processes_before) > 1 and _USER_CHANGES.intersection(called):
        return "In the container processes of the program were seen changing their user (setuid(2))"
    if seen is None and _PROCESSES in converted.unneeded:
        return (
            f"The {converted.unneeded[_PROCESSES]} processes beside the first, which may be other "
            "users in the container; no run was recorded"
        )
    return ""


def _one_process(converted: Converted) -> Iterator[tuple[str, str]]:
    before = len(converted.processes_before)
    if before > 1 and converted.is_one_process:
        yield (
            "several processes become one",
            f"{before} processes were at rest in the container. What ends the one ends the "
            "machine, and no other starts it again or serves meanwhile.",
        )


def _written(converted: Converted) -> Iterator[tuple[str, str]]:
    volumes, seen = converted.image.config.volumes, converted.entrypoint.seen
    written = seen.written if seen is not None else None
    also, other = ("else ", "other ") if volumes else ("", "")
    kept = [f"volumes ({_some(volumes)})"] if volumes else []
    if written is None:
        kept.append(f"what {also}it writes was not recorded")
    elif outside := [path for path in written if not _is_in(path, volumes)]:
        kept.append(f"{len(outside):,} {other}paths that a recorded run wrote ({_some(outside)})")
    if kept:
        yield (
            "what is written is gone with the machine",
            f"Files are in memory and begin anew at each boot: {', and '.join(kept)}.",
        )


def _is_in(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place.rstrip('/')}/") for place in places)


def _some(paths: tuple[str, ...] | list[str]) -> str:
    more = [f"{len(paths) - _MOST_PLACES:,} more"] if len(paths) > _MOST_PLACES else []
    return ", ".join([*paths[:_MOST_PLACES], *more])


def _started_otherwise(entrypoint: Entrypoint) -> Iterator[tuple[str, str]]:
    for one in entrypoint.recipes:
        name = f"started otherwise than the container ({one.name})"
        yield name, f"{one.change}: {one.reason}"


def _healthcheck(image: Image) -> Iterator[tuple[str, str]]:
    """The command itself may hold a password, and is not needed to say that it does not run."""
    test = image.config.health_check
    if test and test[0] != _NO_HEALTHCHECK:
        yield (
            "the health check is not run",
            "The image has a HEALTHCHECK, a command that an engine runs beside the program; nobody "
            "does here. Ask the program over the network instead.",
        )


def _nobody_looks_around(converted: Converted) -> Iterator[tuple[str, str]]:
    yield (
        "no `docker exec`",
        "Nothing can be started beside the program, and the host sees neither its processes nor "
        "its files: after an attack there are the console and a dump of the machine's memory.",
    )
    if shells(tuple(converted.image.tree)) and not shells(converted.rootfs.nodes):
        yield (
            "no shell to look around with",
            "The image's are left out: what is to be seen is on the console.",
        )


def _write_execute(entrypoint: Entrypoint) -> Iterator[tuple[str, str]]:
    for one in entrypoint.recipes:
        if one.write_execute:
            yield "memory that is writable and executable at once", one.write_execute
