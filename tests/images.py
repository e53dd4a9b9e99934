"""Images made in memory for tests: layers as tars, put into archives and layouts."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A tar entry; `type` is tarfile's."""

    name: str
    data: bytes = b""
    type: bytes = tarfile.REGTYPE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    link: str = ""
    device: tuple[int, int] = (0, 0)
    pax: dict[str, str] = field(default_factory=dict)


def file(name: str, data: bytes = b"x", mode: int = 0o644) -> Entry:
    return Entry(name, data, mode=mode)


def directory(name: str, mode: int = 0o755) -> Entry:
    return Entry(name, type=tarfile.DIRTYPE, mode=mode)


def symlink(name: str, target: str) -> Entry:
    return Entry(name, type=tarfile.SYMTYPE, link=target, mode=0o777)


def hard_link(name: str, target: str) -> Entry:
    return Entry(name, type=tarfile.LNKTYPE, link=target)


def layer(*entries: Entry) -> bytes:
    """An uncompressed layer."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.type, info.mode, info.linkname = entry.type, entry.mode, entry.link
            info.uid, info.gid, info.size = entry.uid, entry.gid, len(entry.data)
            info.devmajor, info.devminor = entry.device
            info.pax_headers = entry.pax
            tar.addfile(info, io.BytesIO(entry.data))
    return output.getvalue()


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def config_of(
    layers: Sequence[bytes], history: Sequence[dict[str, Any]] = (), **config: Any
) -> bytes:
    """An image configuration; keywords are its `config` (Entrypoint, Cmd, …)."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "history": list(history),
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
    }
    return json.dumps(document).encode()


def docker_archive(
    path: Path, layers: Sequence[bytes], tags: Sequence[str] = ("test:latest",), **config: Any
) -> Path:
    """What `docker save` of docker 20.10 writes: manifest.json last."""
    configuration = config_of(layers, **config)
    name = digest(configuration).removeprefix("sha256:") + ".json"
    members = [(f"{index}/layer.tar", one) for index, one in enumerate(layers)]
    manifest = [{"Config": name, "RepoTags": list(tags), "Layers": [name for name, _ in members]}]
    members += [(name, configuration), ("manifest.json", json.dumps(manifest).encode())]
    path.write_bytes(layer(*(file(name, data) for name, data in members)))
    return path


def oci_layout(
    path: Path,
    layers: Sequence[bytes],
    compress: Callable[[bytes], bytes] = gzip.compress,
    claimed: Sequence[bytes] | None = None,
    **config: Any,
) -> Path:
    """An OCI image layout with compressed layers; `claimed` are those that it says they are."""
    blobs = path / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, media_type: str) -> dict[str, Any]:
        name = digest(data)
        (blobs / name.removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": media_type, "digest": name, "size": len(data)}

    manifest = {
        "schemaVersion": 2,
        "config": put(
            config_of(claimed or layers, **config), "application/vnd.oci.image.config.v1+json"
        ),
        "layers": [put(compress(one), "application/vnd.oci.image.layer.v1.tar") for one in layers],
    }
    descriptor = put(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


def tar_of(directory: Path, path: Path) -> Path:
    """A tar of all that a directory holds, as `oci-archive:` has it."""
    with tarfile.open(path, "w") as tar:
        for entry in sorted(directory.iterdir()):
            tar.add(entry, entry.name)
    return path
