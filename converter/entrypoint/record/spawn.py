"""The one place of the sandbox that forks, executes and exits.

tools.py starts programs of this machine; here a process that is in its namespaces already becomes
two, or becomes the container's program. subprocess cannot do either: the child has to be seized
and confined between the two steps.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Sequence

from . import linux


def fork(work: Callable[[], int]) -> int:
    """The pid of a child that does `work`, ends with the status it returns, and dies with us."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        # In a new pid namespace the parent is out of sight: getppid(2) gives 0.
        if os.getppid() in (parent, 0):
            status = work()
    except Exception:  # a defect; where standard error leads, it can be told
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def become(program: str, argv: Sequence[str], env: Sequence[str]) -> None:
    """execve(2); comes back only with an OSError."""
    os.execve(
        program,
        list(argv),
        {name: value for name, _, value in (entry.partition("=") for entry in env)},
    )
