"""`python -m dock2uk.analyse.calls.beside`: finds facts of files for the process that started it.

A line of JSON on standard input for each: its path, where it begins there, its size in bytes, its
digest, and whether Go made it. An empty line back says that what was found is in the cache.
"""

from __future__ import annotations

import json
import os
import sys

from .known import find, uncollected


def main() -> None:
    with uncollected():
        for line in sys.stdin:
            path, offset, size_bytes, digest, is_go = json.loads(line)
            find(_read(path, offset, size_bytes), digest, is_go=is_go)
            sys.stdout.write("\n")
            sys.stdout.flush()


def _read(path: str, offset: int, size_bytes: int) -> bytes:
    with open(path, "rb") as file:
        return os.pread(file.fileno(), size_bytes, offset)


if __name__ == "__main__":
    main()
