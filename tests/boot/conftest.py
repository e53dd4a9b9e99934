"""The bundles that boot tests run: each sample image converted once, without verification."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.boot.served import convert


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`bundle("nginx")` is the directory of that image's bundle."""
    directory = tmp_path_factory.mktemp("bundles")

    def get(name: str) -> Path:
        path = directory / name
        if not path.exists():
            convert(name, path)
        return path

    return get
