"""report.json: built from what the stages returned, and from nothing else: no time, no machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import __version__, entrypoint_document, paths_document
from ..contents import HostFile, digest_of
from ..model import (
    Analysis,
    Artifact,
    BootResult,
    Comparison,
    Entrypoint,
    Image,
    Observed,
    Rootfs,
    Stripping,
)
from ..packages import Inventory, Remains, copies, crates, states
from ..runtime import Match
from ..scenarios import Attempt
from ..secrets import Secret
from ..stored_report import VERSION
from ..vulnerabilities import Vulnerabilities
from . import bill, losses, program_facts, secret_findings
from .account_metrics import account_metrics, identity_metrics
from .call_metrics import call_metrics
from .hardening import hardening_metrics
from .interfaces import interfaces
from .metrics import Metric, file_metrics, kernel_metrics
from .package_metrics import package_metrics
from .program_metrics import program_metrics
from .reasons import REMOVED_BEFORE, reasons
from .run_metrics import run_metrics

# Parts in which a command line or what a program answered may be told.
_SENTENCES = ("losses", "notes", "verification", "comparison", "scenarios")

_MOST_EVIDENCE = 200  # more helps nobody; how much more there is, is said


@dataclass(frozen=True, slots=True)
class Findings:
    """What a conversion found out and made."""

    image: Image
    entrypoint: Entrypoint
    analysis: Analysis
    rootfs: Rootfs
    artifact: Artifact
    boot: BootResult | None
    stripping: Stripping
    comparison: Comparison
    inventory: Inventory  # of the source image
    vulnerabilities: Vulnerabilities | None
    secrets: tuple[Secret, ...] = ()  # of the source image
    attempts: tuple[Attempt, ...] = ()  # one for each scenario
    notes: tuple[str, ...] = ()  # of how the rest came to be known
    observed: Observed | None = None  # a traced run in the guest, where one was asked for
    source: Image | None = None  # as it was before its start-up; None: that did nothing to it
    options: Mapping[str, Any] = field(default_factory=dict)  # that it was asked for with

    @property
    def before(self) -> Image:
        """What figures before are of."""
        return self.source or self.image


def build(findings: Findings) -> dict[str, Any]:
    """The report as JSON values."""
    image, entrypoint, artifact = findings.image, findings.entrypoint, findings.artifact
    nodes = findings.rootfs.nodes
    copied = copies(findings.inventory, image.tree, nodes)
    kept = {node.path for node in nodes}
    remains = states(findings.inventory, kept, copied)
    listed = {
        "packages": bill.packages_document(remains, findings.before.tree),
        "packages_unread": bill.unread_document(findings.inventory.unread),
        "vulnerabilities": bill.vulnerabilities_document(
            findings.vulnerabilities, remains, image, kept
        ),
    }
    secrets = secret_findings.found(
        findings.secrets, image, findings.inventory.packages, findings.rootfs, entrypoint
    )
    why = reasons(findings.rootfs)
    config = image.config
    command = (*config.entrypoint, *config.cmd)
    told = entrypoint_document.given_secrets(entrypoint, command, env=config.env)
    document = {
        "version": VERSION,
        "tool": {"name": "dock2uk", "version": __version__},
        "source": {
            "reference": image.reference,
            "digest": image.digest,
            "name": image.origin.name,
            "repository": image.origin.repository or None,
            "manifest_digests": list(image.origin.digests),
            "created": image.config.created or None,
            "layers": [{"diff_id": layer.diff_id, "size": layer.size} for layer in image.layers],
        },
        "runtime": _runtime(artifact.match),
        "entrypoint": entrypoint_document.document(entrypoint),
        "metrics": [
            _metric(metric, why) for metric in _metrics(findings, remains, listed, secrets)
        ],
        "losses": _losses(findings),
        "notes": [
            *findings.rootfs.notes,
            *findings.analysis.findings,
            *artifact.match.notes,
            *secret_findings.doubts(image, entrypoint),
            *findings.notes,
        ],
        "options": dict(findings.options),
        "stripping": _stripping(findings.stripping),
        **listed,
        "secrets": secret_findings.documents(secrets),
        "interfaces": interfaces(findings.analysis, artifact, entrypoint, findings.observed),
        "files": paths_document.document(image.tree, findings.rootfs),
        "artifact": _artifact(artifact),
        "verification": _verification(findings.boot),
        "comparison": _comparison(findings.comparison),
        "scenarios": [_attempt(attempt) for attempt in findings.attempts],
    }
    sentences = {name: document[name] for name in _SENTENCES}
    return {**document, **entrypoint_document.without(told, sentences)}


def _runtime(match: Match) -> dict[str, Any]:
    runtime = match.runtime
    digest = digest_of(HostFile(match.library)).hex()
    return {
        "name": runtime.name,
        "version": runtime.version,
        "components": [one.purl for one in crates(runtime.components)],
        "library": {"name": match.library.name, "sha256": digest},
    }


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.path.name,
        "sha256": artifact.sha256,
        "size": artifact.size,
        "system_calls": [call.name for call in artifact.match.system_calls],
        "drivers": list(artifact.match.drivers),
    }


def _losses(findings: Findings) -> list[dict[str, str]]:
    converted = losses.Converted(
        findings.image, findings.entrypoint, findings.rootfs, findings.artifact.match,
        findings.analysis.unneeded, findings.observed,
    )  # fmt: skip
    return [{"name": name, "detail": detail} for name, detail in losses.losses(converted)]


def _metrics(
    findings: Findings,
    remains: tuple[Remains, ...],
    listed: dict[str, Any],
    secrets: tuple[secret_findings.Found, ...],
) -> tuple[Metric, ...]:
    source = findings.before
    metrics = (
        *file_metrics(source.tree, findings.rootfs),
        *program_metrics(source.tree, findings.rootfs, findings.entrypoint.exe),
        *hardening_metrics(source.tree, findings.rootfs),
        *account_metrics(source.tree, findings.rootfs),
        *identity_metrics(source, findings.rootfs, findings.entrypoint),
        *run_metrics(findings.image, findings.entrypoint, findings.observed),
        *secret_findings.secret_metrics(secrets, findings.image),
        *package_metrics(remains, listed),
        *kernel_metrics(findings.artifact),
        *call_metrics(findings.analysis, findings.artifact.match.runtime, findings.entrypoint),
    )
    program_facts.keep()
    return metrics


def _metric(metric: Metric, why: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": metric.id,
        "name": metric.name,
        "unit": metric.unit,
        "before": metric.before,
        "after": metric.after,
        "definition": metric.definition,
        "evidence": _evidence(metric, why),
    }


def _evidence(metric: Metric, why: Mapping[str, str]) -> dict[str, Any]:
    before, after = metric.evidence_before, metric.evidence_after
    old, new = metric.paths_before[:_MOST_EVIDENCE], metric.paths_after[:_MOST_EVIDENCE]
    return {
        "before": list(before[:_MOST_EVIDENCE]),
        "after": list(after[:_MOST_EVIDENCE]),
        "because": {
            "before": [why.get(path, REMOVED_BEFORE) for path in old],
            "after": [why[path] for path in new],
        },
        "left_out": {
            "before": max(0, len(before) - _MOST_EVIDENCE),
            "after": max(0, len(after) - _MOST_EVIDENCE),
        },
    }


def _stripping(stripping: Stripping) -> dict[str, Any]:
    return {
        "mode": stripping.mode.value,
        "prune": stripping.prune.value,
        "file": stripping.file,
        "keep": [{"pattern": rule.pattern, "because": rule.because} for rule in stripping.keep],
        "drop": [{"pattern": rule.pattern, "because": rule.because} for rule in stripping.drop],
    }


def _verification(boot: BootResult | None) -> dict[str, Any] | None:
    """How long the boot took differs from run to run, so it is not of the report."""
    if boot is None:
        return None
    return {
        "is_passed": boot.is_passed,
        "machine": boot.machine,
        "accelerator": boot.accelerator,
        "missed_system_calls": list(boot.missed_system_calls),
        "probes": [
            {
                "question": probe.question.text,
                "answer": probe.answer.said,
                "is_passed": probe.answer.is_passed,
            }
            for probe in boot.probes
        ],
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "is_compared": not comparison.reason,
        "reason": comparison.reason,
        "answers": [
            {
                "question": one.question.text,
                "differences": list(one.differences),
                "varying": list(one.varying),
            }
            for one in comparison.compared
        ],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    scenario = attempt.scenario
    return {
        "id": scenario.id,
        "name": scenario.name,
        "technique": scenario.technique,
        "definition": scenario.definition,
        "result": attempt.result.value,
        "because": attempt.because,
        "seen": list(attempt.seen),
    }
