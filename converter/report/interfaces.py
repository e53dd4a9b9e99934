"""What code meets at its boundaries, inside the guest and towards the host, each by itself.

The two are never one number: in a container the boundary is the host's kernel, in a guest the
virtual machine monitor, and what calls a kernel inside the guest has is behind that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..model import Analysis, Artifact, Entrypoint, Observed
from ..runtime import Runtime
from .call_metrics import own_calls

# x86-64 calls that Docker's default seccomp filter lets pass with the default capabilities (moby's
# profiles, of the 362 in Linux 6.1's unistd_64.h); a container may have another filter, or none.
_DOCKER_DEFAULT_CALLS = 295


def interfaces(
    analysis: Analysis, artifact: Artifact, entrypoint: Entrypoint, observed: Observed | None
) -> dict[str, Any]:
    match = artifact.match
    is_known = analysis.calls is not None and not analysis.calls.unbounded
    reachable = analysis.calls.sites.keys() if analysis.calls and is_known else None
    linked = {call.number for call in match.system_calls}
    seen = observed.calls if observed is not None else own_calls(entrypoint)
    return {
        "in_guest": {
            "reachable": None if reachable is None else len(reachable),
            "observed": _names(match.runtime, seen),
            "observed_in": _observed_in(observed, seen),
            "linked": len(linked),
            "refused": _names(match.runtime, None if reachable is None else reachable - linked),
            "of_runtime": len(match.runtime.system_calls),
            "drivers": list(match.drivers),
            "drivers_of_runtime": len(match.runtime.drivers),
        },
        "host_facing": {
            "container": "the host's kernel: Docker's default filter lets "
            f"{_DOCKER_DEFAULT_CALLS} system calls of x86-64 pass",
            "guest": "the virtual machine monitor: the devices of the machine. Which system calls "
            "it makes itself nobody limits here; QEMU has -sandbox on for that",
        },
    }


def _names(runtime: Runtime, numbers: Iterable[int] | None) -> list[str] | None:
    return None if numbers is None else [runtime.call_name(number) for number in sorted(numbers)]


def _observed_in(observed: Observed | None, seen: frozenset[int] | None) -> str | None:
    """The guest's run is of more: it was asked something."""
    if observed is not None:
        return "a traced run in the guest"
    return None if seen is None else "a recorded run of the container"
