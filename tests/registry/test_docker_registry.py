"""Pulls from Debian's docker-registry of what skopeo pushed: the tree is the layout's, with and
without a password, TLS and tokens.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from dock2uk.errors import SourceError
from dock2uk.ingest import SourceOptions, cache, read_image
from dock2uk.ingest.platform import parse_platform
from dock2uk.ingest.registry import trust
from dock2uk.model import Image, Node
from dock2uk.progress import Silent
from tests import registries
from tests.images import file, layer
from tests.registry import layouts, served
from tests.registry.served import PASSWORD, USER, Served


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "CONTAINERS_REGISTRIES_CONF"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(scope="module")
def layers() -> list[bytes]:
    return layouts.sample_layers()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, layers: list[bytes]) -> Image:
    """The image, read where nothing was compressed or sent."""
    layout = layouts.compressed(tmp_path_factory.mktemp("original"), layers, "")
    return read_image(f"oci:{layout}", Silent())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, layers: list[bytes]) -> Path:
    """The layout with its layers compressed by gzip."""
    return layouts.compressed(tmp_path_factory.mktemp("layout"), layers, "+gzip")


def pull(registry: Served, name: str = "app", **options: object) -> Image:
    places = SourceOptions(**options)  # type: ignore[arg-type]
    return read_image(f"docker://{registry.address}/{name}", Silent(), places)


def facts(node: Node) -> tuple[object, ...]:
    content = hashlib.sha256(node.content.read()).hexdigest() if node.content else None
    return (
        node.path, node.type, node.mode, node.uid, node.gid, node.mtime, node.target, node.device,
        dict(node.xattrs), node.layer, content,
    )  # fmt: skip


def assert_same(image: Image, original: Image) -> None:
    assert [facts(node) for node in image.tree] == [facts(node) for node in original.tree]
    assert image.config.cmd == original.config.cmd
    assert [one.diff_id for one in image.layers] == [one.diff_id for one in original.layers]


@pytest.mark.parametrize("suffix", layouts.COMPRESSIONS)
def test_the_tree_is_the_layout_s(
    tmp_path: Path, original: Image, layers: list[bytes], suffix: str
) -> None:
    layout = layouts.compressed(tmp_path / "layout", layers, suffix)
    (tmp_path / "registry").mkdir()
    with served.plain(tmp_path / "registry") as registry:
        registry.push(layout, "app")
        assert_same(pull(registry), original)
        stored = {path.name for path in (layout / "blobs/sha256").iterdir()}
        kept = {path.name.partition("-")[2] for path in (cache.directory() / "blobs").iterdir()}
        assert kept == stored


def test_of_an_index_the_platform_s_image_is_taken(
    tmp_path: Path, original: Image, layers: list[bytes]
) -> None:
    layout = layouts.multi_platform(tmp_path / "layout", layers)
    with served.plain(tmp_path) as registry:
        registry.push(layout, "deep/er/app:1", "--all")
        image = pull(registry, "deep/er/app:1")
        assert image.config.architecture == "amd64"
        assert_same(image, original)
        arm = pull(registry, "deep/er/app:1", platform=parse_platform("linux/arm64"))
        assert arm.config.architecture == "arm64"
        with pytest.raises(SourceError, match="it has linux/amd64, linux/arm64"):
            pull(registry, "deep/er/app:1", platform=parse_platform("linux/s390x"))
        with pytest.raises(SourceError) as caught:
            pull(registry, "deep/er/app:2")
        assert caught.value.hint == "it has: 1"


def log_in(places: Path, registry: Served, password: str) -> None:
    packed = base64.b64encode(f"{USER}:{password}".encode()).decode()
    path = places / "home/.docker/config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {registry.address: {"auth": packed}}}))


def test_a_password_is_given(tmp_path: Path, small: Path, original: Image) -> None:
    with served.with_password(tmp_path) as registry:
        registry.push(small, "app")
        for password in (None, "wrong"):
            if password:
                log_in(tmp_path, registry, password)
            with pytest.raises(SourceError, match="UNAUTHORIZED"):
                pull(registry)
        log_in(tmp_path, registry, PASSWORD)
        assert_same(pull(registry), original)


def test_what_skopeo_login_writes_is_read(tmp_path: Path, small: Path) -> None:
    (tmp_path / "xdg_runtime_dir").mkdir()
    with served.with_password(tmp_path) as registry:
        registry.push(small, "app")
        login = ["skopeo", "login", "--tls-verify=false", "--username", USER, "--password-stdin"]
        subprocess.run([*login, registry.address], input=PASSWORD, text=True, check=True)
        assert pull(registry).layers


def test_a_certificate_is_believed_when_it_is_known(
    tmp_path: Path, small: Path, original: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it were on another machine: on loopback nothing has to be believed."""
    monkeypatch.setattr(trust, "is_loopback", lambda host: False)
    with served.with_tls(tmp_path) as registry:
        registry.push(small, "app")
        with pytest.raises(SourceError, match="certificate cannot be believed") as caught:
            pull(registry)
        known = trust.user_directory() / registry.address / "ca.crt"
        assert str(known) in str(caught.value.hint)
        assert f"--insecure-registry {registry.address}" in str(caught.value.hint)
        assert pull(registry, insecure_registries=(registry.address,)).layers
        known.parent.mkdir(parents=True)
        known.write_bytes(registry.certificate.read_bytes())
        assert_same(pull(registry), original)


def test_plain_http_is_spoken_only_where_that_is_allowed(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "is_loopback", lambda host: False)
    with served.plain(tmp_path) as registry:
        registry.push(small, "app")
        with pytest.raises(SourceError, match="no TLS is spoken there") as caught:
            pull(registry)
        assert f"--insecure-registry {registry.address}" in str(caught.value.hint)
        assert pull(registry, insecure_registries=(registry.address,)).layers


def test_a_token_is_asked_for_and_taken(tmp_path: Path, small: Path, original: Image) -> None:
    with (
        registries.registry() as tokens,
        served.with_tokens(tmp_path, tokens) as registry,
    ):
        registry.push(small, "app")
        pushed = len(tokens.requests)
        assert_same(pull(registry), original)
        (asked,) = tokens.requests[pushed:]
        assert "scope=repository%3Aapp%3Apull&" in f"{asked.path}&"


def test_memory_does_not_grow_with_the_image(tmp_path: Path) -> None:
    measured = "import sys; from dock2uk.ingest import *; from dock2uk.progress import Silent\n"
    measured += "read_image(sys.argv[1], Silent())\n"
    measured += "print(*(one for one in open('/proc/self/status') if one.startswith('VmHWM')))"
    large = [layer(file("noise", random.Random(1).randbytes(100 << 20)))]
    layout = layouts.compressed(tmp_path / "layout", large, "+gzip")
    with served.plain(tmp_path) as registry:
        registry.push(layout, "app")
        reference = f"docker://{registry.address}/app"
        done = subprocess.run(
            [sys.executable, "-c", measured, reference], capture_output=True, text=True, check=True
        )
    peak_kb = int(done.stdout.split()[1])
    assert peak_kb < 80 << 10
