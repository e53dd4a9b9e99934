"""What code meets at its boundaries, inside the guest and towards the host, each by itself.

The two are never one number: in a container the boundary is the host's kernel, in a guest the
virtual machine monitor, and what calls a kernel inside the guest has is behind that.
"""

from __future__ import annotations

from typing import Any

from ..model import Analysis, Artifact

# x86-64 calls that Docker's default seccomp filter lets pass with the default capabilities (moby's
# profiles, of the 362 in Linux 6.1's unistd_64.h); a container may have another filter, or none.
_DOCKER_DEFAULT_CALLS = 295


def interfaces(analysis: Analysis, artifact: Artifact) -> dict[str, Any]:
    match = artifact.match
    is_known = analysis.calls is not None and not analysis.calls.unbounded
    return {
        "in_guest": {
            "reachable": len(analysis.calls.sites) if analysis.calls and is_known else None,
            "linked": len(match.system_calls),
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
