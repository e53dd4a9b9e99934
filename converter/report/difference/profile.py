"""One side of a difference."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...model import Image, Node, NodeType, Rootfs
from ...packages import Inventory, states
from ...secrets import Secret
from .. import program_facts, secret_findings
from ..account_metrics import account_metrics
from ..hardening import hardening_metrics
from ..metrics import Metric, file_metrics
from ..package_metrics import package_metrics
from ..program_metrics import program_metrics
from .settings import Settings, of_config, of_entrypoint

_NOTHING = Rootfs((), (), ())
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Number:
    """A figure, with what is behind it."""

    id: str
    name: str
    unit: str
    value: int | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attack:
    """What an attack on a unikernel came to."""

    id: str
    name: str
    technique: str
    result: str


@dataclass(frozen=True)
class Profile:
    """`nodes` are an image's, so that contents can be compared; of a unikernel paths are known."""

    name: str  # as the user typed it
    kind: str  # "image" or "unikernel"
    digest: str
    numbers: tuple[Number, ...]
    packages: frozenset[tuple[str, str, str]]  # ecosystem, name, version
    vulnerabilities: frozenset[tuple[str, str, str]] | None  # id, severity, package; None: no data
    paths: frozenset[str]
    settings: Settings
    nodes: Mapping[str, Node] | None = None
    attacks: tuple[Attack, ...] = ()  # none of an image: nobody attacks one

    @cached_property
    def by_id(self) -> dict[str, Number]:
        return {one.id: one for one in self.numbers}

    def described(self, path: str) -> str:
        """Type, mode, owner and content of a path of an image."""
        assert self.nodes is not None
        node = self.nodes[path]
        owner = f"{node.type.value} {node.mode:04o} {node.uid}:{node.gid}"
        if node.type is NodeType.SYMLINK:
            return f"{owner} -> {node.target}"
        return f"{owner} sha256:{_digest(node)}" if node.content is not None else owner


def of_image(name: str, image: Image, inventory: Inventory, secrets: tuple[Secret, ...]) -> Profile:
    """An image as whoever runs it has it."""
    remains = states(inventory, frozenset())
    found = secret_findings.found(secrets, image, inventory.packages, _NOTHING, None)
    metrics = (
        *file_metrics(image.tree, _NOTHING),
        *program_metrics(image.tree, _NOTHING, ""),
        *hardening_metrics(image.tree, _NOTHING),
        *account_metrics(image.tree, _NOTHING),
        *secret_findings.secret_metrics(found, image),
        *package_metrics(remains, None),
    )
    program_facts.keep()
    nodes = {node.path: node for node in image.tree}
    return Profile(
        name, "image", image.digest, tuple(map(_before, metrics)),
        frozenset((p.ecosystem, p.name, p.version) for p in inventory.packages),
        None, frozenset(nodes), of_config(image.config), nodes,
    )  # fmt: skip


def _before(metric: Metric) -> Number:
    return Number(metric.id, metric.name, metric.unit, metric.before, metric.evidence_before)


def of_report(name: str, report: Mapping[str, Any]) -> Profile:
    """A unikernel as its report says it."""
    known, files = report["vulnerabilities"], report["files"]
    kept = {row["path"] for part in ("kept", "added") for row in files[part]}
    return Profile(
        name, "unikernel", f"sha256:{report['artifact']['sha256']}",
        tuple(map(_after, report["metrics"])),
        frozenset(
            (one["ecosystem"], one["name"], one["version"])
            for one in report["packages"] if one["state"] != "removed"
        ),
        None if known is None else frozenset(
            (one["id"], one["severity"], one["package"])
            for one in known["found"] if one["state"] != "removed"
        ),
        frozenset(kept), of_entrypoint(report["entrypoint"]),
        attacks=tuple(
            Attack(one["id"], one["name"], one["technique"], one["result"])
            for one in report["scenarios"]
        ),
    )  # fmt: skip


def _after(metric: Mapping[str, Any]) -> Number:
    evidence = tuple(metric["evidence"]["after"])
    return Number(metric["id"], metric["name"], metric["unit"], metric["after"], evidence)


def _digest(node: Node) -> str:
    assert node.content is not None
    digest = hashlib.sha256()
    with node.content.open() as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
