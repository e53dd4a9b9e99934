"""The bundles of other people's test suites, each converted once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.outside import suites
from tests.soak.conftest import record

__all__ = ["record"]


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`suite("stress-ng")` is the directory of that image's bundle."""
    directory = tmp_path_factory.mktemp("suites")

    def get(name: str) -> Path:
        path = directory / name
        return path if path.exists() else suites.convert(name, path)

    return get
