"""Layouts for skopeo to push: layers compressed in several ways, and an index of platforms."""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.images import (
    Entry,
    config_of,
    digest,
    directory,
    file,
    hard_link,
    layer,
    symlink,
)  # fmt: skip
from tests.registries import CONFIG, INDEX, MANIFEST, OCI

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FIXTURES = Path(__file__).resolve().parents[2] / "build" / "fixtures"

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    "+gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "+zstd": lambda data: zstd.compress(data, 1),
}


def sample_layers() -> list[bytes]:
    """Packages of Debian's, and over them what else a layer can hold."""
    source = FIXTURES / "redis"
    assert (source / "index.json").exists(), f"{source} is not built: run scripts/build-fixtures"
    (descriptor,) = json.loads((source / "index.json").read_text())["manifests"]
    entries = json.loads(_get(source, descriptor))["layers"]
    over = layer(
        directory("over"), file("over/first", b"1", 0o4755), hard_link("over/second", "over/first"),
        symlink("over/link", "first"), Entry("over/fifo", type=tarfile.FIFOTYPE),
        Entry("over/owned", b"x" * 5000, uid=33, gid=44, mode=0o640),
        Entry("over/able", b"x", pax={"SCHILY.xattr.user.note": "kept"}), file("usr/.wh.share"),
    )  # fmt: skip
    return [_get(source, entries[1]), over]


def compressed(target: Path, layers: list[bytes], suffix: str) -> Path:
    """An image of the layers, compressed so."""
    _write_index(target, [_manifest(target, layers, suffix, "amd64")])
    return target


def multi_platform(target: Path, layers: list[bytes]) -> Path:
    """An index: this image for linux/arm64 first, and then for linux/amd64."""
    entries = []
    for architecture in ("arm64", "amd64"):
        entry = _manifest(target, layers, "+gzip", architecture)
        entries.append({**entry, "platform": {"os": "linux", "architecture": architecture}})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    _write_index(target, [_put(target, index, INDEX)])
    return target


def _manifest(target: Path, layers: list[bytes], suffix: str, architecture: str) -> dict[str, Any]:
    config = json.loads(config_of(layers, Cmd=["/bin/sh"])) | {"architecture": architecture}
    stored = [COMPRESSIONS[suffix](one) for one in layers]
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _put(target, json.dumps(config).encode(), CONFIG),
        "layers": [_put(target, one, f"{OCI}.layer.v1.tar{suffix}") for one in stored],
    }
    return _put(target, json.dumps(document).encode(), MANIFEST)


def _get(layout: Path, descriptor: dict[str, Any]) -> bytes:
    return (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()


def _put(layout: Path, data: bytes, media_type: str) -> dict[str, Any]:
    path = layout / "blobs" / digest(data).replace(":", "/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def _write_index(layout: Path, entries: list[dict[str, Any]]) -> None:
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
