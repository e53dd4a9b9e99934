"""The process that makes the sandbox, started by the converter with nothing but descriptors.

    python -m dock2uk.entrypoint.record.supervisor REQUEST TELL HEAR

REQUEST is a file with the request, TELL and HEAR are pipes: it tells that its user namespace is
there, hears that IDs were mapped, and tells an error, if any, before it ends. It prints nothing,
has one thread, and dies with the converter (PR_SET_PDEATHSIG, prctl(2)); all it starts does too.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress

from . import linux, seccomp, spawn
from .request import MADE, Request, Run, from_json
from .run import Places, perform
from .unpack import unpack

_ROOM_BYTES = 32 << 20  # for directories, and for files that end inside a page
_PAGE_BYTES = 4096
_BASE = "/tmp"  # covered, in our own mount namespace only, by a file system in memory


class _ConverterGoneError(Exception):
    """Nobody waits for an answer."""


def main(request: int, tell: int, hear: int) -> None:
    try:
        _supervise(request, tell, hear)
    except OSError as refused:
        os.write(tell, os.fsencode(linux.told(refused)))
    except _ConverterGoneError:
        return


def _supervise(request_descriptor: int, tell: int, hear: int) -> None:
    gc.disable()  # all is needed until the end
    _keep_descriptors()
    seccomp.load()  # soon no file of ours can be read any more
    converter = os.getppid()
    with open(request_descriptor, encoding="utf-8") as file:
        request = from_json(file.read())
    linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNS)
    os.write(tell, MADE)
    if not os.read(hear, 1):
        raise _ConverterGoneError
    _become_root(converter)
    linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    lower = _make_image(request)
    children = [_begin(request, run, lower, number) for number, run in enumerate(request.runs)]
    for child in children:
        os.waitpid(child, 0)


def _keep_descriptors() -> None:
    """What we were given is ours, and must not reach the container's program."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with suppress(OSError):  # that of the listing itself
                os.set_inheritable(int(name), False)


def _become_root(converter: int) -> None:
    """Of the new namespace. Each of these steps may take back that we die with our parent and that
    we may look at ourselves (prctl(2))."""
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != converter:
        raise _ConverterGoneError


def _make_image(request: Request) -> str:
    pages = sum(-(-entry.size // _PAGE_BYTES) + 1 for entry in request.entries)
    options = f"size={pages * _PAGE_BYTES + _ROOM_BYTES},mode=755"
    linux.mount("tmpfs", _BASE, "tmpfs", linux.MS_NODEV, options)
    lower = f"{_BASE}/image"
    os.mkdir(lower, 0o755)
    unpack(request.entries, lower)
    return lower


def _begin(request: Request, run: Run, lower: str, number: int) -> int:
    places = Places(lower, f"{_BASE}/run{number}")
    os.mkdir(places.scratch, 0o755)
    return spawn.fork(lambda: perform(request, run, places))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]))
