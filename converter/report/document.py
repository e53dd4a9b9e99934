"""report.json: built from what the stages returned, and from nothing else: no time, no machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..model import Analysis, Artifact, BootResult, Drop, Entrypoint, Image, Rootfs
from .metrics import Metric, file_metrics, kernel_metrics, package_metric

VERSION = 1

# What a single-address-space machine takes away. Said with every report: a list of improvements
# alone would not be believed, and rightly.
_LOSSES = (
    (
        "no separation of users",
        "The program runs at the kernel's privilege level: modes of files and permissions to "
        "signal are checked in system calls, and code that goes round these finds no boundary.",
    ),
    (
        "no seccomp, AppArmor or SELinux inside",
        "There is no second line of defence within the guest; the boundary is the hypervisor.",
    ),
    (
        "the library OS is new code",
        "Its system calls, TCP/IP stack and drivers are in the guest and were not in the image.",
    ),
    (
        "no shell to look around with",
        "`docker exec` has no counterpart: what is to be seen is on the console.",
    ),
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a conversion found out and made."""

    image: Image
    entrypoint: Entrypoint
    analysis: Analysis
    rootfs: Rootfs
    artifact: Artifact
    boot: BootResult | None


def build(findings: Findings) -> dict[str, Any]:
    """The report as JSON values."""
    image, entrypoint, artifact = findings.image, findings.entrypoint, findings.artifact
    runtime = artifact.match.runtime
    return {
        "version": VERSION,
        "source": {
            "reference": image.reference,
            "digest": image.digest,
            "layers": [{"diff_id": layer.diff_id, "size": layer.size} for layer in image.layers],
        },
        "runtime": {"name": runtime.name, "version": runtime.version},
        "entrypoint": _entrypoint(entrypoint),
        "metrics": [_metric(metric) for metric in _metrics(findings)],
        "losses": [{"name": name, "detail": detail} for name, detail in _losses(entrypoint)],
        "notes": [*findings.analysis.findings, *artifact.match.notes],
        "files": _files(findings.rootfs),
        "artifact": {
            "name": artifact.path.name,
            "sha256": artifact.sha256,
            "size": artifact.size,
            "system_calls": [call.name for call in artifact.match.system_calls],
            "drivers": list(artifact.match.drivers),
        },
        "verification": _verification(findings.boot),
    }


def _losses(entrypoint: Entrypoint) -> tuple[tuple[str, str], ...]:
    granted = (recipe.write_execute for recipe in entrypoint.recipes if recipe.write_execute)
    return (*_LOSSES, *(("memory that is writable and executable at once", why) for why in granted))


def _metrics(findings: Findings) -> tuple[Metric, ...]:
    return (
        *file_metrics(findings.image.tree, findings.rootfs),
        package_metric(findings.analysis.packages, findings.image.tree, findings.rootfs),
        *kernel_metrics(findings.artifact),
    )


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "id": metric.id,
        "name": metric.name,
        "unit": metric.unit,
        "before": metric.before,
        "after": metric.after,
        "definition": metric.definition,
        "evidence": {"before": list(metric.evidence_before), "after": list(metric.evidence_after)},
    }


def _entrypoint(entrypoint: Entrypoint) -> dict[str, Any]:
    return {
        "exe": entrypoint.exe,
        "argv": list(entrypoint.argv),
        "env": list(entrypoint.env),
        "cwd": entrypoint.cwd,
        "uid": entrypoint.uid,
        "gid": entrypoint.gid,
        "groups": list(entrypoint.groups),
        "stop_signal": entrypoint.stop_signal,
        "ports": list(entrypoint.ports),
        "method": entrypoint.method,
        "evidence": list(entrypoint.evidence),
        "recipes": [
            {"name": recipe.name, "reason": recipe.reason, "change": recipe.change}
            for recipe in entrypoint.recipes
        ],
    }


def _files(rootfs: Rootfs) -> dict[str, Any]:
    kept = [d for d in rootfs.decisions if not isinstance(d, Drop)]
    dropped = [d for d in rootfs.decisions if isinstance(d, Drop)]
    return {
        "kept": [{"path": one.path, "because": one.because} for one in kept],
        "added": [{"path": one.path, "because": one.because} for one in rootfs.added],
        "dropped": [{"path": one.path, "because": one.because} for one in dropped],
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
                "port": probe.port,
                "request": probe.request,
                "answer": probe.answer,
                "is_passed": probe.is_passed,
            }
            for probe in boot.probes
        ],
    }
