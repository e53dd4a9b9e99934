"""The figures that are known before anything is linked or booted, as report.json has them."""

from __future__ import annotations

from typing import Any, Protocol

from ..model import Analysis, Entrypoint, Image, Rootfs
from ..packages import Inventory, copies, states
from ..runtime import Match
from ..secrets import Secret
from ..vulnerabilities import Vulnerabilities
from . import bill, program_facts, secret_findings
from .account_metrics import account_metrics, identity_metrics
from .hardening import hardening_metrics
from .metrics import Metric, file_metrics
from .package_metrics import package_metrics
from .program_metrics import program_metrics


class Known(Protocol):
    """What the stages before `link` found out."""

    @property
    def image(self) -> Image: ...
    @property
    def entrypoint(self) -> Entrypoint: ...
    @property
    def analysis(self) -> Analysis: ...
    @property
    def rootfs(self) -> Rootfs: ...
    @property
    def match(self) -> Match: ...
    @property
    def inventory(self) -> Inventory: ...
    @property
    def secrets(self) -> tuple[Secret, ...]: ...
    @property
    def source(self) -> Image: ...


def foreseen(known: Known, vulnerable: Vulnerabilities | None = None) -> list[dict[str, Any]]:
    """Id, name, unit, before and after; no evidence, for there may be hundreds of images."""
    secrets = secret_findings.found(
        known.secrets, known.image, known.inventory.packages, known.rootfs, known.entrypoint
    )
    nodes = known.rootfs.nodes
    copied = copies(known.inventory, known.image.tree, nodes)
    kept = {node.path for node in nodes}
    remains = states(known.inventory, kept, copied)
    calls, before = known.match.system_calls, known.source.tree
    listed = {
        "packages": bill.packages_document(remains, before),
        "vulnerabilities": bill.vulnerabilities_document(vulnerable, remains, known.image, kept),
    }
    metrics = (
        *file_metrics(before, known.rootfs),
        *program_metrics(before, known.rootfs, known.entrypoint.exe),
        *hardening_metrics(before, known.rootfs),
        *account_metrics(before, known.rootfs),
        *identity_metrics(known.source, known.rootfs, known.entrypoint),
        *secret_findings.secret_metrics(secrets, known.image),
        *package_metrics(remains, listed),
        Metric(
            "system_calls", "system calls linked in", "calls", None, len(calls), "",
            (), tuple(call.name for call in calls),
        ),
    )  # fmt: skip
    program_facts.keep()
    return [
        {"id": one.id, "name": one.name, "unit": one.unit, "before": one.before, "after": one.after}
        for one in metrics
    ]
