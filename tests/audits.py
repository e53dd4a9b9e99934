"""Images for audits: one static program, alone or with what start-up scripts take."""

from __future__ import annotations

import json
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.images import docker_archive, file, layer

DOCS = Path(__file__).resolve().parents[1] / "docs"
SCHEMA = json.loads((DOCS / "audit.schema.json").read_text())


@cache
def compiled(source: str = "int main(void) { return 0; }") -> bytes:
    """A static program."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "app"
        command = ["gcc", "-static", "-x", "c", "-", "-o", path]
        subprocess.run(command, input=source, text=True, check=True)
        return path.read_bytes()


def archive(path: Path, *command: str, program: bytes) -> str:
    made = layer(file("app", program, 0o755), file("bin/dash", b"#!", 0o755))
    return f"docker-archive:{docker_archive(path, [made], Cmd=list(command))}"
