"""What tests of registries share: one in this process, a cache and a home of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dock2uk.ingest.registry import transport
from tests import registries


@pytest.fixture
def registry(own_places: Path) -> Iterator[registries.Registry]:
    with registries.registry() as served:
        yield served


@pytest.fixture
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the user who runs the tests is read or written, and nothing waits for long."""
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "CONTAINERS_REGISTRIES_CONF"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("NO_PROXY", "*")
    patience = transport.Patience(attempts=3, first_pause_s=0.01, longest_pause_s=1.0)
    monkeypatch.setattr(transport, "PATIENCE", patience)
    return tmp_path
