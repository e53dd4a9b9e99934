"""How long finding what stays of an image takes, and the memory of it: with nothing in the cache of
what code calls, and again with what the first put there.

Each in a process of its own, which reads the image before its clock starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

_SCRIPT = """\
import json, resource, sys, time
from dock2uk.analyse import analyse
from dock2uk.entrypoint import DEFAULTS, resolve
from dock2uk.ingest import read_image, with_changes
from dock2uk.model import Stripping
from dock2uk.progress import Silent
from dock2uk.strip import strip

image = read_image(sys.argv[1], Silent())
entrypoint = resolve(image, None, DEFAULTS, Silent())
whole = with_changes(image, entrypoint.changes)
began = time.monotonic()
strip(whole, entrypoint, analyse(whole, entrypoint), Stripping())
seconds = time.monotonic() - began
both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps([round(seconds, 3), sum(one.ru_maxrss for one in both) / 1024]))
"""


def cold_and_warm(source: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Seconds and MiB, without and with the cache; the largest resident set of the process, and of
    the one that helps it."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"XDG_CACHE_HOME": cache}
        cold, warm = (_measured(source, environment) for _ in range(2))
    return cold, warm


def _measured(source: str, environment: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-c", _SCRIPT, source]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    seconds, mebibytes = json.loads(done.stdout)
    return seconds, mebibytes
