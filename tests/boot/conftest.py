"""The bundles that boot tests run: each sample image converted once, without verification."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.boot.served import convert


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`bundle("nginx")` is the directory of that image's bundle, the same in every worker."""
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent
    directory /= "bundles"
    directory.mkdir(exist_ok=True)

    def get(name: str) -> Path:
        path = directory / name
        with (directory / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                convert(name, path)
        return path

    return get
