"""What a user types for an image, taken apart: where it is (`Source`), and a name in a registry
(`Name`), by the grammar of the distribution project's `reference` package.

A name without a registry is Docker Hub's, as docker has it: the short-name aliases and search
lists of containers-registries.conf(5) are not used, for what they give depends on the machine.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..errors import SourceError

HUB = "docker.io"
_HUB_ALIASES = {"index.docker.io", "registry-1.docker.io"}
_OFFICIAL = "library"  # where Docker Hub keeps names of one component

_HOST_PART = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[0-9a-fA-F:]+\])"
_DOMAIN = re.compile(rf"{_HOST}(?::[0-9]{{1,5}})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_REPOSITORY_BYTES = 255

_SCHEME = re.compile(r"(https?)://", re.IGNORECASE)
_ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.zst")


class Kind(Enum):
    """Where an image can be, by what is written before it."""

    NAMED = ""  # the local daemon, else the registry
    REGISTRY = "docker://"
    DAEMON = "docker-daemon:"
    DOCKER_ARCHIVE = "docker-archive:"
    LAYOUT = "oci:"
    LAYOUT_ARCHIVE = "oci-archive:"
    DIRECTORY = "dir:"


# Others of skopeo's, and what to give instead.
_OTHERS = {
    "containers-storage:": "give the name alone: podman is asked for it over its socket",
    "ostree:": "copy it with `skopeo copy` to oci:DIR",
    "sif:": "copy it with `skopeo copy` to oci:DIR",
    "tarball:": "copy it with `skopeo copy` to oci:DIR",
    "atomic:": "give the registry: docker://HOST/NAME",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What was typed: the kind, and the rest of it."""

    kind: Kind
    location: str


@dataclass(frozen=True, slots=True)
class Name:
    """An image's name in a registry; by its digest if it has one, else by its tag."""

    registry: str  # HOST[:PORT]
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def version(self) -> str:
        """What a manifest is asked for by."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.registry}/{self.repository}{tag}" + (
            f"@{self.digest}" if self.digest else ""
        )


def parse_source(text: str) -> Source:
    """Which kind of source `text` names; SourceError with a hint for what is near a kind."""
    if not text.strip():
        raise SourceError("no image was named", hint="give one: NAME:TAG, HOST/NAME:TAG or oci:DIR")
    for kind in Kind:
        if kind is not Kind.NAMED and text.startswith(kind.value):
            return Source(kind, text.removeprefix(kind.value))
    for prefix, hint in _OTHERS.items():
        if text.startswith(prefix):
            raise SourceError(f"{text}: {prefix} is not a source that can be read", hint=hint)
    _refuse_near(text)
    return Source(Kind.NAMED, text)


def is_image_id(text: str) -> bool:
    """An image ID names nothing in a registry; only a daemon knows it."""
    return _IMAGE_ID.fullmatch(text) is not None


def is_registry(text: str) -> bool:
    return _DOMAIN.fullmatch(text) is not None


def is_repository(text: str) -> bool:
    return _REPOSITORY.fullmatch(text) is not None and len(text) <= _REPOSITORY_BYTES


def parse_name(text: str) -> Name:
    """The name in full: Docker Hub, `library/` and `latest` where nothing else is said."""
    rest, at, digest = text.partition("@")
    if at and _DIGEST.fullmatch(digest) is None:
        raise SourceError(
            f"{text!r}: {digest!r} is not a digest", hint="one is sha256: and 64 hexadecimal digits"
        )
    registry, path = _split_registry(rest)
    path, colon, tag = path.partition(":")
    if colon and _TAG.fullmatch(tag) is None:
        raise _bad_tag(text, tag)
    _require_repository(text, path)
    if registry == HUB and "/" not in path:
        path = f"{_OFFICIAL}/{path}"
    return Name(registry, path, tag or ("" if digest else "latest"), digest)


def _split_registry(text: str) -> tuple[str, str]:
    """The first component is a registry if it could be nothing else: it has a dot, a port or
    capitals, or is `localhost`."""
    first, slash, rest = text.partition("/")
    has_host = "." in first or ":" in first or first == "localhost" or first.lower() != first
    if not slash or not has_host:
        return HUB, text
    if not is_registry(first):
        raise SourceError(
            f"{text!r}: {first!r} is not a registry", hint="write NAME or HOST[:PORT]/NAME"
        )
    registry = first.lower()
    return (HUB if registry in _HUB_ALIASES else registry), rest


def _require_repository(text: str, path: str) -> None:
    if not path:
        raise SourceError(f"{text!r} names no image", hint="give NAME, NAME:TAG or HOST/NAME:TAG")
    if _REPOSITORY.fullmatch(path) is None:
        lower = path.lower()
        hint = "letters are small; components have a-z, 0-9, and single . _ - between"
        if _REPOSITORY.fullmatch(lower):
            hint = f"write it in small letters: {text.replace(path, lower)}"
        raise SourceError(f"{text!r}: {path!r} is not a name an image can have", hint=hint)
    if len(path) > _REPOSITORY_BYTES:
        raise SourceError(f"{text[:64]!r}…: the name is longer than {_REPOSITORY_BYTES} bytes")


def _bad_tag(text: str, tag: str) -> SourceError:
    if not tag:
        hint = f"name a tag ({text}latest), or leave the colon out"
        return SourceError(f"{text!r} ends where a tag should be", hint=hint)
    if "/" in tag:
        hint = "a port belongs to a registry, which comes first: HOST:PORT/NAME:TAG"
        return SourceError(f"{text!r}: {tag!r} is not a tag", hint=hint)
    hint = "a tag has letters, digits, _ . and -, and at most 128 of them"
    return SourceError(f"{text!r}: {tag!r} is not a tag", hint=hint)


def _refuse_near(text: str) -> None:
    """What looks like a name and is surely meant as something else."""
    if scheme := _SCHEME.match(text):
        rest = text[scheme.end() :]
        insecure = f" --insecure-registry {rest.partition('/')[0]}" if scheme[1] == "http" else ""
        raise SourceError(
            f"{text!r}: an image's name begins with no {scheme[0]}",
            hint=f"docker://{rest}{insecure}",
        )
    prefix, separator, rest = text.partition("://")
    if separator:
        known = [kind.value for kind in Kind if kind.value]
        close = difflib.get_close_matches(f"{prefix}://", known, n=1) or ["docker://"]
        raise SourceError(f"{text!r}: {prefix}:// is not known", hint=f"{close[0]}{rest}")
    if text.endswith(_ARCHIVE_SUFFIXES) and Path(text).is_file():
        hint = f"docker-archive:{text} (docker save) or oci-archive:{text} (an OCI layout)"
        raise SourceError(f"{text} is a file", hint=hint)
    if (Path(text) / "index.json").is_file():
        raise SourceError(f"{text} is a directory with an OCI image layout", hint=f"oci:{text}")
