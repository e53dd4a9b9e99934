"""bundle.json: the manifest of what a conversion leaves behind. Written once, read by `run` and
`inspect`. Versioned; `docs/bundle.schema.json` describes it. Nothing in it depends on the time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import secrets
from .entrypoint_document import credentials
from .errors import Dock2ukError
from .model import Artifact, Entrypoint, Image
from .recipes import chosen

NAME = "bundle.json"
VERSION = 1
_MIB = 1 << 20
# What a program may use at first, beyond the image itself; `run -m` says otherwise.
_HEADROOM_BYTES = 64 * _MIB
_MEMORY_STEP_BYTES = 16 * _MIB


@dataclass(frozen=True, slots=True)
class File:
    """A file of the bundle."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """What `run` and `inspect` need to know of a bundle."""

    image: Path
    memory_mb: int
    machines: tuple[str, ...]
    ports: tuple[str, ...]
    files: tuple[File, ...]
    document: Mapping[str, Any]


def default_memory_mb(artifact: Artifact, entrypoint: Entrypoint) -> int:
    """The image stays in memory; the program gets a headroom above it, or what recipes say."""
    asked = [recipe.memory_mb * _MIB for recipe in chosen(entrypoint.recipes)]
    headroom_bytes = max(_HEADROOM_BYTES, *asked, 0)
    wanted = max(artifact.size + headroom_bytes, artifact.match.runtime.minimum_memory_bytes)
    return -(-wanted // _MEMORY_STEP_BYTES) * _MEMORY_STEP_BYTES // _MIB


def write(
    image: Image, entrypoint: Entrypoint, artifact: Artifact, command: str, files: Sequence[Path]
) -> Path:
    """Write the manifest beside the kernel image. `command` boots it, ready to paste in the
    bundle's directory; `files` are what else the bundle holds."""
    directory = artifact.path.parent
    runtime = artifact.match.runtime
    document = {
        "version": VERSION,
        "source": {"reference": image.reference, "digest": image.digest},
        "image": artifact.path.name,
        "entrypoint": _entrypoint(entrypoint),
        "runtime": {"name": runtime.name, "version": runtime.version},
        "memory_mb": default_memory_mb(artifact, entrypoint),
        "machines": list(artifact.match.machines),
        "ports": list(entrypoint.ports),
        "command": command,
        "files": [asdict(_file(path)) for path in sorted({artifact.path, *files})],
    }
    path = directory / NAME
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, "utf-8", "backslashreplace")  # names of files need not be Unicode
    return path


def read(directory: Path) -> Bundle:
    """The bundle in `directory`; raises when there is none or it is not understood."""
    path = directory / NAME
    try:
        document = json.loads(path.read_text())
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']}, where {VERSION} is what is read")
        return Bundle(
            image=directory / _plain_name(document["image"]),
            memory_mb=int(document["memory_mb"]),
            machines=tuple(document["machines"]),
            ports=tuple(document["ports"]),
            files=tuple(_listed(file) for file in document["files"]),
            document=document,
        )
    except OSError as error:
        hint = "give the directory that `dock2uk convert … -o DIR` wrote"
        raise Dock2ukError(f"no bundle: {path}: {error.strerror}", hint=hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Dock2ukError(f"{path}: not understood: {error!r}") from error


def _listed(entry: Mapping[str, Any]) -> File:
    return File(_plain_name(entry["name"]), entry["size"], entry["sha256"])


def _plain_name(text: str) -> str:
    """A manifest names files of its own directory, none elsewhere."""
    if Path(text).name != text:
        raise ValueError(f"not a plain file name: {text!r}")
    return text


def altered_files(bundle: Bundle) -> tuple[str, ...]:
    """Names of the files that are missing or not as the manifest says."""
    return tuple(file.name for file in bundle.files if not _is_as_written(bundle, file))


def _is_as_written(bundle: Bundle, file: File) -> bool:
    path = bundle.image.parent / file.name
    return path.is_file() and _file(path) == file


def _file(path: Path) -> File:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return File(path.name, path.stat().st_size, digest)


def _entrypoint(entrypoint: Entrypoint) -> dict[str, Any]:
    """What a reader of the bundle looks for first; entrypoint.json has all of it."""
    return {
        "exe": entrypoint.exe,
        "argv": secrets.masked_words(entrypoint.argv),  # the unikernel itself has them whole
        "cwd": entrypoint.cwd,
        **credentials(entrypoint),
        "stop_signal": entrypoint.stop_signal,
        "method": entrypoint.method,
    }
